"""An open data set and the work that goes on in its background: finding rows, filtering, searching, checking."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

from vlmtui.datasets.conversation import problems_of
from vlmtui.datasets.opening import open_dataset
from vlmtui.datasets.pictures import pictures_in, resolve
from vlmtui.datasets.protocol import DatasetInfo, RowProblem
from vlmtui.datasets.query import Query, matching
from vlmtui.datasets.rows import Row
from vlmtui.datasets.schema import detect
from vlmtui.safetext import safe_line

_SAMPLE = 24
_SLICE_ROWS = 64
_REPORTED = 300
"""So many bad rows are named; all are counted."""


class Table:
    """A data set that is open. Everything here is done in slices of some milliseconds by `work`."""

    def __init__(self, path: str, split: str = "") -> None:
        """Open it; raises `DatasetError`."""
        self.path = path
        self._opened = open_dataset(Path(path), split)
        self.source = self._opened.source
        self.stamp = stamp(path)
        self.source.advance()
        sample = [row.values for row in self.source.read(0, _SAMPLE) if not row.error]
        self.columns = self.source.columns()
        for values in sample:
            self.columns += [name for name in values if name not in self.columns]
        self.schema = detect(self.source.columns(), sample)
        self.query: Query | None = None
        self._matches = array("Q")
        self._filtered = 0
        self.checked = 0
        self.bad = 0
        self._new_problems: list[RowProblem] = []

    def close(self) -> None:
        """Let go of the files."""
        self.source.close()

    def info(self) -> DatasetInfo:
        """Return what the data set is, as far as that is known."""
        path = Path(self.path)
        return DatasetInfo(
            path=self.path, format=self.source.format, bytes=path.stat().st_size if path.is_file() else 0,
            stamp=self.stamp, split=self._opened.split, splits=self._opened.splits, columns=self.columns,
            schema=self.schema, rows=self.source.rows, complete=self.source.complete,
        )  # fmt: skip

    # ---- positions: row numbers, or places among those that match the filter ----

    @property
    def shown(self) -> int:
        """How many rows the table has."""
        return self.source.rows if self.query is None else len(self._matches)

    @property
    def filtered(self) -> float:
        """How much has been filtered, 0..1."""
        if self.query is None or (self.source.complete and self._filtered >= self.source.rows):
            return 1.0
        return min(0.999, self._filtered / max(1, self.source.rows) * self.source.progress)

    def rows_at(self, start: int, count: int) -> list[tuple[int, Row]]:
        """Return rows from the position `start` on, each with its number: fewer than `count` where they are large."""
        if self.query is None:
            return list(enumerate(self.source.read(start, count), start=start))
        found: list[tuple[int, Row]] = []
        end = time.monotonic() + 0.25
        for number in self._matches[start : start + count]:
            found += [(number, row) for row in self.source.read(number, 1)]
            if time.monotonic() > end:
                break
        return found

    def filter(self, query: Query | None) -> None:
        """Show only what matches `query`; all for None. The work is done by `work`."""
        self.query = query
        self._matches = array("Q")
        self._filtered = 0

    def find(self, query: Query, start: int, *, backward: bool) -> Iterator[int]:
        """Yield -1 after each slice of work without a find, then the position of one, or end without."""
        if backward:
            at = min(start, self.shown - 1)
            while at >= 0:
                first = max(0, at - _SLICE_ROWS + 1)
                good = [place for place in self._matching(query, first, at - first + 1) if place <= at]
                if good:
                    yield good[-1]
                    return
                at = first - 1
                yield -1
            return
        at = start
        while at < self.shown or not (self.source.complete and self.filtered >= 1.0):
            count = min(_SLICE_ROWS, self.shown - at)
            if count > 0:
                found, looked = self._looked_at(query, at, count)
                if found:
                    yield found[0]
                    return
                at += max(1, looked)
            else:
                self.work_on_rows()  # what is beyond is not known yet
            yield -1

    def _matching(self, query: Query, start: int, count: int) -> list[int]:
        found: list[int] = []
        while count > 0:
            more, looked = self._looked_at(query, start, count)
            found += more
            start, count = start + max(1, looked), count - max(1, looked)
        return found

    def _looked_at(self, query: Query, start: int, count: int) -> tuple[list[int], int]:
        if self.query is None:
            return matching(self.source, query, start, count)
        rows = self.rows_at(start, count)
        return [start + place for place, (_, row) in enumerate(rows) if query.matches(row)], len(rows)

    # ---- in the background ----

    @property
    def busy(self) -> bool:
        """Whether `work` has anything to do."""
        return not self.source.complete or self.filtered < 1.0 or self.checked < self.source.rows

    def work(self) -> None:
        """Do a slice: what somebody waits for first."""
        if not self.source.complete or self.filtered < 1.0:
            self.work_on_rows()
        else:
            self._check()

    def work_on_rows(self) -> None:
        """Find more rows, and filter those that are known."""
        if not self.source.complete:
            self.source.advance()
        if self.query is not None and self._filtered < self.source.rows:
            found, looked = matching(self.source, self.query, self._filtered, _SLICE_ROWS * 4)
            self._matches.extend(found)
            self._filtered += max(1, looked)

    def _check(self) -> None:
        """Look at some more rows for what is wrong with them."""
        rows = self.source.read(self.checked, _SLICE_ROWS)
        for number, row in enumerate(rows, start=self.checked):
            for line in self.problems(row):
                self.bad += 1
                if self.bad <= _REPORTED:
                    self._new_problems.append(RowProblem(number, safe_line(line, 200)))
                break
        self.checked += max(1, len(rows))

    def problems(self, row: Row) -> list[str]:
        """Return what is wrong with a row, its pictures' files among it."""
        if row.error:
            return [row.error]
        found = problems_of(row.values, self.schema)
        for name in self.schema.pictures:
            for picture in pictures_in(row.values.get(name)):
                if picture.path and picture.data is None:
                    place = resolve(picture.path, self.source.root)
                    if isinstance(place, str):
                        found.append(place)
        return found

    def take_problems(self) -> list[RowProblem]:
        """Return the bad rows that were found since the last time."""
        taken, self._new_problems = self._new_problems, []
        return taken


def stamp(path: str) -> str:
    """Return what changes when the file does; empty when it is not there."""
    try:
        state = os.stat(path)  # noqa: PTH116 - a str, as it came
    except (OSError, ValueError):
        return ""
    return f"{state.st_mtime_ns}-{state.st_size}-{state.st_ino}"
