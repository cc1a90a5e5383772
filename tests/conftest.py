"""Compiled code that an edited module made stale is thrown away before the tests."""

from __future__ import annotations

from pathlib import Path

import scaledet

PACKAGE = Path(scaledet.__file__).parent


def pytest_configure() -> None:
    """Numba looks only at the module of a function, not at those whose functions it inlines."""
    sources = [p for p in PACKAGE.glob("*.py") if "scaledet.compiled import" in p.read_text()]
    newest = max(path.stat().st_mtime for path in [*sources, PACKAGE / "compiled.py"])
    for index in (PACKAGE / "__pycache__").glob("*.nbi"):
        if index.stat().st_mtime < newest:
            index.unlink()
