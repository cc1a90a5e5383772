"""Saved results back as objects."""

from __future__ import annotations

import os
from typing import Any

from scaledet.errors import ArgumentError
from scaledet.results.storage import read

__all__ = ["load"]


def load(path: str | os.PathLike[str]) -> Any:
    """Load what ``.save(path)`` wrote: a `Prediction`, `Evolution`, `Simulation` or `Sweep`.

    Raises
    ------
    ValueError
        If `path` names no such file.

    Examples
    --------
    >>> import tempfile, scaledet as sd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = sd.predict(sd.Network.uniform(2, 2, depth=3), size=16).save(f"{folder}/p.npz")
    ...     float(sd.load(path).D[2])
    0.3333333333333333
    """
    kind, meta, arrays = read(path)
    if kind == "prediction" and meta.get("noise") == "sphere":
        raise ArgumentError(
            f"path must name a file that this version reads; scaledet 0.1 wrote {str(path)!r} for "
            "noise on the sphere, which this version no longer has"
        )
    try:
        if kind == "prediction":
            from scaledet.theory.prediction import Prediction

            return Prediction.from_stored(meta, arrays)
        if kind == "evolution":
            from scaledet.evolution.evolve import Evolution

            return Evolution.from_stored(meta, arrays)
        if kind == "simulation":
            from scaledet.simulation.result import Simulation

            return Simulation.from_stored(meta, arrays)
        if kind == "sweep":
            from scaledet.simulation.sweep import Sweep

            return Sweep.from_stored(meta, arrays)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ArgumentError(
            f"path must name a file saved by scaledet; {str(path)!r} is incomplete ({error})"
        ) from error
    raise ArgumentError(
        f"path must name a saved prediction, evolution, simulation or sweep; got kind {kind!r}"
    )
