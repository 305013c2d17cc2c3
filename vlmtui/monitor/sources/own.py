"""Runs of this tool: a job's folder (see `vlmtui.runs`)."""

from __future__ import annotations

import math
import os
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from vlmtui.monitor.naming import canonical
from vlmtui.monitor.protocol import Checkpoint, Example, RunState
from vlmtui.monitor.sources.source import Source, checkpoints_in
from vlmtui.monitor.table import Table
from vlmtui.runs.events import Answers, Attempt, Evaluated, Event, EventReader, Logged, Stage, decode_event
from vlmtui.runs.folder import RunError, RunFolder
from vlmtui.runs.notes import NOTES_FILE, read_notes
from vlmtui.runs.status import ENDED, Status

_SLICE = 256 * 1024
_LONG = 4 * 1024 * 1024
"""A log so long is first looked at in places."""
_PLACES = 400
_PIECE = 8 * 1024
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class OwnRun(Source):
    """Reads a job's event log and status."""

    kind = "run"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.run = RunFolder(path)
        self._reader = EventReader(self.run.events_file)
        self._fill = _Filling(self.table)
        self._looked = False
        self.status: Status | None = None
        self.damaged = self._job_title = ""
        self._job_read = False
        self._stamp: object = None

    def glance(self) -> None:
        """Read the job, the status and the notes: small files, and only where they have changed."""
        stamp = (_stamp(self.run.status_file), _stamp(self.path / NOTES_FILE))
        if stamp == self._stamp and self.status is not None and self.status.state in ENDED:
            return
        self._stamp = stamp
        try:
            if not self._job_read:
                job = self.run.job()
                self._job_title, self.created, self.device = job.title, job.created, job.device
                self.output, self._job_read = job.output, True
                self.cloned_from = str(self.path.parent / Path(job.cloned_from).name) if job.cloned_from else ""
                self.epochs = float(job.recipe.get("num_train_epochs") or 0.0)
            self.status = self.run.status()
            self.damaged = ""
        except RunError as error:
            self.damaged = error.cause
            return
        notes = read_notes(self.path)
        self.title = notes.title or self._job_title
        self.note, self.tags, self.archived = notes.note, notes.tags, notes.archived
        status = self.status
        self.step, self.steps, self.stage, self.epoch = status.step, status.steps, status.stage, status.epoch
        self.updated, self.cause, self.remedy = status.heartbeat, status.cause, status.remedy

    def state(self, now: float) -> RunState:
        return self.status.state if self.status is not None else "quiet"

    def loss(self) -> float | None:
        last = super().loss()
        return last if last is not None else self.status.loss if self.status is not None else None

    def eta_s(self) -> float:
        return self.status.eta_s if self.status is not None else 0.0

    def read(self, seconds: float) -> bool:
        size = self._size()
        if not self._looked:
            self._looked = True
            if size > _LONG:
                self.preview = self._look_in_places(size)
                return True
        end = monotonic() + seconds
        while events := self._reader.read(_SLICE):
            for event in events:
                self._fill.take(event)
            if monotonic() > end:
                break
        size = self._size()
        at = self._reader.offset
        self.share = min(1.0, at / size) if size else 1.0
        if not events or at >= size:
            self.preview, self.share = None, 1.0
            return False
        return True

    def _size(self) -> int:
        try:
            return self.run.events_file.stat().st_size
        except OSError:
            return 0

    def _look_in_places(self, size: int) -> Table:
        """Return a table of the events at some places of the log, first and last ones included."""
        table = Table()
        fill = _Filling(table)
        fill.resets = False
        try:
            with self.run.events_file.open("rb") as file:
                for number in range(_PLACES):
                    start = (size - _PIECE) * number // (_PLACES - 1)
                    file.seek(start)
                    lines = file.read(_PIECE).split(b"\n")
                    for line in lines[1 if start else 0 : -1][: 2 if 0 < number < _PLACES - 1 else None]:
                        event = decode_event(line)
                        if event is not None:
                            fill.take(event)
        except OSError:
            pass
        return table

    def checkpoints(self) -> list[Checkpoint]:
        root = self.path / "checkpoints"
        try:
            stages = [entry for entry in root.iterdir() if entry.is_dir()]
        except OSError:
            return []
        found = [one for stage in stages for one in checkpoints_in(stage, self.path)]
        return sorted(found, key=lambda one: (self.path / one.name).stat().st_mtime if _there(self.path, one) else 0.0)

    def examples(self) -> list[Example]:
        return list(self._fill.examples.values())

    def answered_at(self) -> list[int]:
        return sorted({step for example in self._fill.examples.values() for step, _ in example.answers})

    def recipe(self) -> str:
        try:
            return self.run.recipe_file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def settings(self) -> dict[str, Any]:
        try:
            return _as_written(self.run.job().recipe)
        except RunError:
            return {}

    def log(self) -> Path | None:
        return self.run.log_file


