"""Which row of a data set a line of its file belongs to. Counted only where something was found."""

from __future__ import annotations

import csv
from pathlib import Path

_MOST_BYTES = 256 * 1024**2
csv.field_size_limit(64 * 1024**2)


def rows_of_lines(path: Path, lines: list[int]) -> list[int]:
    """Return the numbers of the rows that these lines belong to, each from 1; 0 for a line that belongs to none.

    Args:
        path: a data set in text, by its suffix; all lines of any other file belong to none.
        lines: numbers of lines, from 1, in order.
    """
    suffix = path.suffix.lower()
    try:
        if suffix in (".jsonl", ".ndjson"):
            return _json_rows(path, lines)
        if suffix in (".csv", ".tsv") and path.stat().st_size <= _MOST_BYTES:
            return _csv_rows(path, lines, "\t" if suffix == ".tsv" else "")
    except (OSError, csv.Error):
        pass
    return [0] * len(lines)


def _json_rows(path: Path, lines: list[int]) -> list[int]:
    """Blank lines are no rows."""
    found: list[int] = []
    row = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            row += bool(line.strip())
            while len(found) < len(lines) and lines[len(found)] == number:
                found.append(row)
            if len(found) == len(lines):
                break
    return found + [0] * (len(lines) - len(found))


def _csv_rows(path: Path, lines: list[int], delimiter: str) -> list[int]:
    """The first record names the columns; a record may span lines."""
    found: list[int] = []
    row = -1
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        if not delimiter:
            head = "".join(stream.readline(65536).split('"')[::2])
            delimiter = max(",;\t|", key=head.count)
            stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter)
        for cells in reader:
            row += bool(cells)
            while len(found) < len(lines) and lines[len(found)] <= reader.line_num:
                found.append(max(0, row))
            if len(found) == len(lines):
                break
    return found + [0] * (len(lines) - len(found))
