"""A long video read in parts: which frames each part has, what the model is told, and the answer from the notes."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.tiny_model import checkpoint
from vlmtui.engine import generation, long_videos
from vlmtui.engine.failures import EngineFailure, Stopped
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.long_videos import places_of
from vlmtui.engine.prompting import prepare
from vlmtui.engine.protocol import (
    AUTOMATIC,
    Event,
    Finished,
    Generate,
    ImagePart,
    PartRead,
    Sampling,
    Started,
    TextPart,
    Turn,
    VideoPart,
)
from vlmtui.models.sampling import IN_PARTS, FrameSampling, Timeline, chosen_frames

from .asking import finished, text_of
from .checkpoints import load


@pytest.fixture(scope="module")
def tiny() -> Checkpoint:
    return load(str(checkpoint("smolvlm")))


def request(video: Path, chunk_s: float, sampling: FrameSampling, tokens: int = 8) -> Generate:
    parts = (VideoPart(path=str(video), sampling=sampling), TextPart(text="What happens?"))
    turns = (Turn(role="system", parts=(TextPart(text="Be brief."),)), Turn(role="user", parts=parts))
    return Generate(id=1, turns=turns, sampling=Sampling(max_new_tokens=tokens), chunk_s=chunk_s)


class Asked:
    """What was asked of the model; every question goes through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[Generate] = []
        self.stopped = False
        self.patience = 1000  # questions until it is stopped
        monkeypatch.setattr(long_videos, "generate", self.generate)
        monkeypatch.setattr(long_videos, "_NOTE_TOKENS", 12)
        monkeypatch.setattr(long_videos, "_SUMMARY_TOKENS", 9)

    def generate(self, made: Checkpoint, asked: Generate, **options: object) -> None:
        self.requests.append(asked)
        generation.generate(made, asked, **options)  # type: ignore[arg-type]
        self.patience -= 1
        self.stopped = self.stopped or not self.patience

    def answer(self, made: Checkpoint, asked: Generate) -> list[Event]:
        events: list[Event] = []
        long_videos.answer(made, asked, send=events.append, stopped=lambda: self.stopped, asked_at=time.perf_counter())
        return events

    def texts(self) -> list[str]:
        return [
            "".join(part.text for part in asked.turns[-1].parts if isinstance(part, TextPart))
            for asked in self.requests
        ]