class _Filling:
    """Turns events into rows.

    Attributes:
        resets: whether an attempt that resumes takes back what it has superseded.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._stages: dict[str, int] = {}  # where each begins, in steps of the whole run
        self._end = 0
        self._steps = 0
        self.resets = True
        self.examples: dict[int, Example] = {}

    def take(self, event: Event) -> None:
        match event:
            case Logged():
                values = event.values
                if event.not_finite:
                    values = values | {name: _NOT_FINITE[word] for name, word in event.not_finite.items()}
                self._add(event.stage, event.step, values, event.epoch, event.at)
            case Evaluated():
                values = {
                    name if name.startswith("eval_") else f"eval_{name}": value for name, value in event.values.items()
                }
                self._add(event.stage, event.step, values, math.nan, event.at)
            case Stage():
                if event.stage not in self._stages:
                    self._stages[event.stage] = self._end
                self._end = self._stages[event.stage] + event.steps
            case Attempt() if self.resets and len(self._table):
                begin = self._stages.get(event.stage, 0)
                self._table.cut(begin + event.step)
                for row, example in list(self.examples.items()):
                    kept = [(step, text) for step, text in example.answers if step <= begin + event.step]
                    self.examples[row] = msgspec.structs.replace(example, answers=kept)
            case Answers():
                step = self._stages.get(event.stage, 0) + event.step
                for one in event.answers:
                    old = self.examples.get(one.row)
                    answers = [*(old.answers if old is not None else ()), (step, one.answer)]
                    self.examples[one.row] = Example(
                        row=one.row, prompt=one.prompt, reference=one.reference, pictures=one.pictures,
                        answers=answers[-200:],
                    )  # fmt: skip
            case _:
                pass

    def _add(self, stage: str, step: int, values: dict[str, float], epoch: float, at: float) -> None:
        begin = self._stages.setdefault(stage, self._end)
        # Of a run of several stages, the later ones' metrics are others: another loss.
        before = f"{stage}/" if begin and next(iter(self._stages)) != stage else ""
        named = {before + canonical(name): value for name, value in values.items()} if before else values
        tokens = values.get("num_tokens", math.nan)
        self._table.add(begin + step, named, epoch=epoch, tokens=tokens, time=at or math.nan)


def _as_written(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a job's recipe by the keys that a recipe's file has; a later stage's behind its number and method."""
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        if key in ("model", "looks") and isinstance(value, dict):
            found |= value
        elif key == "stages" and isinstance(value, list):
            for number, stage in enumerate(one for one in value if isinstance(one, dict)):
                inner: dict[str, Any] = {"method": stage.get("method")}
                for part in ("data", "trl"):
                    inner |= stage[part] if isinstance(stage.get(part), dict) else {}
                found |= inner if not number else {f"stage {number + 1}": inner}
        else:
            found[key] = value
    return found


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
        return status.st_mtime_ns, status.st_ino
    except OSError:
        return 0, 0


def _there(root: Path, one: Checkpoint) -> bool:
    return os.path.exists(root / one.name)  # noqa: PTH110
