"""Reads a long video in parts: notes of each, with what came before, and an answer from the notes with their times.

A model looks at 64 frames of a video at most. Read in parts, each has so many of its own; what the model notes of a
part stands under that part's time, which is ours, not the model's. When the notes grow long, the model sums them up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import msgspec

from vlmtui.engine.failures import EngineFailure, Stopped
from vlmtui.engine.generation import generate
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import (
    Event,
    Finished,
    Generate,
    PartRead,
    Started,
    TextPart,
    Tokens,
    Turn,
    VideoPart,
)
from vlmtui.media.errors import VideoError
from vlmtui.media.video_file import VideoFile
from vlmtui.models.sampling import MOST_FRAMES, FrameSampling, Timeline
from vlmtui.timestamps import clock

MOST_PARTS = 500
_NOTE_TOKENS = 96  # a note is a sentence or two
_SUMMARY_TOKENS = 256
_KEPT_FOR_WORDS = 1024  # tokens of the context that are not for frames
_NOTES_SHARE = 4  # notes are summed up when they take this part of the context


@dataclass(frozen=True)
class Note:
    """What the model noted of the video from `start` to `end`, in seconds."""

    start: float
    end: float
    text: str

    @property
    def line(self) -> str:
        """The note under its time."""
        return f"{clock(self.start)}–{clock(self.end)}: {self.text}"


def answer(
    checkpoint: Checkpoint,
    request: Generate,
    *,
    send: Callable[[Event], None],
    stopped: Callable[[], bool],
    asked_at: float,
) -> None:
    """Answer `request`, whose last turn asks about one video, in parts of `chunk_s` seconds.

    Sends `PartRead` after each part, then what `generation.generate` sends. See there for the arguments.

    Raises:
        Stopped: before the final answer.
        EngineFailure: there is not one video, or it cannot be used.
    """
    video = _video(request.turns)
    timeline = _timeline(video)
    start, end = video.sampling.span(timeline.duration)
    seconds, sampling = _parts(checkpoint, request.chunk_s, video.sampling, end - start)
    if seconds <= 0:
        generate(checkpoint, request, send=send, stopped=stopped, asked_at=asked_at)
        return
    reader = _Reader(checkpoint, request, video, timeline.duration, stopped)
    places = [(start + begin, start + until) for begin, until in places_of(end - start, seconds)]
    notes: list[Note] = []
    try:
        for number, (begin, until) in enumerate(places, 1):
            frames = _within(sampling, begin, until, timeline)
            text = reader.note(notes, number, begin, until, frames)
            send(PartRead(id=request.id, number=number, of=len(places), start_s=begin, end_s=until, text=text))
            notes = reader.shortened(_joined(notes, Note(begin, until, text)))
    except Stopped:
        if not notes:
            raise
        reader.send_notes(notes, send, asked_at, "stopped")  # minutes of reading are not thrown away
        return
    if checkpoint.loaded.demo:  # it knows questions about frames, and none about notes
        reader.send_notes(notes, send, asked_at, "end")
    else:
        final = msgspec.structs.replace(request, turns=reader.final(notes))
        generate(checkpoint, final, send=send, stopped=stopped, asked_at=asked_at)


def places_of(duration: float, seconds: float) -> list[tuple[float, float]]:
    """Return where parts of `seconds` begin and end in `duration`; a rest below a tenth of one belongs to the last.

    Raises:
        EngineFailure: there are more than `MOST_PARTS`.
    """
    count = max(1, math.ceil(duration / seconds - 0.1))
    if count > MOST_PARTS:
        raise EngineFailure(
            "too_long",
            f"{clock(duration)} of a video has {count:,} parts of {seconds:g} s, and {MOST_PARTS} can be read",
            f"choose fewer frames a second, or parts of at least {math.ceil(duration / MOST_PARTS)} s",
        )
    return [(k * seconds, duration if k == count - 1 else (k + 1) * seconds) for k in range(count)]


def _joined(notes: list[Note], new: Note) -> list[Note]:
    """Return the notes with `new`; one that says the same as the note before it only makes that one longer."""
    if notes and notes[-1].text == new.text:
        return [*notes[:-1], Note(notes[-1].start, new.end, new.text)]
    return [*notes, new]


def _video(turns: tuple[Turn, ...]) -> VideoPart:
    videos = [part for part in turns[-1].parts if isinstance(part, VideoPart)]
    if len(videos) != 1:
        raise EngineFailure(
            "bad_video", "only one video can be read in parts", "ask about one video, or leave parts out"
        )
    return videos[0]


def _timeline(part: VideoPart) -> Timeline:
    try:
        with VideoFile(part.path) as video:
            return video.timeline()
    except VideoError as error:
        raise EngineFailure("bad_video", error.cause, error.remedy) from error


def _parts(
    checkpoint: Checkpoint, chunk_s: float, sampling: FrameSampling, duration: float
) -> tuple[float, FrameSampling]:
    """Return how long a part of `duration` is, in seconds, and how its frames are chosen; 0 for one look at all."""
    if chunk_s > 0:
        return chunk_s, sampling
    frame = max(1, checkpoint.loaded.processor.tokens_per_tile)
    context = checkpoint.loaded.context
    most = max(1, min(_own_most(checkpoint), (context - min(_KEPT_FOR_WORDS, context // 4)) // frame))
    if sampling.mode == "fps":
        seconds = most / sampling.fps
        return (seconds, sampling) if duration > 1.1 * seconds else (0.0, sampling)
    if sampling.frames <= most:
        return 0.0, sampling
    parts = math.ceil(sampling.frames / most)
    fewer = msgspec.structs.replace(sampling, frames=math.ceil(sampling.frames / parts))
    return duration / parts, fewer


def _own_most(checkpoint: Checkpoint) -> int:
    """Return how many frames of a video the checkpoint itself takes at most, by its processor's files."""
    own = getattr(getattr(checkpoint.processor, "video_processor", None), "video_sampling", None)
    return min(MOST_FRAMES, int((own if isinstance(own, dict) else {}).get("max_frames") or MOST_FRAMES))


