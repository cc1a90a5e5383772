"""Compare pooling filters: exponents in law and as seen, plateaus, sensitivities, cost, drift."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet import rationals, validate
from scaledet.analysis.filter_facts import FilterFacts
from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.isolation import isolated
from scaledet.network.filters import gaussian
from scaledet.network.grid_kernel import as_filter
from scaledet.network.kernel import Kernel, binomial, box
from scaledet.network.network import Network
from scaledet.results.contents import Values, count, one_of
from scaledet.results.result import Result
from scaledet.theory.coverage import require_theory
from scaledet.theory.prediction import predict

if TYPE_CHECKING:
    from typing import Self

__all__ = ["USUAL", "FilterComparison", "compare_filters"]

USUAL: Mapping[str, Kernel] = {
    "none": box(1),
    "box2": box(2),
    "box3": box(3),
    "tri3": binomial(3),
    "tri4": binomial(4),
    "bin5": binomial(5),
    "gaussian": gaussian(7, 1),
}
"""The filters of BlurPool, average pooling over three pixels, and a Gaussian as libraries blur."""

MOST = 256
"""Largest number of filters."""


@dataclass(frozen=True, eq=False, repr=False)
class FilterComparison(Result):
    """A row for each filter, layers equal, on the infinite lattice, noise matched.

    Attributes
    ----------
    stride, depth, dim : int
        Of the networks.
    filters : dict of str to FilterFacts
        What does not depend on the depth, by name.
    A, support : ndarray, shape [filters, depth + 1]
        Effective receptive field A_k and support of the composite filter (pixels).
    D, G : ndarray, shape [filters, depth + 1]
        Sensitivities to displacements and to noise.

    Examples
    --------
    >>> table = compare_filters({"tri3": [1, 2, 1]}, stride=2, depth=4)
    >>> table.filters["tri3"].alpha, table.filters["tri3"].prefactor, table.ranking
    (2, 3, [['tri3'], ['none']])
    """

    stride: int
    depth: int
    dim: int
    filters: dict[str, FilterFacts]
    A: NDArray[np.float64]
    support: NDArray[np.float64]
    D: NDArray[np.float64]
    G: NDArray[np.float64]

    _kind = "filter_comparison"
    _arrays: ClassVar = dict.fromkeys(
        ("A", "support", "D", "G"), Values(("filters, layers",), positive=True)
    )
    _facts: ClassVar = {"stride": count(1), "depth": count(2), "dim": one_of(1, 2, 3)}

    def _lengths(self) -> dict[str, int]:
        return {"filters": len(self.filters), "layers": self.depth + 1}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        kernels = {name: list(map(rationals.full_text, row.kernel)) for name, row in self._items()}
        return {**facts, "filters": kernels}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; what is exact is computed again."""
        kernels = {
            name: Kernel(list(map(rationals.parsed, weights)))
            for name, weights in facts["filters"].items()
        }
        numbers = {name: reader(name, facts[name]) for name, reader in cls._facts.items()}
        again = vars(_compared(kernels, **numbers))
        result = super().from_stored({**facts, "filters": again["filters"]}, arrays)
        for name in cls._arrays:
            if not np.allclose(arrays[name], again[name], rtol=1e-9, atol=0):
                raise ArgumentError(f"{name} must be what follows from the filters")
        return result

    def _items(self) -> list[tuple[str, FilterFacts]]:
        return list(self.filters.items())

    @property
    def limit(self) -> NDArray[np.float64]:
        """1 - cos(pi/(support + 1)), which D_k of no filter of this support is below."""
        return 2 * np.sin(np.pi / (self.support + 1) / 2) ** 2

    @cached_property
    def ranking(self) -> list[list[str]]:
        """Names from the most to the least stable at the last layer; equal ones share a place."""
        places: dict[float, list[str]] = {}
        for name, value in sorted(
            zip(self.filters, self.D[:, -1], strict=True), key=lambda x: x[1]
        ):
            near = next((v for v in places if math.isclose(v, value, rel_tol=1e-12)), float(value))
            places.setdefault(near, []).append(name)
        order = list(self.filters)
        return [sorted(names, key=order.index) for names in places.values()]

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name: a row for each filter.

        `alpha`, `prefactor` and `plateau` are exact numbers, or None or words where there is none;
        `drift` is in pixels a layer, `multiplications` an output pixel; `limit` and `over_limit`
        (D over the limit) are those of the last layer, ``over_limit_k`` of each layer.
        """
        rows = list(self.filters.values())
        kernels = [row.kernel for row in rows]
        ratio = self.D / self.limit
        places = {name: i for i, names in enumerate(self.ranking, start=1) for name in names}
        columns: dict[str, Any] = {
            "filter": list(self.filters),
            "kernel": _objects(kernels),
            "rank": [places[name] for name in self.filters],
            "alpha": _objects(row.alpha for row in rows),
            "seen": _objects(row.seen for row in rows),
            "plateau": _objects(row.plateau for row in rows),
            "plateau_depth": _objects(row.plateau_depth for row in rows),
            "prefactor": _objects(row.prefactor for row in rows),
            "support": [kernel.support for kernel in kernels],
            "multiplications": [row.multiplications**self.dim for row in rows],
            "drift": _objects(row.drift for row in rows),
            "sum_rule": [kernel.sum_rule_defect(self.stride) == 0 for kernel in kernels],
            "sum_rule_defect": _objects(kernel.sum_rule_defect(self.stride) for kernel in kernels),
            "limit": self.limit[:, -1],
            "over_limit": ratio[:, -1],
        }
        for name, values in (("D", self.D), ("G", self.G), ("over_limit", ratio)):
            columns |= {f"{name}_{k}": values[:, k] for k in range(1, self.depth + 1)}
        return columns

    @isolated
    def to_dataframe(self) -> Any:
        """Return a pandas ``DataFrame`` of `columns`; what is exact stays an object."""
        return super().to_dataframe()

    @isolated
    def remarks(self) -> list[str]:
        """Return the ranking, and a sentence for every filter without a law of its own."""
        ranks = " < ".join(" = ".join(names) for names in self.ranking)
        remarks = [f"D_{self.depth}: {ranks}"]
        for name, row in self._items():
            remarks += [f"{name}: {row.remark}"] if row.remark else []
        return remarks

    def _title(self) -> str:
        return f"Filters at stride {self.stride}, depth {self.depth}, d = {self.dim}"

    @isolated
    def __repr__(self) -> str:
        return super().__repr__()

    @isolated
    def _repr_html_(self) -> str:
        return super()._repr_html_()

    def _shown(self) -> dict[str, Any]:
        columns, k = self.columns(), self.depth
        shown = {name: columns[name] for name in ("filter", "rank", "alpha", "seen", "plateau")}
        shown |= {"at k": columns["plateau_depth"], "prefactor": columns["prefactor"]}
        shown |= {name: columns[f"{name[0]}_{name[2:]}"] for name in ("D_1", f"D_{k}", f"G_{k}")}
        shown |= {"taps": columns["support"], "mults": columns["multiplications"]}
        shown |= {"drift": columns["drift"], "sum rule": columns["sum_rule"]}
        shown |= {"D/limit": columns["over_limit"]}
        return {name: list(map(_cell, values)) for name, values in shown.items()}


def _objects(values: Iterable[Any]) -> NDArray[np.object_]:
    """Return a column of objects: None stays None, and does not become nan."""
    given = list(values)
    column = np.empty(len(given), dtype=object)
    column[:] = given
    return column


def _cell(value: Any) -> Any:
    """Return what the table shows of a value."""
    if value is None:
        return "-"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return rationals.text(value)
    return value if isinstance(value, str) else float(value)


@isolated
def compare_filters(
    filters: Mapping[str, Kernel | int | Sequence[Any]] | None = None,
    *,
    stride: int = 2,
    depth: int = 6,
    dim: int = 1,
) -> FilterComparison:
    """Compare filters that are repeated layer by layer: how stable, how noisy, at what cost.

    Parameters
    ----------
    filters : mapping of str to Kernel, int or sequence of weights, optional
        By name; an integer n means ``box(n)``. "none", the filter [1], stands first unless a filter
        of one weight is given. Default: the filters of BlurPool, box(3) and gaussian(7, 1).
    stride : int, default 2
        Step between the outputs (pixels).
    depth : int, default 6
        Number of equal layers, at least 2.
    dim : {1, 2, 3}, default 1
        Dimension of the image; filters are separable. D_k and alpha are the same in all.

    Returns
    -------
    FilterComparison
        For each filter alpha in law (or the word for why there is none) and the largest local
        exponent seen between neighbouring layers 1 ... depth; the plateau of D_k and the layer that
        comes within 10 % of it; the prefactor of D_k ~ P A_k^-alpha; D and G of every layer;
        support, multiplications an output pixel, index drift, sum rule; and D_k over
        1 - cos(pi/(support + 1)), which no filter of that support is below.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range and for signed kernels, naming the filter.

    Notes
    -----
    Infinite lattice, noise matched and rectified at the input. The index drift is that of the
    filter's centre of mass from the centre of the `stride` pixels that an output stands for, whole
    pixels (which padding makes up for) left out: at stride 2, odd symmetric filters drift by half a
    pixel a layer, even ones do not. Sources: Zhang 2019, arXiv:1904.11486 (the filters of
    BlurPool); our theory.

    Examples
    --------
    >>> table = compare_filters({"gaussian": gaussian(7, 1)}, stride=2, depth=6)
    >>> print(table.remarks()[-1])
    gaussian: alpha = 0 in law, but behaves as alpha = 2 down to D = 0.00044, near it from layer \
