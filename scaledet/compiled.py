"""How the engine's functions are compiled: by numba, ahead of the first call, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Floats", "Integers", "Words", "compiled"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(signature: str, *, reassociate: bool = True) -> Callable[[_Function], _Function]:
    """Compile a function of this module-level `signature` when its module is imported.

    Explicit signatures compile once and load from numba's cache on disk (beside the module, or in
    the user's cache folder where that cannot be written) ever after. Sums may be `reassociate`-d,
    which vectorises them: results are bit-identical on processors of one kind. No function holds
    Python's lock.
    """
    allowed = {"contract", "reassoc", "nsz"} if reassociate else {"contract"}

    def compile_it(function: _Function) -> _Function:
        def with_cache(cache: bool) -> _Function:
            compile_for = njit(
                signature, cache=cache, nogil=True, error_model="numpy", fastmath=allowed
            )
            return cast(_Function, compile_for(function))

        try:
            return with_cache(True)
        except RuntimeError:
            # No folder can be written, as in some containers: compile anew in every process.
            return with_cache(False)

    return compile_it
