"""The memory estimate against published figures, and failures with a cause and a remedy."""

from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import transformers

from vlmtui.runs.control import start
from vlmtui.runs.events import Note, read_events
from vlmtui.runs.folder import Job, create
from vlmtui.runs.status import ENDED
from vlmtui.training.failures import understand
from vlmtui.training.halving import halved, until_it_fits
from vlmtui.training.memory import estimate
from vlmtui.training.recipe import Data, Looks, Recipe, Stage, parse_recipe
from vlmtui.training.reporting import Reporter
from vlmtui.training.trainers import WholeCheckpoints
from vlmtui.training.worker import publish


def _estimate(trained: int, **model: Any) -> dict[str, float]:
    stage = Stage(method="dpo", data=Data(dataset_name="x"))
    recipe = Recipe(stages=[stage], model={"model_name_or_path": "x", **model}, looks=Looks(), output_dir="out")
    config = transformers.Idefics3Config()
    towers = {"text": (trained, 8_000_000_000)}
    return estimate(recipe, config, towers, batch=1, tokens=100, tiles=1, on_cpu=False)


def test_the_published_figures_of_idefics2_8b() -> None:
    """https://huggingface.co/blog/dpo_vlm: 160 GB in float32; 32.3 GB in bfloat16 with LoRA on 0.7 % and a reference.

    TRL needs no reference model under adapters any more: without it, half of that stays.
    """
    parts = _estimate(8_000_000_000, dtype="float32")
    states = sum(parts[name] for name in ("weights", "reference", "gradients", "optimizer"))
    assert states == pytest.approx(160e9)
    parts = _estimate(54_000_000, dtype="bfloat16", use_peft=True)
    states = sum(parts[name] for name in ("weights", "reference", "gradients", "optimizer"))
    assert parts["reference"] == 0
    assert states + 2 * 8e9 == pytest.approx(32.3e9, rel=0.02)
    assert _estimate(54_000_000, load_in_4bit=True, use_peft=True)["weights"] < 5e9


@pytest.mark.parametrize(
    ("error", "cause", "remedy"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full", "resume"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "disk is full", "resume"),
        (MemoryError(), "memory is full", "halve per_device_train_batch_size"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "memory is full", "load_in_4bit"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "GPU's memory", "gradient_accumulation_steps"),
        (RuntimeError("token hf_abcdefgh1234 \x1b]52;c;x\x07"), "hf_***", "log.txt"),
    ],
)
def test_a_failure_has_a_cause_and_a_remedy(error: Exception, cause: str, remedy: str) -> None:
    try:
        raise ValueError("outer") from error
    except ValueError as outer:
        failure = understand(outer if not isinstance(error, RuntimeError) or "hf_" not in str(error) else error)
    assert cause in failure.cause
    assert remedy in failure.remedy
    assert "\x1b" not in failure.cause


def test_out_of_memory_halves_the_batch_until_it_fits(tmp_path: Path) -> None:
    run = create("halving", "cpu", {}, root=tmp_path)
    reporter = Reporter(run)
    trl = {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 2, "learning_rate": 1e-3}
    stage = Stage(method="sft", data=Data(dataset_name="x"), trl=trl)
    tried: list[tuple[int, int]] = []

    def train(one: Stage) -> bool:
        tried.append((one.trl["per_device_train_batch_size"], one.trl["gradient_accumulation_steps"]))
        if tried[-1][0] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return True

    assert until_it_fits(stage, reporter, train)
    assert tried == [(8, 2), (4, 4), (2, 8)]
    tried.clear()
    assert until_it_fits(stage, reporter, train)  # resumed: what fits is known
    assert tried == [(2, 8)]
    with pytest.raises(ValueError, match="another"):
        until_it_fits(stage, reporter, lambda _: (_ for _ in ()).throw(ValueError("another failure")))
    one = msgspec.structs.replace(stage, trl={"per_device_train_batch_size": 1})
    assert halved(one) is None
    assert halved(msgspec.structs.replace(stage, method="kto", trl={"per_device_train_batch_size": 2})) is None
    reporter.end("finished")
    notes = [one.text for one in read_events(run.events_file) if isinstance(one, Note)]
    assert len(notes) == 2 and "per_device_train_batch_size: 2" in notes[1]


class _State:
    global_step = 10
    best_model_checkpoint = None
    best_global_step = None


class _Args:
    def __init__(self, output_dir: Path) -> None:
        self.output_dir = str(output_dir)


class _Disk:
    """What a trainer does when it saves, on a disk that may be full."""

    def __init__(self, folder: Path) -> None:
        self.args, self.state, self.full = _Args(folder), _State(), False

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"  # type: ignore[attr-defined]
        folder.mkdir(parents=True)
        (folder / "weights").write_text("w")
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        (folder / "trainer_state.json").write_text("{}")


class _Trainer(WholeCheckpoints, _Disk):
    def _window(self) -> dict[str, Any]:
        return {}


def test_a_checkpoint_is_whole_or_not_there_and_the_one_before_stays(tmp_path: Path) -> None:
    trainer = _Trainer(tmp_path)
    trainer.keep = 2
    trainer._save_checkpoint(None, None)
    trainer.state.global_step, trainer.full = 20, True
    with pytest.raises(OSError, match="No space"):
        trainer._save_checkpoint(None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-10"]
    trainer.full = False
    for step in (30, 40):
        trainer.state.global_step = step
        trainer._save_checkpoint(None, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-30", "checkpoint-40"]


def test_a_result_never_replaces_what_it_was_not_told_to(tmp_path: Path) -> None:
    (tmp_path / "results" / "sft").mkdir(parents=True)
    (tmp_path / "results" / "sft" / "weights").write_text("new")
    data = {"method": "sft", "data": {"dataset_name": "x"}}
    recipe = {"model": {"model_name_or_path": "demo"}, "stages": [data]}

    def job(name: str, overwrite: bool = False) -> Job:
        return Job(id=name, title="t", created=0.0, device="cpu", recipe=recipe, overwrite=overwrite)

    result, output = tmp_path / "results" / "sft", tmp_path / "out"
    assert publish(result, output, job("a")) == output
    assert publish(result, output, job("b")) == tmp_path / "out-b"  # it was queued behind the first
    assert publish(result, output, job("a")) == output  # killed between its result and its end, and resumed
    (output / "weights").write_text("old")
    assert publish(result, output, job("c", overwrite=True)) == output
    assert (output / "weights").read_text() == "new"
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    assert publish(result, other, job("d", overwrite=True)) == tmp_path / "other-d"
    assert (other / "mine.txt").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_ends_a_run_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    text = "method: sft\nmodel_name_or_path: demo\ndataset_name: rows.jsonl\noutput_dir: out\n"
    recipe = parse_recipe(text, tmp_path / "recipe.yaml")
    run = create("full", "cpu", msgspec.to_builtins(recipe), root=tmp_path / "runs")
    run.events_file.symlink_to("/dev/full")  # the kernel's own full disk
    start(run)
    end = time.monotonic() + 240
    while run.state() not in ENDED and time.monotonic() < end:
        time.sleep(0.05)
    status = run.status()
    assert (status.state, status.cause) == ("failed", "the disk is full"), run.log_file.read_text()[-2000:]
    assert "free some space" in status.remedy
    assert not run.reserve_file.exists()