def test_each_part_has_its_frames_and_the_answer_its_notes(
    tiny: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    events = asked.answer(tiny, request(media / "clip.mp4", 1.0, FrameSampling(frames=3)))  # 30 frames, 10 a second
    notes = [event for event in events if isinstance(event, PartRead)]
    assert [(note.number, note.of, note.start_s, note.end_s) for note in notes] == [
        (1, 3, 0.0, 1.0),
        (2, 3, 1.0, 2.0),
        (3, 3, 2.0, 3.0),
    ]
    timeline, frames = Timeline(30, 10.0), []
    for part in asked.requests[:3]:
        (video, _) = part.turns[-1].parts
        assert isinstance(video, VideoPart)
        frames.append([frame.index for frame in chosen_frames(video.sampling, timeline)])
        assert part.turns[0].role == "system"
    assert frames == [[0, 4, 9], [10, 14, 19], [20, 24, 29]]
    texts = asked.texts()
    assert "part 2 of a video of 0:03, from 0:01 to 0:02" in texts[1]
    assert f"0:00–0:01: {notes[0].text}" in texts[1]  # what came before
    final = asked.requests[-1]
    assert all(isinstance(part, TextPart) for part in final.turns[-1].parts)
    for note, start in zip(notes, ("0:00–0:01", "0:01–0:02", "0:02–0:03"), strict=True):
        assert f"{start}: {note.text}" in texts[-1]
    assert "What happens?" in texts[-1]
    assert isinstance(events[3], Started)
    assert finished(events).completion_tokens == 8
    assert text_of(events)


def test_long_notes_are_summed_up_by_the_model(tiny: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    monkeypatch.setattr(long_videos, "_NOTES_SHARE", 30)  # of a context of 1,024 tokens
    asked.answer(tiny, request(media / "clip.mp4", 0.5, FrameSampling(frames=1)))
    texts = asked.texts()
    summaries = [text for text in texts if "Sum these notes" in text]
    assert summaries
    assert all(len(text) < 1500 for text in texts)
    assert texts[-1].count("–") < 6  # fewer lines than parts


def test_parts_only_where_one_look_is_not_enough(
    tiny: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(monkeypatch)
    few = FrameSampling(mode="fps", fps=2.0)
    events = asked.answer(tiny, request(media / "clip.mp4", AUTOMATIC, few))
    assert not any(isinstance(event, PartRead) for event in events)
    monkeypatch.setattr(long_videos, "MOST_FRAMES", 5)
    many = FrameSampling(mode="fps", fps=5.0)
    events = asked.answer(tiny, request(media / "clip.mp4", AUTOMATIC, many))
    assert [event.end_s for event in events if isinstance(event, PartRead)] == [1.0, 2.0, 3.0]
    some = FrameSampling(mode="fps", fps=5.0, most=IN_PARTS, start_s=1.0, end_s=2.5)  # the range that was chosen
    events = asked.answer(tiny, request(media / "clip.mp4", AUTOMATIC, some))
    assert [(event.start_s, event.end_s) for event in events if isinstance(event, PartRead)] == [(1.0, 2.0), (2.0, 2.5)]
    uniform = FrameSampling(frames=10)
    events = asked.answer(tiny, request(media / "clip.mp4", AUTOMATIC, uniform))
    assert [event.end_s for event in events if isinstance(event, PartRead)] == [1.5, 3.0]


def test_the_demo_model_answers_part_by_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from vlmtui.demo.workspace import write_workspace

    demo = load("demo")
    video = write_workspace(tmp_path / "demo") / "videos" / "moving.mp4"
    asked = Asked(monkeypatch)
    events = asked.answer(demo, request(video, 1.0, FrameSampling(frames=4)))
    notes = [event for event in events if isinstance(event, PartRead)]
    assert len(notes) >= 2
    lines = text_of(events).splitlines()
    assert lines[0].startswith("0:00–") and lines[0].endswith(f": {notes[0].text}")
    said = [line.split(": ", 1)[1] for line in lines]
    assert all(one != next for one, next in pairwise(said))  # the same twice is one line
    assert set(said) == {note.text for note in notes}
    assert set(asked.texts()) == {"What happens?"}
    assert isinstance(events[-1], Finished)


def test_stop_and_what_cannot_be_read_in_parts(tiny: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    asked.stopped = True
    with pytest.raises(Stopped):
        asked.answer(tiny, request(media / "clip.mp4", 1.0, FrameSampling(frames=2)))
    asked.stopped, asked.patience = False, 1  # what was noted by then is the answer
    events = asked.answer(tiny, request(media / "clip.mp4", 1.0, FrameSampling(frames=2)))
    assert finished(events).reason == "stopped"
    assert text_of(events).startswith("0:00–0:01: ")
    picture = (ImagePart(path=str(media / "wide.png")), TextPart(text="Hi"))
    with pytest.raises(EngineFailure, match="one video"):
        asked.answer(tiny, Generate(id=1, turns=(Turn(role="user", parts=picture),), chunk_s=5.0))
    assert places_of(10.0, 3.0) == [(0.0, 3.0), (3.0, 6.0), (6.0, 9.0), (9.0, 10.0)]
    assert places_of(9.2, 3.0) == [(0.0, 3.0), (3.0, 6.0), (6.0, 9.2)]
    with pytest.raises(EngineFailure, match="parts"):
        places_of(100_000.0, 1.0)


def test_two_videos_are_compared_in_their_order(tiny: Checkpoint, media: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other.mp4"
    shutil.copy(media / "clip.mp4", other)
    first = VideoPart(path=str(media / "clip.mp4"), sampling=FrameSampling(frames=2))
    second = VideoPart(path=str(other), sampling=FrameSampling(frames=3))
    asked = Turn(role="user", parts=(first, TextPart(text="against"), second, TextPart(text="What differs?")))
    ids = prepare(tiny, (asked,), "auto", lambda: None).inputs["input_ids"][0]
    text = tiny.processor.tokenizer.decode(ids).replace("<image>", "")
    before, after = text.split("against")
    assert (before.count("Frame from"), after.count("Frame from")) == (2, 3)
    assert int((ids == tiny.model.config.image_token_id).sum()) == 5 * 16
