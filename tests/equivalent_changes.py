"""Changes of a claim that do not change its truth: (derivation, step, changed claim): reason.

The mutation test asserts that the check accepts these, so nothing wrong can hide here.
"""

from __future__ import annotations

EVEN = "c_k and the autocorrelation of a kernel are even in the lag"
LAST = "in the last power of 1/k kept, a shift of k by one is of the order left out"
EVERY = "what holds at every layer holds at the next"
WEAKER = "a smaller lower bound holds too"
FAR = "a limit of large k does not see a shift of k by one"

EQUIVALENT: dict[tuple[str, int, str], str] = {
    ("d02_pooling_recursion", 3,
     "Eq(Sum(overlap(k, p, -m + p), (p, 0, S(k) - 1))/S(k), c(k, m)/S(k))"): EVEN,
    ("d02_pooling_recursion", 4,
     "Eq(c(k + 1, m), Sum(autocorrelation(-m - n*s)*c(k, n), (n, -oo, oo)))"): EVEN,
    ("d02_pooling_recursion", 4,
     "Eq(c(k + 1, m), Sum(autocorrelation(m + n*s)*c(k, n), (n, -oo, oo)))"): EVEN,
    ("d03_no_stride", 4,
     "Eq(c(k, 0), sqrt(3)*(-(13*f**4 - 134*f**2 + 13)/(4480*k**2*(f**2 - 1)**2) - 3*(f**2 "
     "+ 1)/(40*k*(f**2 - 1)) + 27*(f**2 + 1)**3/(25600*(f**2 - 1)**3*(k + 1)**3) + 1 + "
     "O(k**(-4), (k, oo)))/(sqrt(pi)*sqrt(k)*sqrt(f**2 - 1)))"): LAST,
    ("d03_no_stride", 5,
     "Eq(D(k), -9*(f**2 + 6)/(10*k**2*(f**2 - 1)**2) + 3/(k*(f**2 - 1)) + 27*(f**4 + "
     "57*f**2 + 106)/(350*(f**2 - 1)**3*(k + 1)**3) + O(k**(-4), (k, oo)))"): LAST,
    ("d03_no_stride", 7,
     "Eq(Limit(A(k + 1)**2*D(k), k, oo, dir='-'), 3)"): FAR,
    ("d03_no_stride", 7,
     "Eq(Limit(A(k)**2*D(k + 1), k, oo, dir='-'), 3)"): FAR,
    ("d03_no_stride", 9,
     "Eq(G(k), (pi*k*(f**2 - 1)/3)**(d/2)*(1 + 3*d*(f**2 + 1)/(40*k*(f**2 - 1)) + "
     "d*(63*d*f**4 + 126*d*f**2 + 63*d + 128*f**4 - 544*f**2 + 128)/(22400*(f**2 - "
     "1)**2*(k + 1)**2) + O(k**(-3), (k, oo)))/(2*pi) + (-1 + pi)/(2*pi))"): LAST,
    ("d03_no_stride", 10,
     "Eq(Limit(G(k + 1)/A(k)**d, k, oo, dir='-'), (pi/3)**(d/2)/(2*pi))"): FAR,
    **{
        ("d12_bias_threshold", 6, f"unit_mean(k) >= {bound}"): WEAKER
        for bound in ("peak_mean(k)", "s**k*peak_mean(k)", "s**d*peak_mean(k)",
                      "s**(d*k)*peak_mean(k + 1)")
    },
    ("d08_two_pixels", 1,
     "Eq(Sum(overlap(k, p, -m + p), (p, 0, N - 1))/N, c(k, m)/S(k))"): EVEN,
    ("d06_rectified_noise", 19, "Eq(G(k + 1), 1)"): EVERY,
    ("d13_rectified_layers", 7,
     "Eq(Sum(later(k + 1, n), (n, -oo, oo)), 1)"): EVERY,
    ("d13_rectified_layers", 12, "G_variance(k + 1) >= 1/4"): EVERY,
}  # fmt: skip
