"""One run on two processes, by `accelerate launch` and gloo: the loss of one process with twice the batch."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import psutil
import pytest

from tests.unit.training.running import (
    RECIPE,
    begin,
    curve,
    has_checkpoint,
    here,
    last_step,
    shorten,
    wait_for,
    wait_until_over,
    workspace,
)
from vlmtui.runs.control import resume, stop
from vlmtui.runs.events import Attempt, Checkpointed, Logged, read_events
from vlmtui.runs.queue import ALL_GPUS, DeviceLock
from vlmtui.training.commands import accelerate_commands
from vlmtui.training.recipe import RecipeError, parse_recipe

__all__ = ["workspace"]  # the fixture
pytestmark = pytest.mark.timeout(600)

ALONE = RECIPE.replace("lora_dropout: 0.1", "lora_dropout: 0.0").replace("logging_steps: 5", "logging_steps: 1")
ALONE = ALONE.replace("save_steps: 7", "save_steps: 2")
TOGETHER = ALONE.replace("per_device_train_batch_size: 4", "per_device_train_batch_size: 2")
TOGETHER += "launch:\n  processes: 2\n"


def ranks_of(pid: int) -> list[psutil.Process]:
    found = [one for one in psutil.Process(pid).children(recursive=True) if "vlmtui.training.rank" in one.cmdline()]
    return [one for one in found if "accelerate.commands.launch" not in one.cmdline()]


def test_two_processes_learn_what_one_does_also_when_one_of_them_dies(workspace: Path, tmp_path: Path) -> None:
    run = begin(TOGETHER, workspace, tmp_path)
    wait_for(run, has_checkpoint(2))
    ranks = ranks_of(run.status().process.pid)
    assert len(ranks) == 2
    second = next(one for one in ranks if one.environ().get("RANK") == "1")
    os.kill(second.pid, signal.SIGKILL)
    assert wait_until_over(run) == "failed"
    status = run.status()
    assert "rank 1 died: it was killed" in status.cause
    assert str(run.path / "ranks" / "1.log") in status.remedy
    assert not any(one.is_running() for one in ranks)

    steps = last_step(run) + 3
    shorten(run, steps)
    resume(run)
    alone = here(ALONE.replace("max_steps: 2000", f"max_steps: {steps}"), workspace, tmp_path / "alone")
    assert wait_until_over(run) == "finished", run.log_file.read_text()[-3000:]
    assert curve(run) == pytest.approx(curve(alone), rel=1e-4)
    events = read_events(run.events_file)
    begun = max(number for number, one in enumerate(events) if isinstance(one, Attempt))
    logged = [one.step for one in events[begun:] if isinstance(one, Logged) and "loss" in one.values]
    assert logged == list(range(steps - 2, steps + 1))  # one of them writes
    assert steps - 1 in {one.step for one in events if isinstance(one, Checkpointed)}
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()
    assert not list(run.checkpoints("sft").glob(".*"))


@pytest.mark.long
def test_ranks_stop_at_the_same_step(workspace: Path, tmp_path: Path) -> None:
    run = begin(TOGETHER, workspace, tmp_path)
    wait_for(run, lambda events: any(isinstance(one, Logged) for one in events))
    stop(run)
    assert wait_until_over(run) == "stopped", run.log_file.read_text()[-3000:]
    shorten(run, last_step(run) + 1)
    resume(run)
    assert wait_until_over(run) == "finished", run.log_file.read_text()[-3000:]


@pytest.mark.long
def test_ranks_end_with_the_run_that_is_killed(workspace: Path, tmp_path: Path) -> None:
    run = begin(TOGETHER, workspace, tmp_path)
    wait_for(run, lambda events: any(isinstance(one, Logged) for one in events))
    ranks = ranks_of(run.status().process.pid)
    os.kill(run.status().process.pid, signal.SIGKILL)
    assert wait_until_over(run) == "crashed"
    _, left = psutil.wait_procs(ranks, timeout=60)
    assert not left


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("  procs: 2\n", "unknown key of launch; did you mean 'processes'?"),
        ("  processes: 0\n", ">= 1"),
        ("  processes: 4\n  nodes: 2\n", "needs address"),
        ("  processes: 3\n  nodes: 2\n  address: a:1\n", "cannot be shared evenly"),
        ("  config_file: nowhere.yaml\n", "accelerate config"),
        ("  address: here\n", "address"),
    ],
)
def test_what_a_launch_cannot_be(lines: str, said: str, workspace: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(ALONE + "launch:\n" + lines, workspace / "recipe.yaml")
    (mistake,) = caught.value.mistakes
    assert said in mistake and re.search(r"recipe\.yaml:(18|19|20): ", mistake)


def test_the_launch_as_a_command(workspace: Path) -> None:
    text = ALONE + "launch:\n  processes: 16\n  nodes: 2\n  address: first:29500\n"
    (command,) = accelerate_commands(parse_recipe(text, workspace / "recipe.yaml"))
    assert command.startswith("accelerate launch --num_processes 16 --num_machines 2 --machine_rank 0 ")
    assert "--main_process_ip first --main_process_port 29500 -m trl.scripts.sft" in command


def test_all_gpus_wait_for_each_and_each_for_all(tmp_path: Path) -> None:
    one, other, whole = (DeviceLock(tmp_path, name) for name in ("cuda:0", "cuda:1", ALL_GPUS))
    assert one.take() and other.take()
    assert not DeviceLock(tmp_path, "cuda:0").take()
    assert not whole.take()
    one.close()
    assert not whole.take()
    other.close()
    assert whole.take()
    assert not one.take()
    assert DeviceLock(tmp_path, "cpu").take()