8 (the weights of the grid phases differ by 0.014)
    """
    stride = validate.integer("stride", stride, 1, 1024)
    depth = validate.integer("depth", depth, 2, 100)
    dim = validate.integer("dim", dim, 1, 3)
    kernels = _named_kernels(USUAL if filters is None else filters)
    return _compared(kernels, stride, depth, dim)


def _named_kernels(filters: Any) -> dict[str, Kernel]:
    if not isinstance(filters, Mapping) or not all(isinstance(name, str) for name in filters):
        raise ArgumentTypeError(
            f"filters must be a mapping of names to kernels; got {rationals.shown(filters)}"
        )
    if not 1 <= len(filters) <= MOST:
        raise ArgumentError(f"filters must hold 1 to {MOST} filters; got {len(filters)}")
    kernels = {}
    for name, value in filters.items():
        try:
            kernels[name] = _along_all_axes(value)
            require_theory(Network.uniform(kernels[name]), "compare_filters")
        except ArgumentError as error:
            raise type(error)(f"filters[{name!r}]: {error}") from error
    if not any(kernel.support == 1 for kernel in kernels.values()) and "none" not in kernels:
        kernels = {"none": box(1), **kernels}
    return kernels


def _along_all_axes(value: Any) -> Kernel:
    """Return the kernel of one axis, refusing filters that differ by axis or are on a grid."""
    kernel, axes = as_filter(value)
    if isinstance(kernel, Kernel) and axes is None:
        return kernel
    raise ArgumentError(
        "kernel must be that of one axis, which serves along all of them, not of several; got "
        f"{rationals.shown(value)} (predict takes layers of it, at finite size)"
    )


def _compared(kernels: Mapping[str, Kernel], stride: int, depth: int, dim: int) -> FilterComparison:
    networks = [Network.uniform(kernel, stride, depth, dim) for kernel in kernels.values()]
    theory = [predict(net, size=None) for net in networks]
    arrays = {
        name: np.array([getattr(result, name) for result in theory])
        for name in ("A", "support", "D", "G")
    }
    facts = {
        name: FilterFacts.of(kernel, stride, result.A, result.D)
        for (name, kernel), result in zip(kernels.items(), theory, strict=True)
    }
    return FilterComparison(stride, depth, dim, facts, **arrays)
