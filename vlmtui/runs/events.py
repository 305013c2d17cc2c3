"""What happens in a run, as an append-only log of JSON lines: one writer, any number of readers.

A line counts when its newline is there: a half-written last line is "not yet". A line that cannot be understood (cut by
a full disk, or written by a newer version) is skipped and counted, never fatal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

_SLICE = 4 * 1024 * 1024


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """What all events have: when it was, in seconds since 1970."""

    at: float = 0.0


class Attempt(_Event, frozen=True, kw_only=True, tag="attempt"):
    """A process has taken the run up.

    Attributes:
        pid: the process.
        stage: the stage that it begins in: `sft`, `dpo`.
        step: the step of the checkpoint that it resumes from; 0 for a new start. What earlier attempts logged beyond it
            is superseded.
    """

    pid: int
    stage: str = ""
    step: int = 0


class Stage(_Event, frozen=True, kw_only=True, tag="stage"):
    """A stage begins.

    Attributes:
        stage: `sft`, `dpo`.
        steps: how many it will take.
        train, evaluation: examples.
        trainable, parameters: how many parameters.
    """

    stage: str
    steps: int
    train: int = 0
    evaluation: int = 0
    trainable: int = 0
    parameters: int = 0


class Logged(_Event, frozen=True, kw_only=True, tag="log"):
    """What the trainer logged: every number under the name that TRL gives it, and the speed and memory beside it.

    Attributes:
        not_finite: what is no number, which JSON cannot say: `nan`, `inf` or `-inf` under its name.
    """

    stage: str
    step: int
    epoch: float = 0.0
    values: dict[str, float] = {}
    not_finite: dict[str, Literal["nan", "inf", "-inf"]] = {}


class Evaluated(_Event, frozen=True, kw_only=True, tag="evaluation"):
    """What an evaluation found: `eval_loss` and the metrics of the answers."""

    stage: str
    step: int
    values: dict[str, float] = {}


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An example of the evaluation, answered.

    Attributes:
        row: its number in the data set.
        prompt, reference, answer: untrusted texts.
        pictures: the files that it shows, as the data set names them.
    """

    row: int
    prompt: str
    reference: str
    answer: str
    pictures: list[str] = []


class Answers(_Event, frozen=True, kw_only=True, tag="answers"):
    """The same examples are answered at each evaluation."""

    stage: str
    step: int
    answers: list[Answer]


class Checkpointed(_Event, frozen=True, kw_only=True, tag="checkpoint"):
    """A checkpoint is whole on the disk; `path` is within the run's folder."""

    stage: str
    step: int
    path: str


class Note(_Event, frozen=True, kw_only=True, tag="note"):
    """Something that people should know; untrusted text."""

    text: str
    level: str = "info"


class Ended(_Event, frozen=True, kw_only=True, tag="end"):
    """The process ends the run: `state` is `finished`, `stopped` or `failed`, the latter with cause and remedy."""

    state: str
    cause: str = ""
    remedy: str = ""


Event = Attempt | Stage | Logged | Evaluated | Answers | Checkpointed | Note | Ended

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def decode_event(line: bytes) -> Event | None:
    """Return the event that a line of a log says; None where it says none."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class EventLog:
    """Appends events to a run's log. One process at a time writes."""

    def __init__(self, path: Path) -> None:
        """Open the log at `path`, made if missing; what a dead writer left half-written is closed off.

        Raises:
            OSError: it cannot be written.
        """
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def append(self, event: Event) -> None:
        """Write `event` with the time, in one piece.

        Raises:
            OSError: e.g. the disk is full.
        """
        data = _ENCODER.encode(msgspec.structs.replace(event, at=time.time())) + b"\n"
        written = os.write(self._file, data)
        if written != len(data):  # a disk that filled up within the line
            os.write(self._file, data[written:])

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class EventReader:
    """Reads a log as it grows.

    Attributes:
        skipped: lines that could not be understood.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self.skipped = 0

    @property
    def offset(self) -> int:
        """How many bytes were read so far."""
        return self._offset + len(self._rest)

    def read(self, most: int = 0) -> list[Event]:
        """Return the events that came since the last call; [] while there is no log.

        Args:
            most: read about so many bytes and leave the rest for the next call; 0 for all.
        """
        found: list[Event] = []
        try:
            with self._path.open("rb") as stream:
                if os.fstat(stream.fileno()).st_size < self._offset + len(self._rest):
                    self._offset, self._rest = 0, b""  # somebody put another file in its place
                stream.seek(self._offset + len(self._rest))
                while data := stream.read(most or _SLICE):
                    found += self._take(data)
                    if most and found:
                        break
        except FileNotFoundError:
            return []
        return found

    def _take(self, data: bytes) -> Iterator[Event]:
        whole, newline, self_rest = (self._rest + data).rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        self._rest = self_rest
        for line in whole.split(b"\n") if newline else ():
            if not line:
                continue
            try:
                yield _DECODER.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.skipped += 1


def read_events(path: Path) -> list[Event]:
    """Return all events in the log at `path`, those that a resumed attempt has superseded left out."""
    return without_superseded(EventReader(path).read())


def without_superseded(events: list[Event]) -> list[Event]:
    """Return `events` without the steps that were lost: those beyond the checkpoint that a later attempt began from.

    So the curve of a resumed run reads like that of one that was never interrupted. Notes and ends stay.
    """
    kept: list[Event] = []
    for event in events:
        if isinstance(event, Attempt) and kept:
            stages = [one.stage for one in kept if isinstance(one, Stage)]
            later = set(stages[stages.index(event.stage) + 1 :]) if event.stage in stages else set()
            kept = [one for one in kept if not _lost(one, event, later)]
        kept.append(event)
    return kept


def _lost(event: Event, attempt: Attempt, later: set[str]) -> bool:
    if isinstance(event, Stage):
        return event.stage in later or event.stage == attempt.stage
    step: Any = getattr(event, "step", None)
    if step is None or isinstance(event, Attempt):
        return False
    stage = getattr(event, "stage", "")
    return stage in later - {attempt.stage} or (stage == attempt.stage and step > attempt.step)
