"""Result of a simulation: estimates with standard errors, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.network.receptive_fields import receptive_fields, width_column
from scaledet.results.contents import Values, count, one_of, optional, real
from scaledet.results.tables import shown_columns
from scaledet.scenario import Scenario, ScenarioResult
from scaledet.simulation.estimation import covariance_of_ratios, relative_errors
from scaledet.simulation.unit import ENGINES

__all__ = ["COLUMNS", "Simulation"]

COLUMNS = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err")
"""Columns of the table of results, one value per layer."""

# Defaults of fields that old files lack (`gain` was 1).
_EARLY = {"engine": "numpy", "partial": False, "target_error": None, "control_variates": False}


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(ScenarioResult):
    """Estimated sensitivities with standard errors, k = 0 (the input) to the depth.

    Attributes
    ----------
    scenario : Scenario
        Network, images and noise; its ``network``, ``size``, ``rectify``, ``sigma``, ``task``,
        ``balanced``, ``background`` and ``moves`` are attributes of the result as well.
    engine : str
        Engine that ran the simulation.
    samples : int
        Number of images.
    blocks : int
        Number of independent work units, whose scatter gives the errors.
    pairs : int
        Number of pairs of images that Q is averaged over.
    entropy : int or None
        Entropy of the random streams: ``rng=entropy`` repeats the run (None if no integer does,
        as with a generator that has spawned streams before).
    partial : bool
        Whether the run was interrupted; then it holds the samples that were finished.
    target_error : float or None
        Requested relative standard error; `relative_error` is the one reached.
    control_variates : bool
        Whether the noise itself, whose mean is known, corrects G.
    D, D_err, G, G_err, R, R_err, Q, Q_err : ndarray, shape [depth + 1]
        Means and standard errors (dimensionless).
    covariance : ndarray, shape [3 (depth + 1)] * 2
        Covariance of the stacked estimates (D_0 ... D_depth, then G, then Q): all layers see the
        same images and noise.
    means : ndarray, shape [3 (depth + 1)]
        Mean squared responses to displacement and to noise, and Q: D and G are their ratios.
    means_covariance : ndarray, shape [3 (depth + 1)] * 2
        Their covariance.
    gain : ndarray, shape [depth + 1]
        How many times smaller control variates make the variance of the noise response (1
        without them); at most 4.5e15, which stands where they know the response itself.

    Examples
    --------
    >>> from scaledet import Network, simulate
    >>> simulate(Network.uniform(2, 2, depth=3), size=64, samples=400, rng=0).D.shape
    (4,)
    """

    _kind = "simulation"
    _arrays: ClassVar = {
        **{name: Values(minimum=0) if "_err" in name else Values() for name in COLUMNS},
        "covariance": Values(("3 * layers, 3 * layers",), covariance=True),
        "means": Values(("3 * layers",)),
        "means_covariance": Values(("3 * layers, 3 * layers",), covariance=True),
        "gain": Values(positive=True),
    }
    _facts: ClassVar = {
        **dict.fromkeys(("samples", "blocks", "pairs"), count(1)),
        "entropy": optional(count()),
        "engine": one_of(*ENGINES),
        "partial": validate.flag,
        "target_error": optional(real(positive=True)),
        "control_variates": validate.flag,
    }

    scenario: Scenario
    engine: str
    samples: int
    blocks: int
    pairs: int
    entropy: int | None
    partial: bool
    target_error: float | None
    control_variates: bool
    D: NDArray[np.float64]
    D_err: NDArray[np.float64]
    G: NDArray[np.float64]
    G_err: NDArray[np.float64]
    R: NDArray[np.float64]
    R_err: NDArray[np.float64]
    Q: NDArray[np.float64]
    Q_err: NDArray[np.float64]
    covariance: NDArray[np.float64]
    means: NDArray[np.float64]
    means_covariance: NDArray[np.float64]
    gain: NDArray[np.float64]

    @property
    def size(self) -> int | tuple[int, ...]:
        """Pixels a side, or along every axis."""
        return cast("int | tuple[int, ...]", self.scenario.size)

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise."""
        return cast(float, self.scenario.sigma)

    @property
    def A(self) -> NDArray[np.float64]:
        """Effective receptive field of the network's layers (pixels), not simulated.

        Where the axes differ, their geometric mean. A window of max pooling counts as a box.
        """
        return receptive_fields(self.network)

    @property
    def relative_error(self) -> NDArray[np.float64]:
        """Largest relative standard error of D_k, G_k, R_k and Q_k, shape [depth + 1]."""
        return relative_errors({name: getattr(self, name) for name in COLUMNS})

    @property
    def target_reached(self) -> bool:
        """Whether `relative_error` is below the target at every layer (True without a target)."""
        target = self.target_error
        return target is None or bool((self.relative_error < target).all())

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        return self.table(signed=self.network.signed)

    def table(self, *, signed: bool) -> dict[str, Any]:
        """Columns with A_k, or with the support where `signed` kernels have no A_k."""
        width = width_column(self.network, signed=signed)
        estimates = {name: getattr(self, name) for name in COLUMNS}
        return {"layer": np.arange(len(self.D)), **width, **estimates}

    def remarks(self) -> list[str]:
        """Return remarks that are shown with the table."""
        remarks = []
        if self.partial:
            remarks.append("partial: interrupted, these are the samples that were finished")
        if self.target_error is not None:
            layer = int(np.argmax(self.relative_error))
            reached = "reached" if self.target_reached else "NOT reached"
            remarks.append(
                f"target error {self.target_error:g} {reached}: relative standard error at most "
                f"{self.relative_error[layer]:.3g} (layer {layer})"
            )
        if self.control_variates:
            remarks.append(
                f"control variates: variance of G_k {np.median(self.gain):.3g} times smaller "
                "(median)"
            )
        return remarks

    def _title(self) -> str:
        return f"Simulation of {self.scenario}, {self.samples} samples"

    def _shown(self) -> dict[str, Any]:
        return shown_columns(self.columns())

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Simulation:
        """Rebuild from `to_stored`; called by ``load``."""
        if facts["size"] is None or facts["sigma"] is None:
            raise ArgumentError("size and sigma of a simulation must not be None")
        # Early files lack the gain, and Q in the covariance, which the means determine.
        covariance = arrays["covariance"]
        if covariance.shape == (2 * len(arrays["D"]),) * 2:
            covariance = covariance_of_ratios(arrays["means"], arrays["means_covariance"])
        arrays = {"gain": np.ones_like(arrays["D"]), **arrays, "covariance": covariance}
        return super().from_stored({**_EARLY, **facts}, arrays)
