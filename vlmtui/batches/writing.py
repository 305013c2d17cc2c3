"""The result of a batch as a file: JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from vlmtui.batches.job import COLUMNS, Row
from vlmtui.batches.journal import write_whole

FORMS = (".jsonl", ".csv", ".parquet")
"""How the name of a result ends."""


def write_rows(out: Path, rows: Sequence[Row]) -> None:
    """Write `rows` to `out`, whole or not at all, in the form that its name says.

    Raises:
        OSError: it cannot be written.
    """
    match out.suffix.lower():
        case ".csv":
            write_whole(out, _csv(rows))
        case ".parquet":
            _parquet(out, rows)
        case _:
            write_whole(out, (line_of(row) for row in rows))


def line_of(row: Row) -> bytes:
    """Return `row` as a line of JSON."""
    return msgspec.json.encode(row) + b"\n"


def _csv(rows: Sequence[Row]) -> Iterable[bytes]:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for row in rows:
        table.writerow(msgspec.structs.astuple(row))
    yield text.getvalue().encode("utf-8")


def _parquet(out: Path, rows: Sequence[Row]) -> None:
    """Let a process of its own write it: the library is large, and nothing else here needs it."""
    made = subprocess.run(
        [sys.executable, "-P", "-m", "vlmtui.batches.parquet", str(out)],
        input=b"".join(line_of(row) for row in rows),
        stderr=subprocess.PIPE,
        check=False,
    )
    if made.returncode:
        raise OSError(f"{out} cannot be written: {made.stderr.decode('utf-8', 'replace').strip().splitlines()[-1:]}")
