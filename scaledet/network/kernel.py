"""Pooling kernels with exact rational weights."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from scaledet import rationals, validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.results.tables import shortened

__all__ = ["Kernel", "as_kernel", "binomial", "both_spellings", "box", "entries"]

LONGEST = 2**16
"""Length of the longest kernel (pixels)."""
_SHOWN = 12


@dataclass(frozen=True, init=False, repr=False)
class Kernel:
    r"""A one-dimensional pooling filter :math:`a_0, \dots, a_{f-1}`, applied along every axis.

    The weights are exact: integers, ``Fraction`` and ``Decimal`` stay what they are, a float
    stands for the decimal or the simple fraction that rounds to it (``0.1`` is 1/10, ``1 / 3`` is
    1/3; see `scaledet.rationals`). They are divided by their sum, so :math:`\sum_j a_j = 1`.

    Parameters
    ----------
    weights : sequence of int, float, Fraction or Decimal
        Non-negative, with a positive sum (dimensionless).
    signed : bool, default False
        Keep the weights as given, any sign, not normalised. Such a kernel is outside the theory:
        ``predict`` and ``predict_exponents`` refuse it, ``simulate`` runs it.

    Raises
    ------
    TypeError, ValueError
        For empty, non-numeric, nan or infinite weights and, unless `signed`, for a negative
        weight or a zero sum.

    Notes
    -----
    Source: theory of pooling in Tomasini et al., arXiv:2210.01506, generalised from boxes to any
    non-negative filter.

    Examples
    --------
    >>> Kernel([1, 2, 1])
    Kernel(1/4, 1/2, 1/4)
    >>> Kernel([0.1, 0.2, 0.7])
    Kernel(1/10, 1/5, 7/10)
    """

    weights: tuple[Fraction, ...]
    signed: bool = False

    def __init__(self, weights: Sequence[Any], *, signed: bool = False) -> None:
        signed = validate.flag("signed", signed)
        values = _exact_weights(weights, signed)
        if not signed:
            total = sum(values)
            values = tuple(value / total for value in values)
        object.__setattr__(self, "weights", values)
        object.__setattr__(self, "signed", signed)

    def __len__(self) -> int:
        return len(self.weights)

    def __iter__(self) -> Iterator[Fraction]:
        return iter(self.weights)

    def __repr__(self) -> str:
        if self.is_box and len(self) > 4:
            return f"box({len(self)})"
        tail = ", signed=True" if self.signed else ""
        return f"Kernel({', '.join(self.shown())}{tail})"

    def shown(self) -> list[str]:
        """Return the weights as text, rounded if they are long, and "..." for those amid many.

        >>> Kernel(range(100)).shown()[4:8]
        ['2/2475', '1/990', '...', '19/990']
        """
        shown = shortened(self.weights, _SHOWN)
        return [w if w == "..." else rationals.text(w, decimal=False) for w in shown]

    def _repr_latex_(self) -> str:
        texts = (text.partition("/") for text in self.shown())
        weights = ",\\; ".join(
            rf"\tfrac{{{p}}}{{{q}}}" if q else p.replace("...", r"\dots") for p, _, q in texts
        )
        return rf"$a = \left({weights}\right)$"

    @cached_property
    def integers(self) -> tuple[int, ...]:
        """The weights times their least common denominator, common factors removed."""
        scale = math.lcm(*(w.denominator for w in self.weights))
        values = [int(w * scale) for w in self.weights]
        divisor = math.gcd(*values) or 1
        return tuple(value // divisor for value in values)

    @cached_property
    def trimmed(self) -> tuple[int, ...]:
        """`integers` without leading and trailing zeros: a shift changes no sensitivity."""
        first, last = self.ends
        return self.integers[first : last + 1]

    @cached_property
    def ends(self) -> tuple[int, int]:
        """The places of the first and the last non-zero weight."""
        places = [j for j, value in enumerate(self.integers) if value] or [0]
        return places[0], places[-1]

    @property
    def support(self) -> int:
        """Distance from the first to the last non-zero weight, both counted (pixels)."""
        return len(self.trimmed)

    @cached_property
    def span(self) -> int:
        """Greatest common divisor of the differences of the support; 0 for a single weight."""
        return math.gcd(*(j for j, weight in enumerate(self.trimmed) if weight))

    @cached_property
    def mean(self) -> Fraction:
        """Mean place of the weights read as a probability law (pixels, exact)."""
        return self.ends[0] + Fraction(
            sum(j * w for j, w in enumerate(self.trimmed)), sum(self.trimmed)
        )

    @cached_property
    def variance(self) -> Fraction:
        """Variance of the weights read as a probability law (pixels squared, exact)."""
        total = sum(self.trimmed)
        mean = Fraction(sum(j * w for j, w in enumerate(self.trimmed)), total)
        square = Fraction(sum(j * j * w for j, w in enumerate(self.trimmed)), total)
        return square - mean * mean

    @property
    def is_box(self) -> bool:
        """Whether all weights are equal (average pooling)."""
        return not self.signed and len(set(self.weights)) == 1

    def coset_sums(self, stride: int) -> tuple[Fraction, ...]:
        r"""Return the sums of the weights over each residue class of positions modulo `stride`.

        The *sum rule* holds when they are all equal (to ``1/stride``): every grid phase then
        receives the same weight.

        >>> box(3).coset_sums(2)
        (Fraction(2, 3), Fraction(1, 3))
        """
        stride = validate.integer("stride", stride, 1)
        return tuple(sum(self.weights[r::stride], Fraction(0)) for r in range(stride))

    def sum_rule_defect(self, stride: int) -> Fraction:
        """Return largest minus smallest coset sum; 0 exactly if the sum rule holds.

        >>> box(3).sum_rule_defect(2), binomial(3).sum_rule_defect(2)
        (Fraction(1, 3), Fraction(0, 1))
        """
        stride = validate.integer("stride", stride, 1)
        # A stride beyond the kernel leaves empty cosets: one stands for all.
        sums = self.coset_sums(min(stride, len(self) + 1))
        return max(sums) - min(sums)


def _exact_weights(weights: Any, signed: bool) -> tuple[Fraction, ...]:
    accepted = "finite real weights" + ("" if signed else " >= 0 with a positive sum")
    given = entries(weights)
    if given is None:
        raise ArgumentTypeError(
            f"weights must be a sequence of {accepted}; got {rationals.shown(weights)}"
        )
    if not given:
        raise ArgumentError(
            f"kernel must have at least one weight ({accepted}); got {rationals.shown(weights)}"
        )
    number = "a finite real number" + ("" if signed else " >= 0")
    values = tuple(
        validate.rational(f"kernel[{j}]", value, number, decides=False)
        for j, value in enumerate(given)
    )
    if signed:
        return values
    for j, value in enumerate(values):
        if value < 0:
            raise ArgumentError(
                f"kernel[{j}] must be >= 0; got {rationals.shown(given[j])} "
                "(Kernel(weights, signed=True) may be simulated)"
            )
    if not any(values):
        raise ArgumentError(f"kernel must have a positive sum; got {rationals.shown(weights)}")
    return values


def entries(value: Any) -> list[Any] | None:
    """Return the entries of a sequence, None for anything else."""
    try:
        return None if isinstance(value, str | bytes | Mapping | Set) else list(value)
    except TypeError:
        return None


def box(length: int) -> Kernel:
    """Return the kernel of average pooling over `length` pixels.

    >>> box(3)
    Kernel(1/3, 1/3, 1/3)
    """
    length = validate.integer("length", length, 1, LONGEST)
    return Kernel([1] * length)


def binomial(length: int) -> Kernel:
    r"""Return the binomial filter :math:`a_j = \binom{f-1}{j} / 2^{f-1}` of `length` f (pixels).

    >>> binomial(3)
    Kernel(1/4, 1/2, 1/4)
    """
    length = validate.integer("length", length, 1, LONGEST)
    return Kernel([math.comb(length - 1, j) for j in range(length)])


def as_kernel(value: Kernel | int | Sequence[Any]) -> Kernel:
    """Return `value` itself if a `Kernel`, ``box(value)`` if an integer, else ``Kernel(value)``.

    A tuple of integers is refused: frameworks read it as sizes along the axes.
    """
    if isinstance(value, Kernel):
        return value
    # NumPy arrays have an __index__ too.
    plain = not hasattr(value, "__iter__") and not isinstance(value, bool)
    if plain and hasattr(value, "__index__"):
        return box(validate.integer("kernel", value, 1, LONGEST))
    given = entries(value)
    if given is None:
        raise ArgumentTypeError(
            f"kernel must be an integer length or a sequence of weights; got {value!r}"
        )
    if isinstance(value, tuple) and given and all(isinstance(w, numbers.Integral) for w in given):
        raise both_spellings(given)
    return Kernel(given)


def both_spellings(given: list[Any]) -> ArgumentError:
    """Return the error for a tuple of integers where there is one axis only."""
    equal = len(set(given)) == 1
    lengths = f"{given[0]}" if equal else "one integer"
    kind = "equal weights" if equal else "weights"
    return ArgumentError(
        f"kernel must be an integer length or a list of weights; got {tuple(given)!r}, which could "
        f"be either: give {lengths} for a box of that length along every axis, or {given} for "
        f"{len(given)} {kind} (a tuple of integers is lengths per axis, in networks of dim >= 2)"
    )
