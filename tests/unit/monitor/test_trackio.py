"""trackio's database: its runs are found and followed, what is no number is kept as such."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

from vlmtui.monitor.sources.trackio import TrackioRun, databases_in

_TABLE = (
    "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, run_name TEXT NOT NULL,"
    " step INTEGER NOT NULL, metrics TEXT NOT NULL)"
)


def log(file: Path, run: str, step: int, metrics: dict[str, object]) -> None:
    """Write a row, as trackio does."""
    with closing(sqlite3.connect(file)) as database, database:
        stamp = f"2026-01-01T00:00:{step:02d}+00:00"
        database.execute(
            "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)",
            (stamp, run, step, json.dumps(metrics)),
        )


def test_runs_are_found_and_followed(tmp_path: Path) -> None:
    file = tmp_path / "project.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute(_TABLE)
    assert databases_in(file) == []
    log(file, "first", 1, {"train/loss": 2.0, "train/epoch": 0.1, "note": "text"})
    log(file, "other", 1, {"loss": 7.0})
    assert databases_in(file) == [f"{file}#first", f"{file}#other"]
    run = TrackioRun(Path(f"{file}#first"))
    assert run.read(1.0) is False
    log(file, "first", 2, {"train/loss": "NaN"})
    run.read(1.0)
    steps, losses = run.table.points("loss")
    assert (run.title, list(steps), losses[0], math.isnan(losses[1])) == ("project/first", [1, 2], 2.0, True)
    assert list(run.table.points("loss", "time")[0]) == [0, 1]
    log(file, "first", 2, {"train/loss": 1.0})
    log(file, "first", 1, {"train/loss": 5.0})
    run.read(1.0)
    assert list(run.table.points("loss")[1]) == [5.0]


def test_what_is_no_database_of_trackio_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("hello")
    (tmp_path / "cut.db").write_bytes(b"SQLite format 3\0 and garbage")
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE metrics (a)")
    assert [databases_in(tmp_path / f"{name}.db") for name in ("text", "cut", "other", "missing")] == [[]] * 4
