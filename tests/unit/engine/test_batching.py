"""A batch against single questions: the same answers, whatever goes together; and what happens when things fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny_model import checkpoint
from vlmtui.demo.workspace import write_workspace
from vlmtui.engine import batching, generation
from vlmtui.engine.failures import Stopped
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import Answer, Answers, Batch, BatchRow, Event, Finished, Generate, Sampling, Turn

from .asking import finished, text_of, turn
from .checkpoints import load


@pytest.fixture(scope="module")
def demo() -> Checkpoint:
    return load("demo")


@pytest.fixture(scope="module")
def tiny() -> Checkpoint:
    return load(str(checkpoint("smolvlm")))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_workspace(folder)
    return folder


def alone(made: Checkpoint, question: Turn, sampling: Sampling, splitting: bool | None = None) -> tuple[str, int]:
    events: list[Event] = []
    generation.generate(
        made,
        Generate(id=1, turns=(question,), sampling=sampling, resolution="full" if splitting else "auto"),
        send=events.append,
        stopped=lambda: False,
        asked_at=time.perf_counter(),
    )
    return text_of(events), finished(events).completion_tokens


def together(
    made: Checkpoint,
    questions: list[Turn],
    sampling: Sampling,
    splitting: bool | None = None,
    *,
    most: int = 0,
    sizes: batching.Sizes | None = None,
    stopped: Callable[[list[Event]], bool] = lambda events: False,
) -> tuple[dict[int, Answer], list[Answers]]:
    events: list[Event] = []
    rows = tuple(BatchRow(key=key, turns=(question,)) for key, question in enumerate(questions))
    try:
        batching.answer(
            made,
            Batch(id=1, rows=rows, sampling=sampling, resolution="full" if splitting else "auto", most=most),
            sizes=sizes or batching.Sizes(),
            send=events.append,
            stopped=lambda: stopped(events),
        )
        assert isinstance(events[-1], Finished)
    except Stopped:
        pass
    groups = [event for event in events if isinstance(event, Answers)]
    answers = {answer.key: answer for group in groups for answer in group.rows}
    assert len(answers) == sum(len(group.rows) for group in groups)  # none twice
    return answers, groups


def questions_of_the_demo(workspace: Path) -> list[Turn]:
    """Pictures of all sizes, groups of pictures, and videos, with questions of other lengths."""
    pictures = sorted([*(workspace / "shapes").iterdir(), *(workspace / "words").iterdir()])
    asked = [
        turn(prompt, picture)
        for picture in pictures
        for prompt in ("How many shapes are there?", "Describe the picture.", "What is in the top left?")
    ]
    pair = [workspace / "pairs" / f"first-{when}.png" for when in ("before", "after")]
    asked += [turn("What differs?", *pair), turn("Which picture has more shapes?", *reversed(pair))]
    asked += [turn("Which picture has the most shapes?", *(workspace / "album" / f"{n}.png" for n in (1, 2, 3)))]
    for video in sorted((workspace / "videos").glob("*.mp4")):
        asked += [turn(prompt, video) for prompt in ("Which way does the shape move?", "What happens?")]
    return asked


@pytest.mark.parametrize("splitting", [False, True])
def test_the_demo_model_answers_a_batch_as_it_answers_alone(
    demo: Checkpoint, workspace: Path, splitting: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "_FIRST_TILES", 100)  # large groups at once, however fast this machine is just now
    sampling = Sampling(max_new_tokens=60)
    asked = questions_of_the_demo(workspace)
    if splitting:
        asked = asked[::4]
    answers, groups = together(demo, asked, sampling, splitting)
    assert max(len(group.rows) for group in groups) >= 4
    assert [(answers[key].text, answers[key].tokens) for key in range(len(asked))] == [
        alone(demo, question, sampling, splitting) for question in asked
    ]


def test_left_padding_and_tiles_with_random_weights(
    tiny: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "_FIRST_TILES", 100)
    sampling = Sampling(max_new_tokens=20)
    asked = [
        turn("word " * number, picture)
        for number in (1, 7, 3)
        for picture in (media / "wide.png", media / "tall.png", media / "clip.mp4")
    ]
    answers, groups = together(tiny, asked, sampling, True, most=3)
    assert {len(group.rows) for group in groups} == {3}  # by their tiles, not in their order
    assert [answers[key].text for key in range(len(asked))] == [alone(tiny, q, sampling, True)[0] for q in asked]
    penalty = Sampling(max_new_tokens=20, repetition_penalty=1.3)
    answers, _ = together(tiny, asked, penalty)
    assert [answers[key].text for key in range(len(asked))] == [alone(tiny, q, penalty)[0] for q in asked]


def test_a_bad_file_is_a_row_and_the_others_are_answered(tiny: Checkpoint, media: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    asked = [turn("Hi", file) for file in (media / "wide.png", bad, tmp_path / "missing.mp4", media / "tall.png")]
    answers, _ = together(tiny, [*asked, turn("word " * 3000)], Sampling(max_new_tokens=4))
    assert [answers[key].code for key in range(5)] == ["", "bad_picture", "bad_video", "", "too_long"]
    assert answers[1].cause and answers[1].remedy
    assert [answers[key].tokens for key in (0, 1, 3)] == [4, 0, 4]


class Memory:
    """Holds at most so many rows; counts what was tried."""

    def __init__(self, model: Any, most: int) -> None:
        self.tried: list[int] = []
        self._most = most
        self._generate = model.generate

    def generate(self, *arguments: Any, **options: Any) -> Any:
        self.tried.append(int(options["input_ids"].shape[0]))
        if self.tried[-1] > self._most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self._generate(*arguments, **options)


def test_out_of_memory_halves_the_groups_and_loses_nothing(
    tiny: Checkpoint, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(tiny.model, 3)
    monkeypatch.setattr(tiny.model, "generate", memory.generate)
    asked = [turn("Hi", media / "wide.png")] * 20
    sizes = batching.Sizes()
    answers, groups = together(tiny, asked, Sampling(max_new_tokens=3), sizes=sizes)
    assert memory.tried[:2] == [8, 4]
    assert [len(group.rows) for group in groups] == [2] * 10
    assert all(answer.text and not answer.code for answer in answers.values())
    together(tiny, asked, Sampling(max_new_tokens=3), sizes=sizes)
    assert max(memory.tried[-10:]) == 2  # what was found out is kept
    monkeypatch.setattr(memory, "_most", 0)
    answers, _ = together(tiny, asked[:2], Sampling(max_new_tokens=3), sizes=sizes)
    assert {answer.code for answer in answers.values()} == {"out_of_memory"}


def test_stop_within_a_token_keeps_what_was_answered(tiny: Checkpoint, media: Path) -> None:
    asked = [turn("Hi", media / "wide.png")] * 12
    answers, groups = together(
        tiny,
        asked,
        Sampling(max_new_tokens=200),
        most=4,
        stopped=lambda events: any(isinstance(event, Answers) for event in events),
    )
    assert [len(group.rows) for group in groups] == [4]
    assert sorted(answers) == [0, 1, 2, 3]
    assert not any(module._forward_pre_hooks for module in tiny.model.modules())


def test_the_size_grows_while_that_answers_more_a_second() -> None:
    trial = batching.Trial(8)
    trial.took(5, 0.1, may_grow=True)  # not full: says nothing
    assert trial.size == 8
    trial.took(8, 8.0, may_grow=True)
    trial.took(16, 10.0, may_grow=True)
    assert (trial.size, trial.settled) == (32, False)
    trial.took(32, 20.0, may_grow=True)  # no more a second than with 16
    assert (trial.size, trial.settled) == (16, True)
    trial.too_many(16)
    assert trial.size == 8
    held = batching.Trial(8)
    held.took(8, 1.0, may_grow=False)
    assert (held.size, held.settled) == (8, True)
