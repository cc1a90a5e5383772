r"""D_k of a given change of given images, carried through an ordinary or an adaptive network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.isolation import usual_floats
from scaledet.network.images import as_stack
from scaledet.network.network import Network, require_network
from scaledet.network.polyphase import PHASES, Phase, adaptive_maps
from scaledet.network.pooling import responses
from scaledet.results.contents import Values, count, one_of
from scaledet.results.result import Result
from scaledet.results.tables import with_error
from scaledet.simulation.jackknife import jackknife_errors

__all__ = ["SimulatedChange", "simulate_change"]

Array = NDArray[np.float64]

_GIVEN: tuple[Phase, ...] = PHASES[1:]
"""Grid phases of images that stand where they were given."""
# Correlations that the FFT finds so close to the largest are compared again, site by site.
_NEAR = 1e-12
# Q_k below this part of the mean square representation is rounding.
_ROUNDING = 1e-26
# Squares about the mean below this part of those with one more image are rounding.
_ALIKE = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedChange(Result):
    """Sensitivity of every layer to a change of images, k = 0 (the input) to the depth.

    Attributes
    ----------
    network : Network
        The layers.
    phase : {"fixed", "adaptive"}
        Which grids strided layers keep: that through site 0, or the one the image chooses.
    aligned : bool
        Whether outputs are compared up to a circular shift of the output grid.
    whole : bool
        Whether the images are the whole law, not a sample.
    given : int
        Number of images.
    D, D_err : ndarray, shape [depth + 1]
        Mean square change divided by Q, and its standard error; 0 if the images are the whole law.
    change, Q : ndarray, shape [depth + 1]
        Mean square change, and mean square distance of two independent images, never aligned.

    Examples
    --------
    >>> images = np.eye(16)                                     # one pixel, at every position
    >>> net = Network.uniform(2, stride=2, depth=2)
    >>> simulate_change(net, images, np.roll(images, 1, axis=1), whole=True)
    Change of 16 images (enumerated), grid phase fixed, in Network(2 x Layer(kernel=box(2), \
stride=2), dim=1)
      k       D_k      Q_k
      0   1.06667    1.875
      1  0.571429   0.4375
      2  0.333333  0.09375
    """

    network: Network
    phase: Phase
    aligned: bool
    whole: bool
    given: int
    D: Array
    D_err: Array
    change: Array
    Q: Array

    _kind = "simulated_change"
    _arrays: ClassVar = {
        **dict.fromkeys(("D", "D_err", "change"), Values(minimum=0)),
        "Q": Values(positive=True),
    }
    _facts: ClassVar = {
        "phase": one_of(*_GIVEN),
        "aligned": validate.flag,
        "whole": validate.flag,
        "given": count(2),
    }

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        layers = np.arange(self.network.depth + 1)
        arrays = {name: getattr(self, name) for name in self._arrays}
        return {"layer": layers, "stride": list(self.network.strides), **arrays}

    def _title(self) -> str:
        law = "enumerated" if self.whole else "a sample"
        aligned = ", compared up to a shift of the outputs" if self.aligned else ""
        return (
            f"Change of {self.given} images ({law}), grid phase {self.phase}{aligned}, in "
            f"{self.network!r}"
        )

    def _shown(self) -> dict[str, Any]:
        return {
            "k": np.arange(len(self.D)),
            "D_k": list(map(with_error, self.D, self.D_err)),
            "Q_k": self.Q,
        }

    def _lengths(self) -> dict[str, int]:
        return {"layers": self.network.depth + 1}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        return {**facts, "network": self.network.to_dict()}, arrays

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        return super().from_stored(
            {**facts, "network": Network.from_dict(facts["network"])}, arrays
        )


@usual_floats
def simulate_change(
    net: Network,
    images: ArrayLike,
    changed: ArrayLike,
    *,
    phase: Phase = "fixed",
    aligned: bool | None = None,
    whole: bool = False,
) -> SimulatedChange:
    r"""Measure how far each layer moves when every image is replaced by its changed version.

    .. math:: D_k = E|f_k(x') - f_k(x)|^2 / Q_k, \qquad
              D_k = E \min_r |S_r f_k(x') - f_k(x)|^2 / Q_k \ \text{(aligned)},

    x' the changed image, :math:`S_r` circular shifts of the output grid, Q_k the mean square
    distance of two independent images. All images are pooled, biased and rectified; no theory is
    used. A change may be a shift (``numpy.roll``), a local move (``ScaleDetection.displace``), or
    any other.

    Parameters
    ----------
    net : Network
        Any kernels, biases, padding and branches, max pooling too.
    images, changed : array_like, shape [n, N, ...] or [n, 1, N, ...]
        Images and, in the same order, their changed versions. At least 3, or 2
        if they are the whole law.
    phase : {"fixed", "adaptive"}
        "fixed": strided layers keep the grid through site 0. "adaptive": each image keeps, at each
        layer, that of the grids on which it has the largest sum of squares; not with branches,
        whose summed maps would stand on grids of their own.
    aligned : bool, optional
        Whether outputs are compared up to a circular shift of the output grid. Default: with
        phase="adaptive" only.
    whole : bool, default False
        The images are all of a law, equally probable: Q_k is that of independent draws, which may
        coincide, and there is no error. Else they are a sample of it: Q_k is over pairs of
        different images.

    Returns
    -------
    SimulatedChange
        D with its standard error, by the jackknife over the images.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer (Q_k = 0, up to rounding).
    TypeError, ValueError
        For bad arguments; with phase="adaptive" also if the stride does not divide the sides of
        the pooled images.

    Notes
    -----
    Memory: some arrays as large as all images. With phase="adaptive" and layers on the torus,
    circular shifts leave exactly 0, in floats as well: equal sums are rounded once, and ties are
    broken by the values. Zero padding ends that.
    Source: Chaman & Dokmanic, CVPR 2021 (arXiv:2011.14214), for adaptive sampling.

    Examples
    --------
    Adaptive sampling undoes a shift of both pixels, but not a move of each by itself.

    >>> from scaledet import ScaleDetection
    >>> task, net = ScaleDetection(size=16, xi=4, gap=1), Network.uniform(2, 2, depth=3)
    >>> images = task.images(task.pairs())
    >>> for moved in (np.roll(images, 5, axis=-1), task.displace(images, rng=0)):
    ...     simulate_change(net, images, moved, phase="adaptive", whole=True).D.round(2).tolist()
    [0.0, 0.0, 0.0, 0.0]
    [0.19, 0.18, 0.07, 0.04]
    """
    net = require_network(net)
    phase = validate.choice("phase", phase, _GIVEN)
    if phase == "adaptive" and not net.is_chain:
        raise ArgumentError(
            "phase must be 'fixed' for a network with branches, whose summed maps would stand on "
            f"grids of their own; got 'adaptive' for {net!r}"
        )
    aligned = phase == "adaptive" if aligned is None else validate.flag("aligned", aligned)
    whole = validate.flag("whole", whole)
    before, after = as_stack("images", images, net), as_stack("changed", changed, net)
    if before.shape != after.shape:
        raise ArgumentError(
            f"changed must have the shape of images, {list(before.shape)}; got {list(after.shape)}"
        )
    least = 2 if whole else 3
    if len(before) < least:
        raise ArgumentError(
            f"images must be at least {least}{'' if whole else ' for a sample'}; got {len(before)}"
        )
    distance = _aligned_squares if aligned else _squares
    rows = [
        _sensitivity(distance(f, g), f, k, before.shape[1], whole)
        for k, (f, g) in enumerate(_layers(net, before, after, phase))
    ]
    return SimulatedChange(net, phase, aligned, whole, len(before), *np.array(rows).T.copy())


def _layers(net: Network, before: Array, after: Array, phase: str) -> Iterator[tuple[Array, Array]]:
    def maps(images: Array) -> Iterator[Array]:
        if phase == "adaptive":
            return adaptive_maps(net, images)
        return responses(net, images, rectify=True)

    return zip(maps(before), maps(after), strict=True)


def _squares(before: Array | float, after: Array) -> Array:
    """Return |g - f|^2 of every image, f before (or the same for all) and g after the change."""
    return np.asarray(((after - before) ** 2).reshape(len(after), -1).sum(axis=1))


def _aligned_squares(before: Array, after: Array) -> Array:
    """Return the least |S_r g - f|^2 over all circular shifts S_r."""
    sides, axes = before.shape[1:], tuple(range(1, before.ndim))
    spectrum = np.fft.rfftn(before, axes=axes).conj() * np.fft.rfftn(after, axes=axes)
    overlaps = np.fft.irfftn(spectrum, s=sides, axes=axes)
    norms = np.sqrt(_squares(0.0, before) * _squares(0.0, after))
    result = np.empty(len(before))
    for i, overlap in enumerate(overlaps):
        # Rounding must not hide a shift that leaves nothing, so all that come close are tried.
        shifts = np.argwhere(overlap >= overlap.max() - _NEAR * norms[i])
        least = np.inf
        for shift in -shifts:
            moved = np.roll(after[i], shift, tuple(range(len(sides))))
            least = min(least, float(((moved - before[i]) ** 2).sum()))
            if least == 0:
                break
        result[i] = least
    return result


def _sensitivity(
    changes: Array, outputs: Array, layer: int, size: int, whole: bool
) -> tuple[float, float, float, float]:
    """D_k, its standard error, the mean square change and Q_k."""
    n = len(outputs)
    squares = _squares(outputs.mean(axis=0), outputs)
    total, change = squares.sum(), changes.mean()
    if total <= _ROUNDING * (outputs**2).sum():
        raise ExhaustionError.at(layer, size, "Q_k = 0 up to rounding")
    distance = 2 * total / (n if whole else n - 1)
    if whole:
        return change / distance, 0.0, change, distance
    # Without image i, the squares about the mean of the others lose this much.
    others = total - squares * n / (n - 1)
    if others.min() <= _ALIKE * total:
        raise ArgumentError(
            f"images must differ even without any one of them, for an error of D; at layer {layer} "
            "all but one look alike (or give whole=True)"
        )
    without = (changes.sum() - changes) / (n - 1) / (2 * others / (n - 2))
    return change / distance, float(jackknife_errors(without)), change, distance
