"""CSV and TSV: records may span lines, cells hold quotes; read as Python's `csv` understands them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlmtui.datasets.binary import TextBytes
from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.ranges import Ranges
from vlmtui.datasets.rows import MAX_ROW, PAGE_BYTES, Row
from vlmtui.media.errors import shown_name

_BLOCK = 64 * 1024
_LONGEST_QUOTED = 8 * 1024 * 1024  # a quote that is not closed within this many bytes never will be
csv.field_size_limit(MAX_ROW)


@dataclass(slots=True)
class _Record:
    end: int  # bytes from the block's beginning
    cells: list[str]
    error: str = ""


class Delimited:
    """See `Source`. The first record names the columns; blank lines are no rows."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`.

        Raises:
            DatasetError: it cannot be opened, or has no first line.
        """
        self.root = path.parent
        self._text = TextBytes(str(path))
        self.complete = False
        try:
            head = self._text.read(1024 * 1024, self._text.start)
            self._delimiter = "\t" if path.suffix.lower() == ".tsv" else _delimiter(head)
            record = next((r for r in self._records(head) if r.cells), None)
            if record is None:
                cause = f"{shown_name(path)} has no first line with the names of columns"
                raise DatasetError(cause, "write them there", "no_table")
        except BaseException:
            self._text.close()
            raise
        self.format = "TSV" if self._delimiter == "\t" else "CSV"
        self._names = _unique(record.cells)
        self._ranges = Ranges(self._text.start + record.end)

    @property
    def rows(self) -> int:
        return self._ranges.rows

    @property
    def progress(self) -> float:
        return 1.0 if self.complete else self._ranges.end / max(1, self._text.size)

    def columns(self) -> list[str]:
        return list(self._names)

    def close(self) -> None:
        self._text.close()

    def advance(self) -> None:
        for _ in range(8):
            if not self.complete:
                try:
                    self._scan()
                except DatasetError:
                    self.complete = True

    def _scan(self) -> None:
        """Add a range of whole records."""
        begin, size = self._ranges.end, _BLOCK
        while True:
            data = self._text.read(size, begin)
            at_end = begin + len(data) >= self._text.size
            if not data:
                self.complete = True
                return
            end = len(data) if at_end else data.rfind(b"\n") + 1
            lines = data[:end]
            if b'"' not in lines and len(lines) <= MAX_ROW:
                if end:
                    self._ranges.add(sum(1 for line in lines.split(b"\n") if line.strip(b"\r")), begin + end)
                    return
            elif end:
                records = list(self._records(lines, at_end=at_end))
                if records:
                    self._ranges.add(sum(1 for r in records if r.cells or r.error), begin + records[-1].end)
                    return
            if end and size >= _LONGEST_QUOTED:
                # One quote too many must not swallow the rest of the file: its line is one bad row.
                self._ranges.add(1, begin + lines.find(b"\n") + 1)
                return
            if size >= MAX_ROW:
                self._ranges.add(1, self._end_of_line(begin))
                return
            size *= 4

    def _end_of_line(self, begin: int) -> int:
        while data := self._text.read(1024 * 1024, begin):
            if (found := data.find(b"\n")) >= 0:
                return begin + found + 1
            begin += len(data)
        return begin

    def _records(self, data: bytes, *, at_end: bool = False) -> Iterator[_Record]:
        """Yield the records that are whole in `data`, which starts at a record; all of them with `at_end`."""
        lines = data.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        at = offset = 0
        while at < len(lines):
            feed = _Lines(lines, at)
            reader = csv.reader(feed, delimiter=self._delimiter)
            while True:
                error = ""
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as problem:
                    cells, error = [], str(problem)
                if feed.asked_beyond:
                    if not at_end:
                        return
                    error = error or "a quoted cell is not closed"
                offset += sum(len(line) + 1 for line in lines[at : feed.at])
                at = feed.at
                if feed.damaged:
                    error, feed.damaged = error or f"not UTF-8: byte 0x{feed.damaged:02x}", 0
                yield _Record(min(offset, len(data)), cells, error)
                if error:
                    break  # the reader's state is not to be relied upon any more

    def read(self, start: int, count: int, *, whole: bool = False) -> list[Row]:
        found: list[Row] = []
        taken = 0
        while len(found) < count and start < self.rows and taken < PAGE_BYTES:
            begin, end, first, rows = self._ranges.range(self._ranges.find(start))
            if end - begin > MAX_ROW and rows == 1:
                found.append(Row(error=f"the row is larger than {MAX_ROW // 1024**2} MB"))
                start += 1
                continue
            taken += end - begin
            data = self._text.read(end - begin, begin)
            records = [self._row(r) for r in self._records(data, at_end=True) if r.cells or r.error]
            if len(records) != rows:
                records = (records + [Row(error="the file has changed")] * rows)[:rows]
            records = records[start - first :][: count - len(found)]
            found += records
            start += len(records)
        return found

    def _row(self, record: _Record) -> Row:
        names, cells = self._names, record.cells
        values = dict(zip(names, cells, strict=False))
        error = record.error
        if not error and len(cells) != len(names):
            error = f"{len(cells)} cells, but {len(names)} columns"
        if len(cells) > len(names):
            values["(more)"] = self._delimiter.join(cells[len(names) :])
        return Row(values, error)


class _Lines:
    """Hands lines to the csv reader and remembers what happened."""

    def __init__(self, lines: list[bytes], at: int) -> None:
        self._lines = lines
        self.at = at
        self.asked_beyond = False
        self.damaged = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._lines):
            self.asked_beyond = True
            raise StopIteration
        line = self._lines[self.at].removesuffix(b"\r") + b"\n"
        self.at += 1
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            self.damaged = line[error.start]
            return line.decode("utf-8", "replace")


def _delimiter(head: bytes) -> str:
    line = head.split(b"\n", 1)[0]
    outside = b"".join(line.split(b'"')[::2])
    counts = {sign: outside.count(sign.encode()) for sign in (",", ";", "\t", "|")}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ","


def _unique(names: list[str]) -> list[str]:
    """Return column names, each once and none empty."""
    seen: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        name = name.strip() or f"column {number}"
        while name in seen:
            name = f"{name} ({number})"
        seen[name] = number
    return list(seen)
