"""How the engine's functions are compiled: by numba, ahead of the first call, kept on disk."""

from __future__ import annotations

import hashlib
import os
import pickle
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import uuid4

import numba
import numpy as np
from numba.core import serialize
from numba.core.caching import FunctionCache
from numpy.typing import NDArray

from scaledet.simulation.engines.base import Floats, Integers

__all__ = [
    "PLAN",
    "Floats",
    "Integers",
    "Plan",
    "Words",
    "compiled",
    "inlined",
    "warn_if_not_kept",
]

Words = NDArray[np.uint64]

Plan = tuple[
    int, Integers, Integers, Integers, Floats, Floats, Integers, Integers, Floats, float, int
]
"""Layers, and windows of clean images, as the engine plans them: see there for their names."""
PLAN = (
    "Tuple((int64, int64[::1], int64[::1], int64[::1], float64[:,::1], float64[:,::1],"
    " int64[::1], int64[::1], float64[::1], float64, int64))"
)
"""Their type in signatures."""

_Function = TypeVar("_Function", bound=Callable[..., object])

# Inlined functions are part of those that they are inlined in: a change of any makes all code old.
_SOURCES = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
# Why code could not be kept, and the seconds that compiling it took.
_not_kept: dict[str, float] = {}


def compiled(signature: str, *, reassociate: bool = True) -> Callable[[_Function], _Function]:
    """Compile a function of this module-level `signature` when its module is imported.

    Code is compiled once and loaded from disk ever after (from `NUMBA_CACHE_DIR`, from beside the
    module, or from the user's cache folder: the first of them that can be written). Sums may be
    `reassociate`-d, which vectorises them: results are bit-identical on processors of one kind,
    because no compiled function calls another, whose code could be optimised once or twice; it has
    them `inlined`. No function holds Python's lock.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "error_model": "numpy",
        "fastmath": {"contract", "reassoc", "nsz"} if reassociate else {"contract"},
        "no_cfunc_wrapper": True,
        "inline": "always",
    }

    def compile_it(function: _Function) -> _Function:
        dispatcher: Any = numba.njit(**options)(function)
        failures: list[str] = []
        try:
            dispatcher._cache = _KeptCode(function, failures)
        except RuntimeError:
            failures.append("no folder can be written")
        begin = time.perf_counter()
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        for reason in failures:
            _not_kept[reason] = _not_kept.get(reason, 0.0) + time.perf_counter() - begin
        return cast(_Function, dispatcher)

    return compile_it


def inlined(function: _Function) -> _Function:
    """Let `compiled` functions call this one: it becomes a part of each."""
    return cast(_Function, numba.njit(inline="always")(function))


def warn_if_not_kept() -> None:
    """Say, once all functions are compiled, that the next process will compile them again."""
    if _not_kept:
        warnings.warn(
            f"compiled code could not be kept on disk ({', '.join(_not_kept)}): every process "
            f"compiles it anew, which took {sum(_not_kept.values()):.0f} s; the environment "
            "variable NUMBA_CACHE_DIR may name another folder",
            RuntimeWarning,
            stacklevel=2,
        )
        _not_kept.clear()


class _KeptCode(FunctionCache):
    """Numba's cache of one function, with files that may be damaged, on a disk that may be full.

    Numba raises RuntimeError if no folder can be written; whatever fails later is added to
    `failures`.
    """

    def __init__(self, function: Callable[..., object], failures: list[str]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]  # numba has no types
        self._failures = failures
        self._cache_file: Any = _Files(self._cache_path, self._impl.filename_base)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code, or note why it cannot be kept."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]  # numba has no types
        except OSError as error:
            self._failures.append(error.strerror or str(error))


class _Files:
    """One file of code for each version of the sources, of numba and of the processor.

    A checksum ends it: whatever has been cut or overwritten counts as missing.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._folder, self._name = Path(folder), name

    def _path(self, key: Any) -> Path:
        version = repr((numba.__version__, key)).encode()
        return self._folder / f"{self._name}.{_checksum(version + _SOURCES).hex()[:16]}.nbc"

    def load(self, key: Any) -> Any:
        try:
            content = self._path(key).read_bytes()
        except OSError:
            return None
        code, checksum = content[:-_LENGTH], content[-_LENGTH:]
        return pickle.loads(code) if checksum == _checksum(code) else None

    def save(self, key: Any, data: Any) -> None:
        """Write all or nothing, whoever else writes the same file."""
        code, path = _pickled(data), self._path(key)
        temporary = path.with_suffix(f".{uuid4().hex[:16]}.tmp")
        try:
            temporary.write_bytes(code + _checksum(code))
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


# Numba's pickles hold its types by value.
_pickled: Callable[[Any], bytes] = serialize.dumps
_LENGTH = len(_checksum(b""))
