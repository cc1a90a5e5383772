"""Exact sensitivities of every layer: D_k, G_k, R_k and Q_k."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, ClassVar, Literal, overload

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.isolation import usual_floats
from scaledet.network.network import Network
from scaledet.network.receptive_fields import receptive_fields, supports
from scaledet.results.contents import Values, one_of
from scaledet.scenario import Moves, Rectify, Scenario, ScenarioResult
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.coverage import require_covered, require_theory
from scaledet.theory.response import (
    Response,
    layerwise,
    matrix_response,
    one_pixel_response,
    pair_response,
)
from scaledet.theory.signal.one_pixel import ExactSensitivity
from scaledet.theory.signal.pairs import exact_pair_sensitivity

__all__ = ["Prediction", "predict"]

Method = Literal["exact", "closure"]

_METHODS: tuple[Method, ...] = ("exact", "closure")


class _OnDemand(Sequence[Fraction]):
    """Values of layers 0 ... depth, each computed when it is first asked for; equal to a list."""

    def __init__(self, compute: Callable[[int], Fraction], length: int) -> None:
        self._compute = compute
        self._values: list[Fraction | None] = [None] * length

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Fraction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Fraction, ...]: ...
    def __getitem__(self, index: int | slice) -> Fraction | tuple[Fraction, ...]:
        layers = range(len(self))
        if isinstance(index, slice):
            return tuple(self[layer] for layer in layers[index])
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"exact_D must be indexed by a layer up to {len(self) - 1}; got {index}"
            )
        value = self._values[index]
        if value is None:
            value = self._values[index] = self._compute(layers[index])
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # compares by value with lists and tuples

    def __repr__(self) -> str:
        return f"<exact D_0 ... D_{len(self) - 1}>"


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(ScenarioResult):
    """Sensitivities of every layer, k = 0 (the input) to the depth; exact unless `method` says not.

    All arrays have shape [depth + 1] and are dimensionless but for `A` and `support` (pixels).

    Attributes
    ----------
    scenario : Scenario
        Network, images and noise; `network`, `size` and so on are attributes here, too.
    D, G, R : ndarray
        Sensitivity to displacements, to noise, and their ratio D/G.
    A, support : ndarray
        Effective receptive field sqrt(1 + 12 Var h_k) and support of the composite filter, on the
        infinite lattice; where axes differ, the geometric means over them.
    Q : ndarray
        Mean square distance of the representations of two independent images.
    G_mean, G_variance : ndarray
        The parts of G due to the mean and to the variance of the noise; their sum is G.
    method : {"exact", "closure"}
        How G was computed; "closure" is an approximation.

    Examples
    --------
    >>> from scaledet import Network, predict
    >>> predict(Network.uniform(kernel=2, stride=2, depth=3), size=64).D.round(4).tolist()
    [1.0159, 0.5161, 0.2667, 0.1429]
    """

    scenario: Scenario
    D: NDArray[np.float64]
    G: NDArray[np.float64]
    R: NDArray[np.float64]
    A: NDArray[np.float64]
    support: NDArray[np.float64]
    Q: NDArray[np.float64]
    G_mean: NDArray[np.float64]
    G_variance: NDArray[np.float64]
    method: Method = "exact"

    _kind = "prediction"
    _arrays: ClassVar = {
        **dict.fromkeys(("D", "G", "R", "A", "support", "Q"), Values(positive=True)),
        **dict.fromkeys(("G_mean", "G_variance"), Values()),
    }
    _facts: ClassVar = {"method": one_of(*_METHODS)}

    @cached_property
    def exact_D(self) -> Sequence[Fraction]:
        """The same D_k as exact ``Fraction`` values, computed on access.

        Raises
        ------
        ValueError
            If the prediction is approximate, a bias is negative, images carry a background, or the
            exact matrices of a network that is no torus would be too large.
        """
        if self.background:
            raise ArgumentError(f"exact_D needs background 0; got {self.background!r}")
        if self.approximate:
            raise ArgumentError(f"exact_D needs method 'exact'; got {self.method!r}")
        net = self.network
        if not self.scenario.is_torus:
            exact = layerwise(self.scenario)
            exact.require_exact()
            return _OnDemand(exact.sensitivity, net.depth + 1)
        require_theory(net, "exact_D")
        if self.task is None:
            return _OnDemand(ExactSensitivity(net, self.scenario.side).at, net.depth + 1)
        pairs = partial(exact_pair_sensitivity, net, task=self.task, balanced=self.balanced)
        return _OnDemand(pairs, net.depth + 1)

    @property
    def approximate(self) -> bool:
        """Whether G is an approximation (D and Q never are)."""
        return self.method != "exact"

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        return {
            "layer": np.arange(self.network.depth + 1),
            "stride": _strides(self.network),
            **{name: getattr(self, name) for name in self._arrays},
        }

    def _title(self) -> str:
        kind = "approximate: rectified-Gaussian closure" if self.approximate else "exact"
        return f"Prediction ({kind}) of {self.scenario}"

    def _shown(self) -> dict[str, Any]:
        layers = np.arange(len(self.D))
        return {"k": layers, "A_k": self.A, "D_k": self.D, "G_k": self.G, "R_k": self.R}


@usual_floats
def predict(
    net: Network,
    *,
    size: int | Sequence[int] | None = None,
    sigma: float | None = None,
    rectify: Rectify = "input",
    task: ScaleDetection | None = None,
    balanced: bool = False,
    method: Method = "exact",
    background: float = 0.0,
    moves: Moves = "wrap",
) -> Prediction:
    r"""Compute the sensitivities of every layer exactly, with all finite-size terms.

    .. math:: D_k = E|f_k(\tau x) - f_k(x)|^2 / Q_k, \qquad
              G_k = E|f_k(x + \eta) - f_k(x)|^2 / Q_k, \qquad
              Q_k = E|f_k(x) - f_k(x')|^2,

    tau moving each active pixel by one site along a random axis, x' an independent image.

    Parameters
    ----------
    net : Network
        Non-negative kernels and biases. Images stay non-negative, so every ReLU after the noise
        has entered is inactive; a bias >= 0 changes nothing. With rectify="layers" the bias of
        layer 1 acts on the noise and may be any. Borders, unequal axes, kernels that are no
        product and branches are exact at finite size, see the notes.
    size : int, tuple of int or None
        Pixels a side, or along every axis, that pass through all layers (on the torus, a multiple
        of the total stride); None: the infinite lattice with the total noise power fixed, where
        padding does not matter.
    sigma : float, optional
        Standard deviation of the noise per pixel (units of the pixel height). Default: matched
        to the displacement, L sigma^2 = E|tau x - x|^2.
    rectify : {"input", "noise", "layers", None}
        relu(x + eta) enters the network, or x + relu(eta); "layers": x + eta enters and every
        layer rectifies; None: linear noise.
    task : ScaleDetection, optional
        Two-pixel images of this task instead of one uniformly placed pixel.
    balanced : bool, default False
        With `task`: every label weighs the same instead of every admitted pair.
    method : {"exact", "closure"}
        "closure" admits any bias in any layer (one pixel, finite size): D and Q are exact, G is
        approximate, see the notes.
    background : float, default 0
        Standard deviation xi of white noise zeta that the images carry, rectified at the input:
        relu(x + xi zeta) is the image, relu(x + xi zeta + eta) the noisy one (for rectify="input";
        one pixel, finite size, not "layers"). A move takes the active pixel along and leaves zeta
        in place; independent images have independent zeta. The default `sigma` stays that of x.
    moves : {"wrap", "stay", "inside"}
        What a move does that would leave a padded image: it comes back on the other side, it does
        not take place, or the site is drawn among those that exist along the same axis. The
        matched noise follows.

    Returns
    -------
    Prediction
        Relative error of the floats below 1e-12 for one pixel (depth up to 10^4 at stride 1; from
        the first stride > 1 on, D and Q to the last bits at any depth), below 1e-10 for a task
        (D and Q to the last bits), below 1e-10 for networks that are no torus. ``exact_D`` holds
        exact rationals, each computed on access. Where axes differ, `A` and `support` are their
        geometric means over the axes.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer (Q_k = 0); names the largest depth that works.
    TypeError, ValueError
        For bad arguments, signed kernels, and biases beyond the theory (names alternatives); for
        max pooling; for images whose matrices would not fit into memory (names a size).

    Notes
    -----
    A network with padding, axes that differ, kernels that are no product, or branches has no
    translation invariance: it is the matrix M_k of its layers, with one factor per axis where all
    are separable and follow one another. Then

    .. math:: Q_k = 2 (E_p|M_k e_p|^2 - |M_k E_p e_p|^2), \qquad
              D_k Q_k = E_{p, m} |M_k (e_{p+m} - e_p)|^2,

    over all pixels p and moves m, and G_k from the same sums. Such networks take rectify="input",
    "noise" and None, no background, and no closure. ``exact_D`` takes up to 512 pixels a side, or
    512 pixels in all if the matrix is no product.

    The closure takes the units of each layer for rectified Gaussian variables of the right means
    and covariances. It is exact if no bias after layer 1 is negative (if none is, with noise
    rectified at the input). Else G_k is off, mostly too small, and the more the larger |b|/sigma
    and the less the clean signal that is left. In 63 simulations (kernels of length 2 to 4, strides
    1 and 2, equal layers, sigma 0.1, 1 and matched, sizes 16 to 64) by at most 0.6, 0.8 and 2.5 %
    at layers 2, 3 and 4 for biases -0.005; 4, 8 and 14 % for -0.02; 7, 13 and 16 % for -0.05, where
    a Gaussian law in its place is up to 40, 56 and 53 % off. Matched noise on larger images is
    weaker: for kernel 2, stride 1 and biases -0.005, 8 % at layer 4 with 1024 pixels, 19 % with
    2048. Sources:
    Tomasini et al., arXiv:2210.01506 (the model); our derivation for any filter, finite size,
    two pixels, and biases.

    Examples
    --------
    >>> from scaledet import Layer, Network
    >>> p = predict(Network.uniform(kernel=2, stride=2, depth=4), size=256)
    >>> p.exact_D[2], float(p.D[2])
    (Fraction(16, 63), 0.25396825396825395)
    >>> padded = predict(Network([Layer(3, padding=1)] * 2, dim=2), size=(8, 12), moves="stay")
    >>> padded.exact_D[1], padded.D.round(4).tolist()
    (Fraction(5088, 16433), [0.9053, 0.3096, 0.1619])
    """
    arguments = (net, size, rectify, sigma, task, balanced, background)
    ranges = {"sigma_range": (1e-150, 1e150), "background_range": (1e-100, 1e100)}
    scenario = Scenario.checked("predict", *arguments, **ranges, moves=moves)
    method = validate.choice("method", method, _METHODS)
    require_covered(scenario, method)
    scenario = _within_floats(scenario)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        response = _response(scenario, method)
        noise = response.G_mean + response.G_variance
        ratio = response.D / noise
    columns = {**response._asdict(), "G": noise, "R": ratio}
    _require_finite(columns, scenario.sigma)
    return Prediction(scenario, **columns, **_widths(net), method=method)


def _response(scenario: Scenario, method: Method) -> Response:
    if not scenario.is_torus:
        return matrix_response(scenario)
    if scenario.task is None:
        return one_pixel_response(scenario, method)
    return pair_response(scenario)


def _within_floats(scenario: Scenario) -> Scenario:
    """Cut the network after the first layer that leaves the range of floats for its stride alone.

    On the infinite lattice Q_k is at most 2 S_k^-d: this layer is refused, whichever follow.
    """
    net, area = scenario.network, 1
    for k, layer in enumerate(net if scenario.size is None else (), start=1):
        area *= layer.stride**net.dim
        if area > 2**1024:
            return replace(scenario, network=net[:k])
    return scenario


def _strides(net: Network) -> list[int | tuple[int, ...]]:
    """Return the cumulative strides, those of all axes where they differ."""
    return [axes[0] if len(set(axes)) == 1 else axes for axes in net.summary().strides]


def _widths(net: Network) -> dict[str, NDArray[np.float64]]:
    try:
        return {"A": receptive_fields(net).astype(float), "support": supports(net).astype(float)}
    except OverflowError:
        stride = max(net.summary().strides[-1])
        raise ArgumentError(
            f"depth must be at most about {int(1023 * net.depth / math.log2(stride))} "
            f"so that the receptive field fits a float; got {net.depth}"
        ) from None


def _require_finite(columns: dict[str, NDArray[np.float64]], sigma: float | None) -> None:
    smallest = np.finfo(float).tiny
    positive = np.all([columns[name] >= smallest for name in ("D", "G", "R", "Q")], axis=0)
    finite = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    good = positive & finite
    first = int(np.argmin(good))
    if not good[0]:
        raise ArgumentError(
            f"sigma must be such that the input's noise sensitivity fits a float; got {sigma!r}"
        )
    if not good[first]:
        raise ArgumentError(
            f"depth must be at most {first - 1} here: at layer {first} a sensitivity leaves the "
            "range of floats"
        )
