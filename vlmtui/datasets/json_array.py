"""JSON with one array of objects, alone or as a value of the outermost object: read element by element."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vlmtui.datasets.binary import TextBytes
from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.json_lines import as_row, parse_object
from vlmtui.datasets.ranges import Ranges
from vlmtui.datasets.rows import MAX_ROW, PAGE_BYTES, Row
from vlmtui.media.errors import shown_name

_WINDOW = 128 * 1024
_MOST_A_RANGE = 512
_BETWEEN = re.compile(r"[\s,]*")
_SPACE = re.compile(r"\s*")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_IN_STRING = re.compile(rb'["\\]')
_DECODER = json.JSONDecoder()


class JsonArray:
    """See `Source`."""

    format = "JSON"

    def __init__(self, path: Path) -> None:
        """Open the file at `path`.

        Raises:
            DatasetError: it cannot be opened, or holds no array of objects.
        """
        self.root = path.parent
        self._text = TextBytes(str(path))
        try:
            self._ranges = Ranges(self._find_array(path))
        except BaseException:
            self._text.close()
            raise
        self._bad: dict[int, str] = {}  # by the number of a range of one row: why it cannot be parsed
        self.complete = False

    @property
    def rows(self) -> int:
        return self._ranges.rows

    @property
    def progress(self) -> float:
        return 1.0 if self.complete else self._ranges.end / max(1, self._text.size)

    def columns(self) -> list[str]:
        return []

    def close(self) -> None:
        self._text.close()

    def _window(self, size: int, offset: int) -> str:
        # Bytes that are no UTF-8 become one surrogate each, so that places in the text can be turned into bytes again.
        return self._text.read(size, offset).decode("utf-8", "surrogateescape")

    def _find_array(self, path: Path) -> int:
        """Return the place behind the `[` of the array that holds the rows."""
        text = self._window(8 * _WINDOW, self._text.start)
        at = _SPACE.match(text).end()  # type: ignore[union-attr]
        if text[at : at + 1] == "[":
            return self._text.start + _size(text[: at + 1])
        if text[at : at + 1] != "{":
            raise _no_table(path, "begins with neither [ nor {")
        at += 1
        names: list[str] = []
        while True:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
            if text[at : at + 1] != '"':
                raise _no_table(path, f"an object without an array of rows ({', '.join(names[:6]) or 'empty'})")
            try:
                name, at = _DECODER.raw_decode(text, at)
                at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
                if text[at : at + 1] != ":":
                    raise _no_table(path, "damaged near its beginning")
                at = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
                inside = _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]
                if text[at : at + 1] == "[" and text[inside : inside + 1] == "{":
                    return self._text.start + _size(text[: at + 1])
                _, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                raise _no_table(path, "an object whose rows are not near its beginning, or damaged") from None
            names.append(str(name))

    def advance(self) -> None:
        for _ in range(3):
            if not self.complete:
                try:
                    self._scan(_WINDOW)
                except DatasetError:
                    self.complete = True

    def _scan(self, size: int) -> None:
        """Add a range of whole elements, or one element that cannot be parsed."""
        begin = self._ranges.end
        while True:
            text = self._window(size, begin)
            at_end = begin + size >= self._text.size
            at, rows = 0, 0
            while rows < _MOST_A_RANGE:
                next_at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
                if next_at >= len(text) or text[next_at] == "]":
                    if next_at < len(text) or at_end:
                        self._add(rows, begin + _size(text[:next_at]))
                        self.complete = True
                        return
                    break
                try:
                    _, end = _DECODER.raw_decode(text, next_at)
                except (ValueError, RecursionError) as error:
                    if rows == 0 and (at_end or not _cut_by_window(error, text)):
                        self._skip(begin + _size(text[:next_at]), error)
                        return
                    break
                if end == len(text) and not at_end:
                    break  # a number may go on behind the window
                at, rows = end, rows + 1
            if rows:
                self._add(rows, begin + _size(text[:at]))
                return
            if size >= MAX_ROW:
                self._skip(begin, ValueError(f"the row is larger than {MAX_ROW // 1024**2} MB"))
                return
            size *= 4

    def _add(self, rows: int, end: int) -> None:
        self._ranges.add(rows, end)

    def _skip(self, begin: int, error: Exception) -> None:
        """Add the element at `begin` as an error row, and go on behind it if its end can be found."""
        self._bad[len(self._ranges)] = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        end = self._end_of_element(begin)
        self._ranges.add(1, end if end else self._text.size)
        if not end:
            self._bad[len(self._ranges) - 1] += "; what follows cannot be read"
            self.complete = True

    def _end_of_element(self, begin: int) -> int:
        """Return the place behind the element at `begin` by its brackets alone; 0 if there is none."""
        depth, in_string, at = 0, False, begin
        while at < self._text.size and at - begin < 8 * MAX_ROW:
            data = self._text.read(1024 * 1024, at)
            if not data:
                return 0
            place = 0
            while found := (_IN_STRING if in_string else _STRUCTURE).search(data, place):
                place = found.end()
                sign = found[0]
                if sign == b"\\":
                    place += 1
                elif sign == b'"':
                    in_string = not in_string
                elif sign in b"[{":
                    depth += 1
                else:
                    depth -= 1
                    if depth <= 0:
                        return at + place - (1 if depth < 0 else 0)
            at += max(place, len(data))
        return 0

    def read(self, start: int, count: int, *, whole: bool = False) -> list[Row]:
        found: list[Row] = []
        taken = 0
        while len(found) < count and start < self.rows and taken < PAGE_BYTES:
            number = self._ranges.find(start)
            begin, end, first, rows = self._ranges.range(number)
            if number in self._bad:
                text = self._text.read(4000, begin).decode("utf-8", "replace")
                found.append(Row({"text": text}, f"no JSON: {self._bad[number]}"))
                start += 1
                continue
            taken += end - begin
            elements = self._elements(begin, end, rows)[start - first :][: count - len(found)]
            found += elements
            start += len(elements)
        return found

    def _elements(self, begin: int, end: int, rows: int) -> list[Row]:
        text, at = self._window(end - begin, begin), 0
        found: list[Row] = []
        while len(found) < rows:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
            try:
                value, next_at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                return (found + [Row(error="the file has changed")] * rows)[:rows]
            if text.isascii() or text[at:next_at].isascii():
                found.append(as_row(value))
            else:
                found.append(parse_object(text[at:next_at].encode("utf-8", "surrogateescape")))
            at = next_at
        return found


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))


def _cut_by_window(error: Exception, text: str) -> bool:
    """Return whether parsing failed because the window ended within an element."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(text) - 12


def _no_table(path: Path, what: str) -> DatasetError:
    cause = f"{shown_name(path)} is no table of rows: {what}"
    return DatasetError(cause, 'a list of objects is needed, or {"data": [ … ]}', "no_table")


def looks_like_rows(head: bytes) -> bool:
    """Return whether JSON that begins with `head` may be rows: a list of objects, at the top or as a first value."""
    text: Any = head.decode("utf-8", "replace").removeprefix("\ufeff")
    return bool(re.match(r'\s*\[\s*\{|\s*\{\s*"[^"]{1,80}"\s*:\s*\[\s*\{', text))
