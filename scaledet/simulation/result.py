"""Result of a simulation: estimates with standard errors, layer by layer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scaledet.results import storage, tables
from scaledet.scenario import Experiment, restored
from scaledet.simulation.estimation import relative_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COLUMNS", "Simulation"]

COLUMNS = ("D", "D_err", "G", "G_err", "R", "R_err", "Q", "Q_err")
"""Columns of the table of results, one value per layer."""

_ARRAYS = (*COLUMNS, "covariance", "means", "means_covariance", "gain")
_RUN = (
    "engine", "background", "samples", "blocks", "pairs", "entropy", "partial", "target_error",
    "control_variates",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Experiment):
    """Estimated sensitivities with standard errors, k = 0 (the input) to the depth.

    Attributes
    ----------
    network, size, rectify, sigma, task, balanced, engine, background
        What was simulated; see ``simulate``.
    samples : int
        Number of images.
    blocks : int
        Number of independent blocks that the errors come from.
    pairs : int
        Number of pairs of images that Q is averaged over.
    entropy : int or None
        Entropy of the random streams: ``rng=entropy`` repeats the run (None if no integer does,
        as with a generator that has spawned streams before).
    partial : bool
        Whether the run was interrupted; then it holds what was finished.
    target_error : float or None
        Relative standard error that was asked for; `relative_error` is what was reached.
    control_variates : bool
        Whether the noise itself, whose mean is known, corrects G.
    D, D_err, G, G_err, R, R_err, Q, Q_err : ndarray, shape [depth + 1]
        Means and standard errors (dimensionless).
    covariance : ndarray, shape [2 (depth + 1)] * 2
        Covariance of the stacked means (D_0 ... D_depth, G_0 ... G_depth): all layers see the
        same images and noise.
    means : ndarray, shape [3 (depth + 1)]
        What D and G are ratios of: mean squared responses to displacement and to noise, and Q.
    means_covariance : ndarray, shape [3 (depth + 1)] * 2
        Their covariance.
    gain : ndarray, shape [depth + 1]
        How many times smaller control variates make the variance of the noise response (1
        without them).
    """

    size: int
    sigma: float
    engine: str
    background: float
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

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            getattr(self, name).setflags(write=False)

    @property
    def A(self) -> NDArray[np.float64]:
        """Effective receptive field of the network's layers (pixels), not simulated."""
        return np.array(self.network.box_width)

    @property
    def relative_error(self) -> NDArray[np.float64]:
        """Largest relative standard error of D_k, G_k, R_k and Q_k, shape [depth + 1]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = relative_errors({name: getattr(self, name) for name in COLUMNS})
        # 0 / 0: nothing is known of a response that no sample has shown.
        return np.where(np.isnan(found), np.inf, found)

    @property
    def target_reached(self) -> bool:
        """Whether `relative_error` is below the target at every layer (True without a target)."""
        target = self.target_error
        return target is None or bool((self.relative_error < target).all())

    def columns(self) -> dict[str, Any]:
        """Columns of the table of results, by name."""
        depth = self.network.depth
        named = {name: getattr(self, name) for name in COLUMNS}
        return {"layer": np.arange(depth + 1), **self._width("A"), **named}

    def _width(self, name: str) -> dict[str, Any]:
        """Column A_k, or the support where signed kernels have no A_k."""
        if self.network.signed:
            return {"support": np.array(self.network.support)}
        return {name: self.A}

    def to_dataframe(self) -> Any:
        """Return a pandas ``DataFrame``, one row per layer."""
        return tables.frame(self.columns())

    def remarks(self) -> list[str]:
        """Tell what a reader of the numbers must know beyond them."""
        found = []
        if self.partial:
            found.append("partial: interrupted, these are the samples that were finished")
        if self.target_error is not None:
            layer = int(np.argmax(self.relative_error))
            reached = "reached" if self.target_reached else "NOT reached"
            found.append(
                f"target error {self.target_error:g} {reached}: relative standard error at most "
                f"{self.relative_error[layer]:.3g} (layer {layer})"
            )
        if self.control_variates:
            found.append(
                f"control variates: variance of G_k {np.median(self.gain):.3g} times smaller "
                "(median)"
            )
        return found

    def _title(self) -> str:
        extra = f", background = {self.background:.6g}" if self.background else ""
        return f"Simulation of {self.describe()}{extra}, {self.samples} samples"

    def _shown(self) -> dict[str, Any]:
        def both(name: str) -> list[str]:
            pairs = zip(getattr(self, name), getattr(self, f"{name}_err"), strict=True)
            return [tables.with_error(value, error) for value, error in pairs]

        responses = {"D_k": both("D"), "G_k": both("G"), "R_k": both("R")}
        return {"k": np.arange(len(self.D)), **self._width("A_k"), **responses}

    def __repr__(self) -> str:
        lines = [self._title(), *(f"  {remark}" for remark in self.remarks())]
        return "\n".join([*lines, tables.text_table(self._shown())])

    def _repr_html_(self) -> str:
        return tables.html_table("; ".join([self._title(), *self.remarks()]), self._shown())

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return meta data and arrays, which `from_stored` reads."""
        meta = {**self.experiment_dict(), **{name: getattr(self, name) for name in _RUN}}
        return meta, {name: getattr(self, name) for name in _ARRAYS}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (a .npz archive with a ``meta.json`` inside); read by ``load``."""
        return storage.write(path, "simulation", *self.to_stored())

    @classmethod
    def from_stored(cls, meta: dict[str, Any], arrays: dict[str, Any]) -> Simulation:
        """Rebuild from `save`; called by ``load``. Files of before hold less: plain runs."""
        plain = {
            "engine": "numpy",
            "background": 0.0,
            "partial": False,
            "target_error": None,
            "control_variates": False,
        }
        ones = {"gain": np.ones_like(arrays["D"])}
        return cls(**{**plain, **restored(meta)}, **{**ones, **arrays})
