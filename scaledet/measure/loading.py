"""Models from files that hold their network, or from a function; nothing is unpickled unasked."""

from __future__ import annotations

import os
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.measure.probe import as_module
from scaledet.network.torch_modules.pytorch import require_torch

if TYPE_CHECKING:
    from torch import nn

__all__ = ["load_model"]

_FUNCTION = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)")
_NEEDED = (
    "an archive of torch.export.save, one of TorchScript (torch.jit.save), or "
    "'package.module:function', a function without arguments that returns the model with its "
    "weights"
)
_FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


def load_model(source: str | os.PathLike[str], *, unpickle: bool = False) -> nn.Module:
    """Load a model together with its network, for `sensitivities`.

    Parameters
    ----------
    source : str or path
        An archive of ``torch.export.save`` (its first axis dynamic, so that it takes any number of
        images), one of ``torch.jit.save``, or "package.module:function": a function without
        arguments, or a class, in a module that Python finds here, which is imported and called.
    unpickle : bool
        Whether files that hold pickled objects may be loaded, which runs any code in them: those
        of ``torch.save(model)``, and exports with weights of kinds of their own.

    Raises
    ------
    ValueError
        If `source` names no such file or function, or a state dict, which has no network.

    Examples
    --------
    >>> load_model("torch.nn:ReLU")
    ReLU()
    """
    torch = require_torch("scaledet.measure")
    unpickle = validate.flag("unpickle", unpickle)
    path = validate.file_path("model", source)
    function = _FUNCTION.fullmatch(str(source))
    if function is not None and not path.exists():
        return as_module(_called(*function.groups()))
    kind = _kind(path)
    if kind != "pickle":
        load = torch.export.load if kind == "export" else torch.jit.load
        with _weights_only(not unpickle), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns about the future of its formats.
            try:
                return as_module(load(path))
            except Exception as error:  # PyTorch refuses files with errors of any type.
                raise _refusal(path, f"cannot be loaded: {error}") from error
    if not unpickle:
        raise _refusal(
            path,
            "holds pickled objects, such as a state dict, which has weights but no network, or a "
            "whole module, which unpickle=True loads (running any code in the file)",
        )
    return as_module(torch.load(path, map_location="cpu", weights_only=False))


def _refusal(path: Path, reason: str) -> ArgumentError:
    return ArgumentError(f"model must be {_NEEDED}; {str(path)!r} {' '.join(reason.split())[:800]}")


def _kind(path: Path) -> str:
    """Return what a file holds by the names in its archive, without reading any object."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [f"/{name}" for name in archive.namelist()]
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror or error}") from error
    except zipfile.BadZipFile as error:
        raise _refusal(path, "is none of them") from error
    if any(n.endswith(("/archive_format", "/serialized_exported_program.json")) for n in names):
        return "export"
    if any(name.endswith("/constants.pkl") for name in names) and any("/code/" in n for n in names):
        return "script"
    if any(name.endswith("/data.pkl") for name in names):
        return "pickle"
    raise _refusal(path, "is none of them")


def _called(module: str, function: str) -> Any:
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        target = getattr(import_module(module), function, None)
        if not callable(target):
            raise ArgumentError(f"model must be {_NEEDED}; {module} has no function {function!r}")
        return target()
    except ModuleNotFoundError as error:
        raise ArgumentError(f"model must be {_NEEDED}; {error}") from error
    finally:
        if here in sys.path:
            sys.path.remove(here)


@contextmanager
def _weights_only(forced: bool) -> Iterator[None]:
    """Let PyTorch load tensors only, wherever it would fall back to pickle."""
    before = os.environ.get(_FORCE)
    try:
        if forced:
            os.environ[_FORCE] = "1"
        yield
    finally:
        if before is None:
            os.environ.pop(_FORCE, None)
        else:
            os.environ[_FORCE] = before
