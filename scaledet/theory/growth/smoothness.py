r"""Smoothness of the refinable function of a filter, and stability of its integer shifts.

Write :math:`a(z) = (q(z)/s)^n\, b(z)`, :math:`q = 1 + z + \dots + z^{s-1}`, n largest, and let
rho_b be the growth rate of the energy of the composite filter of b. Then

.. math:: \nu_R = n - \tfrac12 \log_s (s \rho_b), \qquad
   \alpha = 2 \min(1, \max(0, \nu_R)), \quad \beta = d\, (1 + 2 \min(0, \nu_R)) .

Proof, for every non-negative a of two or more weights. (1) The symbol :math:`|b_k|^2` is
non-negative, so :math:`|T_b^k v| \le \|v\|_1 \gamma_k(0)`: rho_b is the spectral radius of T_b on
every closed window. By Cauchy and Schwarz :math:`\gamma_k(0) \ge 1/\text{support}`, so that
:math:`\rho_b \ge 1/s`, that is :math:`\nu_R \le n`. (2) n = 0: beta by definition; coset sums
differ, which bounds D_k from below at every layer: alpha = 0. (3) n >= 1: s T_a is row-stochastic,
rho = 1/s, beta = d; :math:`(1 - z) h_k = s^{-k} (1 - z^{S_k}) g_k` with g = a/(q/s) gives
:math:`\rho_D = \rho(T_g)/s^2`. (4) :math:`\delta^2 T_{(q/s) e} = s^{-2} T_e\, \delta^2` with second
differences, whose kernel, the constants, has the eigenvalue 1/s:
:math:`\rho(T_{(q/s) e}) = \max(1/s, s^{-2} \rho(T_e))`; n - 1 times this gives alpha.
The statement is ours; Eirola 1992, Villemoes 1994 and Jia 1999 are its background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

from flint import fmpz, fmpz_poly

from scaledet import validate
from scaledet.algebra.roots import PositiveRoot, log_in_base
from scaledet.errors import ArgumentError
from scaledet.isolation import isolated
from scaledet.network.kernel import Kernel, as_kernel
from scaledet.theory.correlation.telescoping import in_sum_of_inverses
from scaledet.theory.growth.amplitudes import spelled
from scaledet.theory.growth.transition import growth, refuse_rounded_sum_rule

__all__ = ["Smoothness", "smoothness"]


@dataclass(frozen=True, eq=False, repr=False)
class Smoothness:
    """Sum rules, smoothness and stability of the filter a at one stride s.

    `order` n of the sum rules: the largest such that (1 + z + ... + z^(s-1))^n divides a(z).
    `quotient`: weights of b, trimmed, of sum 1 and any sign; `quotient_radius`: rho_b, growth rate
    per layer of the energy of the composite filter of b. `obstruction`: why the integer shifts of
    the refinable function are not stable; None if they are.
    """

    kernel: Kernel
    stride: int
    order: int
    quotient: tuple[Fraction, ...]
    quotient_radius: PositiveRoot
    obstruction: str | None

    @property
    def stable(self) -> bool:
        """Whether the integer shifts are stable (of a function in L2: a Riesz basis)."""
        return self.obstruction is None

    @property
    @isolated
    def nu(self) -> Any:
        """nu_R, exact: if `stable`, the L2 Sobolev smoothness of the refinable function."""
        import sympy as sp

        radius = self.stride * self.quotient_radius.sympy()
        return self.order - log_in_base(radius, self.stride) / sp.Integer(2)

    @isolated
    def __repr__(self) -> str:
        nu = self.nu if self.nu.is_Rational else spelled(self.nu)
        return (
            f"Smoothness of {self.kernel!r}, stride {self.stride}\n"
            f"  sum rules of order {self.order}\n"
            f"  nu_R = {nu}\n"
            f"  shifts {'stable' if self.stable else f'unstable: {self.obstruction}'}"
        )


@isolated
def smoothness(kernel: Kernel | int | Sequence[Any], stride: int) -> Smoothness:
    r"""Exact smoothness data of the refinable function of `kernel` at `stride` >= 2.

    The function is :math:`\varphi(x) = s \sum_j a_j \varphi(s x - j)` with integral 1: the limit
    of the composite filters, rescaled.

    Signed kernels are refused, and float weights that meet the sum rule only up to rounding.

    The shifts are *unstable* iff (i) the s polyphase components of a have a common zero on the
    unit circle, or (ii) for some m > 1 prime to s the cyclotomic polynomials Phi_{mt} divide a
    for all divisors t > 1 of s. Proof: the set Z of angles theta with
    :math:`\hat\varphi(\theta + 2 \pi l) = 0` for all l is finite, without 0, and theta is in Z iff
    each preimage (theta + 2 pi r)/s is in Z or a zero of a. If some theta has all preimages among
    the zeros: (i). Else every theta has a preimage in Z, by counting exactly one; Z consists of
    cycles of the multiplication by s whose other preimages are zeros of a: (ii), a having rational
    weights. Conversely such zeros put theta in Z: going back from theta + 2 pi l != 0 cannot stay
    on a cycle for ever. Sources: Jia & Wang 1993 (s = 2), Zhou 1996.

    >>> smoothness([1, 2, 1], 2)
    Smoothness of Kernel(1/4, 1/2, 1/4), stride 2
      sum rules of order 2
      nu_R = 3/2
      shifts stable
    """
    stride = validate.integer("stride", stride, 2)
    pool = as_kernel(kernel)
    if pool.signed:
        raise ArgumentError(f"kernel must have weights >= 0 (not signed=True); got {pool!r}")
    refuse_rounded_sum_rule(pool, stride)
    quotient, order = fmpz_poly(list(pool.trimmed)), 0
    phases = fmpz_poly([1] * stride)
    while not quotient % phases:
        quotient, order = quotient // phases, order + 1
    weights = [int(value) for value in quotient.coeffs()]
    return Smoothness(
        kernel=pool,
        stride=stride,
        order=order,
        quotient=tuple(Fraction(value, sum(weights)) for value in weights),
        quotient_radius=growth(tuple(weights), stride).peak,
        obstruction=_obstruction(pool.trimmed, stride),
    )


def _obstruction(weights: tuple[int, ...], stride: int) -> str | None:
    """Why the shifts are unstable, or None; `weights` have no zeros at the ends."""
    import sympy as sp

    common = fmpz_poly()
    for phase in range(min(stride, len(weights))):
        common = common.gcd(fmpz_poly(list(weights[phase::stride])))
    for factor, _ in common.factor()[1]:
        if _meets_unit_circle(factor):
            shared = sp.Poly([int(c) for c in reversed(factor.coeffs())], sp.Symbol("w")).as_expr()
            return f"all polyphase components share the factor {shared}, zero at |w| = 1"
    polynomial = fmpz_poly(list(weights))
    divisors = [t for t in range(2, stride + 1) if stride % t == 0]
    # The degrees of all Phi_{mt} add up to phi(m) (s - 1), and m <= 2 phi(m)^2.
    bound = (len(weights) - 1) // (stride - 1)
    for m in range(2, 2 * bound**2 + 1):
        if gcd(m, stride) > 1 or fmpz(m).euler_phi() > bound:
            continue
        if all(not polynomial % fmpz_poly.cyclotomic(m * t) for t in reversed(divisors)):
            names = ", ".join(f"Phi_{m * t}" for t in divisors)
            divide = "divides" if len(divisors) == 1 else "divide"
            return f"{names} {divide} a(z), opposite the cycle 2 pi j/{m}"
    return None


def _meets_unit_circle(factor: fmpz_poly) -> bool:
    """Whether an irreducible polynomial, not a multiple of w - 1, has a zero with |w| = 1.

    Then it is w + 1 or palindromic of even degree 2 d, w^d P(w + 1/w), and P has a real root
    between -2 and 2.
    """
    import sympy as sp

    coefficients = factor.coeffs()
    if coefficients != coefficients[::-1]:
        return False
    half, odd = divmod(factor.degree(), 2)
    if odd:
        return True  # palindromic, irreducible and of odd degree: w + 1
    reduced = [int(c) for c in reversed(in_sum_of_inverses(coefficients[half:]).coeffs())]
    return bool(sp.Poly(reduced, sp.Symbol("t")).count_roots(-2, 2) > 0)
