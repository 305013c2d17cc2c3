"""What every reader gives: rows by their number, as many as are known so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

MAX_ROW = 32 * 1024 * 1024
"""The most bytes of one row; a longer one is an error row, and is not read."""
PAGE_BYTES = 16 * 1024 * 1024
"""`read` stops early (but not before its first row) when it has gone through this many bytes."""


@dataclass(slots=True)
class Row:
    """One row.

    Attributes:
        values: what is in it by column; what could be read where there is an `error`.
        error: one line: what is wrong with the row; empty when it is good.
    """

    values: dict[str, Any] = field(default_factory=dict)
    error: str = ""


class Withheld:
    """Stands in a row for bytes that were not read, because a table does not show them."""

    def __repr__(self) -> str:
        return "bytes"


WITHHELD = Withheld()


class Source(Protocol):
    """A data set that is open.

    Attributes:
        format: as people call it: `JSON Lines`, `Parquet`, ….
        root: the folder that pictures named in rows must lie in.
        rows: how many are known so far.
        complete: whether that is all of them.
        progress: how much of the file has been looked through, 0 to 1.
    """

    format: str
    root: Path

    @property
    def rows(self) -> int: ...

    @property
    def complete(self) -> bool: ...

    @property
    def progress(self) -> float: ...

    def advance(self) -> None:
        """Look through a little more of the file: some milliseconds' work. Never raises for what the file holds."""

    def read(self, start: int, count: int, *, whole: bool = False) -> list[Row]:
        """Return rows `start` and following: at least one, at most `count`, of those known so far; [] past the end.

        Args:
            whole: with everything in them; else the bytes of pictures may be `WITHHELD`.
        """

    def columns(self) -> list[str]:
        """Return the names of the columns where the file names them; else [] (JSON)."""

    def close(self) -> None:
        """Let go of the file."""
