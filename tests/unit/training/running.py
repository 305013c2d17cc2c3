"""What tests of trainings share: a recipe of the demo model's, runs begun and waited for, or trained here."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.training.nursery import Nursery
from vlmtui.runs import control
from vlmtui.runs.control import start
from vlmtui.runs.events import Checkpointed, Event, EventReader, Logged, read_events
from vlmtui.runs.folder import RunFolder, create
from vlmtui.runs.status import ENDED
from vlmtui.training.recipe import parse_recipe
from vlmtui.training.reporting import Reporter
from vlmtui.training.stage import run_stage

RECIPE = """\
method: sft
model_name_or_path: demo
dataset_name: questions.jsonl
output_dir: out
use_peft: true
lora_r: 4
lora_dropout: 0.1
learning_rate: 1.0e-3
lr_scheduler_type: constant_with_warmup
warmup_steps: 10
max_steps: 2000
per_device_train_batch_size: 4
gradient_checkpointing: false
logging_steps: 5
save_steps: 7
save_total_limit: 9
eval_fraction: 0.0
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vlmtui.demo.workspace import write_workspace

    return write_workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where trainings come from that need not import torch."""
    found = Nursery()
    yield found
    found.close()


@pytest.fixture
def quick_start(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start runs from the nursery."""
    monkeypatch.setattr(control.psutil, "Popen", nursery.start)


def begin(text: str, workspace: Path, root: Path) -> RunFolder:
    recipe = parse_recipe(text.replace("output_dir: out", f"output_dir: {root / 'out'}"), workspace / "recipe.yaml")
    run = create("test", "cpu", msgspec.to_builtins(recipe), text=text, output=recipe.output_dir, root=root / "runs")
    start(run)
    return run


def wait_for(run: RunFolder, seen: Any, seconds: float = 240) -> list[Event]:
    reader, events = EventReader(run.events_file), list[Event]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        over = run.state() in ENDED
        events += reader.read()
        if seen(events) or over:
            assert seen(events), run.log_file.read_text()[-3000:]
            return events
        time.sleep(0.02)
    raise AssertionError(f"{run.state()}: {run.log_file.read_text()[-3000:]}")


def wait_until_over(run: RunFolder, seconds: float = 240) -> str:
    end = time.monotonic() + seconds
    while run.state() not in ENDED and time.monotonic() < end:
        time.sleep(0.05)
    return run.state()


def curve(run: RunFolder) -> dict[int, float]:
    events = read_events(run.events_file)
    return {one.step: one.values["loss"] for one in events if isinstance(one, Logged) and "loss" in one.values}


def here(text: str, workspace: Path, root: Path) -> RunFolder:
    """Train to the end in this process, which has torch already: half the time of one that has to import it."""
    recipe = parse_recipe(text, workspace / "recipe.yaml")
    run = create("test", "cpu", msgspec.to_builtins(recipe), root=root / "runs")
    reporter = Reporter(run)
    try:
        assert run_stage(recipe, recipe.stages[0], reporter, None)
    finally:
        reporter.leave()
    return run


def shorten(run: RunFolder, steps: int) -> None:
    """Let a run end after `steps`: one that is interrupted was long, so that no machine is too fast for the test."""
    job = run.job()
    job.recipe["stages"][0]["trl"]["max_steps"] = steps
    run.job_file.write_bytes(msgspec.json.encode(job))


def last_step(run: RunFolder) -> int:
    checkpoint = run.last_checkpoint("sft")
    assert checkpoint is not None
    return int(json.loads((checkpoint / "trainer_state.json").read_text())["global_step"])


def has_checkpoint(step: int) -> Any:
    return lambda events: any(isinstance(one, Checkpointed) and one.step >= step for one in events)
