"""Networks of random filters with many channels, carried out; the theory of wide ones is unused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.isolation import usual_floats
from scaledet.network.filter_law import FilterLaw, checked_laws, described, shared
from scaledet.network.images import with_noise
from scaledet.network.network import Network
from scaledet.network.receptive_fields import receptive_fields, width_column
from scaledet.network.tap_covariance import Taps, window_sites
from scaledet.results.contents import Values, count, each_or_all, real
from scaledet.results.tables import shown_columns
from scaledet.scenario import Rectify, Scenario, ScenarioResult
from scaledet.simulation.engines.base import add_pixels
from scaledet.tasks.scale_detection import ScaleDetection

__all__ = ["WideSimulation", "simulate_wide"]

Array = NDArray[np.float64]

_NAMES = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err")


@dataclass(frozen=True, eq=False, repr=False)
class WideSimulation(ScenarioResult):
    """Measured sensitivities of random networks with standard errors, k = 0 to the depth.

    All arrays have shape [depth + 1] but for `mean_power`.

    Attributes
    ----------
    scenario : Scenario
        Network, images and noise; `network`, `size` and so on are attributes here, too.
    width, networks, samples : int
        Channels of every layer; networks drawn; images of each.
    weight_variance, bias_variance : float, or tuple of float
        Of the random weights and biases, of all layers or of each.
    mean_power : ndarray, shape [depth]
        The sum over taps of the mean square of `mean_filters`.
    D, D_err, G, G_err, R, R_err, Q, Q_err : ndarray
        Estimates and their standard errors over networks; Q is per channel.

    Examples
    --------
    >>> from scaledet import Network, simulate_wide
    >>> simulate_wide(Network.uniform(3, depth=2), size=12, width=20, networks=5, rng=0).D.shape
    (3,)
    """

    scenario: Scenario
    width: int
    networks: int
    samples: int
    weight_variance: float | tuple[float, ...]
    bias_variance: float | tuple[float, ...]
    mean_power: Array
    D: Array
    D_err: Array
    G: Array
    G_err: Array
    R: Array
    R_err: Array
    Q: Array
    Q_err: Array

    _kind = "wide_simulation"
    _arrays: ClassVar = {
        "mean_power": Values(("depth",), minimum=0),
        **dict.fromkeys(_NAMES, Values(minimum=0)),
    }
    _facts: ClassVar = {
        **dict.fromkeys(("width", "samples"), count(1)),
        "networks": count(2),
        **dict.fromkeys(("weight_variance", "bias_variance"), each_or_all(real(minimum=0))),
    }

    @property
    def A(self) -> Array:
        """Effective receptive field of the network's layers (pixels), not simulated.

        Where the axes differ, their geometric mean.
        """
        return receptive_fields(self.network)

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        arrays = {name: getattr(self, name) for name in _NAMES}
        return {"layer": np.arange(len(self.D)), **width_column(self.network), **arrays}

    def _title(self) -> str:
        return (
            f"Simulation of {self.networks} random networks of {self.width} channels, "
            f"{self.samples} images each, of {self.scenario}, "
            + described(self.weight_variance, self.bias_variance, self.mean_power)
        )

    def _shown(self) -> dict[str, Any]:
        return shown_columns(self.columns())

    def _lengths(self) -> dict[str, int]:
        return {**super()._lengths(), "depth": self.network.depth}


@usual_floats
def simulate_wide(
    net: Network,
    *,
    size: int | Sequence[int] | None = None,
    width: int = 256,
    networks: int = 16,
    samples: int = 32,
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
    rng: Any = None,
) -> WideSimulation:
    r"""Measure D, G, R and Q of networks of finite width whose filters are drawn at random.

    .. math:: y_c(i) = \mathrm{relu}\Bigl(\sum_{c' f} w_{c c' f}\, x_{c'}(s i + f) + b_c\Bigr),
              \qquad \mathrm{Cov}(w_{c c' f}, w_{c c' f'})
              = \sigma_w^2 C_{f f'} / \text{channels} ,

    with mean 0, or that of one of the rows of `mean_filters`, drawn for every output channel c
    together with that of `biases`.

    Parameters
    ----------
    net : Network
        A chain of layers with bias 0, of any strides, kernels and paddings.
    size : int or tuple of int
        Pixels a side, or along every axis; left out with a task.
    width : int, default 256
        Channels of every layer; the image has one.
    networks : int, default 16
        Networks drawn, at least two: their scatter gives the errors.
    samples : int, default 32
        Images that each network sees, at least two.
    pooling, tap_covariances, weight_variance, bias_variance, mean_filters, biases, fixed_sums
        The law of the weights and biases, as in `predict_wide`.
    rectify, sigma, task, balanced
        Noise and images, as in `predict_wide`.
    rng : seed or Generator
        For ``numpy.random.default_rng``.

    Returns
    -------
    WideSimulation
        Ratios of means over networks, with errors by the jackknife over networks.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer.
    TypeError, ValueError
        For bad arguments and layers that are no convolutions.

    Notes
    -----
    No formula for covariances is used: weights, images and noise are drawn and sent through.

    Examples
    --------
    >>> from scaledet import Network
    >>> s = simulate_wide(Network.uniform(3, depth=2), size=24, width=100, networks=20, rng=0)
    >>> bool(abs(s.D[2] - 0.685) < 4 * s.D_err[2])      # predict_wide: 0.685
    True
    """
    laws = checked_laws(
        "simulate_wide",
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
    width = validate.integer("width", width, 1)
    networks = validate.integer("networks", networks, 2)
    samples = validate.integer("samples", samples, 2)
    generator = validate.generator(rng)
    if size is None and task is None:
        raise ArgumentError("size must be given without task; got None")
    arguments = (net, size, rectify, sigma, task, balanced)
    scenario = Scenario.checked("simulate_wide", *arguments, sigma_range=(1e-100, 1e100))
    maps = net.sizes(scenario.sides)
    layers = [
        _Layer(window_sites(layer, sides), law, _roots(law.taps) * np.sqrt(law.weight_variance))
        for layer, sides, law in zip(net, maps[:-1], laws, strict=True)
    ]
    squares = [
        _measured(layers, scenario, width, samples, each) for each in generator.spawn(networks)
    ]
    estimates = _estimates(np.array(squares), scenario.sides[0])
    return WideSimulation(
        scenario,
        width,
        networks,
        samples,
        shared([law.weight_variance for law in laws]),
        shared([law.bias_variance for law in laws]),
        np.array([law.power for law in laws]),
        **estimates,
    )


def _roots(taps: Taps) -> Array:
    """Return a matrix r [F, F] with r r^T the covariance of the taps."""
    values, vectors = np.linalg.eigh(taps.matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


@dataclass(frozen=True)
class _Layer:
    """Which sites a layer reads, its law, and the root of the covariance of its weights."""

    reads: NDArray[np.int64]
    law: FilterLaw
    root: Array

    def apply(self, images: Array, width: int, rng: np.random.Generator, *, rectify: bool) -> Array:
        """Draw a layer of `width` channels and send images [channels, n, sites] through it."""
        channels, n, _ = images.shape
        weights = rng.standard_normal((width, channels, len(self.root))) @ self.root.T
        weights /= np.sqrt(channels)
        if self.law.fixed_sums:
            weights -= weights.mean(axis=1, keepdims=True)
        levels = np.zeros(width)
        if self.law.rows is not None:
            means, biases = self.law.rows
            drawn = rng.integers(len(means), size=width)
            weights += means[drawn, None] / channels
            levels = biases[drawn]
        padded = np.pad(images, ((0, 0), (0, 0), (0, 1)))
        windows = padded[:, :, self.reads].transpose(0, 3, 1, 2)
        result = weights.reshape(width, -1) @ windows.reshape(channels * len(self.root), -1)
        levels = levels + np.sqrt(self.law.bias_variance) * rng.standard_normal(width)
        result += levels[:, None]
        if rectify:
            np.maximum(result, 0.0, out=result)
        return np.asarray(result.reshape(width, n, len(self.reads)))


def _measured(
    layers: list[_Layer],
    scenario: Scenario,
    width: int,
    samples: int,
    rng: np.random.Generator,
) -> Array:
    """Return mean squares of a network's responses, and Q: [3, depth + 1]."""
    clean, moved = _images(scenario, samples, rng)
    eta = (scenario.sigma or 0.0) * rng.standard_normal(clean.shape)
    noisy = with_noise(clean, eta, scenario.rectify)
    images = np.concatenate([clean, moved, noisy])[None]
    rows = [_squares(images, samples)]
    for layer in layers:
        images = layer.apply(images, width, rng, rectify=scenario.rectify is not None)
        rows.append(_squares(images, samples))
    return np.array(rows).T


def _squares(images: Array, samples: int) -> tuple[float, float, float]:
    clean, moved, noisy = (images[:, j * samples : (j + 1) * samples] for j in range(3))
    scale = samples * len(images)
    spread = np.square(clean - clean.mean(axis=1, keepdims=True)).sum() / (samples - 1)
    return (
        float(np.square(moved - clean).sum() / scale),
        float(np.square(noisy - clean).sum() / scale),
        float(2 * spread / len(images)),
    )


def _images(scenario: Scenario, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw images and their moved copies, [samples, pixels]."""
    sides = scenario.sides
    if scenario.task is not None:
        task = scenario.task
        positions, _ = task.draw_pairs(samples, rng=rng, balanced=scenario.balanced)
        both = positions, task.move_pairs(positions, rng=rng)
    else:
        start = rng.integers(sides, size=(samples, 1, len(sides)))
        step = np.zeros_like(start)
        axis = rng.integers(len(sides), size=samples)
        step[np.arange(samples), 0, axis] = 2 * rng.integers(2, size=samples) - 1
        both = start, (start + step) % np.array(sides)
    images = np.zeros((2, samples, int(np.prod(sides))))
    for image, positions in zip(images, both, strict=True):
        add_pixels(image, positions, sides)
    return cast("tuple[Array, Array]", tuple(images))


def _estimates(squares: Array, size: int) -> dict[str, Array]:
    """Return ratios of means over networks [networks, 3, depth + 1], with jackknife errors."""
    total, n = squares.sum(axis=0), len(squares)
    others = total - squares
    alive = (others[:, 2] > 0).all(axis=0)
    if not alive.all():
        few = "Q_k = 0 in all networks but one at most"
        raise ExhaustionError.at(int(np.argmin(alive)), size, few)
    left = _ratios(np.moveaxis(others / (n - 1), 1, 0))
    errors = {
        f"{name}_err": np.sqrt(np.square(values - values.mean(axis=0)).sum(axis=0) * (n - 1) / n)
        for name, values in left.items()
    }
    return {**_ratios(total / n), **errors}


def _ratios(means: Array) -> dict[str, Array]:
    displacement, noise, distance = means
    ratios = {"D": displacement / distance, "G": noise / distance, "R": displacement / noise}
    return {**ratios, "Q": distance}
