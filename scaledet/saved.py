"""Load saved results as objects."""

from __future__ import annotations

import os
from typing import get_args

from scaledet.analysis.comparison import Comparison
from scaledet.analysis.filter_comparison import FilterComparison
from scaledet.analysis.filter_design import FilterDesign
from scaledet.analysis.fitting import ExponentFit
from scaledet.analysis.trained_prediction import TrainedPrediction
from scaledet.analysis.verdicts import Verdicts
from scaledet.errors import ArgumentError
from scaledet.evolution.evolve import Evolution
from scaledet.evolution.schedules import BiasPhases
from scaledet.measure.filter_spectrum import FilterSpectrum
from scaledet.measure.measurement import Measurement
from scaledet.network.from_torch import Skeleton
from scaledet.network.summary import Summary
from scaledet.results.storage import read
from scaledet.simulation.change import SimulatedChange
from scaledet.simulation.images import ImageSimulation
from scaledet.simulation.random_networks import WideSimulation
from scaledet.simulation.result import Simulation
from scaledet.simulation.sweep import Sweep
from scaledet.theory.growth.exponents import Exponents
from scaledet.theory.growth.linear_exponents import LinearExponents
from scaledet.theory.image_prediction import ImagePrediction
from scaledet.theory.prediction import Prediction
from scaledet.theory.shift import ShiftPrediction
from scaledet.theory.wide.prediction import WidePrediction
from scaledet.train.result import Training

__all__ = ["load"]

Saved = (
    Prediction
    | Exponents
    | ShiftPrediction
    | Evolution
    | BiasPhases
    | Simulation
    | Sweep
    | SimulatedChange
    | Comparison
    | FilterComparison
    | FilterDesign
    | ImagePrediction
    | ImageSimulation
    | Measurement
    | FilterSpectrum
    | TrainedPrediction
    | Training
    | LinearExponents
    | WidePrediction
    | WideSimulation
    | Summary
    | Skeleton
    | Verdicts
    | ExponentFit
)

_CLASSES: dict[str, type[Saved]] = {kind._kind: kind for kind in get_args(Saved)}


def load(path: str | os.PathLike[str]) -> Saved:
    """Load what ``.save(path)`` wrote: the same result, equal in every number, exact ones too.

    Raises
    ------
    ValueError
        If `path` names no such file, or a result that this version no longer knows; and if what
        the file holds is no such result: a number or an array is missing, not finite, out of its
        range or of another shape than the others require. The message says which.

    Examples
    --------
    >>> import tempfile, scaledet as sd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = sd.predict(sd.Network.uniform(2, 2, depth=3), size=16).save(f"{folder}/p.npz")
    ...     float(sd.load(path).D[2])
    0.3333333333333333
    """
    kind, facts, arrays = read(path)
    if str(kind) not in _CLASSES:
        raise ArgumentError(f"path must name a saved {', '.join(_CLASSES)}; got kind {kind!r}")
    if kind == "prediction" and facts.get("noise") == "sphere":
        raise ArgumentError(
            "path must name a file that this version reads; an earlier development version of "
            f"scaledet 0.1 wrote {str(path)!r} for noise on the sphere"
        )
    try:
        return _CLASSES[kind].from_stored(facts, arrays)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = f"without {error}" if isinstance(error, KeyError) else str(error)
        raise ArgumentError(
            f"path must name a file saved by scaledet; {str(path)!r} is incomplete or damaged: "
            f"{reason}"
        ) from error
