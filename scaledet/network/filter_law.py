r"""The law of a layer's random filters and biases: means over input channels, and the rest.

The filter from input channel c to output channel h has the weights

.. math:: w_{hc}(f) = m_h(f)/C_\mathrm{in} + r_{hc}(f), \qquad
          E\, r_{hc}(f)\, r_{hc}(f') = \sigma_w^2 C_{ff'}/C_\mathrm{in} ,

with independent Gaussian r. Of every output channel, :math:`(m_h, b_h)` is one of given rows, all
alike likely, and the bias is :math:`b_h` and an independent Gaussian of variance
:math:`\sigma_b^2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.tap_covariance import Taps, checked_taps

__all__ = ["FilterLaw", "checked_laws", "described", "shared"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FilterLaw:
    """The law of the filters and biases of a layer.

    Attributes
    ----------
    taps : Taps
        The covariance C of the weights at the F taps.
    weight_variance, bias_variance : float
        The variances of the Gaussian parts.
    means : ndarray, shape [H, F], or None
        The rows m_h; None: 0.
    biases : ndarray, shape [H], or None
        The rows b_h; None: 0.
    fixed_sums : bool
        Whether filters sum over input channels to m_h exactly, not on average only.
    """

    taps: Taps
    weight_variance: float
    bias_variance: float
    means: Array | None = None
    biases: Array | None = None
    fixed_sums: bool = False

    @property
    def rows(self) -> tuple[Array, Array] | None:
        """The rows m_h and b_h, [H, F] and [H]; None if all are 0."""
        if self.means is not None:
            return self.means, np.zeros(len(self.means)) if self.biases is None else self.biases
        if self.biases is not None:
            return np.zeros((len(self.biases), len(self.taps.spread))), self.biases
        return None

    @property
    def biased(self) -> bool:
        """Whether there are biases other than 0."""
        return bool(self.bias_variance) or (self.biases is not None and bool(self.biases.any()))

    @property
    def power(self) -> float:
        """Sum over taps of the mean square of m_h."""
        return 0.0 if self.means is None else float(np.square(self.means).sum(axis=1).mean())

    @property
    def gain(self) -> float:
        """Bound on the factor by which square distances, summed over sites, grow at stride 1."""
        count, trace = len(self.taps.spread), float(np.trace(self.taps.matrix))
        return count * (self.weight_variance * trace + self.power)

    @property
    def share(self) -> float:
        """The part 1^T C 1/(F tr C) of the Gaussian weights' variance in their mean over taps."""
        matrix = self.taps.matrix
        return float(matrix.sum() / (len(matrix) * np.trace(matrix))) if matrix.any() else 0.0


def checked_laws(
    caller: str,
    net: Any,
    *,
    pooling: Any,
    tap_covariances: Any,
    weight_variance: Any,
    bias_variance: Any,
    mean_filters: Any,
    biases: Any,
    fixed_sums: Any,
    rectified: bool,
) -> tuple[FilterLaw, ...]:
    """Return the laws that the arguments of `caller`, a public function, stand for."""
    covariances = checked_taps(caller, net, pooling, tap_covariances)
    if weight_variance is None:  # It keeps the variance.
        weight_variance = 2.0 if rectified else 1.0
    counts = [len(taps.spread) for taps in covariances]
    means = _rows("mean_filters", mean_filters, counts)
    levels = _rows("biases", biases, [None] * net.depth)
    weights = _variances("weight_variance", weight_variance, [mean is None for mean in means])
    noises = _variances("bias_variance", bias_variance, [False] * net.depth)
    fixed = validate.flag("fixed_sums", fixed_sums)
    laws = tuple(
        FilterLaw(taps, weight, noise, mean, level, fixed and mean is not None)
        for taps, weight, noise, mean, level in zip(
            covariances, weights, noises, means, levels, strict=True
        )
    )
    for k, law in enumerate(laws):
        if law.means is None and not law.taps.matrix.any():
            raise ArgumentError(
                f"tap_covariances[{k}] must not be 0 in a layer without mean_filters; got 0"
            )
        if law.means is not None and law.biases is not None and len(law.means) != len(law.biases):
            raise ArgumentError(
                f"biases[{k}] must hold one number for each of the {len(law.means)} rows of "
                f"mean_filters[{k}]; got {len(law.biases)}"
            )
    return laws


def shared(values: Sequence[float]) -> float | tuple[float, ...]:
    """Return the one value of all layers, or the values of each.

    >>> shared([2.0, 2.0]), shared([1.0, 2.0])
    (2.0, (1.0, 2.0))
    """
    return values[0] if len(set(values)) == 1 else tuple(values)


def described(weights: Any, biases: Any, power: Array) -> str:
    """Describe the variances of weights and biases, as `shared` returns them, and the means.

    >>> described(2.0, (0.0, 0.5), np.array([0.0, 1.0]))
    'variance of weights 2, of biases 0, 0.5, filters of mean square 0, 1'
    """
    parts = {"variance of weights": weights, "of biases": biases}
    if power.any():
        parts["filters of mean square"] = power
    return ", ".join(
        f"{name} {', '.join(f'{value:g}' for value in np.atleast_1d(values))}"
        for name, values in parts.items()
    )


def _variances(name: str, given: Any, positive: Sequence[bool]) -> list[float]:
    """Return one variance per layer, which is > 0 where it has to be `positive`."""
    depth = len(positive)
    if np.ndim(given) == 0:
        return [validate.real(name, given, positive=any(positive), minimum=0)] * depth
    values = list(given)
    if len(values) != depth:
        raise ArgumentError(
            f"{name} must be one number, or one per layer, {depth}; got {len(values)}"
        )
    return [
        validate.real(f"{name}[{k}]", value, positive=above, minimum=0)
        for k, (value, above) in enumerate(zip(values, positive, strict=True))
    ]


def _rows(name: str, given: Any, taps: Sequence[int | None]) -> list[Array | None]:
    """Return the rows of every layer: vectors of so many taps, or numbers where that is None."""
    if given is None:
        return [None] * len(taps)
    layers = list(given)
    if len(layers) != len(taps):
        raise ArgumentError(
            f"{name} must hold an array or None per layer, {len(taps)}; got {len(layers)}"
        )
    return [
        None if rows is None else _row_array(f"{name}[{k}]", rows, count)
        for k, (rows, count) in enumerate(zip(layers, taps, strict=True))
    ]


def _row_array(name: str, given: Any, count: int | None) -> Array:
    shape = "[H]" if count is None else f"[H, {count}]"
    accepted = f"None or finite numbers of shape {shape}, H >= 1"
    rows = validate.floats(name, given, accepted)
    fits = rows.ndim == 1 if count is None else rows.ndim == 2 and rows.shape[1] == count
    if not fits or not len(rows) or not np.isfinite(rows).all():
        raise ArgumentError(f"{name} must be {accepted}; got shape {list(rows.shape)}")
    return rows
