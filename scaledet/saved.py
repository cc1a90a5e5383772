"""Load saved results as objects."""

from __future__ import annotations

import os

from scaledet.errors import ArgumentError
from scaledet.evolution.evolve import Evolution
from scaledet.results.storage import read
from scaledet.simulation.result import Simulation
from scaledet.simulation.sweep import Sweep
from scaledet.theory.prediction import Prediction

__all__ = ["load"]

Saved = Prediction | Evolution | Simulation | Sweep

_CLASSES: dict[str, type[Saved]] = {
    "prediction": Prediction,
    "evolution": Evolution,
    "simulation": Simulation,
    "sweep": Sweep,
}


def load(path: str | os.PathLike[str]) -> Saved:
    """Load what ``.save(path)`` wrote: a `Prediction`, `Evolution`, `Simulation` or `Sweep`.

    Raises
    ------
    ValueError
        If `path` names no such file, or a result that this version no longer knows.

    Examples
    --------
    >>> import tempfile, scaledet as sd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = sd.predict(sd.Network.uniform(2, 2, depth=3), size=16).save(f"{folder}/p.npz")
    ...     float(sd.load(path).D[2])
    0.3333333333333333
    """
    kind, facts, arrays = read(path)
    if kind not in _CLASSES:
        raise ArgumentError(
            f"path must name a saved prediction, evolution, simulation or sweep; got kind {kind!r}"
        )
    if kind == "prediction" and facts.get("noise") == "sphere":
        raise ArgumentError(
            "path must name a file that this version reads; an earlier development version of "
            f"scaledet 0.1 wrote {str(path)!r} for noise on the sphere"
        )
    try:
        return _CLASSES[kind].from_stored(facts, arrays)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ArgumentError(
            f"path must name a file saved by scaledet; {str(path)!r} is incomplete ({error})"
        ) from error
