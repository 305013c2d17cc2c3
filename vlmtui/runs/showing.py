"""What is said about runs: one line each, all of one, and what an event says. Safe to print."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from vlmtui.runs.events import (
    Answer,
    Answers,
    Attempt,
    Checkpointed,
    Ended,
    Evaluated,
    Event,
    Logged,
    Note,
    Stage,
    read_events,
)
from vlmtui.runs.folder import Job, RunFolder
from vlmtui.runs.status import Status
from vlmtui.safetext import safe_line

_FIRST = (
    "loss", "eval_loss", "reward", "eval_reward", "exact_match", "relaxed_accuracy", "anls", "bleu", "chrf",
    "rewards/accuracies", "eval_rewards/accuracies", "rewards/margins", "learning_rate", "samples_per_s",
)  # fmt: skip
_DULL = ("runtime", "_per_second", "num_tokens", "total_flos", "entropy", "logits/chosen", "logits/rejected",
         "logps/chosen", "logps/rejected", "gpu_memory", "gpu_use", "cpu_use", "cpu_memory",
         "_length", "_ratio", "_mean", "_min", "_max", "/mean", "/std",
         "_std", "step_time")  # fmt: skip


def as_table(runs: list[tuple[Job, Status]]) -> list[str]:
    """Return one line a run, headed and aligned."""
    rows = [("RUN", "STATE", "STEP", "LOSS", "DEVICE", "TITLE")]
    for job, status in runs:
        step = f"{status.stage} {status.step}/{status.steps}" if status.steps else "-"
        loss = "-" if status.loss is None else f"{status.loss:.4f}"
        rows.append((job.id, status.state, step, loss, job.device, safe_line(job.title, 40)))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]).rstrip()
        for row in rows
    ]


def as_dict(run: RunFolder, job: Job, status: Status) -> dict[str, Any]:
    """Return all of a run for a machine to read."""
    return {
        "id": run.id,
        "folder": str(run.path),
        "title": job.title,
        "created": job.created,
        "device": job.device,
        "output": job.output,
        "recipe": job.recipe,
        "status": msgspec.to_builtins(status) | {"state": status.state},
    }


def as_page(run: RunFolder, job: Job, status: Status) -> list[str]:
    """Return all that matters of a run, a line each."""
    lines = [f"{job.id}  {status.state}", f"folder      {run.path}", f"device      {job.device}"]
    lines.append(f"created     {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(job.created))}")
    if status.steps:
        lines.append(f"step        {status.stage} {status.step} of {status.steps}, epoch {status.epoch:.2f}")
    if status.loss is not None:
        lines.append(f"loss        {status.loss:.4f}")
    if status.memory:
        lines.append(f"memory      {status.memory / 1e9:.2f} GB at most")
    lines.append(f"checkpoint  {status.checkpoint or 'none yet'}")
    lines.append(f"result      {job.output}" + ("" if status.state == "finished" else "  (when it has finished)"))
    if status.cause:
        lines.append(f"cause       {status.cause}")
    if status.remedy:
        lines.append(f"remedy      {status.remedy}")
    evaluations = [event for event in read_events(run.events_file) if isinstance(event, Evaluated)]
    shown = [evaluations[0], evaluations[-1]] if len(evaluations) > 1 else evaluations
    lines += [f"evaluation  {event.stage} step {event.step}: {_numbers(event.values)}" for event in shown]
    return [safe_line(line) for line in lines]


def event_lines(event: Event) -> list[str]:
    """Return what `event` says, a line each."""
    match event:
        case Attempt(step=0):
            lines = [f"process {event.pid} begins"]
        case Attempt():
            lines = [f"process {event.pid} goes on from {event.stage} step {event.step}"]
        case Stage():
            share = f"{event.trainable:,} of {event.parameters:,} parameters"
            lines = [f"{event.stage}: {event.steps} steps, {event.train} examples to train on, {share}"]
        case Logged():
            lines = [f"{event.stage} {event.step}  epoch {event.epoch:.2f}  {_numbers(event.values)}"]
        case Evaluated():
            lines = [f"{event.stage} {event.step}  evaluation  {_numbers(event.values)}"]
        case Answers():
            lines = [_answered(one) for one in event.answers[:4]]
        case Checkpointed():
            lines = [f"{event.stage} {event.step}  checkpoint {event.path}"]
        case Note():
            lines = [f"{event.level}: {event.text}"]
        case Ended():
            lines = [event.state + (f": {event.cause}" if event.cause else "")]
            lines += [f"do: {event.remedy}"] if event.remedy else []
    return [safe_line(line, 300) for line in lines]


def _answered(one: Answer) -> str:
    right = one.answer == one.reference
    return f"  {one.prompt!r}: {one.answer!r}" + ("" if right else f", not {one.reference!r}")


def _numbers(values: dict[str, float]) -> str:
    """Return the numbers that people look for, those that matter most first; the log has all."""
    names = [name for name in _FIRST if name in values] + [name for name in values if name not in _FIRST]
    shown = [name for name in names if not name.endswith(_DULL)]
    return "  ".join(f"{name} {values[name]:.4g}" for name in shown)
