"""What a batch leaves on the disk, whatever happens while it is written."""

from __future__ import annotations

import csv
import errno
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from vlmtui.batches.finding import BadPath, files_of
from vlmtui.batches.job import COLUMNS, Job, Row
from vlmtui.batches.journal import Journal, JournalError, journal_of, read_journal
from vlmtui.batches.pace import Pace, duration
from vlmtui.batches.writing import write_rows

JOB = Job(prompt="What is it?", paths=("/pictures",))
ROWS = {f"/pictures/{n}.png": Row(file=f"{n}.png", prompt=JOB.prompt, text=f'"{n}",\n=é🙂', tokens=n) for n in range(3)}


def test_rows_are_there_again_and_half_a_line_is_not(tmp_path: Path) -> None:
    out = tmp_path / "r.jsonl"
    with Journal(out, JOB) as journal:
        journal.add(ROWS)
    whole = journal_of(out).read_bytes()
    for end in range(len(whole) - 40, len(whole)):  # killed in the midst of the last line
        journal_of(out).write_bytes(whole[:end])
        with Journal(out, JOB) as journal:
            assert journal.done == dict(list(ROWS.items())[:2])
            journal.add(dict([list(ROWS.items())[2]]))
        assert journal_of(out).read_bytes() == whole
    assert read_journal(journal_of(out)) == (JOB, ROWS)
    for end in range(10):  # killed before there was anything
        journal_of(out).write_bytes(whole[:end])
        with Journal(out, JOB) as journal:
            assert journal.done == {}


def test_a_journal_belongs_to_one_job_and_one_process(tmp_path: Path) -> None:
    out = tmp_path / "r.csv"
    with Journal(out, JOB), pytest.raises(JournalError, match="another vlmtui"):
        Journal(out, JOB)
    with pytest.raises(JournalError, match="another prompt"):
        Journal(out, Job(prompt="Why?"))
    with Journal(out, Job(prompt=JOB.prompt, paths=("/more",))):
        pass  # other files are welcome
    (tmp_path / "own.csv").write_text("mine")
    with pytest.raises(JournalError, match="no batch's"):
        Journal(tmp_path / "own.csv", JOB)
    assert (tmp_path / "own.csv").read_text() == "mine"
    assert not journal_of(tmp_path / "own.csv").exists()
    journal_of(out).write_text("nonsense\n")
    with pytest.raises(JournalError, match="damaged"):
        Journal(out, JOB)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "r.jsonl"
    with Journal(out, JOB) as journal:
        before = journal_of(out).read_bytes()

        def full(descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            journal.add(ROWS)
        assert (journal.done, journal_of(out).read_bytes()) == ({}, before)


def test_the_result_in_each_form(tmp_path: Path) -> None:
    rows = list(ROWS.values())
    for name in ("r.jsonl", "r.csv", "r.parquet"):
        write_rows(tmp_path / name, rows)
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    with (tmp_path / "r.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert pq.read_table(tmp_path / "r.parquet").to_pylist() == lines
    assert [tuple(line) for line in lines] == [COLUMNS] * 3
    assert [row["text"] for row in table] == [line["text"] for line in lines] == [row.text for row in rows]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "r.jsonl", "r.parquet"]


def test_files_are_found_once_and_in_the_order_of_people(tmp_path: Path) -> None:
    for name in ("10.png", "9.jpg", "a.mp4", "notes.txt", ".hidden.png", "sub/2.webp", ".cache/3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [str(tmp_path / "10.png"), str(tmp_path)]
    assert [Path(file.name).name for file in files_of(names)] == ["10.png", "9.jpg", "a.mp4", "2.webp"]
    for wrong in ("notes.txt", "missing.png", ".cache/nothing", "x" * 5000):
        with pytest.raises(BadPath):
            files_of([str(tmp_path / wrong)])


def test_pace_counts_the_last_minute_of_work() -> None:
    pace = Pace()
    assert pace.left(10) is None
    pace.goes_on(100.0)
    for second in range(1, 101):
        pace.did(2 if second <= 40 else 4, 100.0 + second)
    assert pace.rate == pytest.approx(4.0, rel=0.05)
    assert pace.left(40) == pytest.approx(10.0, rel=0.05)
    pace.goes_on(1000.0)  # after a pause
    pace.did(3, 1001.0)
    assert pace.rate == pytest.approx(3.0)
    assert [duration(s) for s in (0.2, 89, 600, 7500, 90000)] == ["1 s", "89 s", "10 min", "2 h 5 min", "25 h"]
