"""Stages run in this process: a DPO that is resumed, learning rates by tower, the use of the machine, a probe."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from tests.unit.training.running import curve, workspace
from vlmtui.runs.events import Logged, read_events
from vlmtui.runs.folder import RunFolder, create
from vlmtui.training.failures import TrainingFailure
from vlmtui.training.probing import probe, probe_line
from vlmtui.training.recipe import Recipe, RecipeError, parse_recipe
from vlmtui.training.reporting import Reporter
from vlmtui.training.stage import run_stage
from vlmtui.training.tower_rates import split_by_tower

__all__ = ["workspace"]  # the fixture
pytestmark = pytest.mark.timeout(300)

RECIPE = """\
method: dpo
model_name_or_path: demo
dataset_name: pairs.jsonl
output_dir: out
use_peft: true
lora_r: 4
lora_dropout: 0.0
learning_rate: 1.0e-3
max_steps: 4
per_device_train_batch_size: 2
gradient_checkpointing: false
logging_steps: 1
save_steps: 2
eval_fraction: 0.0
"""


class Stopping(Reporter):
    """Asks for a stop after a step, as a user would."""

    after = 0

    def set(self, state: Any = None, **fields: Any) -> None:
        super().set(state, **fields)
        if self.after and fields.get("step", 0) >= self.after:
            self._asked.set()


@pytest.fixture
def recipe(workspace: Path) -> Recipe:
    rows = [json.loads(line) for line in (workspace / "questions.jsonl").read_text().splitlines()[:10]]
    worse = [{"role": "assistant", "content": [{"type": "text", "text": "I do not know"}]}]
    pairs = [{**row, "chosen": row["completion"], "rejected": worse, "completion": None} for row in rows]
    (workspace / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    return parse_recipe(RECIPE, workspace / "recipe.yaml")


def run_of(recipe: Recipe, root: Path) -> RunFolder:
    return create("t", "cpu", msgspec.to_builtins(recipe), root=root)


def attempt(run: RunFolder, recipe: Recipe, after: int = 0) -> bool:
    reporter = Stopping(run)
    reporter.after = after
    try:
        return run_stage(recipe, recipe.stages[0], reporter, None)
    finally:
        reporter.leave()


def test_a_dpo_that_was_stopped_ends_like_one_that_was_not(recipe: Recipe, tmp_path: Path) -> None:
    whole, broken = run_of(recipe, tmp_path / "whole"), run_of(recipe, tmp_path / "broken")
    assert attempt(whole, recipe)
    assert not attempt(broken, recipe, after=2)
    assert attempt(broken, recipe)
    assert list(curve(whole)) == [1, 2, 3, 4]
    assert curve(broken) == pytest.approx(curve(whole), rel=1e-5)
    margins = [
        {one.step: one.values["rewards/margins"] for one in read_events(run.events_file)
         if isinstance(one, Logged) and "rewards/margins" in one.values}
        for run in (whole, broken)
    ]  # fmt: skip
    assert margins[1] == pytest.approx(margins[0], rel=1e-4, abs=1e-6)
    logged = [one.values for one in read_events(whole.events_file) if isinstance(one, Logged) and "loss" in one.values]
    assert all(values["tokens_per_s"] > 0 for values in logged)
    assert all(values["cpu_memory"] > 1e7 and values["cpu_use"] >= 0 for values in logged)


def test_a_tower_has_its_own_learning_rate(workspace: Path) -> None:
    text = RECIPE.replace("dpo", "sft").replace("pairs", "questions")
    text += "lora_towers: [text, vision]\ntower_learning_rates: {vision: 1.0e-5}\n"
    looks = parse_recipe(text, workspace / "recipe.yaml").looks
    assert looks.tower_learning_rates == {"vision": 1e-5}
    with pytest.raises(RecipeError, match="ears"):
        parse_recipe(text.replace("{vision:", "{ears:"), workspace / "recipe.yaml")

    model = torch.nn.ModuleDict({"text_model": torch.nn.Linear(2, 2), "vision_model": torch.nn.Linear(2, 2)})
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    split_by_tower(optimizer, model, dict(looks.tower_learning_rates))
    assert sorted((group["lr"], len(group["params"])) for group in optimizer.param_groups) == [(1e-5, 2), (1e-3, 2)]
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    assert sorted(group["lr"] for group in optimizer.param_groups) == [5e-6, 5e-4]
    model["vision_model"].requires_grad_(False)
    with pytest.raises(TrainingFailure, match="nothing is trained in vision"):
        split_by_tower(optimizer, model, {"vision": 1e-5})


def test_a_probe_measures_a_step_and_advises_a_batch(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    found = probe(recipe)
    assert found["seconds"] > 0 and found["memory"] > 1e8 and found["batch"] == 2
    assert "2 longest examples" in probe_line(found)

    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("vlmtui.training.probing._one_step", full)
    found = probe(recipe)
    assert found["advice"] == {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 2}
    assert "out of memory" in probe_line(found)
