"""A sparse index of a text file: byte ranges, and how many rows each holds."""

from __future__ import annotations

from array import array
from bisect import bisect_right


class Ranges:
    """Adjoining byte ranges from `start` on. 16 bytes a range, however many rows it holds."""

    def __init__(self, start: int) -> None:
        self._rows = array("Q", [0])
        self._ends = array("Q", [start])

    @property
    def rows(self) -> int:
        """Rows in all ranges."""
        return self._rows[-1]

    @property
    def end(self) -> int:
        """Where the last range ends."""
        return self._ends[-1]

    def __len__(self) -> int:
        return len(self._rows) - 1

    def add(self, rows: int, end: int) -> None:
        """Add the range from the last one's end to `end`."""
        self._rows.append(self._rows[-1] + rows)
        self._ends.append(end)

    def find(self, row: int) -> int:
        """Return the number of the range that holds `row`."""
        return bisect_right(self._rows, row) - 1

    def range(self, number: int) -> tuple[int, int, int, int]:
        """Return a range's first byte, the byte after its last, its first row, and how many rows it holds."""
        first = self._rows[number]
        return self._ends[number], self._ends[number + 1], first, self._rows[number + 1] - first
