"""Kernels that differ from axis to axis, and those that are no product of kernels of one axis."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scaledet import rationals, validate
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.network.kernel import LONGEST, Kernel, as_kernel, entries

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Filter", "GridKernel", "as_filter", "spread"]


@dataclass(frozen=True, init=False, repr=False)
class GridKernel:
    r"""A filter :math:`a_{jl}` (or :math:`a_{jlm}`) on a grid that need be no product of kernels.

    Parameters
    ----------
    weights : nested sequence or array, two- or three-dimensional
        Non-negative with a positive sum, exact as those of `Kernel`; divided by their sum.
    signed : bool, default False
        Keep the weights as given, any sign, not normalised: for ``simulate`` only.

    Examples
    --------
    >>> GridKernel([[0, 1, 0], [1, 4, 1], [0, 1, 0]])
    GridKernel([[0, 1/8, 0], [1/8, 1/2, 1/8], [0, 1/8, 0]])
    >>> GridKernel([[1, 0], [0, 1]]).marginal(0)
    Kernel(1/2, 1/2)
    """

    weights: tuple[Fraction, ...]
    shape: tuple[int, ...]
    signed: bool = False

    def __init__(self, weights: Any, *, signed: bool = False) -> None:
        flat, shape = _flattened(weights)
        kernel = Kernel(flat, signed=signed)
        object.__setattr__(self, "weights", kernel.weights)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "signed", kernel.signed)

    def marginal(self, axis: int) -> Kernel:
        """Return the sums of the weights over all other axes: what images constant there meet."""
        return self._marginals[axis]

    @cached_property
    def _marginals(self) -> tuple[Kernel, ...]:
        places = list(itertools.product(*map(range, self.shape)))
        result = []
        for axis, length in enumerate(self.shape):
            sums = [Fraction(0)] * length
            for place, weight in zip(places, self.weights, strict=True):
                sums[place[axis]] += weight
            result.append(Kernel(sums, signed=self.signed))
        return tuple(result)

    @cached_property
    def factors(self) -> tuple[Kernel, ...] | None:
        """The kernels per axis whose product this is; None if there are none (or it is signed)."""
        if self.signed:
            return None
        products = map(
            math.prod, itertools.product(*(kernel.weights for kernel in self._marginals))
        )
        return self._marginals if tuple(products) == self.weights else None

    def array(self) -> NDArray[np.float64]:
        """Return the weights as an array of floats, of `shape`."""
        import numpy as np

        return np.array([float(weight) for weight in self.weights]).reshape(self.shape)

    def nested(self, written: Any = lambda weight: weight) -> list[Any]:
        """Return the weights as nested lists, each passed through `written`."""
        values = [written(weight) for weight in self.weights]
        for length in self.shape[:0:-1]:
            values = [values[i : i + length] for i in range(0, len(values), length)]
        return values

    def __repr__(self) -> str:
        if len(self.weights) > 49:
            return f"GridKernel of {' x '.join(map(str, self.shape))} weights"
        written = str(self.nested(lambda w: rationals.text(w, decimal=False))).replace("'", "")
        return f"GridKernel({written}{', signed=True' if self.signed else ''})"


Filter = Kernel | tuple[Kernel, ...] | GridKernel
"""One kernel along every axis, a kernel per axis, or a kernel that is no product of such."""


def as_filter(value: Any) -> tuple[Filter, int | None]:
    """Return the filter that `value` stands for, and the number of axes that it needs, if any.

    An integer, a `Kernel` and a flat list of weights serve along every axis. A tuple of integers is
    the lengths of boxes per axis, a tuple that holds kernels or lists is the kernels per axis, a
    nested list is a kernel on a grid.

    >>> as_filter((3, 1)), as_filter([[1, 1], [1, 1]])
    (((Kernel(1/3, 1/3, 1/3), Kernel(1)), 2), (Kernel(1/2, 1/2), 2))
    """
    if isinstance(value, Kernel):
        return value, None
    if isinstance(value, GridKernel):
        return _simplest(value.factors or value), len(value.shape)
    given = entries(value)
    if given is None:
        return as_kernel(value), None
    if isinstance(value, tuple):
        sizes = bool(given) and all(_is_integer(entry) for entry in given)
        if len(given) > 1 and (sizes or any(entries(entry) is not None for entry in given)):
            return _simplest(tuple(as_kernel(entry) for entry in given)), len(given)
        return as_kernel(value), None
    if any(isinstance(entry, Kernel) for entry in given):
        raise ArgumentTypeError(
            f"kernel must be a tuple where it holds kernels per axis; got the list {value!r}: "
            f"give {tuple(given)}"
        )
    if any(entries(entry) is not None for entry in given):
        grid = GridKernel(value)
        return _simplest(grid.factors or grid), len(grid.shape)
    return as_kernel(value), None


def spread(kernel: Filter, dilation: int | tuple[int, ...]) -> Filter:
    """Return the filter with ``dilation - 1`` zeros between its weights, per axis.

    >>> spread(Kernel([1, 2, 1]), 2)
    Kernel(1/4, 0, 1/2, 0, 1/4)
    """
    if isinstance(kernel, Kernel) and isinstance(dilation, int):
        return _spread(kernel, dilation)
    axes = len(_per_axis(kernel, dilation))
    gaps = dilation if isinstance(dilation, tuple) else (dilation,) * axes
    if isinstance(kernel, GridKernel):
        shape = tuple(
            1 + gap * (length - 1) for gap, length in zip(gaps, kernel.shape, strict=True)
        )
        weights = dict.fromkeys(itertools.product(*map(range, shape)), Fraction(0))
        places = itertools.product(*map(range, kernel.shape))
        for place, weight in zip(places, kernel.weights, strict=True):
            weights[tuple(gap * j for gap, j in zip(gaps, place, strict=True))] = weight
        result = GridKernel.__new__(GridKernel)
        for name, entry in zip(
            ("weights", "shape", "signed"),
            (tuple(weights.values()), shape, kernel.signed),
            strict=True,
        ):
            object.__setattr__(result, name, entry)
        return result
    kernels = kernel if isinstance(kernel, tuple) else (kernel,) * axes
    return _simplest(tuple(_spread(a, gap) for a, gap in zip(kernels, gaps, strict=True)))


def _per_axis(kernel: Filter, dilation: int | tuple[int, ...]) -> Sequence[Any]:
    if isinstance(kernel, GridKernel):
        return kernel.shape
    if isinstance(kernel, tuple):
        return kernel
    return dilation if isinstance(dilation, tuple) else (dilation,)


def _spread(kernel: Kernel, gap: int) -> Kernel:
    if gap == 1 or len(kernel) == 1:
        return kernel
    length = validate.integer(
        "kernel length with its dilation", 1 + gap * (len(kernel) - 1), 1, LONGEST
    )
    weights = [Fraction(0)] * length
    weights[::gap] = kernel.weights
    return Kernel(weights, signed=kernel.signed)


def _simplest(value: tuple[Kernel, ...] | GridKernel) -> Filter:
    """One kernel where those of all axes are equal."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _flattened(weights: Any) -> tuple[list[Any], tuple[int, ...]]:
    """Return the entries of a rectangular nested sequence, and its shape of two or three axes."""
    accepted = "two or three nested levels of equally long rows of weights"
    level: list[Any] = [weights]
    shape: list[int] = []
    while (inner := [entries(entry) for entry in level]) and any(e is not None for e in inner):
        rows = [row for row in inner if row is not None]
        lengths = {len(row) for row in rows}
        if len(rows) < len(level) or len(lengths) != 1 or len(shape) == 3:
            raise ArgumentError(f"kernel must have {accepted}; got {rationals.shown(weights)}")
        shape.append(*lengths)
        level = [entry for row in rows for entry in row]
    if len(shape) < 2 or not all(shape):
        raise ArgumentError(f"kernel must have {accepted}; got {rationals.shown(weights)}")
    return level, tuple(shape)
