"""The rule of a scale-detection task: its exact parameters, and the label of every pair."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.rationals import shown, text

__all__ = ["Norm", "Rule", "Variant"]

Variant = Literal["T1", "T2"]
Norm = Literal["L2", "Linf"]


@dataclass(frozen=True)
class Rule:
    """The parameters of `ScaleDetection` that decide the labels, checked and made exact.

    >>> Rule(size=32, xi=8.0, gap=0.5, variant="T1", dim=2, periodic=True, norm="L2").gap
    Fraction(1, 2)
    """

    size: int
    xi: int | float | Fraction
    gap: int | float | Fraction
    variant: Variant
    dim: int
    periodic: bool
    norm: Norm

    def __post_init__(self) -> None:
        values = {
            "dim": validate.integer("dim", self.dim, 1, 2),
            "variant": validate.choice("variant", self.variant, ("T1", "T2")),
            "periodic": validate.flag("periodic", self.periodic),
            "norm": validate.choice("norm", self.norm, ("L2", "Linf")),
        }
        # At most 2**30 pixels: numbers of ordered pairs fit in int64.
        values["size"] = validate.integer("size", self.size, 2, 2 ** (30 // values["dim"]))
        values["xi"] = _exact("xi", self.xi, "> 0")
        values["gap"] = _exact("gap", self.gap, ">= 0")
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if self.variant == "T2":
            self._require_blocks()
        else:
            self._require_both_labels()

    def __str__(self) -> str:
        """Text of the parameters, without those that do not matter.

        >>> print(Rule(32, 8, 1, "T2", 2, True, "L2"))
        size=32, xi=8, variant='T2', dim=2
        """
        t1 = self.variant == "T1"
        parts = [f"size={self.size}", f"xi={text(self.xi)}"]
        if t1:
            parts.append(f"gap={text(self.gap)}")
        parts += [f"variant={self.variant!r}", f"dim={self.dim}"]
        if t1 or not self.periodic:
            parts.append(f"periodic={self.periodic}")
        if self.dim > 1 and (t1 or self.norm != "L2"):
            parts.append(f"norm={self.norm!r}")
        return ", ".join(parts)

    @property
    def pixels(self) -> int:
        """Number of pixels of the image."""
        return int(self.size**self.dim)

    @property
    def side(self) -> int:
        """Side of the blocks of T2 (pixels)."""
        return int(self.xi)

    @property
    def bounds(self) -> tuple[int, int]:
        """In T1, label +1 is 0 < squared distance < the first, -1 is >= the second."""
        xi, gap = Fraction(self.xi), Fraction(self.gap)
        return math.ceil((xi - gap) ** 2), math.ceil((xi + gap) ** 2)

    def squared_distance(
        self, first: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Squared distance of positions of shape ``[..., dim]`` (pixels squared, exact).

        >>> rule = Rule(8, 3, 0, "T1", 2, True, "L2")
        >>> rule.squared_distance(np.array([[0, 0]]), np.array([[7, 3]])).tolist()
        [10]
        """
        apart = np.abs(first - second)
        if self.periodic:
            apart = np.minimum(apart, self.size - apart)
        squares = apart * apart
        return np.asarray(squares.sum(axis=-1) if self.norm == "L2" else squares.max(axis=-1))

    def labels_of(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the label of each pair of positions ``[n, dim]``, 0 if it is not admitted."""
        squared = self.squared_distance(first, second)
        if self.variant == "T1":
            return self.labels_at(squared)
        same = (first // self.side == second // self.side).all(axis=-1)
        return np.where(squared == 0, 0, np.where(same, 1, -1)).astype(np.int8)

    def labels_at(self, squared: NDArray[np.int64]) -> NDArray[np.int8]:
        """Return the label (T1) at each squared distance, 0 if left out."""
        low, high = self.bounds
        labels = ((squared > 0) & (squared < low)).astype(np.int8)
        labels[squared >= high] = -1
        return labels

    def _require_blocks(self) -> None:
        """Refuse a `xi` (T2) that is not a divisor of `size` other than 1 and `size`."""
        size = self.size
        divisors = {n for n in range(2, math.isqrt(size) + 1) if size % n == 0}
        divisors |= {size // n for n in divisors}
        if self.xi not in divisors:
            options = ", ".join(map(str, sorted(divisors))) or "there is none, change size"
            raise ArgumentError(
                f"xi must be an integer dividing size={size} in T2, other than 1 and "
                f"{size} (which leave one label without pairs): {options}; got {text(self.xi)}"
            )

    def _require_both_labels(self) -> None:
        """Refuse a `xi` and `gap` (T1) for which no pair has label +1, or none has label -1."""
        xi, gap = Fraction(self.xi), Fraction(self.gap)
        reach = self.size // 2 if self.periodic else self.size - 1
        longest = reach**2 * (self.dim if self.norm == "L2" else 1)  # squared, on this image
        if xi - gap > 1 and (xi + gap) ** 2 <= longest:
            return
        root = math.sqrt(longest)
        side = math.isqrt(longest)
        largest = str(side) if side * side == longest else f"sqrt({longest}) = {root:.6g}"
        if longest <= 1:
            advice = f"no xi and gap do, all pairs are at distance 1: enlarge size={self.size}"
        elif (1 + 2 * gap) ** 2 >= longest:
            advice = f"no xi does with this gap, which must be < {(root - 1) / 2:.6g}"
        else:
            advice = (
                f"with this gap 1 + gap = {float(1 + gap):g} < xi <= {root:.6g} - gap"
                f" = {root - float(gap):.6g} does"
            )
        label = "-1" if xi - gap > 1 else "+1"
        raise ArgumentError(
            f"xi and gap must give both labels pairs, xi - gap > 1 (the smallest distance) and "
            f"xi + gap <= {largest} (the largest); got xi={text(xi)}, gap={text(gap)}: "
            f"no pair has label {label} ({advice})"
        )


def _exact(name: str, given: Any, bound: str) -> int | Fraction:
    accepted = f"a finite real number {bound}"
    value = validate.rational(name, given, accepted)
    if value < 0 or (value == 0 and bound == "> 0"):
        raise ArgumentError(f"{name} must be {accepted}; got {shown(given)}")
    return value.numerator if value.denominator == 1 else value
