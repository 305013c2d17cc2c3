"""Side by side: each side says what it says alone, all stream together over one base, and the chat is as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.adapter_maker import write_adapters
from vlmtui.demo import weights_path
from vlmtui.demo.workspace import write_workspace
from vlmtui.engine import comparing, generation, loading
from vlmtui.engine.client import EngineClient
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import (
    Compare,
    Event,
    Failed,
    Finished,
    Generate,
    Sampling,
    Side,
    SideSays,
    Started,
    TextPart,
    Tokens,
    Turn,
)
from vlmtui.models.adapters import AdapterUse

from .asking import at_most, everything, failed, finished, loaded, text_of, turn
from .checkpoints import load
from .endpoint import WORDS, endpoint

SAMPLING = at_most(24)


@pytest.fixture(scope="module")
def demo() -> Checkpoint:
    return load("demo")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's workspace, with the adapters `one` and `two` for the demo model."""
    folder = tmp_path_factory.mktemp("sides")
    write_workspace(folder)
    write_adapters(str(weights_path()), "demo", str(folder / "one"), str(folder / "two"))
    return folder


@pytest.fixture(autouse=True)
def a_token_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns as short as can be, on every machine."""
    monkeypatch.setattr(comparing, "TURN_S", 0.0)


def question(place: Path) -> Turn:
    return turn("What is in this picture?", next(iter(sorted(place.rglob("*.png")))))


def use(place: Path, name: str, weight: float = 1.0) -> AdapterUse:
    return AdapterUse(str(place / name), weight)


def ask(made: Checkpoint, turns: Sequence[Turn], sampling: Sampling) -> list[Event]:
    events: list[Event] = []
    generation.generate(
        made,
        Generate(id=1, turns=tuple(turns), sampling=sampling),
        send=events.append,
        stopped=lambda: False,
        asked_at=time.perf_counter(),
    )
    return events


def alone(made: Checkpoint, asked: Turn, side: Side, sampling: Sampling) -> str:
    """Return what a side says where it alone is asked."""
    loading.adapt(made, side.adapters, lambda: None)
    system = (Turn(role="system", parts=(TextPart(text=side.system),)),) if side.system else ()
    return text_of(ask(made, [*system, asked], sampling))


def compare(
    made: Checkpoint,
    asked: Turn,
    sides: Sequence[Side],
    sampling: Sampling,
    stopped: Callable[[list[Event]], bool] = lambda events: False,
) -> list[Event]:
    events: list[Event] = []
    request = Compare(id=1, turns=(asked,), sides=tuple(sides), sampling=sampling)
    comparing.answer(made, request, send=events.append, stopped=lambda: stopped(events))
    return events


def said(events: Sequence[Event], side: int) -> list[Event]:
    """Return what one side said."""
    return [event.event for event in events if isinstance(event, SideSays) and event.side == side]


@pytest.mark.parametrize("sampling", [SAMPLING, msgspec.structs.replace(SAMPLING, temperature=1.0, seed=3)])
def test_each_says_what_it_says_alone_and_all_stream_together(
    demo: Checkpoint, place: Path, sampling: Sampling
) -> None:
    one, two = use(place, "one"), use(place, "two", 0.5)
    sides = [Side(), Side(adapters=(one,)), Side(adapters=(one, two)), Side(system="Answer in one word, please.")]
    asked = question(place)
    expected = [alone(demo, asked, side, sampling) for side in sides]
    assert len(set(expected[:3])) == 3
    loading.adapt(demo, (two,), lambda: None)
    before = text_of(ask(demo, [asked], SAMPLING))

    events = compare(demo, asked, sides, sampling)
    assert finished(events).reason == "end"
    assert [text_of(said(events, side)) for side in range(4)] == expected
    ends = [finished(said(events, side)) for side in range(4)]
    assert [end.known_pictures for end in ends] == [1] * 4  # none of them looked at the picture again
    assert all(end.ttft_s > 0 for end in ends)
    order = [event.side for event in events if isinstance(event, SideSays) and isinstance(event.event, Tokens)]
    assert order[:4] == [0, 1, 2, 3]  # the first words of all, before the rest of any
    assert order != sorted(order)

    # The chat's adapter acts again, and what it knows of its conversation is as it was.
    again = ask(demo, [asked], SAMPLING)
    assert text_of(again) == before
    assert finished(again).known_tokens > 0


def test_one_that_fails_leaves_the_others_alone(demo: Checkpoint, place: Path) -> None:
    sides, asked = [Side(system="word " * 5000), Side()], question(place)
    events = compare(demo, asked, sides, SAMPLING)
    (failure,) = (event for event in said(events, 0) if isinstance(event, Failed))
    assert failure.code == "too_long"
    assert text_of(said(events, 1)) == alone(demo, asked, sides[1], SAMPLING)
    with pytest.raises(EngineFailure, match="holds no adapter"):
        compare(demo, asked, [Side(adapters=(AdapterUse(str(place)),))], SAMPLING)


def test_stop_ends_all_sides(demo: Checkpoint, place: Path) -> None:
    def both_began(events: list[Event]) -> bool:
        begun = [event.side for event in events if isinstance(event, SideSays) and isinstance(event.event, Started)]
        return begun == [0, 1]

    sides = [Side(adapters=(use(place, name),)) for name in ("one", "two")]
    events = compare(demo, question(place), sides, SAMPLING, both_began)
    assert finished(events).reason == "stopped"
    first, second = (finished(said(events, side)) for side in (0, 1))
    assert first.completion_tokens <= 2  # it may have come to its own end by then
    assert (second.reason, second.completion_tokens) == ("stopped", 0)


async def test_an_endpoint_is_asked_for_all_sides_at_once(place: Path) -> None:
    with endpoint() as server:
        client = EngineClient(log=place / "remote.log")
        try:
            loaded(await everything(client.load("smolvlm", endpoint=server.address)))
            events = await everything(client.compare([question(place)], [Side(), Side(system="Briefly.")]))
            assert isinstance(events[-1], Finished)
            assert [text_of(said(events, side)) for side in (0, 1)] == ["".join(WORDS)] * 2
            assert sorted(len(body["messages"]) for body in server.asked) == [1, 2]
            wrong = failed(await everything(client.compare([question(place)], [Side(adapters=(use(place, "one"),))])))
            assert wrong.code == "no_model"
        finally:
            await client.close()
