"""The child that watches runs, over real files: found, read while written, cut off, replaced, deleted, garbage."""

from __future__ import annotations

import asyncio
import json
import math
import os
import shutil
import signal
import struct
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from time import monotonic

import pytest

from tests.unit.monitor.made import event_file, healthy, make_job, say, trainer_state, training, write_events
from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.protocol import Details, Drawn, Failure, Listed, RunRow
from vlmtui.runs.events import Attempt, Logged, Stage


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[MonitorClient]:
    client = MonitorClient(tmp_path / "runs", [tmp_path / "work"])
    yield client
    await client.close()


async def until(ask: Callable[[], Awaitable[object]], holds: Callable[[object], object]) -> object:
    """Ask until the answer is what is waited for."""
    end = monotonic() + 60
    while True:
        answer = await ask()
        if not isinstance(answer, Failure) and holds(answer):
            return answer
        assert monotonic() < end, answer
        await asyncio.sleep(0.02)


async def rows(client: MonitorClient, holds: Callable[[dict[str, RunRow]], object]) -> dict[str, RunRow]:
    """The rows by title, as soon as they are what is waited for."""

    def by_title(answer: object) -> dict[str, RunRow]:
        assert isinstance(answer, Listed)
        return {row.title: row for row in answer.rows}

    return by_title(await until(client.list, lambda answer: answer.complete and holds(by_title(answer))))  # type: ignore[attr-defined]


async def values(client: MonitorClient, run: str, metric: str, holds: Callable[[list[float]], object]) -> list[float]:
    """A metric's values, each in a column of its own."""
    drawn = await until(
        lambda: client.draw([(run, metric, 4000)]),
        lambda answer: holds(floats(answer.curves[0].last)),  # type: ignore[attr-defined]
    )
    assert isinstance(drawn, Drawn)
    return floats(drawn.curves[0].last)


def floats(data: bytes) -> list[float]:
    return list(array("d", data))


async def test_runs_of_every_kind_are_found_and_appear_while_they_are_written(
    watching: MonitorClient, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "runs", "ours")
    say(job, "running", stage="sft", step=7, steps=50, loss=1.5)
    event_file(tmp_path / "work" / "logs" / "theirs", {"train/loss": [(1, 2.0), (2, 1.0)]})
    trainer_state(
        tmp_path / "work" / "out" / "checkpoint-10",
        [{"step": 5, "loss": 3.0, "epoch": 0.5}, {"step": 10, "eval_loss": 2.5, "epoch": 1.0}],
        max_steps=20,
    )
    (tmp_path / "work" / "node_modules" / "x").mkdir(parents=True)
    found = await rows(watching, lambda found: len(found) == 3 and all(row.loss for row in found.values()))
    assert (found["ours"].kind, found["ours"].state, found["ours"].step) == ("run", "running", 7)
    assert (found["theirs"].kind, found["theirs"].state, found["theirs"].loss) == ("events", "writing", 1.0)
    assert (found["out"].kind, found["out"].steps, found["out"].loss) == ("trainer", 20, 3.0)
    event_file(tmp_path / "work" / "new", {"loss": [(1, 1.0)]})
    await rows(watching, lambda found: "new" in found)
    shutil.rmtree(tmp_path / "work" / "new")
    await rows(watching, lambda found: "new" not in found)


async def test_a_half_written_line_is_not_yet_and_a_resumed_run_reads_as_one(
    watching: MonitorClient, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "runs")
    say(job, "running", stage="sft", step=3, steps=6)
    write_events(
        job, [Stage(stage="sft", steps=6), *(Logged(stage="sft", step=s, values={"loss": 9.0 - s}) for s in (1, 2, 3))]
    )
    run = str(job.path)
    await values(watching, run, "loss", lambda found: len(found) == 3)
    with job.events_file.open("ab") as file:
        file.write(b'{"type":"log","stage":"sft","step":4,"val')
        file.flush()
        assert await values(watching, run, "loss", lambda found: True) == [8, 7, 6]
        file.write(b'ues":{"loss":5.0}}\nno event at all\n')
    assert await values(watching, run, "loss", lambda found: len(found) == 4) == [8, 7, 6, 5]
    write_events(
        job, [Attempt(pid=1, stage="sft", step=2), Logged(stage="sft", step=3, values={}, not_finite={"loss": "nan"})]
    )
    found = await values(watching, run, "loss", lambda found: len(found) == 3)
    assert found[:2] == [8, 7]
    assert math.isnan(found[2])


