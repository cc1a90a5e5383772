r"""Exact leading behaviour of D_k and G_k at infinite depth, for one filter and stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scaledet import validate
from scaledet.isolation import isolated
from scaledet.network.kernel import Kernel
from scaledet.theory.growth.amplitudes import Amplitude, amplitude, spelled
from scaledet.theory.growth.exponents import Exponents, predict_exponents

__all__ = ["Asymptote", "asymptote"]

_OSCILLATION = (
    "over its growth rate to the power k keeps oscillating (several dominant roots of equal "
    "modulus)"
)


@dataclass(frozen=True, eq=False, repr=False)
class Asymptote:
    r"""Leading behaviour of one filter and stride repeated without end, on the infinite lattice.

    With the exponents, the width :math:`B s^k` of the receptive field,
    :math:`B^2 = 12 \kappa_2/(s^2 - 1)`, and c_k(0) ~ C rho^k, c_k(0) - c_k(1) ~ C_D rho_D^k k^p:

    .. math:: D_k \sim P k^p A_k^{-\alpha},\ P = \frac{C_D}{C} B^\alpha, \qquad
       G_k \sim r A_k^\beta,\ r = \frac{C^{-d} B^{-\beta}}{2 \pi} .

    alpha, beta (of d = 1) and p = ``log_power`` are those of `exponents`. `peak` and `drop` are C
    and C_D, None where the sequence has no limit; `reason` says why one is missing.
    """

    exponents: Exponents
    peak: Amplitude | None
    drop: Amplitude | None
    reason: str | None

    @isolated
    def __repr__(self) -> str:
        kernel, stride = self.exponents.kernel, self.exponents.stride
        rows = [f"Asymptote of {kernel!r}, stride {stride}"]
        for name, value in (("C", self.peak), ("C_D", self.drop)):
            if value is not None:
                rows.append(f"  {name} = {spelled(value.sympy())}")
        return "\n".join([*rows, f"  {self.reason}"] if self.reason else rows)

    @property
    @isolated
    def ratio(self) -> Any:
        """C_D / C, exact; the limit of D_k if alpha = 0; None without limit."""
        if self.peak is None or self.drop is None:
            return None
        return self.drop.over(self.peak)

    @property
    @isolated
    def width(self) -> Any:
        """B of A_k ~ B s^k (pixels), exact."""
        import sympy as sp

        variance, stride = self.exponents.kernel.variance, self.exponents.stride
        square = 12 * variance / (stride**2 - 1)
        return sp.sqrt(sp.Rational(square.numerator, square.denominator))

    @property
    @isolated
    def D_prefactor(self) -> Any:
        """P of D_k ~ P k^p A_k^-alpha, any dimension; None without limit."""
        return None if self.ratio is None else self.ratio * self.width**self.exponents.alpha

    @isolated
    def G_prefactor(self, dim: Any = 1) -> Any:
        """Return r of G_k ~ r A_k^beta, noise matched, rectify = "input" (or "noise").

        `dim` is 1, 2, 3 or a SymPy symbol; beta = dim * ``exponents.beta``.
        """
        import sympy as sp

        if self.peak is None:
            return None
        dim = dim if isinstance(dim, sp.Symbol) else validate.integer("dim", dim, 1, 3)
        return (self.peak.sympy() * self.width**self.exponents.beta) ** (-dim) / (2 * sp.pi)

    @isolated
    def crossover(self, dim: Any = 1) -> Any:
        """A_k from which the growing part of G_k exceeds its constant (pi - 1)/(2 pi) (pixels)."""
        import sympy as sp

        noise = self.G_prefactor(dim)
        if noise is None:
            return None
        return ((sp.pi - 1) / (2 * sp.pi * noise)) ** (1 / (dim * self.exponents.beta))


@isolated
def asymptote(kernel: Kernel | int | Sequence[Any], stride: int) -> Asymptote:
    r"""Return the exact leading behaviour under repeated pooling at `stride` >= 2.

    Kernels are refused as by ``predict_exponents``. If c_k(0) - c_k(1) has several dominant roots
    of equal modulus, D_k times a power of A_k keeps oscillating: `drop`, `ratio` and `D_prefactor`
    are None, and `reason` explains it.

    >>> leading = asymptote(3, 2)
    >>> leading.ratio, leading.D_prefactor
    (5/4 - sqrt(17)/4, 5/4 - sqrt(17)/4)
    >>> asymptote([1, 2, 1], 2).D_prefactor
    3
    >>> asymptote(4, 4).crossover()
    -1 + pi
    """
    stride = validate.integer("stride", stride, 2)
    exponents = predict_exponents(kernel=kernel, stride=stride)
    rates = exponents.rates
    peak = amplitude(rates.peak_fraction, rates.peak) if rates.peak.peak_alone else None
    drop = amplitude(rates.drop_fraction, rates.drop) if rates.drop.peak_alone else None
    named = {"c_k(0)": peak, "c_k(0) - c_k(1)": drop}
    missing = " and ".join(name for name, value in named.items() if value is None)
    reason = f"no limit: {missing} {_OSCILLATION}" if missing else None
    return Asymptote(exponents, peak, drop, reason)
