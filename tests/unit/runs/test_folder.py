"""A run's folder and its true state, with processes that really die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vlmtui.runs.control import stop
from vlmtui.runs.folder import RunError, RunFolder, create, every, find, remove
from vlmtui.runs.queue import DeviceLock, wait_for_turn
from vlmtui.runs.status import SILENT_S, Identity, Status, alive, identity, read_status, state_of, write_status

_SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def _run_of(process: subprocess.Popen[str], root: Path, **fields: object) -> RunFolder:
    run = create("demo", "cpu", {"method": "sft"}, root=root)
    status = read_status(run.status_file)
    status.state, status.process = "running", identity(process.pid)
    for name, value in fields.items():
        setattr(status, name, value)
    write_status(run.status_file, status)
    return run


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(_SLEEPER, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


def test_a_killed_process_has_crashed_with_its_last_checkpoint(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    run = _run_of(process, tmp_path, checkpoint="checkpoints/sft/checkpoint-20")
    assert run.state() == "running"
    os.kill(process.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while run.state() == "running" and time.monotonic() < end:
        pass  # it is a zombie until it is waited for, which counts as dead
    status = run.status()
    assert status.state == "crashed"
    assert "checkpoint-20" in status.remedy
    assert f"runs resume {run.id}" in status.remedy


def test_another_process_with_the_same_number_is_not_ours() -> None:
    me = identity()
    assert alive(me)
    assert not alive(Identity(pid=me.pid, started=me.started - 3600, host=me.host))
    assert not alive(Identity(pid=1, started=me.started, host=me.host))


def test_a_run_of_another_machine_is_judged_by_its_heartbeat() -> None:
    status = Status(state="running", process=Identity(pid=os.getpid(), started=0.0, host="elsewhere"), heartbeat=1000.0)
    assert state_of(status, now=1000.0 + SILENT_S - 1) == "running"
    assert state_of(status, now=1000.0 + SILENT_S + 1) == "crashed"


def test_the_first_stop_asks_and_the_second_waits_for_its_time(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    run = _run_of(process, tmp_path)
    assert "checkpoint" in stop(run)
    assert run.state() == "stopping"
    assert "ask again" in stop(run)
    assert process.poll() is None
    old = time.time() - 60
    os.utime(run.stop_file, (old, old))
    assert "ended" in stop(run)
    assert process.wait(10) == -signal.SIGKILL
    assert run.state() == "stopped"
    with pytest.raises(RunError, match="over"):
        stop(run)


def test_runs_are_found_by_a_part_of_their_name(tmp_path: Path) -> None:
    one = create("sft digits", "cpu", {}, root=tmp_path)
    two = create("../dpo", "cpu", {}, root=tmp_path)
    assert two.path.parent == tmp_path
    assert {run.id for run in every(tmp_path)} == {one.id, two.id}
    assert find("digits", tmp_path).id == one.id
    assert find("last", tmp_path).id == every(tmp_path)[-1].id
    with pytest.raises(RunError, match="2 runs"):
        find("-", tmp_path)
    with pytest.raises(RunError, match="no run"):
        find("nothing", tmp_path)


def test_only_a_run_that_is_over_is_removed(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    run = _run_of(process, tmp_path)
    with pytest.raises(RunError, match="not over"):
        remove(run)
    process.kill()
    process.wait()
    remove(run)
    assert not run.path.exists()
    assert every(tmp_path) == []


def test_a_damaged_run_does_not_hide_the_others(tmp_path: Path) -> None:
    run = create("one", "cpu", {}, root=tmp_path)
    broken = create("two", "cpu", {}, root=tmp_path)
    broken.status_file.write_text("{")
    assert len(every(tmp_path)) == 2
    assert run.state() == "queued"
    with pytest.raises(RunError, match="damaged"):
        broken.status()
    remove(broken)
    assert not broken.path.exists()


def test_a_device_is_held_by_one_process_and_free_when_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import time, pathlib; from vlmtui.runs.queue import DeviceLock;"
        f"lock = DeviceLock(pathlib.Path({str(tmp_path)!r}), 'cpu'); print(lock.take(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "True"
        lock = DeviceLock(tmp_path, "cpu")
        assert not lock.take()
        assert DeviceLock(tmp_path, "cuda:0").take()
        holder.kill()
        holder.wait()
        assert lock.take()


def test_the_queue_is_in_order_and_can_be_left(tmp_path: Path) -> None:
    first = create("one", "cpu", {}, root=tmp_path)
    second = create("two", "cpu", {}, root=tmp_path)
    looks = iter([False, False, True])
    assert wait_for_turn(second, "cpu", lambda: next(looks)) is None  # the first still waits
    lock = wait_for_turn(first, "cpu", lambda: False)
    assert lock is not None
    lock.close()