async def test_a_run_of_two_stages_is_one_line_and_has_two_losses(watching: MonitorClient, tmp_path: Path) -> None:
    job = make_job(tmp_path / "runs")
    log = [Logged(stage=stage, step=s, values={"loss": 1.0}) for stage in ("sft", "dpo") for s in (1, 2, 3)]
    write_events(job, [Stage(stage="sft", steps=3), *log[:3], Stage(stage="dpo", steps=3), *log[3:]])
    drawn = await until(
        lambda: watching.draw([(str(job.path), "dpo/loss", 100)]),
        lambda answer: answer.curves[0].points == 3,  # type: ignore[attr-defined]
    )
    assert isinstance(drawn, Drawn)
    assert floats(drawn.curves[0].x) == [4, 5, 6]


async def test_event_files_are_followed_cut_off_rotated_and_may_be_garbage(
    watching: MonitorClient, tmp_path: Path
) -> None:
    folder = tmp_path / "work" / "theirs"
    path = event_file(folder, {"train/loss": [(s, float(s)) for s in range(1, 6)], "eval/loss": [(5, 9.0)]})
    run = str(folder)
    assert await values(watching, run, "loss", lambda found: len(found) == 5) == [1, 2, 3, 4, 5]
    assert await values(watching, run, "eval_loss", lambda found: True) == [9]
    whole = path.read_bytes()
    event_file(folder, {"train/loss": [(6, 6.0)]})
    record = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + record[:-5])
    with path.open("ab") as file:
        assert len(await values(watching, run, "loss", lambda found: True)) == 5
        file.write(record[-5:])
    await values(watching, run, "loss", lambda found: len(found) == 6)
    event_file(folder, {"train/loss": [(7, 7.0)]}, name="2.host")
    await values(watching, run, "loss", lambda found: len(found) == 7)
    # Resumed from step 4 in another file: what was beyond it is superseded.
    event_file(folder, {"train/loss": [(5, 50.0)]}, name="3.host")
    await values(watching, run, "loss", lambda found: found == [1, 2, 3, 4, 50])
    with path.open("ab") as file:
        file.write(struct.pack("<Q", 2**60) + b"garbage" * 50)
    (folder / "events.out.tfevents.4.host").write_bytes(b"\xff" * 4096)
    path.unlink()
    assert await values(watching, run, "loss", lambda found: True) == [1, 2, 3, 4, 50]


async def test_a_trainer_folder_is_read_again_when_it_is_written_and_may_hold_nan(
    watching: MonitorClient, tmp_path: Path
) -> None:
    folder = tmp_path / "work" / "out"
    trainer_state(folder / "checkpoint-2", [{"step": 1, "loss": 3.0}, {"step": 2, "loss": math.nan}], max_steps=4)
    found = await values(watching, str(folder), "loss", lambda found: len(found) == 2)
    assert math.isnan(found[1])
    (folder / "checkpoint-3").mkdir()
    (folder / "checkpoint-3" / "trainer_state.json").write_text('{"log_history": [{"step": 1, "lo')
    assert len(await values(watching, str(folder), "loss", lambda found: True)) == 2
    trainer_state(folder / "checkpoint-4", [{"step": 4, "loss": 1.0}], max_steps=4)
    await values(watching, str(folder), "loss", lambda found: found == [1.0])
    details = await watching.look(str(folder))
    assert isinstance(details, Details)
    assert (details.row.state, [one.step for one in details.checkpoints]) == ("finished", [2, 3, 4])


