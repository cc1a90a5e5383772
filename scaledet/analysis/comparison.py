"""Confront a prediction with a simulation: pulls, full-covariance chi-square, p-value."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.evolution.evolve import Evolution
from scaledet.isolation import usual_floats
from scaledet.network.graph import fold
from scaledet.results import tables
from scaledet.results.contents import Values, count, joined, parts_of, real, together
from scaledet.results.result import Result
from scaledet.scenario import Scenario
from scaledet.simulation.result import Simulation
from scaledet.theory.prediction import Prediction

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import NDArray

__all__ = ["DISAGREEMENT", "Comparison", "compare"]

DISAGREEMENT = 1e-3
"""Theory and simulation disagree at or below this p-value."""

# Directions that rest on fewer overlapping pairs of images are not Gaussian: chi2 leaves them out.
# Directions whose variance is this much below the largest are numerically absent.
_OVERLAPS = 50
_SINGULAR = 1e-13

_PARTS = ("prediction", "simulation")

# No mean is this many standard errors off by chance, however few events it rests on.
_BEYOND_CHANCE = 30
# Relative rounding of predictions, and of simulated images relative to their norm.
_PREDICTED, _SIMULATED = 1e-9, 1e-13

_MEANS = ("D", "G", "Q")

# These fields must be equal; networks may differ, sigma is compared up to rounding.
_COMPARED = [field.name for field in fields(Scenario) if field.name not in ("network", "sigma")]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    r"""A prediction tested against a simulation; a saved file holds both of them whole.

    Attributes
    ----------
    prediction, simulation
        The two results that were compared.
    pulls : ndarray, shape [3, depth + 1]
        (simulated - predicted) / standard error; rows D, G and Q.
    chi2 : float
        :math:`\Delta^T C^{-1} \Delta` with the full covariance C of all layers, in the directions
        that the samples resolve.
    dof : tuple of int
        Number of independent directions in it, and of blocks beyond them.
    p_value : float
        Probability of a larger chi2 if the prediction holds (Hotelling's law, because C is
        itself estimated from the blocks); 0 if any mean is `contradicted`.

    Examples
    --------
    >>> from scaledet import Network, predict, simulate
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> c = compare(predict(net, size=64), simulate(net, size=64, samples=2000, rng=1))
    >>> c.pulls.shape
    (3, 4)
    >>> c.exact[0].tolist(), bool(c.contradicted.any())    # one pixel always moves by one site
    ([True, False, False, False], False)
    """

    prediction: Prediction | Evolution
    simulation: Simulation
    pulls: NDArray[np.float64]
    chi2: float
    dof: tuple[int, int]
    p_value: float

    _kind = "comparison"
    _arrays: ClassVar = {"pulls": Values(("3, layers",))}
    _facts: ClassVar = {
        "chi2": real(minimum=0),
        "dof": together(count(1), count(1)),
        "p_value": real(minimum=0),
    }

    def _lengths(self) -> dict[str, int]:
        return {"layers": len(self.simulation.D)}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, both results among them, which `from_stored` reads."""
        facts, arrays = super().to_stored()
        facts["predicted_by"] = self.prediction._kind
        parts = {}
        for part in _PARTS:
            facts[part], parts[part] = getattr(self, part).to_stored()
        return facts, {**arrays, **joined(parts)}

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        kinds = {kind._kind: kind for kind in (Prediction, Evolution)}
        predicted = kinds[facts.pop("predicted_by")]
        pulls = {"pulls": arrays.pop("pulls")}
        parts = parts_of(arrays, _PARTS)
        facts["prediction"] = predicted.from_stored(facts["prediction"], parts["prediction"])
        facts["simulation"] = Simulation.from_stored(facts["simulation"], parts["simulation"])
        _require_same_scenario(facts["prediction"], facts["simulation"])
        return super().from_stored(facts, pulls)

    @cached_property
    def exact(self) -> NDArray[np.bool_]:
        """Which of the means D_k Q_k, G_k Q_k, Q_k carry no noise, shape [3, depth + 1].

        They are held to the prediction up to rounding and are no part of `chi2`.
        """
        return _Means.of(self.prediction, self.simulation).exact.reshape(3, -1)

    @cached_property
    def contradicted(self) -> NDArray[np.bool_]:
        """Which of the same means are off by themselves, beyond rounding and any chance."""
        return _Means.of(self.prediction, self.simulation).contradicted.reshape(3, -1)

    def remarks(self) -> list[str]:
        """Return which means are known without noise, and which contradict the prediction."""
        headed = {
            "known without noise, compared up to rounding": self.exact,
            "CONTRADICTED beyond any chance": self.contradicted,
        }
        return [f"{head}: {_named(which)}" for head, which in headed.items() if which.any()]

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name."""
        p, m = self.prediction, self.simulation
        columns: dict[str, Any] = {"layer": np.arange(len(p.D)), "A": p.A}
        for row, name in enumerate(_MEANS):
            columns[f"{name}_predicted"] = getattr(p, name)
            columns[f"{name}_simulated"] = getattr(m, name)
            columns[f"{name}_err"] = getattr(m, f"{name}_err")
            columns[f"{name}_pull"] = self.pulls[row]
        return columns

    def _title(self) -> str:
        verdict = "agree" if self.p_value > DISAGREEMENT else "DISAGREE"
        return (
            f"Comparison: theory and simulation {verdict}, p = {self.p_value:.3g} "
            f"(chi2 = {self.chi2:.1f} in {self.dof[0]} directions, "
            f"{self.simulation.samples} samples)"
        )

    def _shown(self) -> dict[str, Any]:
        p, m = self.prediction, self.simulation
        shown: dict[str, Any] = {"k": np.arange(len(p.D)), "A_k": p.A}
        for row, name in enumerate("DG"):
            values, errors = getattr(m, name), getattr(m, f"{name}_err")
            shown[f"{name}_k predicted"] = getattr(p, name)
            shown[f"{name}_k simulated"] = list(map(tables.with_error, values, errors))
            shown[f"{name} pull"] = [f"{pull:+.2f}" for pull in self.pulls[row]]
        # Of Q, whose scale says little, the pulls alone; `columns` has the rest.
        return {**shown, "Q pull": [f"{pull:+.2f}" for pull in self.pulls[2]]}


@usual_floats
def compare(prediction: Prediction | Evolution, simulation: Simulation) -> Comparison:
    r"""Test whether a simulation agrees with a prediction at every layer at once.

    The means D_k Q_k, G_k Q_k and Q_k deviate by Delta from the predicted ones. With their
    covariance C, estimated from B blocks, in the r directions that rest on at least 50 overlapping
    pairs of images, :math:`\chi^2 = \Delta^T C^{-1} \Delta` and
    :math:`\chi^2 (B - r) / (r (B - 1)) \sim F_{r, B - r}` (Hotelling).

    Means without noise, such as the response of one pixel to a move as long as no layer has a
    stride, must equal the predicted ones up to rounding. Every other mean must lie within 30
    standard errors, also in directions that chi2 leaves out.

    Parameters
    ----------
    prediction : Prediction or Evolution
        Of the same size, depth, noise and images; the network may differ (that is what is
        tested).
    simulation : Simulation
        At least about twice as many blocks as means.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError, ValueError
        If the two do not describe the same experiment or there are too few blocks.

    Notes
    -----
    Assumes block means close to Gaussian (central limit theorem). Source: Hotelling 1931.

    Examples
    --------
    >>> from scaledet import Network, predict, simulate
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> c = compare(predict(net, size=64), simulate(net, size=64, samples=2000, rng=1))
    >>> bool(c.p_value > 1e-3)
    True
    """
    if not isinstance(prediction, Prediction | Evolution):
        raise ArgumentTypeError(
            f"prediction must be a Prediction or an Evolution; got {prediction!r}"
        )
    if not isinstance(simulation, Simulation):
        raise ArgumentTypeError(f"simulation must be a Simulation; got {simulation!r}")
    _require_same_scenario(prediction, simulation)
    stacked = [getattr(simulation, name) - getattr(prediction, name) for name in _MEANS]
    pulls = np.array(stacked) / np.sqrt(np.diag(simulation.covariance)).reshape(3, -1)
    means = _Means.of(prediction, simulation)
    counts, directions = np.linalg.eigh(means.overlaps)
    kept = counts > max(_OVERLAPS, _SINGULAR * counts[-1])
    rank, blocks = int(kept.sum()), simulation.blocks
    fewest = max(2 * rank + 2, 8)
    if rank == 0 or blocks < fewest:
        raise ArgumentError(
            f"simulation must have at least {fewest} blocks and more overlapping "
            f"images to test a prediction; got {blocks} blocks of {simulation.samples} samples "
            f"(try samples={4 * simulation.samples})"
        )
    from scipy.special import fdtrc

    projected = directions.T @ means.deviations
    chi2 = float((projected[kept] ** 2 / counts[kept]).sum())
    dof = (rank, blocks - rank)
    p_value = float(fdtrc(*dof, chi2 * (blocks - rank) / (rank * (blocks - 1))))
    if means.contradicted.any():
        p_value = 0.0
    return Comparison(prediction, simulation, pulls, chi2, dof, p_value)


def _require_same_scenario(prediction: Prediction | Evolution, simulation: Simulation) -> None:
    """Refuse scenarios that differ in more than the network, and networks of other depths."""
    predicted, simulated = prediction.scenario, simulation.scenario
    for name in _COMPARED:
        ours, theirs = getattr(predicted, name), getattr(simulated, name)
        if ours != theirs:
            raise ArgumentError(
                f"prediction.{name} must equal the simulation's {theirs!r}; got {ours!r}"
            )
    depth, other = simulated.network.depth, len(prediction.D) - 1
    dead_at = prediction.dead_at if isinstance(prediction, Evolution) else None
    if dead_at is not None and dead_at <= depth:
        raise ArgumentError(
            f"prediction must see the signal at every layer; it is dead at layer {dead_at}: "
            f"compare the first {dead_at - 1} layers (network[:{dead_at - 1}])"
        )
    if other != depth:
        raise ArgumentError(
            f"prediction.network must have the simulation's depth {depth}; got {other}"
        )
    ours, theirs = predicted.sigma, simulated.sigma
    if ours is None or theirs is None or not math.isclose(ours, theirs, rel_tol=1e-12):
        raise ArgumentError(
            f"prediction.sigma must equal the simulation's {theirs!r}; got {ours!r}"
        )


@dataclass(frozen=True, eq=False)
class _Means:
    """The means D_k Q_k, G_k Q_k, Q_k less the predicted ones, all of shape [3 (depth + 1)].

    Attributes
    ----------
    exact
        Whether a mean carries no noise: what chance could do is below rounding.
    contradicted
        Whether it is off by more than chance and rounding can do.
    deviations
        In units of the share of one pair of images; 0 where `exact`.
    overlaps : shape [3 (depth + 1)] * 2
        Their covariance: an eigenvalue counts the pairs that overlap in a direction.
    """

    exact: NDArray[np.bool_]
    contradicted: NDArray[np.bool_]
    deviations: NDArray[np.float64]
    overlaps: NDArray[np.float64]

    @classmethod
    def of(cls, prediction: Prediction | Evolution, simulation: Simulation) -> _Means:
        """Compare the means, which are linear in the images: no ratio, no bias."""
        ratios = np.array([prediction.D, prediction.G, np.ones(len(prediction.D))])
        predicted = (ratios * prediction.Q).ravel()
        means, covariance = simulation.means, simulation.means_covariance
        chance = _BEYOND_CHANCE * np.hypot(np.sqrt(np.diag(covariance)), _unseen(simulation))
        rounding = _rounding(prediction, predicted)
        exact = chance <= rounding
        deviations = means - predicted
        share = (np.where(ratios > 0, ratios, 1.0) * simulation.Q).ravel() / simulation.pairs
        noisy = ~exact / share
        return cls(
            exact,
            np.abs(deviations) > chance + rounding,
            deviations * noisy,
            covariance * np.outer(noisy, noisy),
        )


def _unseen(simulation: Simulation) -> NDArray[np.float64]:
    """Return standard errors of D_k Q_k, G_k Q_k, Q_k that may be too rare to show as scatter.

    Another image may be the first to respond otherwise to its move, unless all moves are alike;
    and pairs that overlap are few by chance. The noise differs from image to image.
    """
    q, network = simulation.Q, simulation.network
    plain = simulation.scenario.is_torus and simulation.task is None and not simulation.background
    alike = np.array(network.strides) == 1 if plain else np.zeros(len(q), bool)
    image, pairs = q / simulation.samples, q * math.sqrt(_OVERLAPS) / simulation.pairs
    return np.concatenate([image * ~alike, 0 * q, pairs])


def _rounding(
    prediction: Prediction | Evolution, predicted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the rounding of predicted means, and of simulated ones as differences of images.

    A clean image of norm n has rounding errors of norm e n, its differences of norm v therefore
    one of 2 e n v in v^2. On average over all places the image is flat.
    """
    network, scenario = prediction.network, prediction.scenario
    pixel = (1 if scenario.task is None else 2) / scenario.pixels + scenario.background
    heights = fold(
        network,
        pixel,
        lambda height, layer, _: height + max(float(layer.bias), 0.0),
        lambda summed, _: sum(summed),
    )
    units = [float(math.prod(sides)) for sides in network.sizes(scenario.sides)]
    norm = np.sqrt(prediction.Q + np.array(units) * np.array(list(heights)) ** 2)
    return _PREDICTED * predicted + _SIMULATED * np.tile(norm, 3) * np.sqrt(predicted)


def _named(which: NDArray[np.bool_]) -> str:
    """Name the means that are chosen, a quantity at a time."""
    texts = []
    for name, row in zip(("D_k Q_k", "G_k Q_k", "Q_k"), which, strict=True):
        layers = np.flatnonzero(row)
        if len(layers):
            runs = np.split(layers, np.flatnonzero(np.diff(layers) > 1) + 1)
            spans = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
            texts.append(f"{name} at k = {', '.join(spans)}")
    return "; ".join(texts)
