"""Files that scaledet writes: complete or not at all, and never over a file of another kind."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from scaledet import validate
from scaledet.errors import ArgumentError

__all__ = [
    "KINDS",
    "destination",
    "replace",
    "replace_text",
    "require_different",
    "require_same_call",
]

KINDS: dict[str, tuple[bytes, bytes]] = {
    "saved result": (b"PK\x03\x04", b"meta.json"),
    "checkpoint": (b"SQLite format 3\x00", b"units"),
    "training checkpoint": (b"PK\x03\x04", b"scaledet training"),
    "HTML page": (b"<!DOCTYPE html>", b"<body>"),
    "LaTeX article": (b"\\documentclass{article}", b"\\begin{document}"),
    "Markdown page": (b"# ", b"\n## Results\n"),
    "PNG figure": (b"\x89PNG\r\n\x1a\n", b"IEND"),
    "PDF figure": (b"%PDF-", b"%%EOF"),
    "SVG figure": (b"<?xml", b"<svg"),
}
"""Kinds of files: how each begins, and what stands further on in it."""
# Differing values are shown up to this many characters, and so many of them.
_CHARACTERS, _DIFFERENCES = 60, 4


def destination(name: str, path: Any, kind: str) -> Path:
    """Return the absolute path of a file of this kind to be written: a new one or one to replace.

    An empty file is of any kind.

    Raises
    ------
    ValueError, TypeError
        If the argument `name` is no path that can be written, or names a file of another kind.
    """
    target = validate.destination(name, path)
    begin, later = KINDS[kind]
    try:
        size = target.stat().st_size if target.exists() else 0
        if size:
            with target.open("rb") as stream:
                alike = stream.read(len(begin)) == begin and later in stream.read()
            if not alike:
                raise ArgumentError(
                    f"{name} must name a new file or an old {kind}; {str(path)!r} is another kind "
                    "of file"
                )
    except OSError as error:
        raise ArgumentError(
            f"{name} must name a file that can be read and replaced; got {str(path)!r}: "
            f"{error.strerror}"
        ) from error
    return target


def require_different(files: Mapping[str, Path]) -> None:
    """Refuse one file under two names, by whatever path; names that differ in case only are one.

    >>> require_different({"checkpoint": Path("run.npz"), "save": Path("Run.npz")})
    Traceback (most recent call last):
    scaledet.errors.ArgumentError: save must not be the file of checkpoint; got 'Run.npz'
    """
    names = list(files)
    for place, name in enumerate(names):
        for other in names[:place]:
            if _same(files[name], files[other]):
                raise ArgumentError(
                    f"{name} must not be the file of {other}; got {str(files[name])!r}"
                )


def _same(first: Path, second: Path) -> bool:
    """Whether two paths lead to one file: links are followed, names are compared without case."""
    with suppress(OSError):
        return first.samefile(second)
    plain = (unicodedata.normalize("NFC", os.path.realpath(path)) for path in (first, second))
    return len({path.casefold() for path in plain}) == 1


def require_same_call(
    path: Path, stored: Mapping[str, Any], given: Mapping[str, Any], *, inside: str = ""
) -> None:
    """Refuse the checkpoint of another call; the names of differing fields lose the part `inside`.

    >>> try:
    ...     require_same_call(Path("a"), {"epochs": 3, "rng": 1}, {"epochs": 4, "rng": 1})
    ... except ArgumentError as error:
    ...     print(str(error).partition("; ")[2])
    'a' differs in epochs (3 in the file, 4 in this call)
    """
    differences = [text.removeprefix(inside) for text in _differences(stored, given, "")]
    if differences:
        left = len(differences) - _DIFFERENCES
        more = f", and {left} more" if left > 0 else ""
        raise ArgumentError(
            f"checkpoint must be a file of the same call; {str(path)!r} differs in "
            f"{', '.join(differences[:_DIFFERENCES])}{more}"
        )


def _differences(stored: Any, given: Any, where: str) -> Iterator[str]:
    """Name every field that differs, with both values."""
    if isinstance(stored, dict) and isinstance(given, dict):
        for name in dict.fromkeys([*given, *stored]):
            inside = f"{where}.{name}" if where else name
            yield from _differences(stored.get(name), given.get(name), inside)
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        for index, (old, new) in enumerate(zip(stored, given, strict=True)):
            yield from _differences(old, new, f"{where}[{index}]")
    elif stored != given:
        old, new = (
            text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}..."
            for text in map(json.dumps, (stored, given))
        )
        yield f"{where} ({old} in the file, {new} in this call)"


def replace(path: Any, kind: str, write: Callable[[Path], object]) -> Path:
    """Let `write` make a new file in the same folder, then move it to `path`; return where it is.

    Until then the file at `path` stays as it is. An ``OSError`` names `path`.
    """
    target = destination("path", path, kind)
    part = target.with_name(f".scaledet-{secrets.token_hex(8)}.part")
    try:
        write(part)
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(target)) from error
    finally:
        with suppress(OSError):
            part.unlink()
    return target


def replace_text(path: Any, kind: str, text: str) -> Path:
    """Write the file at `path`, of this `kind`, anew; return where it is."""
    return replace(path, kind, lambda part: part.write_text(text, encoding="utf-8"))