async def test_all_about_a_run(watching: MonitorClient, tmp_path: Path) -> None:
    job = make_job(tmp_path / "runs")
    say(job, "running", stage="sft", step=150, steps=200, epoch=1.5)
    write_events(job, training(200)[: 150 + 3 * 2 + 4])
    details = await until(lambda: watching.look(str(job.path)), lambda answer: answer.share == 1.0)  # type: ignore[attr-defined]
    assert isinstance(details, Details)
    assert details.metrics[:4] == ["loss", "eval_loss", "grad_norm", "learning_rate"]
    assert details.axes == ["step", "epoch", "tokens", "time"]
    assert details.best is not None
    assert details.best[0] == min(healthy(step) for step in range(1, 151))
    assert set(details.rates) == {"samples/s", "tokens/s", "steps/s"}
    assert details.eta_low <= details.row.eta_s <= details.eta_high
    assert [one.step for one in details.evaluations] == [50, 100, 150]
    examples = await watching.answers(str(job.path))
    assert not isinstance(examples, Failure)
    assert examples[0].answers == [(50, "one"), (100, "seven"), (150, "seven")]
    machine = await watching.machine()
    assert not isinstance(machine, Failure)
    assert machine.total > machine.used > 0
    assert machine.devices or machine.no_gpu


async def test_a_long_log_is_first_drawn_through_some_of_its_points(watching: MonitorClient, tmp_path: Path) -> None:
    job = make_job(tmp_path / "runs")
    with job.events_file.open("w") as file:
        for step in range(1, 60_001):
            log = {
                "type": "log",
                "at": step,
                "stage": "sft",
                "step": step,
                "values": {"loss": healthy(step), "a": 1, "b": 2},
            }
            file.write(json.dumps(log) + "\n")
    first = await watching.draw([(str(job.path), "loss", 400)])
    assert isinstance(first, Drawn)
    details = await watching.look(str(job.path))
    assert isinstance(details, Details)
    assert details.share < 1
    assert (first.low, first.high) == (1, 60_000)
    assert 400 <= first.curves[0].points < 60_000
    whole = await until(
        lambda: watching.draw([(str(job.path), "loss", 400)], smoothing=0.9),
        lambda answer: answer.curves[0].points == 60_000,  # type: ignore[attr-defined]
    )
    assert isinstance(whole, Drawn)
    assert min(floats(whole.curves[0].low)) == min(healthy(step) for step in range(1, 60_001))
    assert len(floats(whole.curves[0].smooth)) == 400


async def test_the_child_is_started_again_after_it_died(watching: MonitorClient, tmp_path: Path) -> None:
    make_job(tmp_path / "runs", "ours")
    await rows(watching, lambda found: "ours" in found)
    assert watching.pid is not None
    os.kill(watching.pid, signal.SIGKILL)
    await rows(watching, lambda found: "ours" in found)
    missing = await watching.look(str(tmp_path / "nothing"))
    assert isinstance(missing, Failure)
    assert missing.code == "gone"


def test_the_terminals_side_imports_nothing_heavy() -> None:
    import subprocess
    import sys

    code = "import sys, vlmtui.monitor.client; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numpy", "tensorboard", "psutil", "textual", "torch"} & set(json.loads(loaded.replace("'", '"')))


async def test_curves_are_written_to_files_or_it_is_said_why_not(watching: MonitorClient, tmp_path: Path) -> None:
    job = make_job(tmp_path / "runs", "ours")
    write_events(job, training(60))
    run = str(job.path)
    await values(watching, run, "loss", lambda found: len(found) == 60)
    done = await watching.export(tmp_path / "loss.csv", [(run, "loss"), (run, "eval_loss")])
    assert not isinstance(done, Failure)
    assert len((tmp_path / "loss.csv").read_text().splitlines()) == 1 + 60 + 1
    failed = await watching.export(tmp_path / "none" / "loss.svg", [(run, "loss")], log_y=True)
    assert isinstance(failed, Failure)
    assert failed.code == "cannot_write"
