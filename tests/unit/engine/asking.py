"""Short ways to ask the engine, for its tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from vlmtui.engine.protocol import (
    Event,
    Failed,
    Finished,
    ImagePart,
    Loaded,
    Part,
    Sampling,
    Started,
    TextPart,
    Tokens,
    Turn,
    VideoPart,
)


def turn(text: str, *files: Path) -> Turn:
    """Return a user's turn: the files, then the text."""
    parts: list[Part] = [
        VideoPart(path=str(file)) if file.suffix == ".mp4" else ImagePart(path=str(file)) for file in files
    ]
    return Turn(role="user", parts=(*parts, TextPart(text=text)))


def at_most(tokens: int) -> Sampling:
    """Return greedy decoding of at most `tokens` tokens."""
    return Sampling(max_new_tokens=tokens)


async def everything(events: AsyncIterator[Event]) -> list[Event]:
    """Return all events of a request."""
    return [event async for event in events]


def text_of(events: list[Event]) -> str:
    """Return the streamed text."""
    return "".join(event.text for event in events if isinstance(event, Tokens))


def started(events: list[Event]) -> Started:
    """Return the one `Started`."""
    (event,) = [event for event in events if isinstance(event, Started)]
    return event


def finished(events: list[Event]) -> Finished:
    """Return the `Finished` that ends the events."""
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1]


def failed(events: list[Event]) -> Failed:
    """Return the `Failed` that ends the events."""
    assert isinstance(events[-1], Failed), events[-1]
    assert "\n" not in events[-1].cause + events[-1].remedy
    assert events[-1].remedy
    return events[-1]


def loaded(events: list[Event]) -> Loaded:
    """Return the `Loaded` that ends the events."""
    assert isinstance(events[-1], Loaded), events[-1]
    return events[-1]
