"""trackio's SQLite files: one a project, its runs in the table `metrics`, a JSON object of numbers a row."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from vlmtui.monitor.naming import canonical
from vlmtui.monitor.sources.source import Source

_SIGN = b"SQLite format 3\0"
_AT_ONCE = 2_000
_MOST_RUNS = 200
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class TrackioRun(Source):
    """Reads the rows of one run as they are added; `path` is `file#run`."""

    kind = "trackio"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        file, _, self._run = str(path).rpartition("#")
        self._file = Path(file)
        self._last = 0
        self.title = f"{self._file.stem}/{self._run}"

    def glance(self) -> None:
        try:
            status = self._file.stat()
        except OSError:
            return
        self.created = self.created or status.st_mtime

    def read(self, seconds: float) -> bool:
        end = monotonic() + seconds
        try:
            with closing(_open(self._file)) as database:
                while True:
                    rows = database.execute(
                        "SELECT id, timestamp, step, metrics FROM metrics WHERE run_name = ? AND id > ?"
                        " ORDER BY id LIMIT ?",
                        (self._run, self._last, _AT_ONCE),
                    ).fetchall()
                    for row in rows:
                        self._take(*row)
                    if len(rows) < _AT_ONCE:
                        self.share = 1.0
                        return False
                    if monotonic() > end:
                        return True
        except (sqlite3.Error, OSError):
            return False  # locked, or being written for the first time: not yet

    def _take(self, id: int, stamp: object, step: object, metrics: object) -> None:
        self._last = id
        try:
            values = json.loads(metrics if isinstance(metrics, str | bytes) else "")
        except ValueError:
            return
        if not isinstance(values, dict) or not isinstance(step, int | float):
            return
        numbers = {
            canonical(str(name)): number for name, value in values.items() if (number := _number(value)) is not None
        }
        epoch = numbers.pop("epoch", math.nan)
        if self.table.metrics and float(step) < self.step:
            self.table.cut(float(step) - 0.5)  # resumed from a checkpoint
        time = _seconds(stamp)
        self.table.add(float(step), numbers, epoch=epoch, tokens=numbers.get("num_tokens", math.nan), time=time)
        self.step, self.epoch = int(step), 0.0 if math.isnan(epoch) else epoch
        self.updated = time if math.isfinite(time) else self.updated


def databases_in(file: Path) -> list[str]:
    """Return the paths (`file#run`) of the runs in a trackio database; none where the file is something else."""
    try:
        with file.open("rb") as stream:
            if stream.read(len(_SIGN)) != _SIGN:
                return []
        with closing(_open(file)) as database:
            names = database.execute("SELECT DISTINCT run_name FROM metrics LIMIT ?", (_MOST_RUNS,)).fetchall()
            database.execute("SELECT id, timestamp, step, metrics FROM metrics LIMIT 0")
    except (sqlite3.Error, OSError):
        return []
    return [f"{file}#{name}" for (name,) in names if isinstance(name, str) and name]


def _open(file: Path) -> sqlite3.Connection:
    """Open `file` to read only: what somebody else writes is never touched."""
    database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=0.2)
    database.text_factory = lambda data: os.fsdecode(data)
    return database


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    # trackio writes what is no number as a word.
    return (
        {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.get(value) if isinstance(value, str) else None
    )


def _seconds(stamp: object) -> float:
    if isinstance(stamp, str):
        try:
            return datetime.fromisoformat(stamp).timestamp()
        except ValueError:
            pass
    return math.nan
