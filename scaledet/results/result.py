"""Base classes of results, which are shown, saved and loaded: of layers, or of single values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from scaledet.errors import ArgumentError
from scaledet.results import storage, tables
from scaledet.results.contents import Reader, Values

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Record", "Result"]

_REMARKS = 24


class Result:
    """A title, remarks and columns of one length: shown as text, HTML, data frame, and saved.

    A subclass is a frozen dataclass. It defines `columns` (all data), `_shown` (the columns
    displayed) and `_title`. Its `_arrays` (which are made read-only) and its plain `_facts` are
    saved under the name `_kind`, and checked when they are read: what a fact or an array must be is
    declared next to its name, in terms of the `_lengths` of the result.
    """

    _kind: ClassVar[str]
    _arrays: ClassVar[Mapping[str, Values]] = {}
    _facts: ClassVar[Mapping[str, Reader]] = {}
    _longest: ClassVar[int] = tables.SHOWN
    """Number of rows above which a table is shortened in the middle."""

    def __post_init__(self) -> None:
        for name in self._arrays:
            getattr(self, name).setflags(write=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is computed on access."""
        result: Any = self  # Its class is a dataclass.
        return {field.name: getattr(self, field.name) for field in fields(result)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()  # Unpickled and deeply copied arrays are writable.

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
        """Return a pandas ``DataFrame`` of the table.

        Integers beyond int64, such as the strides of deep layers, become floats; exact rationals
        and algebraic numbers stay objects.
        """
        return tables.frame(self.columns())

    def __repr__(self) -> str:
        remarks = tables.shortened(self.remarks(), _REMARKS)
        lines = [self._title(), *(f"  {remark}" for remark in remarks)]
        return "\n".join([*lines, tables.text_table(self._shown(), self._longest)])

    def _repr_html_(self) -> str:
        remarks = tables.shortened(self.remarks(), _REMARKS)
        return tables.html_table("; ".join([self._title(), *remarks]), self._shown(), self._longest)

    def _lengths(self) -> dict[str, int]:
        """Lengths by the names that the shapes of `_arrays` are declared in."""
        return {}

    def to_stored(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return plain facts and arrays, which `from_stored` reads."""
        facts = {name: getattr(self, name) for name in self._facts}
        return facts, {name: getattr(self, name) for name in self._arrays}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (a .npz archive with a ``meta.json`` inside); read by ``load``.

        A saved result is replaced, a file of another kind is not.
        """
        return storage.write(path, self._kind, *self.to_stored())

    @classmethod
    def from_stored(cls, facts: dict[str, Any], arrays: dict[str, Any]) -> Self:
        """Rebuild from `to_stored` and check facts and arrays; called by ``load``."""
        read = {name: reader(name, facts[name]) for name, reader in cls._facts.items()}
        result = cls(**{**facts, **read}, **{name: arrays[name] for name in cls._arrays})
        if more := arrays.keys() - cls._arrays.keys():
            raise ArgumentError(f"{min(more)} is no array of a {cls._kind}")
        lengths = result._lengths()
        for name, values in cls._arrays.items():
            values.check(name, arrays[name], lengths)
        return result


class Record(Result):
    """A result of single values rather than layers: its data frame has one row.

    A subclass defines `_values`, `_title` and, as what is read in its table, `_described`.
    """

    def _values(self) -> dict[str, Any]:
        """All values by name."""
        raise NotImplementedError

    def _described(self) -> dict[str, str]:
        """Texts by the names that a reader sees."""
        raise NotImplementedError

    def columns(self) -> dict[str, Any]:
        """Columns of the table, by name, each of one entry."""
        return {name: [value] for name, value in self._values().items()}

    def _shown(self) -> dict[str, Any]:
        described = self._described()
        return {"": list(described), "value": list(described.values())}

    def __repr__(self) -> str:
        described = self._described()
        width = max(map(len, described))
        rows = [f"{name:<{width}}   {text}" for name, text in described.items()]
        return "\n  ".join([self._title(), *rows, *self.remarks()])
