"""Design the filter of least sensitivity, and say how far from the possible it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.analysis.filter_search import Aim
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import isolated, usual_floats
from scaledet.network.kernel import Kernel, binomial, box
from scaledet.network.network import Network
from scaledet.rationals import shown
from scaledet.results.contents import Values, count, one_of, optional, real, together
from scaledet.results.result import Result
from scaledet.results.tables import shortened
from scaledet.theory.growth.exponents import predict_exponents
from scaledet.theory.prediction import Prediction, predict

if TYPE_CHECKING:
    from typing import Self

__all__ = ["FilterDesign", "design_filter"]

LONGEST = 32
"""Largest number of weights."""
COARSEST = 4096
"""Largest total stride: D_k is then above the rounding of floats by eight digits."""
WIDEST = 512
"""Largest reach of c_k at stride 1 (pixels)."""

Objective = Literal["D", "G"] | float


def _objective(name: str, value: Any) -> Objective:
    expected = f"{name} must be 'D', 'G' or a weight in [0, 1]; got {shown(value)}"
    if isinstance(value, str):
        if value in ("D", "G"):
            return cast("Objective", str(value))
        raise ArgumentError(expected)
    try:
        weight = validate.real(name, value, minimum=0)
    except ArgumentTypeError:
        raise ArgumentTypeError(expected) from None
    if weight > 1:
        raise ArgumentError(expected)
    return weight


@dataclass(frozen=True, eq=False, repr=False)
class FilterDesign(Result):
    """The filter of least sensitivity that was found, next to what no filter can beat.

    Attributes
    ----------
    kernel : Kernel
        A filter of small whole weights near the optimum; it meets the sum rule if that costs no
        more than the tolerance.
    optimum : ndarray, shape [length]
        The weights of the optimum, in floats; they sum to 1, and zeros stand at the end.
    bound : float
        Certified: no filter of this length, stride and depth has a smaller value of the objective.
    gap : float
        Value of the objective for `kernel` over `bound`, less 1.
    reached : (int, int)
        How many searches led to the optimum, of how many.
    simpler : tuple of Kernel
        Filters of ever larger whole weights that come ever closer to the optimum; `kernel` is the
        last.
    length, stride, depth, dim, objective, max_G
        What was asked for.

    Examples
    --------
    >>> design = design_filter(5, 2, depth=6)
    >>> design.kernel, round(float(design.D) * 1e5, 3), round(design.gap, 3)
    (Kernel(1/6, 1/4, 1/6, 1/4, 1/6), 9.286, 0.214)
    """

    length: int
    stride: int
    depth: int
    dim: int
    objective: Objective
    max_G: float | None
    optimum: NDArray[np.float64]
    reached: tuple[int, int]
    bound: float
    simpler: tuple[Kernel, ...]

    _kind = "filter_design"
    _arrays: ClassVar = {"optimum": Values(("length",), minimum=0, maximum=1)}
    _facts: ClassVar = {
        "length": count(1),
        "stride": count(1),
        "depth": count(1),
        "dim": one_of(1, 2, 3),
        "objective": _objective,
        "max_G": optional(real(minimum=0.5)),
        "reached": together(count(1), count(1)),
        "bound": real(minimum=0),
    }

    def _lengths(self) -> dict[str, int]:
        return {"length": self.length}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        return {**facts, "simpler": [list(kernel.integers) for kernel in self.simpler]}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; the bound is proved again."""
        if not isinstance(facts["simpler"], list) or not facts["simpler"]:
            raise ArgumentError(f"simpler must hold filters; got {facts['simpler']!r}")
        facts["simpler"] = tuple(map(Kernel, facts["simpler"]))
        _require_sizes(facts["length"], facts["stride"], facts["depth"])
        design = super().from_stored(facts, arrays)
        if not math.isclose(design.bound, design.aim.bound, rel_tol=1e-9):
            raise ArgumentError(f"bound must be {design.aim.bound!r}; got {design.bound!r}")
        return design

    @cached_property
    def aim(self) -> Aim:
        """What was minimised."""
        weight = _weight(self.objective)
        return Aim(self.length, self.stride, self.depth, self.dim, weight, self.max_G)

    @property
    def kernel(self) -> Kernel:
        """The filter of small whole weights."""
        return self.simpler[-1]

    @cached_property
    def D(self) -> Fraction:
        """D_k of `kernel`, exact."""
        return _predicted(self.kernel, self.aim).exact_D[self.depth]

    @property
    def G(self) -> float:
        """G_k of `kernel`."""
        return self._rows[1].G

    @property
    def gap(self) -> float:
        """Value of the objective for `kernel` over `bound`, less 1."""
        return self._rows[1].value / self.bound - 1

    @cached_property
    def _rows(self) -> list[_Row]:
        """The optimum, `kernel`, simpler filters, boxes and binomials."""
        aim = self.aim
        rows = [_Row("optimum", _shown_floats(self.optimum), *aim.sensitivities(self.optimum), aim)]
        rows += [_Row.of("rational", self.kernel, aim)]
        rows += [_Row.of("simpler", kernel, aim) for kernel in self.simpler[-2::-1]]
        for make in (box, binomial):
            lengths = range(1 if make is box else 3, self.length + 1)
            family = [_Row.of(f"{make.__name__}({n})", make(n), aim) for n in lengths]
            best = sorted(filter(_Row.admitted, family), key=lambda row: row.value)[:1]
            rows += dict.fromkeys([*family[-1:], *best])
        return rows

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name: the optimum, rational filters, boxes and binomials.

        `value` is the objective, `over_bound` and `over_optimum` its ratio to these; a box or a
        binomial of another length is the best of its family.
        """
        rows = self._rows
        return {
            "filter": [row.name for row in rows],
            "weights": [row.weights for row in rows],
            "D": np.array([row.D for row in rows]),
            "G": np.array([row.G for row in rows]),
            "value": np.array([row.value for row in rows]),
            "over_bound": np.array([row.value / self.bound for row in rows]),
            "over_optimum": np.array([row.value / rows[0].value for row in rows]),
            "admitted": [row.admitted() for row in rows],
        }

    @isolated
    def remarks(self) -> list[str]:
        """Return what is certain about the filter, how it was found and what deeper networks do."""
        name = self._value_name()
        least = self._rows[0].value
        excess = f"{100 * (least / self.bound - 1):.3g} %"
        certain = (
            "attained" if least / self.bound - 1 < 1e-6 else f"the optimum is {excess} above it"
        )
        remarks = [
            f"certified: no such filter has {name} < {self.bound:.6g}; {certain}",
            f"{self.reached[0]} of {self.reached[1]} searches led to the optimum",
        ]
        if self.kernel.support == 1:
            return [*remarks, "nothing pools: every filter that pools has a larger G_k"]
        exponents = predict_exponents(kernel=self.kernel, stride=self.stride)
        deep = f"repeated without end: alpha = {float(exponents.alpha):.4g}"
        if exponents.alpha == 0:
            deep += f", D_k tends to {float(exponents.plateau):.4g} (no sum rule)"
        return [*remarks, deep]

    def _value_name(self) -> str:
        k, weight = self.depth, self.aim.weight
        if weight in (0, 1):
            return f"{'DG'[int(weight)]}_{k}"
        return f"D_{k}^{1 - weight:.4g} G_{k}^{weight:.4g}"

    def _title(self) -> str:
        within = "" if self.max_G is None else f" with G_{self.depth} <= {self.max_G:.6g}"
        weights = self.kernel.integers
        return (
            f"Filter of up to {self.length} weights, stride {self.stride}, d = {self.dim}, of "
            f"least {self._value_name()}{within}: {list(weights)}/{sum(weights)}"
        )

    def _shown(self) -> dict[str, Any]:
        columns, k = self.columns(), self.depth
        shown = {"filter": columns["filter"], "weights": columns["weights"]}
        shown |= {f"D_{k}": columns["D"], f"G_{k}": columns["G"]}
        if self.aim.weight not in (0, 1):
            shown["value"] = columns["value"]
        shown["over bound"] = columns["over_bound"]
        if self.max_G is not None:
            shown["G admitted"] = ["yes" if admitted else "no" for admitted in columns["admitted"]]
        return shown


@dataclass(frozen=True)
class _Row:
    """A filter and its sensitivities."""

    name: str
    weights: str
    D: float
    G: float
    aim: Aim

    @classmethod
    def of(cls, name: str, kernel: Kernel, aim: Aim) -> _Row:
        theory = _predicted(kernel, aim)
        integers = kernel.integers
        text = f"[{', '.join(map(str, shortened(integers, 12)))}]/{sum(integers)}"
        return cls(name, text, float(theory.D[-1]), float(theory.G[-1]), aim)

    @property
    def value(self) -> float:
        return float(self.aim.value(self.D, self.G))

    def admitted(self) -> bool:
        return self.aim.admits(self.G)


def _shown_floats(weights: NDArray[np.float64]) -> str:
    return " ".join(shortened([f"{weight:.4f}" for weight in weights], 12))


def _predicted(kernel: Kernel, aim: Aim) -> Prediction:
    return predict(Network.uniform(kernel, aim.stride, aim.depth, aim.dim), size=None)


@usual_floats
def design_filter(
    length: int,
    stride: int,
    objective: Objective = "D",
    *,
    depth: int = 1,
    max_G: float | None = None,
    dim: int = 1,
    tolerance: float = 0.01,
) -> FilterDesign:
    r"""Find the non-negative filter of least D_k, or of the best trade-off of D_k and G_k.

    The same filter is repeated `depth` times on the infinite lattice (noise matched and rectified
    at the input). What is minimised is :math:`D_k^{1 - w} G_k^w` over all non-negative weights, if
    `max_G` is given over those with :math:`G_k \le` `max_G`. Every value of `max_G` gives a point
    of the trade-off curve; weights w give only those on its convex hull, in logarithms.

    Parameters
    ----------
    length : int
        Largest number of weights f, 1 to 32.
    stride : int
        Step between the outputs (pixels).
    objective : "D", "G" or a number w in [0, 1], default "D"
        "D" is w = 0, "G" is w = 1. G_k alone is least where nothing pools: [1] and 1/2.
    depth : int, default 1
        Number of layers k; ``stride**depth`` up to 4096, at stride 1 ``depth * (length - 1)`` up to
        512.
    max_G : real, optional
        Largest G_k admitted, at least 1/2.
    dim : {1, 2, 3}, default 1
        Dimension of the image (for G_k; D_k is the same in all).
    tolerance : real, default 0.01
        Relative excess over the optimum that ``design.kernel`` may have, in (0, 1], for the sake
        of small whole weights and of the sum rule.

    Returns
    -------
    FilterDesign

    Raises
    ------
    ValueError, TypeError
        For arguments out of range, and if no filter of whole weights of sum up to 4096 is within
        the tolerance.

    Notes
    -----
    Sequential quadratic programming (``scipy.optimize``, SLSQP) with exact gradients from many
    starts, the same in every run. For depth 1 and "D" the optimum is the sine window and attains
    1 - cos(pi/(f + 1)). For deeper networks the problem is not convex: the optimum is the best that
    was found. `bound` is certain: it holds for all filters of the composite filter's support,
    whether or not they are one filter repeated, so it need not be attained. Source: our derivation.

    Examples
    --------
    >>> design_filter(3, 2, depth=6)
    Filter of up to 3 weights, stride 2, d = 1, of least D_6: [1, 2, 1]/4
      certified: no such filter has D_6 < 0.000301181; the optimum is 21 % above it
      33 of 33 searches led to the optimum
      repeated without end: alpha = 2
           filter               weights         D_6     G_6  over bound
          optimum  0.2502 0.4996 0.2502  0.00036456  15.626      1.2104
         rational           [1, 2, 1]/4  0.00036617  15.618      1.2158
           box(3)           [1, 1, 1]/3     0.21922  15.453      727.88
           box(2)              [1, 1]/2    0.015625  10.527      51.879
      binomial(3)           [1, 2, 1]/4  0.00036617  15.618      1.2158
    """
    length, stride, depth = _require_sizes(length, stride, depth)
    objective = _objective("objective", objective)
    largest = None if max_G is None else validate.real("max_G", max_G, minimum=0.5)
    dim = validate.integer("dim", dim, 1, 3)
    tolerance = validate.real("tolerance", tolerance, positive=True)
    facts = (length, stride, depth, dim, objective, largest)
    aim = Aim(length, stride, depth, dim, _weight(objective), largest)
    optimum = aim.search()
    simpler = tuple(aim.rationals(optimum.weights, tolerance))
    reached = optimum.reached, optimum.starts
    return FilterDesign(*facts, optimum.weights, reached, aim.bound, simpler)


def _weight(objective: Objective) -> float:
    """Return w of D^(1 - w) G^w."""
    return {"D": 0.0, "G": 1.0}[objective] if isinstance(objective, str) else objective


def _require_sizes(length: Any, stride: Any, depth: Any) -> tuple[int, int, int]:
    length = validate.integer("length", length, 1, LONGEST)
    stride = validate.integer("stride", stride, 1, COARSEST)
    depth = validate.integer("depth", depth, 1, WIDEST)
    if stride**depth > COARSEST:
        raise ArgumentError(
            f"depth must be such that stride**depth is at most {COARSEST}; got depth {depth} with "
            f"stride {stride}"
        )
    if stride == 1 and depth * (length - 1) > WIDEST:
        raise ArgumentError(
            f"depth must be at most {WIDEST // (length - 1)} for {length} weights at stride 1; got "
            f"{depth}"
        )
    return length, stride, depth
