"""Density evolution: sensitivities with a ReLU and any bias in every layer, without overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaledet import validate
from scaledet.errors import ArgumentError, ExhaustionError
from scaledet.evolution.clean_signal import CleanLayer, clean_layers
from scaledet.evolution.density import ActiveUnit, merged_laws, pack, unpack
from scaledet.evolution.pixel_noise import LAWS, Noise, checked_noise
from scaledet.evolution.sensitivity import noise_columns
from scaledet.evolution.unit_law import UnitLaw
from scaledet.isolation import usual_floats
from scaledet.network.network import Network
from scaledet.results.contents import Values, count, optional
from scaledet.scenario import Rectify, Scenario, ScenarioResult

__all__ = ["MODES", "Evolution", "evolve"]

MODES: tuple[Rectify, ...] = ("layers", "input", "noise")
"""How the noise meets the first ReLU: that of layer 1, one at the input, or its own."""


@dataclass(frozen=True, eq=False, repr=False)
class Evolution(ScenarioResult):
    """Laws of the units and sensitivities of every layer, k = 0 (the input) to the depth.

    Attributes
    ----------
    scenario : Scenario
        Network, images and noise; `network`, `size` and so on are attributes here, too. The law
        of the noise is "gaussian", "laplace", "uniform" or "samples".
    points : int
        Points of the grids.
    dead_at : int or None
        First layer that no longer sees the active pixel (Q_k = 0), None if all do.
    D, R : ndarray, shape [alive layers]
        Sensitivity to displacements, exact but for rounding, and its ratio to G.
    G, G_err : ndarray, shape [alive layers]
        Sensitivity to noise and its estimated error.
    Q : ndarray, shape [depth + 1]
        Mean square distance of two clean images, exact but for rounding; 0 from `dead_at` on.
    A : ndarray, shape [depth + 1]
        Effective receptive field (pixels).
    atom, mean, variance : ndarray, shape [depth + 1]
        Of a background unit: probability of its lowest value, mean, variance (units of the
        image's height; on the infinite lattice of sigma), with `atom_err` and so on.
    laws : tuple of UnitLaw
        Law of a background unit at every layer.
    active : tuple of tuple of ActiveUnit
        Units over the active pixel at every layer, one for each sequence of slots of unequal
        weight; left out (empty) on the infinite lattice, and after the last negative bias for
        unequal weights.

    Examples
    --------
    >>> from scaledet import Network, evolve
    >>> evolve(Network.uniform(2, 2, depth=3, bias=-0.05), size=64).exact_D[2]
    Fraction(4, 15)
    """

    scenario: Scenario
    points: int
    dead_at: int | None
    D: NDArray[np.float64]
    G: NDArray[np.float64]
    G_err: NDArray[np.float64]
    Q: NDArray[np.float64]
    A: NDArray[np.float64]
    atom: NDArray[np.float64]
    atom_err: NDArray[np.float64]
    mean: NDArray[np.float64]
    mean_err: NDArray[np.float64]
    variance: NDArray[np.float64]
    variance_err: NDArray[np.float64]
    laws: tuple[UnitLaw, ...]
    active: tuple[tuple[ActiveUnit, ...], ...]

    _kind = "evolution"
    _arrays: ClassVar = {
        "D": Values(("alive",), positive=True),
        **dict.fromkeys(("Q", "A"), Values(minimum=0)),
        "G": Values(("alive",), minimum=0),
        "atom": Values(minimum=0, maximum=1),
        **dict.fromkeys(("mean", "variance"), Values()),
        "G_err": Values(("alive",), minimum=0),
        **dict.fromkeys(("atom_err", "mean_err", "variance_err"), Values(minimum=0)),
    }
    _facts: ClassVar = {"points": count(1), "dead_at": optional(count(1))}
    _noises = (*LAWS, "samples")

    def __post_init__(self) -> None:
        super().__post_init__()
        units = (unit.law for layer in self.active for unit in layer)
        for law in (*self.laws, *units):
            law.values.setflags(write=False)

    @property
    def R(self) -> NDArray[np.float64]:
        """Relative sensitivity D_k / G_k of the layers that see the pixel."""
        with np.errstate(divide="ignore"):  # no noise is left: infinitely sensitive
            return np.asarray(self.D / self.G)

    @cached_property
    def exact_Q(self) -> tuple[Fraction, ...]:
        """Q_k as exact rationals."""
        return tuple(layer.distance for layer in clean_layers(self.network, self.scenario.side))

    @cached_property
    def exact_D(self) -> tuple[Fraction, ...]:
        """D_k as exact rationals, of the layers that see the pixel."""
        layers = list(clean_layers(self.network, self.scenario.side))[: len(self.D)]
        return tuple(layer.displacement / layer.distance for layer in layers)

    @usual_floats
    def pair(self, layer: int) -> tuple[UnitLaw, ...]:
        """Laws of the unit over two active pixels that share one from `layer` on, to the depth.

        Raises
        ------
        ValueError, TypeError
            If `layer` is no layer, the weights are unequal, a unit has one input only, or the
            lattice is infinite.
        """
        layer = validate.integer("layer", layer, 1, self.network.depth)
        if any(not step.kernel.is_box for step in self.network) or self.size is None:
            raise ArgumentError(
                "pair needs boxes and a finite size: else two active pixels have no single law; "
                f"got {self._described()}"
            )
        if len(self.network.layers[layer - 1].kernel) == 1:
            raise ArgumentError(
                f"layer must be one whose units have at least two inputs; got {layer}"
            )
        noise = None
        if layer == 1 and self.rectify == "layers":
            if self.noise == "samples" or self.sigma is None:
                raise ArgumentError(
                    "layer must be at least 2 where samples of the noise enter the first layer, "
                    f"for they are not kept; got {layer}"
                )
            noise = Noise(self.noise, self.sigma)
        return tuple(merged_laws(self.laws, self.active, self.network, layer, self.points, noise))

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name: the layers that see the pixel."""
        alive = len(self.D)
        arrays = {name: getattr(self, name)[:alive] for name in self._arrays if name != "D"}
        return {"layer": np.arange(alive), "D": self.D, "R": self.R, **arrays}

    def _lengths(self) -> dict[str, int]:
        layers = self.network.depth + 1
        return {"layers": layers, "alive": layers if self.dead_at is None else self.dead_at}

    def _described(self) -> str:
        return f"{self.scenario}, {self.noise} noise"

    def _title(self) -> str:
        title = f"Evolution (exact laws, {self.points} points) of {self._described()}"
        if self.dead_at is None:
            return title
        return f"{title}; the signal is dead at layer {self.dead_at} (Q_k = 0)"

    def _shown(self) -> dict[str, Any]:
        alive = len(self.D)
        return {
            "k": np.arange(alive),
            "A_k": self.A[:alive],
            "D_k": self.D,
            "G_k": self.G,
            "error": [f"{error:.0e}" for error in self.G_err],
            "P(lowest)": self.atom[:alive],
            "mean": self.mean[:alive],
            "variance": self.variance[:alive],
        }

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        law_facts, law_arrays = pack(self.laws, self.active)
        return {**facts, **law_facts}, {**arrays, **law_arrays}

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        laws, active = unpack(facts, arrays)
        result = super().from_stored({**facts, "laws": laws, "active": active}, arrays)
        layers = result.network.depth + 1
        if (len(laws), len(active)) != (layers, layers):
            raise ArgumentError(f"laws must be those of {layers} layers; got {len(laws)}")
        return result


@usual_floats
def evolve(
    net: Network,
    *,
    size: int | None = None,
    sigma: float | None = None,
    noise: ArrayLike = "gaussian",
    rectify: Rectify = "layers",
    points: int = 2048,
) -> Evolution:
    r"""Compute the law of every unit of layers without overlap, whatever their biases.

    Background units stay independent and identically distributed,

    .. math:: X_{k+1} = \mathrm{relu}\Bigl(\sum_j w_j X_k^{(j)} + b_{k+1}\Bigr)

    in law, n = f^d independent copies with the tensor-product weights w; with the law of the unit
    over the active pixel this gives G_k exactly at finite size. Q_k and D_k follow from the clean
    images, in exact rationals.

    Parameters
    ----------
    net : Network
        Layers without overlap (kernel length <= stride), any non-negative weights and any biases
        (units of the image's height; of sigma on the infinite lattice).
    size : int or None
        Pixels a side, a multiple of the total stride. None: the infinite lattice, L to infinity
        with L sigma^2 = 2 and all biases of the order of sigma: too small to change the signal.
    sigma : float, optional
        Standard deviation of the noise per pixel; default: matched, L sigma^2 = 2.
    noise : {"gaussian", "laplace", "uniform"} or array_like, shape [samples]
        Law of the noise. An array of at least 1000 samples of a continuous law (hardly any value
        twice) is the law that gives each the same probability, and fixes `sigma`.
    rectify : {"layers", "input", "noise"}
        x + eta enters the first layer, or relu(x + eta), or x + relu(eta).
    points : int, default 2048
        Points of the grids, in [256, 16384].

    Returns
    -------
    Evolution
        Errors are estimated by runs with fewer points (0.77 and 0.6 times), and include rounding.
        At the default they are about 1e-13 (relative) for Gaussian noise and two equal weights and
        below 1e-8 for eight, as long as the noise is alive; up to 1e-5 for weights like [1, 2, 4],
        whose laws have ever narrower parts; up to 1e-3 for Laplace and 1e-2 for uniform noise,
        whose densities have kinks or jumps away from the atom; and 1e-3 to 1e-1, in deep layers
        more, for samples, the fewer and the more skewed the larger.

    Raises
    ------
    ExhaustionError
        If all images look alike at some layer because one unit is left.
    TypeError, ValueError
        For bad arguments, overlapping layers, signed kernels; for `points` too few to resolve a
        law; and for unequal weights with late negative biases, whose active unit has too many
        laws.

    Notes
    -----
    Densities are convolved on grids that start at the atom, by sums with end corrections of order
    9; a law is moved and rescaled with its grid. Whatever nothing cuts (bias >= 0) is exact to
    rounding. Source: the model of Tomasini et al., arXiv:2210.01506; density evolution is ours
    (`derivations/d11_density_evolution.py`).

    Examples
    --------
    >>> from scaledet import Layer, Network
    >>> evolution = evolve(Network([Layer(2, 2, bias) for bias in (0, -0.02, 0)]), size=256)
    >>> evolution.G.round(6).tolist(), bool(evolution.G_err.max() < 1e-12)
    ([1.003922, 0.507874, 0.349536, 0.454463], True)
    >>> net = Network.uniform(2, 2, depth=8, bias=-0.05)
    >>> evolve(net, size=256).dead_at                            # 2^k >= 1 + 1/(2 |b|) = 11
    4
    """
    rectify = validate.choice("rectify", rectify, MODES)
    points = validate.integer("points", points, 256, 2**14)
    scenario = Scenario.checked("evolve", net, size, rectify, sigma, sigma_range=(1e-100, 1e100))
    if not isinstance(noise, str) and sigma is not None:
        raise ArgumentError(f"sigma must be left out when noise holds samples; got {sigma!r}")
    law = checked_noise(noise, scenario.sigma)
    _require_blocks(scenario)
    scenario = replace(scenario, noise=law.name, sigma=None if size is None else law.sigma)
    clean = list(clean_layers(net, scenario.side))
    alive = [layer for layer in clean if layer.alive]
    distance = _distances(clean, len(alive), scenario.side)
    columns, layers = noise_columns(scenario, law, points, distance[: len(alive)])
    return Evolution(
        scenario=scenario,
        points=points,
        dead_at=None if len(alive) == len(clean) else len(alive),
        D=np.array([float(layer.displacement / layer.distance) for layer in alive]),
        Q=distance,
        A=np.array(net.box_width),
        laws=tuple(layer.background for layer in layers),
        active=tuple(layer.active for layer in layers),
        **columns,
    )


def _require_blocks(scenario: Scenario) -> None:
    if not scenario.is_torus:
        raise ArgumentError(
            "evolve needs a chain of layers of averages on the torus, alike along all axes; got "
            f"{scenario} (simulate takes any network)"
        )
    for k, layer in enumerate(scenario.network, start=1):
        if layer.kernel.signed:
            raise ArgumentError(
                f"evolve needs non-negative kernels of sum 1; layer {k} has {layer.kernel!r}"
            )
        if len(layer.kernel) > layer.stride:
            raise ArgumentError(
                f"stride must be at least the kernel's length, so that units do not overlap and "
                f"stay independent; layer {k} has length {len(layer.kernel)} and stride "
                f"{layer.stride} (use predict, with method='closure' for biases < 0, or simulate)"
            )


def _distances(clean: list[CleanLayer], alive: int, size: int | None) -> NDArray[np.float64]:
    """Q_k of all layers, which must be normal floats as long as the signal is alive."""
    for k, layer in enumerate(clean[:alive]):
        if layer.distance == 0:
            raise ExhaustionError.at(k, size)
    distance = np.array([float(layer.distance) for layer in clean])
    tiny = distance < np.finfo(float).tiny
    if tiny[:alive].any():
        raise ArgumentError(
            f"depth must be at most {int(np.argmax(tiny)) - 1} here: beyond, "
            "Q_k leaves the range of floats"
        )
    return distance
