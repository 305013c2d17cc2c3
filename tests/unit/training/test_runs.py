"""Real trainings of the demo model, in their own processes: finished, stopped, killed, resumed, failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.unit.training.running import (
    RECIPE,
    begin,
    curve,
    has_checkpoint,
    here,
    last_step,
    nursery,
    quick_start,
    shorten,
    wait_for,
    wait_until_over,
    workspace,
)
from vlmtui.runs.control import resume, stop
from vlmtui.runs.events import Answers, Logged, Note, Stage, read_events
from vlmtui.runs.folder import every
from vlmtui.runs.publishing import merge
from vlmtui.training import merging

__all__ = ["nursery", "quick_start", "workspace"]  # the fixtures
pytestmark = pytest.mark.timeout(600)  # processes that load torch; a machine may be busy


@pytest.mark.usefixtures("quick_start")
def test_a_run_that_is_killed_ends_like_one_that_was_not(workspace: Path, tmp_path: Path) -> None:
    broken = begin(RECIPE, workspace, tmp_path / "broken")
    wait_for(broken, has_checkpoint(7))
    os.kill(broken.status().process.pid, signal.SIGKILL)
    assert wait_until_over(broken) == "crashed"
    status = broken.status()
    assert "checkpoint-" in status.checkpoint and "runs resume" in status.remedy
    assert (broken.path / status.checkpoint / "adapter_model.safetensors").is_file()

    steps = last_step(broken) + 6  # the next log is of steps before the checkpoint and after it
    shorten(broken, steps)
    resume(broken)
    whole = here(RECIPE.replace("max_steps: 2000", f"max_steps: {steps}"), workspace, tmp_path / "whole")
    assert wait_until_over(broken) == "finished", broken.log_file.read_text()[-3000:]
    wanted, found = curve(whole), curve(broken)
    assert list(wanted) == list(range(5, steps, 5))
    assert {step: found[step] for step in wanted} == pytest.approx(wanted, rel=1e-5)
    result = whole.results / "sft"
    one, other = (load_file(folder / "adapter_model.safetensors") for folder in (result, tmp_path / "broken" / "out"))
    assert one.keys() == other.keys()
    assert all(abs(one[name] - other[name]).max() < 1e-5 for name in one)
    assert max(abs(value).max() for name, value in one.items() if "lora_B" in name) > 1e-3  # it did learn
    settings = json.loads((tmp_path / "broken" / "out" / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "demo"
    assert not list((broken.checkpoints("sft")).glob(".*"))


@pytest.mark.usefixtures("quick_start")
def test_sft_and_then_dpo_with_answers_at_each_evaluation(workspace: Path, tmp_path: Path) -> None:
    pairs = [json.loads(line) for line in (workspace / "questions.jsonl").read_text().splitlines()]
    with (workspace / "pairs.jsonl").open("w") as stream:
        for row in pairs[:12]:
            worse = [{"role": "assistant", "content": [{"type": "text", "text": "I would say that I do not know"}]}]
            stream.write(json.dumps({**row, "chosen": row["completion"], "rejected": worse, "completion": None}) + "\n")
    text = RECIPE.replace("method: sft", "method: [sft, dpo]").replace(
        "max_steps: 2000", "max_steps: 2\nuse_dora: true\nmax_rows: 15"
    )
    text = text.replace("eval_fraction: 0.0", "eval_fraction: 0.2\neval_examples: 3\neval_max_new_tokens: 4")
    text = text.replace("logging_steps: 5", "logging_steps: 1")
    text += "stages:\n  dpo:\n    dataset_name: pairs.jsonl\n"
    run = begin(text, workspace, tmp_path)
    assert wait_until_over(run) == "finished", run.log_file.read_text()[-3000:]
    events = read_events(run.events_file)
    assert [one.stage for one in events if isinstance(one, Stage)] == ["sft", "dpo"]
    answers = [one for one in events if isinstance(one, Answers)]
    for stage in ("sft", "dpo"):
        shown = [[answer.row for answer in one.answers] for one in answers if one.stage == stage]
        assert len(shown) >= 2 and all(rows == shown[0] for rows in shown)  # the same ones, before and after
    assert any("rewards/margins" in one.values for one in events if isinstance(one, Logged))
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()
    names = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert not any("ref" in name for name in names)  # the reference is not part of the result
    assert any("magnitude" in name for name in names)
    assert "| eval_rewards/accuracies |" in (tmp_path / "out" / "README.md").read_text()
    assert list((run.path / "tensorboard" / "dpo").glob("events*"))

    assert "answers agree with base and adapter" in merging.merge(run, tmp_path / "merged")
    assert not any("lora" in name for name in load_file(tmp_path / "merged" / "model.safetensors"))
    assert "An adapter laid into the weights of `demo`" in (tmp_path / "merged" / "README.md").read_text()
    assert merge(run, tmp_path / "merged") == 1  # a process of its own; nothing is written over


@pytest.mark.usefixtures("quick_start")
def test_kto_learns_from_good_and_bad_answers_until_it_is_stopped(workspace: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (workspace / "questions.jsonl").read_text().splitlines()[:14]]
    judged = "".join(json.dumps({**row, "label": number % 2 == 0}) + "\n" for number, row in enumerate(rows))
    (workspace / "judged.jsonl").write_text(judged)
    text = RECIPE.replace("method: sft", "method: kto").replace("logging_steps: 5", "logging_steps: 1")
    text = text.replace("eval_fraction: 0.0", "eval_fraction: 0.3\neval_max_new_tokens: 2\neval_steps: 2000")
    run = begin(text.replace("questions", "judged"), workspace, tmp_path)
    wait_for(run, lambda events: any(isinstance(one, Logged) and "kl" in one.values for one in events))
    stop(run)
    assert wait_until_over(run) == "stopped", run.log_file.read_text()[-3000:]
    assert run.last_checkpoint("kto") is not None and not run.results.joinpath("kto").exists()
    answers = [one.answers for one in read_events(run.events_file) if isinstance(one, Answers)]
    assert answers and all(answer.row % 2 == 0 for answer in answers[0])  # a bad answer is no reference


@pytest.mark.usefixtures("quick_start")
def test_grpo_rewards_answers_that_it_draws(workspace: Path, tmp_path: Path) -> None:
    text = RECIPE.replace("method: sft", "method: grpo\nrewards: [anls, short]")
    text = text.replace("max_steps: 2000", "max_steps: 2")
    text += "num_generations: 4\nmax_completion_length: 16\ntemperature: 2.0\n"
    run = begin(text.replace("logging_steps: 5", "logging_steps: 1"), workspace, tmp_path)
    assert wait_until_over(run) == "finished", run.log_file.read_text()[-3000:]
    logged = [one.values for one in read_events(run.events_file) if isinstance(one, Logged) and "reward" in one.values]
    assert len(logged) == 2 and all("rewards/anls/mean" in values for values in logged)
    assert any(values["grad_norm"] > 0 for values in logged)


def test_four_bits_on_a_cpu_while_the_terminal_is_killed(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = RECIPE.replace("max_steps: 2000", "max_steps: 2\nload_in_4bit: true\nuse_bnb_nested_quant: true")
    text = text.replace("eval_fraction: 0.0", "eval_fraction: 0.2\neval_examples: 2\neval_max_new_tokens: 3")
    monkeypatch.setenv("VLMTUI_RUNS", str(tmp_path / "runs"))
    (workspace / "four.yaml").write_text(text.replace("output_dir: out", f"output_dir: {tmp_path / 'out'}"))
    command = [sys.executable, "-m", "vlmtui", "train", str(workspace / "four.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as terminal:
        assert terminal.stderr is not None
        assert "it goes on when this terminal closes" in terminal.stderr.readline()
        terminal.kill()
    (run,) = every(tmp_path / "runs")
    assert wait_until_over(run) == "finished", run.log_file.read_text()[-3000:]
    (stage,) = [one for one in read_events(run.events_file) if isinstance(one, Stage)]
    assert stage.parameters - stage.trainable > 1_500_000  # two weights in a byte count as two


@pytest.mark.usefixtures("quick_start")
def test_bad_rows_end_the_run_before_a_model_is_loaded(workspace: Path, tmp_path: Path) -> None:
    lines = (workspace / "questions.jsonl").read_text().splitlines()
    (workspace / "bad.jsonl").write_text("\n".join([*lines[:8], lines[0].replace("shapes/", "nowhere/"), "{"]) + "\n")
    text = RECIPE.replace("questions", "bad")
    run = begin(text, workspace, tmp_path)
    assert wait_until_over(run) == "failed"
    status = run.status()
    assert "2 of 10 rows cannot be used" in status.cause
    assert "bad_rows: skip" in status.remedy
    notes = [one.text for one in read_events(run.events_file) if isinstance(one, Note)]
    assert len([one for one in notes if one.startswith("row ")]) == 2
    assert not (tmp_path / "out").exists()
