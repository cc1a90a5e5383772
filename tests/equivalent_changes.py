"""Changes of a claim that do not change its truth: (derivation, step, changed claim): reason.

The mutation test asserts that the check accepts these, so nothing wrong can hide here.
"""

from __future__ import annotations

EVEN = "c_k and the autocorrelation of a kernel are even in the lag"

EQUIVALENT: dict[tuple[str, int, str], str] = {
    ("d02_pooling_recursion", 3,
     "Eq(Sum(overlap(k, p, -m + p), (p, 0, S(k) - 1))/S(k), c(k, m)/S(k))"): EVEN,
    ("d02_pooling_recursion", 4,
     "Eq(c(k + 1, m), Sum(autocorrelation(-m - n*s)*c(k, n), (n, -oo, oo)))"): EVEN,
    ("d02_pooling_recursion", 4,
     "Eq(c(k + 1, m), Sum(autocorrelation(m + n*s)*c(k, n), (n, -oo, oo)))"): EVEN,
}  # fmt: skip
