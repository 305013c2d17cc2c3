"""The process that trains: `python -m vlmtui.training.worker FOLDER`. It owns the run until it ends."""

from __future__ import annotations

import json
import os
import shutil
import sys
import traceback
from functools import partial
from pathlib import Path

import msgspec

from vlmtui.runs.folder import Job, RunFolder
from vlmtui.runs.queue import ALL_GPUS, wait_for_turn
from vlmtui.training.imports import leave_out_unneeded
from vlmtui.training.recipe import Launch, Recipe, Stage
from vlmtui.training.reporting import Reporter


def main(folder: str) -> int:
    """Run the training in `folder`; return 0 when it finished or was stopped, else 1."""
    run = RunFolder(Path(folder))
    reporter = Reporter(run)
    reporter.stop_on_signals()
    job = run.job()
    try:
        lock = wait_for_turn(run, job.device, lambda: reporter.stopped)
        if lock is None:
            reporter.end("stopped", "it was stopped while it waited")
            return 0
        reporter.set("starting")
        _prepare(job.device)
        finished = _train(run, job, reporter)
        reporter.end("finished" if finished else "stopped")
    except BaseException as error:
        from vlmtui.training.failures import understand

        traceback.print_exc()
        failure = understand(error)
        reporter.end("failed", failure.cause, failure.remedy)
        return 1
    return 0


def _prepare(device: str) -> None:
    """Set what has to be set before torch is imported."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if device != ALL_GPUS:
        os.environ["CUDA_VISIBLE_DEVICES"] = device.partition(":")[2] if device.startswith("cuda") else ""


def _train(run: RunFolder, job: Job, reporter: Reporter) -> bool:
    recipe = msgspec.convert(job.recipe, Recipe)
    if recipe.launch is not None and recipe.launch.processes > 1:
        return _train_together(run, job, recipe, recipe.launch, reporter)
    leave_out_unneeded(recipe)
    from vlmtui.training.halving import until_it_fits
    from vlmtui.training.stage import run_stage

    before: Path | None = None
    for stage in recipe.stages:
        result = run.results / stage.method
        train = partial(run_stage, recipe, reporter=reporter, before=before)
        if not result.exists():
            halves = recipe.looks.on_out_of_memory == "halve"
            if not (until_it_fits(stage, reporter, train) if halves else train(stage)):
                return False
        before = result
    assert before is not None
    _publish(before, recipe, job, reporter)
    return True


def _train_together(run: RunFolder, job: Job, recipe: Recipe, launch: Launch, reporter: Reporter) -> bool:
    """Let `accelerate launch` run the ranks; the first of them reports meanwhile."""
    from vlmtui.training.launch import run_ranks

    last = recipe.stages[-1].method
    while True:
        with reporter.handed_over():
            failed = run_ranks(run, launch, lambda: reporter.stopped)
        if failed is None:
            break
        smaller = _halved(run, recipe) if failed.memory and recipe.looks.on_out_of_memory == "halve" else None
        if smaller is None:
            from vlmtui.training.failures import TrainingFailure

            raise TrainingFailure(failed.cause, failed.remedy)
        from vlmtui.training.halving import keep_batch

        keep_batch(smaller, reporter)
    if not (run.results / last).exists():
        return False
    _publish(run.results / last, recipe, job, reporter)
    return True


def _halved(run: RunFolder, recipe: Recipe) -> Stage | None:
    """Return the stage that ran out of memory, with half its batch."""
    from vlmtui.training.halving import as_before, halved

    stage = next(stage for stage in recipe.stages if not (run.results / stage.method).exists())
    return halved(as_before(stage, run.path))


def _publish(result: Path, recipe: Recipe, job: Job, reporter: Reporter) -> None:
    output = publish(result, Path(recipe.output_dir), job)
    if output != Path(recipe.output_dir):
        reporter.note(f"{recipe.output_dir} holds another result by now: this one is in {output}", "warning")


def publish(result: Path, output: Path, job: Job) -> Path:
    """Copy the result to where the recipe wants it, in one piece; return where it is.

    An older result there is replaced only when the run was started to do so, and other things never: two runs in a
    queue may name the same folder.

    Raises:
        OSError: the disk is full or may not be written.
    """
    from vlmtui.training.card import model_card

    if output.exists() and not _may_replace(output, job):
        output = output.with_name(f"{output.name}-{job.id}")
    output.parent.mkdir(parents=True, exist_ok=True)
    aside = output.with_name(f".{output.name}.{job.id}.part")
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(result, aside)
    scores = {
        path.name.removesuffix("-metrics.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(result.parent.glob("*-metrics.json"))
    }
    (aside / "README.md").write_text(model_card(job, scores), encoding="utf-8")
    (aside / "vlmtui.json").write_text(json.dumps({"run": job.id}), encoding="utf-8")
    old = output.with_name(f".{output.name}.{job.id}.old")
    if output.exists():
        output.rename(old)
    aside.rename(output)
    shutil.rmtree(old, ignore_errors=True)
    return output


def _may_replace(output: Path, job: Job) -> bool:
    if not output.is_dir():
        return False
    try:
        made_by = json.loads((output / "vlmtui.json").read_text(encoding="utf-8"))["run"]
    except (OSError, ValueError, KeyError, TypeError):
        return not any(output.iterdir())
    return bool(job.overwrite or made_by == job.id)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
