"""Saved results: one .npz archive of plain arrays with a readable ``meta.json`` inside."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError
from scaledet.results import files

__all__ = ["read", "write"]

FORMAT = 1
# Errors that zipfile, json and numpy raise on damaged or foreign files.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    ValueError,
    EOFError,
    RuntimeError,
)


def write(
    path: str | os.PathLike[str], kind: str, meta: Mapping[str, Any], arrays: Mapping[str, Any]
) -> Path:
    """Write arrays and meta data to `path` at once: complete, or not at all."""
    import numpy as np

    text = json.dumps({"format": FORMAT, "kind": kind, **meta}, indent=1)

    def write_archive(part: Path) -> None:
        with part.open("xb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        with zipfile.ZipFile(part, "a") as archive:
            archive.writestr("meta.json", text)

    return files.replace(path, "saved result", write_archive)


def read(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return kind, meta data and arrays of a file written by `write`."""
    import numpy as np

    source = validate.file_path("path", path)
    refusal = f"path must name a file saved by scaledet; {str(path)!r} is none"
    try:
        with zipfile.ZipFile(source) as archive:
            meta = json.loads(archive.read("meta.json"))
        with np.load(source, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files if name != "meta.json"}
    except OSError as error:
        reason = error.strerror or error
        raise ArgumentError(
            f"path must name a file saved by scaledet; got {str(path)!r}: {reason}"
        ) from error
    except _UNREADABLE as error:
        raise ArgumentError(f"{refusal} ({error})") from error
    if not isinstance(meta, dict) or meta.pop("format", None) != FORMAT or "kind" not in meta:
        raise ArgumentError(f"{refusal} (format {FORMAT} expected)")
    return meta.pop("kind"), meta, arrays
