"""What is known of one filter at one stride, whatever the depth: its law, and how it looks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet.analysis.fitting import local_exponents
from scaledet.errors import ArgumentError
from scaledet.network.kernel import Kernel
from scaledet.network.network import Network
from scaledet.theory.growth.asymptote import asymptote
from scaledet.theory.growth.exponents import Exponents, predict_exponents
from scaledet.theory.prediction import predict

__all__ = ["FilterFacts"]

NOTHING_POOLS = "nothing pools"
ROUNDED = "sum rule up to rounding"

_NEAR = 0.1
"""A plateau is reached where D_k is within this share of it."""
_VISIBLE = 0.1
"""Smallest local exponent that is called one."""
_DEEPEST = 100
"""Layers in which a plateau is looked for, as long as the total stride is below 2^300."""


@dataclass(frozen=True)
class FilterFacts:
    """What is known of one filter at one stride.

    Attributes
    ----------
    kernel : Kernel
        The filter.
    stride : int
        Step between the outputs (pixels).
    exponents : Exponents or str
        The exact exponents, or the words for why there are none.
    prefactor : sympy.Expr or None
        P of D_k ~ P A_k^-alpha; None where D_k has no such law.
    plateau : sympy.Expr or None
        Limit of D_k, 0 where alpha > 0; None where alpha is not known.
    plateau_depth : int or None
        First layer with D_k within 10 % of a plateau above 0.
    seen : float or None
        Largest local exponent of D_k between neighbouring layers of those compared; None where A_k
        does not grow.
    """

    kernel: Kernel
    stride: int
    exponents: Exponents | str
    prefactor: Any
    plateau: Any
    plateau_depth: int | None
    seen: float | None

    @classmethod
    def of(
        cls, kernel: Kernel, stride: int, widths: NDArray[np.float64], values: NDArray[np.float64]
    ) -> FilterFacts:
        """Collect the facts of a filter whose A_k and D_k, k = 0 ... depth, are given."""
        import sympy as sp

        if kernel.support == 1:
            return cls(kernel, stride, NOTHING_POOLS, None, sp.Integer(1), 0, None)
        seen = -float(local_exponents(widths[1:], values[1:]).min()) + 0.0
        try:
            exponents = predict_exponents(kernel=kernel, stride=stride)
        except ArgumentError:  # The one kind of kernel of several weights >= 0 that is refused.
            return cls(kernel, stride, ROUNDED, None, None, None, seen)
        prefactor = sp.Integer(3) if exponents.alpha else exponents.plateau
        if stride > 1:
            prefactor = None if exponents.log_power else asymptote(kernel, stride).D_prefactor
        level = exponents.plateau
        reached = _reached(kernel, stride, float(level)) if level else None
        return cls(kernel, stride, exponents, prefactor, level, reached, seen)

    @property
    def alpha(self) -> Any:
        """The exact exponent, or the words for why there is none."""
        return self.exponents if isinstance(self.exponents, str) else self.exponents.alpha

    @property
    def multiplications(self) -> int:
        """Multiplications an output pixel of a row takes, zeros left out."""
        return sum(weight != 0 for weight in self.kernel)

    @property
    def drift(self) -> Fraction:
        """Distance of the filter's centre of mass from that of the pixels an output stands for.

        Modulo whole pixels, which padding makes up for, in (-1/2, 1/2] (pixels of the layer's
        input).
        """
        return Network.uniform(self.kernel, self.stride).summary().drift[1][0]

    @property
    def remark(self) -> str:
        """Why there is no exponent above 0, and what the filter looks like all the same."""
        if self.alpha == NOTHING_POOLS:
            return "nothing pools, D_k = 1 at every layer"
        if self.alpha == ROUNDED:
            return "its weights meet the sum rule up to rounding; exact weights would tell alpha"
        if self.alpha != 0:
            return ""
        level, near = f"D = {float(self.plateau):.2g}", ""
        if self.plateau_depth is not None:
            near = f", near it from layer {self.plateau_depth}"
        if self.seen is None or self.seen < _VISIBLE:
            return f"alpha = 0, D_k stays at {level}{near} ({self._reason()})"
        behaves = f"behaves as alpha = {self.seen:.2g} down to {level}{near}"
        return f"alpha = 0 in law, but {behaves} ({self._reason()})"

    def _reason(self) -> str:
        """Why alpha is 0."""
        kernel, stride = self.kernel, self.stride
        sums = sorted(set(kernel.coset_sums(stride)))
        if len(sums) == 1:
            return f"of {kernel.span} pixels in a row one has weight"
        if kernel.is_box:
            fair = stride * math.ceil(kernel.support / stride)
            return (
                f"the stride {stride} does not divide {kernel.support}, so grid phases get "
                f"{sums[0]} or {sums[-1]} of the weight; a box of {fair} treats them alike"
            )
        return f"the weights of the grid phases differ by {float(sums[-1] - sums[0]):.2g}"


def _reached(kernel: Kernel, stride: int, level: float) -> int | None:
    """First layer whose D_k is within 10 % of its limit, if it is not too deep."""
    depth = min(_DEEPEST, int(300 / math.log2(stride)) if stride > 1 else _DEEPEST)
    values = predict(Network.uniform(kernel, stride, depth), size=None).D
    near = np.abs(values / level - 1) <= _NEAR
    return int(np.argmax(near)) if near.any() else None
