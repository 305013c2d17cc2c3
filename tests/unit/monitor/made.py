"""Runs made for tests: jobs of this tool, trainer folders, event files. Curves as trainings have them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.runs.events import Answer, Answers, Checkpointed, Evaluated, Event, Logged, Stage
from vlmtui.runs.folder import RunFolder, create
from vlmtui.runs.status import Status, identity, write_status


def make_job(root: Path, title: str = "a run", *, created: float = 0.0) -> RunFolder:
    """Make the folder of a run, queued by this process."""
    run = create(title, "cpu", {"model": "demo"}, text="model: demo\n", root=root)
    if created:
        job = msgspec.structs.replace(run.job(), created=created)
        run.job_file.write_bytes(msgspec.json.encode(job))
    return run


def write_events(run: RunFolder, events: Iterable[Event], *, began: float = 1_700_000_000.0, each: float = 0.5) -> None:
    """Append events, `each` seconds between two."""
    encode = msgspec.json.Encoder().encode
    lines = [
        encode(msgspec.structs.replace(event, at=event.at or began + each * number))
        for number, event in enumerate(events)
    ]
    with run.events_file.open("ab") as file:
        file.write(b"\n".join(lines) + b"\n")


def say(run: RunFolder, state: Any, **fields: Any) -> None:
    """Write the run's status, as this process."""
    write_status(run.status_file, Status(state=state, process=identity(), **fields))


def healthy(step: int, seed: int = 0) -> float:
    """A loss as it should be: falling, with noise, the same for the same step."""
    noise = math.sin(step * 12.9898 + seed * 78.233) * 43758.5453
    return 0.3 + 2.2 * math.exp(-step / 120) + 0.08 * (noise - math.floor(noise) - 0.5)


def training(steps: int = 200, *, seed: int = 0, every: int = 50) -> list[Event]:
    """Return the events of a whole training: logs, evaluations, answers, checkpoints."""
    events: list[Event] = [Stage(stage="sft", steps=steps, train=400, evaluation=40, trainable=1000, parameters=2000)]
    for step in range(1, steps + 1):
        values = {
            "loss": healthy(step, seed),
            "grad_norm": 1.0 + 0.3 * math.sin(step),
            "learning_rate": 2e-4 * (1 - step / (steps + 1)),
            "num_tokens": 640.0 * step,
            "samples_per_s": 8.0 + math.sin(step / 7),
        }
        events.append(Logged(stage="sft", step=step, epoch=step / 100, values=values))
        if step % every == 0:
            right = step >= steps // 2
            events.append(
                Evaluated(
                    stage="sft", step=step, values={"eval_loss": healthy(step, 9) + 0.05, "exact_match": step / steps}
                )
            )
            events.append(
                Answers(
                    stage="sft",
                    step=step,
                    answers=[
                        Answer(row=3, prompt="Which digit?", reference="seven", answer="seven" if right else "one"),
                        Answer(row=4, prompt="Which digit?", reference="two", answer="two", pictures=["digits/2.png"]),
                    ],
                )
            )
            events.append(Checkpointed(stage="sft", step=step, path=f"checkpoints/sft/checkpoint-{step}"))
    return events


def trainer_state(folder: Path, entries: list[Mapping[str, object]], **more: object) -> None:
    """Write a `trainer_state.json`, as the trainer does."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {"log_history": entries, "global_step": entries[-1]["step"] if entries else 0, **more}
    (folder / "trainer_state.json").write_text(json.dumps(state), encoding="utf-8")


def event_file(folder: Path, tags: Mapping[str, Iterable[tuple[int, float]]], name: str = "1.host") -> Path:
    """Write an event file by TensorBoard's own writer, step by step; return it."""
    from tensorboard.compat.proto.event_pb2 import Event as Record
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"events.out.tfevents.{name}"
    points = sorted((step, tag, value) for tag, pairs in tags.items() for step, value in pairs)
    with path.open("ab") as file:
        writer = RecordWriter(file)
        for step, tag, value in points:
            record = Record(step=step, wall_time=time.time() - 1000 + step)
            record.summary.CopyFrom(Summary(value=[Summary.Value(tag=tag, simple_value=value)]))
            writer.write(record.SerializeToString())
    return path
