"""`vlmtui runs watch`: the monitor alone, its list and a run, in a small terminal and in a wide one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ui.conftest import screen_text, until
from tests.unit.monitor.made import event_file, make_job, say, training, write_events
from vlmtui.paths import runs_directory
from vlmtui.runs.folder import RunFolder
from vlmtui.ui.monitor.watch import WatchApp


@pytest.fixture
def job() -> RunFolder:
    run = make_job(runs_directory(), "going")
    write_events(run, training(200)[:130], began=time.time() - 65)
    say(run, "running", stage="sft", step=120, steps=200)
    return run


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (120, 40), (200, 60)])
async def test_a_run_and_the_list_in_a_terminal_of_any_size(job: RunFolder, size: tuple[int, int]) -> None:
    app = WatchApp(job.path)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "running" in screen_text(pilot) and "loss" in screen_text(pilot))
        await until(pilot, lambda: any("\u2801" <= letter <= "\u28ff" for letter in screen_text(pilot)))
        await pilot.press("2")
        await until(pilot, lambda: "folder" in screen_text(pilot) or "state" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "sft 120/200" in screen_text(pilot) and app.focused is app.query_one("RunRows"))
        await pilot.press("q")


def watch(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vlmtui", "runs", "watch", *words]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=folder, check=False)


def test_one_look_for_scripts(job: RunFolder, tmp_path: Path) -> None:
    event_file(tmp_path / "theirs", {"train/loss": [(1, 2.0), (2, float("nan"))]})
    every = json.loads(watch("--once", "--json", folder=tmp_path).stdout)
    assert {(row["title"], row["kind"], row["state"]) for row in every} == {
        ("going", "run", "running"), ("theirs", "events", "writing"),
    }  # fmt: skip
    one = json.loads(watch("--once", "--json", "going", folder=tmp_path).stdout)
    assert (one["row"]["step"], one["evaluations"][-1]["step"], one["share"]) == (120, 100, 1.0)
    theirs = json.loads(watch("--once", "--json", "./theirs", folder=tmp_path).stdout)
    assert (theirs["row"]["loss"], theirs["row"]["alerts"][0]["code"]) == (None, "not_finite")
    assert "sft 120 of 200" in watch("--once", "last", folder=tmp_path).stdout
    command = [sys.executable, "-m", "vlmtui", "runs", "compare", "--json", "going", "./theirs"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=tmp_path, check=True)
    assert [one["title"] for one in json.loads(done.stdout)["runs"]] == ["going", "theirs"]
    gone = watch("--once", "nothing", folder=tmp_path)
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)
    say(job, "finished", stage="sft", step=200, steps=200)
    lines = watch("last", folder=tmp_path)  # piped: as lines, to the end
    assert lines.returncode == 0
    assert "sft 120" in lines.stdout
