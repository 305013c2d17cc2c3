"""The shipped recipes reach what they promise, on two CPU cores: minutes, so apart (`-m long`)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from vlmtui.runs.events import Evaluated, read_events
from vlmtui.runs.folder import every
from vlmtui.training.digits import write_digits

from .test_training import shell

TEN_MINUTES = 600


def evaluations(folder: Path, preset: str, root: Path) -> list[dict[str, float]]:
    """Run the preset; return what each evaluation found."""
    command = f"vlmtui train {preset} > r.yaml && VLMTUI_RUNS={root} vlmtui train r.yaml --detach"
    started = shell(command, folder)
    assert started.returncode == 0, started.stderr
    (run,) = every(root)
    end = time.monotonic() + TEN_MINUTES
    while run.state() not in ("finished", "failed", "crashed") and time.monotonic() < end:
        time.sleep(1)
    assert run.state() == "finished", run.log_file.read_text()[-3000:]
    return [event.values for event in read_events(run.events_file) if isinstance(event, Evaluated)]


@pytest.mark.long
@pytest.mark.timeout(TEN_MINUTES + 60)
def test_sft_teaches_the_demo_model_to_read_digits(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits")
    before, *_, after = evaluations(tmp_path, "demo-sft", tmp_path / "runs")
    assert before["exact_match"] < 0.15
    assert after["exact_match"] > 0.90
    assert after["eval_loss"] < before["eval_loss"] / 10


@pytest.mark.long
@pytest.mark.timeout(TEN_MINUTES + 60)
def test_dpo_makes_answers_short(tmp_path: Path) -> None:
    write_digits(tmp_path / "digits")
    before, *_, after = evaluations(tmp_path, "demo-dpo", tmp_path / "runs")
    assert after["eval_rewards/accuracies"] > 0.9
    assert after["answer_length"] < before["answer_length"] / 2
