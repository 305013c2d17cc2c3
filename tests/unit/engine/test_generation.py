"""Streams against `generate` itself: the same text, the same tokens; and what a stop can reach."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from tests.tiny_model import checkpoint
from vlmtui.engine import generation
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.prompting import prepare
from vlmtui.engine.protocol import Event, Generate, Sampling, Started, Tokens, Turn

from .asking import finished, started, text_of, turn
from .checkpoints import load


@pytest.fixture(scope="module", params=["smolvlm", "idefics3"])
def made(request: pytest.FixtureRequest) -> Checkpoint:
    return load(checkpoint(request.param))


def ask(made: Checkpoint, question: Turn, sampling: Sampling, stop_after: float = float("inf")) -> list[Event]:
    """Return the events; the user says stop when `stop_after` tokens were sent (0: at once after the prompt)."""
    events: list[Event] = []

    def stopped() -> bool:
        sent = sum(event.count for event in events if isinstance(event, Tokens))
        return any(isinstance(event, Started) for event in events) and sent >= stop_after

    generation.generate(
        made,
        Generate(id=1, turns=(question,), sampling=sampling),
        send=events.append,
        stopped=stopped,
        asked_at=time.perf_counter(),
    )
    return events


@pytest.mark.parametrize("prompt", ["Hi", "What is in it?", "Résumé: 日本語 🙂"])
def test_the_streamed_text_is_what_generate_makes(made: Checkpoint, media: Path, prompt: str) -> None:
    question = turn(prompt, media / "wide.png", media / "tall.png")
    events = ask(made, question, Sampling(max_new_tokens=120))
    inputs = prepare(made, (question,), "auto", lambda: None).inputs
    with torch.inference_mode():
        output = made.model.generate(**inputs, max_new_tokens=120, do_sample=False)
    new = output[0, inputs["input_ids"].shape[1] :]
    assert text_of(events) == made.processor.tokenizer.decode(new, skip_special_tokens=True)
    assert finished(events).completion_tokens == len(new)


def test_an_answer_that_ends_by_itself(made: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    events = ask(made, turn("Hi"), Sampling(max_new_tokens=30))
    third = prepare(made, (turn("Hi"),), "auto", lambda: None).inputs
    with torch.inference_mode():
        ids = made.model.generate(**third, max_new_tokens=30, do_sample=False)[
            0, third["input_ids"].shape[1] :
        ].tolist()
    monkeypatch.setattr(made.model.generation_config, "eos_token_id", [ids[7]])
    events = ask(made, turn("Hi"), Sampling(max_new_tokens=30))
    assert finished(events).reason == "end"
    assert finished(events).completion_tokens == ids.index(ids[7]) + 1


def test_stop_ends_with_the_token_that_is_being_made(made: Checkpoint) -> None:
    events = ask(made, turn("Hi"), Sampling(max_new_tokens=500), stop_after=1)
    assert finished(events).reason == "stopped"
    assert finished(events).completion_tokens == 2  # the first was sent, then stop was said, the second was being made


def test_stop_while_the_prompt_is_read(made: Checkpoint, media: Path) -> None:
    layers = 0

    def count(*_: object) -> None:
        nonlocal layers
        layers += 1

    handles = [layer.register_forward_hook(count) for layer in made.model.model.text_model.layers]
    events = ask(made, turn("Hi", media / "wide.png"), Sampling(max_new_tokens=500), stop_after=0)
    for handle in handles:
        handle.remove()
    assert layers == 0  # not one layer of text was run
    assert started(events).image_tokens == 16
    end = finished(events)
    assert (end.reason, end.completion_tokens, end.ttft_s) == ("stopped", 0, 0.0)


def test_nothing_is_left_on_the_model(made: Checkpoint, media: Path) -> None:
    for stop_after in (0, 1, float("inf")):
        ask(made, turn("Hi", media / "wide.png"), Sampling(max_new_tokens=5), stop_after=stop_after)
    assert not any(module._forward_pre_hooks for module in made.model.modules())


def test_times_are_measured_from_the_request(made: Checkpoint) -> None:
    events: list[Event] = []
    generation.generate(
        made,
        Generate(id=1, turns=(turn("Hi"),), sampling=Sampling(max_new_tokens=20)),
        send=events.append,
        stopped=lambda: False,
        asked_at=time.perf_counter() - 5,  # it waited five seconds for its turn
    )
    assert finished(events).ttft_s > 5
    assert finished(events).tokens_per_s > 4  # not counting the wait


@pytest.mark.parametrize("tokens", [1, 2])
def test_very_short_answers(made: Checkpoint, tokens: int) -> None:
    end = finished(ask(made, turn("Hi"), Sampling(max_new_tokens=tokens)))
    assert end.completion_tokens == tokens
    assert (end.tokens_per_s > 0) is (tokens > 1)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(max_new_tokens=10, temperature=0.7, top_p=0.9, top_k=20, seed=3),
        Sampling(max_new_tokens=10, temperature=0.01, seed=3),
        Sampling(max_new_tokens=10, repetition_penalty=1.3),
    ],
)
def test_sampling_settings_are_taken(made: Checkpoint, sampling: Sampling) -> None:
    assert finished(ask(made, turn("Hi"), sampling)).completion_tokens == 10


def test_cold_sampling_is_greedy(made: Checkpoint) -> None:
    greedy = text_of(ask(made, turn("Hi"), Sampling(max_new_tokens=20)))
    assert text_of(ask(made, turn("Hi"), Sampling(max_new_tokens=20, temperature=1e-6, seed=1))) == greedy
    assert text_of(ask(made, turn("Hi"), Sampling(max_new_tokens=20, repetition_penalty=5.0))) != greedy


def test_a_failure_inside_generate_comes_out(made: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(made.model.model.text_model.layers[1], "forward", fail)
    with pytest.raises(MemoryError):
        ask(made, turn("Hi"), Sampling(max_new_tokens=5))
    monkeypatch.undo()
    assert not any(module._forward_pre_hooks for module in made.model.modules())
    with pytest.raises(EngineFailure):
        ask(made, turn("word " * 3000), Sampling())


def test_beams_make_what_generate_makes_and_come_whole(made: Checkpoint, media: Path) -> None:
    question = turn("What is in it?", media / "wide.png")
    events = ask(made, question, Sampling(max_new_tokens=12, beams=3))
    inputs = prepare(made, (question,), "auto", lambda: None).inputs
    with torch.inference_mode():
        output = made.model.generate(**inputs, max_new_tokens=12, do_sample=False, num_beams=3)
    new = output[0, inputs["input_ids"].shape[1] :]
    assert text_of(events) == made.processor.tokenizer.decode(new, skip_special_tokens=True)
    assert sum(isinstance(event, Tokens) for event in events) == 1
    assert finished(events).completion_tokens == len(new) and finished(events).ttft_s > 0
