"""Base classes of results: a `Table` is shown; a `Result` can also be saved and loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scaledet.results import storage, tables

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Result", "Table"]


class Table:
    """A title, remarks and columns of one length, shown alike as text, HTML and data frame.

    A subclass defines `columns` (all data), `_shown` (the columns displayed) and `_title`.
    """

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name, all of one length."""
        raise NotImplementedError

    def remarks(self) -> list[str]:
        """Return remarks that are shown with the table."""
        return []

    def _title(self) -> str:
        raise NotImplementedError

    def _shown(self) -> dict[str, Any]:
        raise NotImplementedError

    def to_dataframe(self) -> Any:
        """Return a pandas ``DataFrame`` of the table."""
        return tables.frame(self.columns())

    def __repr__(self) -> str:
        lines = [self._title(), *(f"  {remark}" for remark in self.remarks())]
        return "\n".join([*lines, tables.text_table(self._shown())])

    def _repr_html_(self) -> str:
        return tables.html_table("; ".join([self._title(), *self.remarks()]), self._shown())


class Result(Table):
    """A table that can be saved and loaded.

    A subclass is a frozen dataclass. Its `_arrays` (which are made read-only) and its plain
    `_facts` are saved under the name `_kind`.
    """

    _kind: ClassVar[str]
    _arrays: ClassVar[tuple[str, ...]] = ()
    _facts: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self._arrays:
            getattr(self, name).setflags(write=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        Result.__post_init__(self)  # Unpickled and deeply copied arrays are writable.

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts = {name: getattr(self, name) for name in self._facts}
        return facts, {name: getattr(self, name) for name in self._arrays}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (a .npz archive with a ``meta.json`` inside); read by ``load``."""
        return storage.write(path, self._kind, *self.to_stored())

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored`; called by ``load``."""
        return cls(**facts, **arrays)
