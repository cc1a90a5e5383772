"""Confront a prediction with a simulation: pulls, full-covariance chi-square, p-value."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scaledet.errors import ArgumentError, ArgumentTypeError
from scaledet.evolution.evolve import Evolution
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

# Directions that rest on fewer overlapping pairs of images are not Gaussian and are not tested.
# Directions whose variance is this much below the largest are numerically absent.
_OVERLAPS = 50
_SINGULAR = 1e-13

_PARTS = ("prediction", "simulation")

# These fields must be equal; networks may differ, sigma is compared up to rounding.
_COMPARED = [field.name for field in fields(Scenario) if field.name not in ("network", "sigma")]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Result):
    r"""A prediction tested against a simulation; a saved file holds both of them whole.

    Attributes
    ----------
    prediction, simulation
        The two results that were compared.
    pulls : ndarray, shape [2, depth + 1]
        (simulated - predicted) / standard error; first row D, second row G.
    chi2 : float
        :math:`\Delta^T C^{-1} \Delta` with the full covariance C of all layers, in the directions
        that the samples resolve.
    dof : tuple of int
        Number of independent directions in it, and of blocks beyond them.
    p_value : float
        Probability of a larger chi2 if the prediction holds (Hotelling's law, because C is
        itself estimated from the blocks).

    Examples
    --------
    >>> from scaledet import Network, predict, simulate
    >>> net = Network.uniform(kernel=2, stride=2, depth=3)
    >>> compare(predict(net, size=64), simulate(net, size=64, samples=2000, rng=1)).pulls.shape
    (2, 4)
    """

    prediction: Prediction | Evolution
    simulation: Simulation
    pulls: NDArray[np.float64]
    chi2: float
    dof: tuple[int, int]
    p_value: float

    _kind = "comparison"
    _arrays: ClassVar = {"pulls": Values(("2, layers",))}
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

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name."""
        p, m = self.prediction, self.simulation
        columns: dict[str, Any] = {"layer": np.arange(len(p.D)), "A": p.A}
        for row, name in enumerate("DG"):
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
        return shown


def compare(prediction: Prediction | Evolution, simulation: Simulation) -> Comparison:
    r"""Test whether a simulation agrees with a prediction at every layer at once.

    With the deviations Delta of the mean squared responses from D_k Q_k and G_k Q_k (predicted
    D_k, G_k; simulated Q_k) over B blocks, and their estimated covariance C in the r directions
    that rest on at least 50 overlapping pairs of images,
    :math:`\chi^2 = \Delta^T C^{-1} \Delta` and
    :math:`\chi^2 (B - r) / (r (B - 1)) \sim F_{r, B - r}` (Hotelling).

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
    difference = np.concatenate([simulation.D - prediction.D, simulation.G - prediction.G])
    pulls = difference / np.sqrt(np.diag(simulation.covariance))
    deviations, covariance = _mean_deviations(prediction, simulation)
    counts, directions = np.linalg.eigh(covariance)
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

    projected = directions.T @ deviations
    chi2 = float((projected[kept] ** 2 / counts[kept]).sum())
    dof = (rank, blocks - rank)
    p_value = float(fdtrc(*dof, chi2 * (blocks - rank) / (rank * (blocks - 1))))
    return Comparison(prediction, simulation, pulls.reshape(2, -1), chi2, dof, p_value)


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


def _mean_deviations(
    prediction: Prediction | Evolution, simulation: Simulation
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Deviations of the mean responses from D_k Q_k and G_k Q_k, and their covariance.

    With the predicted D_k they are linear in the means: no ratio, no bias. In units of the share
    of one pair of images, an eigenvalue of the covariance counts the overlapping pairs that a
    direction rests on.
    """
    layers = len(prediction.D)
    identity, zero = np.eye(layers), np.zeros((layers, layers))
    of_d = [identity, zero, -np.diag(prediction.D)]
    linear = np.block([of_d, [zero, identity, -np.diag(prediction.G)]])
    share = np.concatenate([prediction.D, prediction.G]) * np.tile(simulation.Q, 2)
    linear *= simulation.pairs / share[:, None]
    return linear @ simulation.means, linear @ simulation.means_covariance @ linear.T