def _within(sampling: FrameSampling, start: float, end: float, timeline: Timeline) -> FrameSampling:
    """Return `sampling` for one part; the frame at its end belongs to the next."""
    last = None if end >= timeline.duration else max(start, end - 0.5 / timeline.fps)
    return msgspec.structs.replace(sampling, start_s=start, end_s=last)


class _Reader:
    """Asks the model about parts and notes."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        request: Generate,
        video: VideoPart,
        duration: float,
        stopped: Callable[[], bool],
    ) -> None:
        self._checkpoint = checkpoint
        self._request = request
        self._video = video
        self._duration = duration
        self._stopped = stopped
        last = request.turns[-1]
        self._question = "\n".join(part.text for part in last.parts if isinstance(part, TextPart))
        self._system = tuple(turn for turn in request.turns if turn.role == "system")
        self._tokens = 0

    def note(self, notes: list[Note], number: int, start: float, end: float, sampling: FrameSampling) -> str:
        """Return what the model notes of the part from `start` to `end`."""
        text = self._question
        if not self._checkpoint.loaded.demo:
            before = "What came before:\n" + "\n".join(note.line for note in notes) + "\n" if notes else ""
            text = (
                f"{before}This is part {number} of a video of {clock(self._duration)}, from {clock(start)} to "
                f"{clock(end)}. Note in one or two sentences what it shows that matters for this question: {text}"
            )
        return self._ask(msgspec.structs.replace(self._video, sampling=sampling), text, _NOTE_TOKENS)

    def shortened(self, notes: list[Note]) -> list[Note]:
        """Return the notes, or one summary of them where they have grown too long for the context."""
        words = "\n".join(note.line for note in notes)
        tokens = len(self._checkpoint.processor.tokenizer(words, add_special_tokens=False)["input_ids"])
        if self._checkpoint.loaded.demo or tokens * _NOTES_SHARE <= self._checkpoint.loaded.context or len(notes) < 2:
            return notes
        text = f"{words}\nSum these notes on a video up in a few sentences, with the times of what matters most."
        return [Note(notes[0].start, notes[-1].end, self._ask(None, text, _SUMMARY_TOKENS))]

    def final(self, notes: list[Note]) -> tuple[Turn, ...]:
        """Return the conversation that asks for the answer."""
        words = "\n".join(note.line for note in notes)
        text = (
            f"Notes on a video of {clock(self._duration)}, by time:\n{words}\n{self._question}\n"
            "Answer from these notes, with the time, as in 1:05, of each moment that you name."
        )
        return (*self._system, Turn(role="user", parts=(TextPart(text=text),)))

    def send_notes(
        self, notes: list[Note], send: Callable[[Event], None], asked_at: float, reason: Literal["end", "stopped"]
    ) -> None:
        """Send the notes themselves as the answer."""
        send(Started(id=self._request.id, prompt_tokens=0, image_tokens=0, tiles=0))
        ttft = time.perf_counter() - asked_at
        send(Tokens(id=self._request.id, text="\n".join(note.line for note in notes), count=self._tokens))
        send(Finished(id=self._request.id, reason=reason, completion_tokens=self._tokens, ttft_s=ttft))

    def _ask(self, video: VideoPart | None, text: str, tokens: int) -> str:
        parts = (TextPart(text=text),) if video is None else (video, TextPart(text=text))
        asked = msgspec.structs.replace(
            self._request,
            turns=(*self._system, Turn(role="user", parts=parts)),
            sampling=msgspec.structs.replace(self._request.sampling, max_new_tokens=tokens),
        )
        events: list[Event] = []
        generate(self._checkpoint, asked, send=events.append, stopped=self._stopped, asked_at=time.perf_counter())
        if any(isinstance(event, Finished) and event.reason == "stopped" for event in events):
            raise Stopped
        said = [event for event in events if isinstance(event, Tokens)]
        self._tokens += sum(event.count for event in said)
        return " ".join("".join(event.text for event in said).split())
