"""Sensitivities of wide networks of random filters, from before training to the pooled model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.isolation import usual_floats
from scaledet.network.filter_law import checked_laws, described, shared
from scaledet.network.network import Network
from scaledet.network.receptive_fields import receptive_fields, width_column
from scaledet.results.contents import Values, count, each_or_all, optional, real
from scaledet.results.tables import with_error
from scaledet.scenario import Moves, Rectify, Scenario, ScenarioResult
from scaledet.tasks.scale_detection import ScaleDetection
from scaledet.theory.wide.given import given_images, image_moments
from scaledet.theory.wide.noise import Images, noise_response, smaller
from scaledet.theory.wide.pixels import (
    one_pixel_moments,
    period,
    reach,
    task_images,
    task_moments,
)
from scaledet.theory.wide.windows import WideNetwork

__all__ = ["WidePrediction", "predict_wide"]

Array = NDArray[np.float64]

_ROUNDING = 1e-13
"""A fall of Q_k by more than this, from one layer to the next, is due to rounding errors."""

_SIGMA = (1e-100, 1e100)


@dataclass(frozen=True, eq=False, repr=False)
class WidePrediction(ScenarioResult):
    """Sensitivities of every layer of a wide network of random filters, k = 0 to the depth.

    All arrays have shape [depth + 1] but for `shares` and `mean_power`.

    Attributes
    ----------
    scenario : Scenario
        Network, images and noise; `network`, `size` and so on are attributes here, too.
    images : int or None
        Number of given images; None: one pixel or a task.
    weight_variance, bias_variance : float, or tuple of float
        Of the random weights and biases, of all layers or of each.
    shares : ndarray, shape [depth]
        The part 1^T C 1/(F tr C) of the weights' variance that is in their mean over the F taps.
    mean_power : ndarray, shape [depth]
        The sum over taps of the mean square of `mean_filters`.
    D, G, R : ndarray
        Sensitivity to displacements, to noise, and their ratio D/G (dimensionless).
    G_err, R_err : ndarray
        Standard errors, from averaging over noise; 0 where that is exact.
    Q : ndarray
        Mean square distance of the representations of two independent images, per channel.

    Examples
    --------
    >>> from scaledet import Network, predict_wide
    >>> predict_wide(Network.uniform(3, depth=3), size=48, rng=0).D.round(4).tolist()
    [1.0213, 0.8156, 0.6464, 0.5246]
    """

    scenario: Scenario
    images: int | None
    weight_variance: float | tuple[float, ...]
    bias_variance: float | tuple[float, ...]
    shares: Array
    mean_power: Array
    D: Array
    G: Array
    G_err: Array
    R: Array
    R_err: Array
    Q: Array

    _kind = "wide_prediction"
    _arrays: ClassVar = {
        **dict.fromkeys(("shares", "mean_power"), Values(("depth",), minimum=0)),
        **dict.fromkeys(("D", "G", "R", "Q"), Values(positive=True)),
        **dict.fromkeys(("G_err", "R_err"), Values(minimum=0)),
    }
    _facts: ClassVar = {
        "images": optional(count(1)),
        **dict.fromkeys(("weight_variance", "bias_variance"), each_or_all(real(minimum=0))),
    }

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        names = ("D", "G", "G_err", "R", "R_err", "Q")
        arrays = {name: getattr(self, name) for name in names}
        return {"layer": np.arange(len(self.D)), **width_column(self.network), **arrays}

    @property
    def A(self) -> Array:
        """Effective receptive field of the network's kernels (pixels), whatever their taps' law.

        Where the axes differ, their geometric mean.
        """
        return receptive_fields(self.network)

    def _title(self) -> str:
        given = "" if self.images is None else f", {self.images} given images"
        return f"Prediction (wide random filters) of {self.scenario}{given}, " + described(
            self.weight_variance, self.bias_variance, self.mean_power
        )

    def _shown(self) -> dict[str, Any]:
        errors = ((self.G, self.G_err), (self.R, self.R_err))
        noisy = [
            list(map(with_error, values, error)) if error.any() else values
            for values, error in errors
        ]
        columns = self.columns()
        reach = {"A_k": columns["A"]} if "A" in columns else {"support": columns["support"]}
        return {
            "k": columns["layer"],
            **reach,
            "D_k": self.D,
            "G_k": noisy[0],
            "R_k": noisy[1],
        }

    def _lengths(self) -> dict[str, int]:
        return {**super()._lengths(), "depth": self.network.depth}


@usual_floats
def predict_wide(
    net: Network,
    *,
    size: int | Sequence[int] | None = None,
    pooling: float | Sequence[float] = 0.0,
    tap_covariances: Sequence[Any] | None = None,
    weight_variance: float | Sequence[float] | None = None,
    bias_variance: float | Sequence[float] = 0.0,
    mean_filters: Sequence[Any] | None = None,
    biases: Sequence[Any] | None = None,
    fixed_sums: bool = False,
    rectify: Rectify = "layers",
    sigma: float | None = None,
    task: ScaleDetection | None = None,
    balanced: bool = False,
    images: Any = None,
    displaced: Any = None,
    moves: Moves = "wrap",
    noise_error: float = 0.005,
    rng: Any = None,
) -> WidePrediction:
    r"""Sensitivities of a network of random filters in the limit of many channels.

    The filters are Gaussian, independent over pairs of channels, of covariance
    :math:`\sigma_w^2 C_{ff'} / \text{channels}` between taps f and f'. Then

    .. math:: K^{xy}_{k+1}(i, j) = \sigma_b^2 + \sigma_w^2 \sum_{ff'} C_{ff'}
              \Phi^{xy}_k(s i + f, s j + f'), \qquad
              \Phi^{xy}_k(i, j) = \kappa(K^{xx}_k(i, i), K^{yy}_k(j, j), K^{xy}_k(i, j)) ,

              D_k = E\, \mathrm{tr} (\Phi^{xx} + \Phi^{yy} - 2 \Phi^{xy}) /
              E\, \mathrm{tr} (\Phi^{xx} + \Phi^{x'x'} - 2 \Phi^{xx'}), \quad y = \tau x ,

    with the arc-cosine kernel :math:`\kappa` of order one; :math:`\Phi_0^{xy}(i, j) = x(i) y(j)`.

    Parameters
    ----------
    net : Network
        A chain of layers with bias 0, of any strides, kernels and paddings; the kernels a are the
        shapes that `pooling` refers to.
    size : int or tuple of int
        Pixels a side, or along every axis; left out with `task` and `images`.
    pooling : float or sequence of float, default 0
        The share t of the pooling, of all layers or layer by layer:
        C = (1 - t) diag(a) + t a a^T. 0: independent taps, before training. 1: every filter is a
        multiple of a, the model of `predict`. At most 1; below 0, filters are high-pass.
    tap_covariances : sequence of arrays [F, F], optional
        The C of every layer instead, F taps in the order of a raster; not rescaled.
    weight_variance : float or sequence of float, optional
        :math:`\sigma_w^2`, of all layers or layer by layer. Default 2, which keeps the variance;
        without ReLU 1. It may be 0 in layers that have `mean_filters`, and so may C.
    bias_variance : float or sequence of float, default 0
        :math:`\sigma_b^2`, in units of the squared height of a pixel.
    mean_filters : sequence of arrays [H, F] or None, optional
        The rows :math:`m_h` of every layer: filters to an output channel have the mean
        :math:`m_h(f)/\text{channels}` over input channels, and every row is alike likely. A first
        layer of known filters on images of one channel has these as rows, and C = 0.
    biases : sequence of arrays [H] or None, optional
        The biases :math:`b_h` of these rows, in units of the height of a pixel; on top of them come
        those of `bias_variance`.
    fixed_sums : bool, default False
        Whether filters sum to :math:`m_h` over input channels exactly, as where both have been
        measured: what is random about them then acts on deviations from the mean over channels.
    rectify : {"layers", "input", "noise", None}
        How the noise meets the ReLU: x + eta, relu(x + eta) or x + relu(eta) enters; None: x + eta,
        and no layer rectifies.
    sigma : float, optional
        Standard deviation of the noise. Default: matched to the displacement,
        L sigma^2 = E|tau x - x|^2.
    task : ScaleDetection, optional
        Two-pixel images of this task instead of one uniformly placed pixel: all of them are
        compared, so rather of tens than hundreds of pixels.
    balanced : bool, default False
        With `task`: every label weighs the same.
    images : array [n, *sides] or [n, channels, *sides], optional
        Given images instead, at least two; Q is the mean over pairs of different images.
    displaced : array of the shape of `images`, or [m, *images.shape], optional
        The same images displaced. Default: by one site, around the border, along all axes.
    moves : {"wrap", "stay", "inside"}
        What a move of a pixel does at the border of networks with padding.
    noise_error : float, default 0.005
        Relative standard error of G_k up to which noise is drawn.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Returns
    -------
    WidePrediction
        D and Q without sampling error, their rounding error is below 1e-10. So is that of G
        without ReLU, and for pooling 1 and noise that is rectified before it enters; else G has
        the standard error ``G_err``.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    TypeError, ValueError
        For bad arguments and layers that are no convolutions.

    Warns
    -----
    UserWarning
        If it will take more than about a minute, and how long. With all t = 0 covariances at equal
        sites suffice, otherwise those of all sites around a pixel are needed.

    Notes
    -----
    A network of finite width differs from the limit by terms of order 1/width; `simulate_wide`
    measures it. CPU seconds measured for box 3, stride 1: N = 256, 10 layers, t = 0.5: 2.4, t =
    0.9: 9.4; N = 4096, t = 0: 0.03; 32 x 32, 10 layers, t = 0: 1.3; 5 layers, t = 0.5: 10.
    Source: Cho and Saul 2009 (the kernel); Garriga-Alonso et al. 2018, Novak et al. 2018
    (convolutional networks of many channels); D, G and the bridge to pooling are our derivation.

    Examples
    --------
    Sensitivity to displacements falls, and noise piles up, as filters become common:

    >>> from scaledet import Network
    >>> net = Network.uniform(3, depth=4)
    >>> for t in (0, 0.5, 1):
    ...     predict_wide(net, size=24, pooling=t, rng=0).D[1:].round(3).tolist()
    [0.845, 0.685, 0.57, 0.487]
    [0.758, 0.522, 0.357, 0.25]
    [0.381, 0.192, 0.136, 0.109]
    """
    laws = checked_laws(
        "predict_wide",
        net,
        pooling=pooling,
        tap_covariances=tap_covariances,
        weight_variance=weight_variance,
        bias_variance=bias_variance,
        mean_filters=mean_filters,
        biases=biases,
        fixed_sums=fixed_sums,
        rectified=rectify is not None,
    )
    target = validate.proportion("noise_error", noise_error)
    generator = validate.generator(rng)
    stack = None
    if images is not None:
        if task is not None:
            raise ArgumentError("task must be left out when images are given")
        if moves != "wrap":
            raise ArgumentError(f"moves must be 'wrap' with images, see displaced; got {moves!r}")
        stack = given_images(net, images, displaced, size)
        size, sigma = stack.sides, stack.matched_sigma if sigma is None else sigma
    elif displaced is not None:
        raise ArgumentError("displaced must be left out without images")
    elif size is None and task is None:
        raise ArgumentError("size must be given without task and images; got None")
    arguments = (net, size, rectify, sigma, task, balanced)
    scenario = Scenario.checked("predict_wide", *arguments, sigma_range=_SIGMA, moves=moves)
    wide = WideNetwork(net, scenario.sides, laws, scenario.rectify is not None)
    if stack is not None:
        moments = image_moments(wide, stack)
        noisy = Images(wide, stack.images, np.full(len(stack.images), 1 / len(stack.images)))
    elif scenario.task is not None:
        moments, noisy = task_moments(wide, scenario), _task_noise(wide, scenario)
    else:
        moments, noisy = one_pixel_moments(wide, scenario.moves), _pixel_noise(wide)
    _require_distance(wide, moments.distance, scenario.sides[0])
    response = noise_response(noisy, scenario.rectify, scenario.sigma or 0.0, target, generator)
    D, G = moments.displacement / moments.distance, response.mean / moments.distance
    relative = response.error / response.mean
    return WidePrediction(
        scenario,
        None if stack is None else len(stack.images),
        shared([law.weight_variance for law in laws]),
        shared([law.bias_variance for law in laws]),
        np.array([law.share for law in laws]),
        np.array([law.power for law in laws]),
        D=D,
        G=G,
        G_err=G * relative,
        R=D / G,
        R_err=D / G * relative,
        Q=moments.distance,
    )


def _require_distance(wide: WideNetwork, distance: Array, size: int) -> None:
    """Raise where images differ, relative to the layer before, by rounding errors only."""
    gains = np.array([law.gain for law in wide.laws])
    least = np.concatenate([[0.0], _ROUNDING * gains * distance[:-1]])
    if not (distance > least).all():
        raise ExhaustionError.at(int(np.argmin(distance > least)), size, "Q_k = 0")


def _pixel_noise(wide: WideNetwork) -> Images:
    """Return the images of one pixel to which noise is added: one for every phase of the grid."""
    sides, net = wide.sides, wide.network
    periods = [period(net, sides, axis) for axis in wide.axes]
    lengths = [
        min(side, -(-max(2, reach(net, axis)) // step) * step)
        for axis, (side, step) in enumerate(zip(sides, periods, strict=True))
    ]
    reduced, more = smaller(wide, tuple(lengths))
    corners = np.meshgrid(*map(np.arange, periods), indexing="ij")
    sites = np.ravel_multi_index([corner.ravel() for corner in corners], tuple(lengths))
    images = np.zeros((len(sites), 1, int(np.prod(lengths))))
    images[np.arange(len(sites)), 0, sites] = 1.0
    return Images(reduced, images, np.full(len(sites), 1 / len(sites)), more)


def _task_noise(wide: WideNetwork, scenario: Scenario) -> Images:
    positions, weights = task_images(scenario)
    images = np.zeros((len(positions), 1, int(wide.counts[0])))
    for pixel in (0, 1):
        sites = np.ravel_multi_index(tuple(positions[:, pixel].T), wide.sides)
        images[np.arange(len(positions)), 0, sites] += 1.0
    return Images(wide, images, weights)
