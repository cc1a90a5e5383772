"""How the engine's functions are compiled: by numba, ahead of the first call, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from scaledet.simulation.engines.base import Floats, Integers

__all__ = ["LAYER", "Floats", "Integers", "LayerNumbers", "Words", "compiled"]

Words = NDArray[np.uint64]

LayerNumbers = tuple[Floats, int, int, int, float, float]
"""Weights of all layers, the layer's number, length, stride and bias, and its lowest output: 0, or
minus infinity where nothing is rectified."""
LAYER = "Tuple((float64[:,::1], int64, int64, int64, float64, float64))"
"""Their type in signatures."""

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(
    signature: str, *, reassociate: bool = True, inner: bool = False
) -> Callable[[_Function], _Function]:
    """Compile a function of this module-level `signature` when its module is imported.

    Explicit signatures compile once and load from numba's cache on disk (beside the module, or in
    the user's cache folder where that cannot be written) ever after. Sums may be `reassociate`-d,
    which vectorises them: results are bit-identical on processors of one kind. No function holds
    Python's lock. An `inner` function is called by compiled ones only.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc", "nsz"} if reassociate else {"contract"},
        "no_cpython_wrapper": inner,
        "no_cfunc_wrapper": True,
    }

    def compile_it(function: _Function) -> _Function:
        try:
            return cast(_Function, njit(signature, cache=True, **options)(function))
        except RuntimeError:
            # No folder can be written, as in some containers: compile anew in every process.
            return cast(_Function, njit(signature, **options)(function))

    return compile_it
