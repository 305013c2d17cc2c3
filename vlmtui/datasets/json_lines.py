"""JSON Lines: one object a line, found by counting line ends, parsed when it is looked at."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vlmtui.datasets.binary import TextBytes
from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.ranges import Ranges
from vlmtui.datasets.rows import MAX_ROW, PAGE_BYTES, Row

_BLOCK = 128 * 1024
_BLOCKS_A_STEP = 24
_BLANK_LINE = re.compile(rb"\n[ \t\r]*(?=\n)")


class JsonLines:
    """See `Source`. Blank lines are no rows."""

    format = "JSON Lines"

    def __init__(self, path: Path) -> None:
        """Open the file at `path`; raises `DatasetError`."""
        self.root = path.parent
        self._text = TextBytes(str(path))
        self._ranges = Ranges(self._text.start)
        self._scanned = self._text.start  # beyond the last range's end while a long line goes on
        self._blank_so_far = True  # of that long line
        self.complete = False

    @property
    def rows(self) -> int:
        return self._ranges.rows

    @property
    def progress(self) -> float:
        return 1.0 if self.complete else self._scanned / max(1, self._text.size)

    def columns(self) -> list[str]:
        return []

    def close(self) -> None:
        self._text.close()

    def advance(self) -> None:
        for _ in range(_BLOCKS_A_STEP):
            if self.complete:
                return
            try:
                self._scan()
            except DatasetError:  # the disk has gone: what is known stays
                self.complete = True

    def _scan(self) -> None:
        """Add one range: the whole lines of a block, or one line that is longer than a block."""
        data = self._text.read(_BLOCK, self._scanned)
        long_line = self._scanned > self._ranges.end
        if not data:
            if long_line:
                self._ranges.add(0 if self._blank_so_far else 1, self._scanned)
            self.complete = True
            return
        end = (data.find(b"\n") if long_line else data.rfind(b"\n")) + 1
        if end == 0:
            self._blank_so_far = self._blank_so_far and not data.strip()
            self._scanned += len(data)
            return
        first = data.find(b"\n")
        rows = data.count(b"\n", 0, end)
        rows -= len(_BLANK_LINE.findall(data, 0, end))
        if not data[:first].strip() and self._blank_so_far:
            rows -= 1
        self._ranges.add(rows, self._scanned + end)
        self._scanned += end
        self._blank_so_far = True

    def lines(self, start: int, count: int) -> list[bytes | None]:
        """Return lines `start` and following as they are; None for one that is too long. As many as `Source.read`."""
        found: list[bytes | None] = []
        taken = 0
        while len(found) < count and start < self._ranges.rows and taken < PAGE_BYTES:
            begin, end, first, rows = self._ranges.range(self._ranges.find(start))
            if end - begin > MAX_ROW:
                found.append(None)
                start += 1
                continue
            taken += end - begin
            lines = [line for line in self._text.read(end - begin, begin).split(b"\n") if line.strip()]
            if len(lines) != rows:  # the file has changed since it was looked through
                lines = (lines + [b""] * rows)[:rows]
            lines = lines[start - first :][: count - len(found)]
            found += lines
            start += len(lines)
        return found

    def read(self, start: int, count: int, *, whole: bool = False) -> list[Row]:
        return [parse_line(line) for line in self.lines(start, count)]


def parse_line(line: bytes | None) -> Row:
    """Return the row that a line holds; one with an `error` for what is no JSON object."""
    if line is None:
        return Row(error=f"the row is larger than {MAX_ROW // 1024**2} MB")
    return parse_object(line)


def parse_object(data: bytes) -> Row:
    """Return the JSON object in `data` as a row, or what is wrong with it."""
    wrong = ""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        text = data.decode("utf-8", "replace")
        wrong = f"not UTF-8: byte 0x{data[error.start]:02x} at {error.start + 1:,}"
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        cut_off = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        end = ", the row seems cut off" if cut_off else ""
        return Row(
            {"text": text[:4000]},
            f"no JSON: {error.msg.removesuffix(' starting at')} at character {error.pos + 1:,}{end}",
        )
    except (RecursionError, ValueError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        return Row({"text": text[:4000]}, f"no JSON that can be read: {why}")
    return as_row(value, wrong)


def as_row(value: Any, wrong: str = "") -> Row:
    """Return a parsed value as a row: an object is one, anything else is an error."""
    if isinstance(value, dict):
        return Row(value, wrong)
    kinds = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    what = kinds.get(type(value), "null")
    return Row({"value": value}, wrong or f"{what}, not an object with columns")
