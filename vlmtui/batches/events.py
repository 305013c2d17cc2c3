"""What a running batch says: one JSON object a line with `vlmtui batch --json`, which the workbench reads too."""

from __future__ import annotations

from typing import Literal

import msgspec

from vlmtui.batches.job import Row


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """The base; the JSON key `event` tells them apart."""


class Begun(_Event, frozen=True, kw_only=True, tag="begun"):
    """The files are known: `total` of them, of which `done` were done before and `failed` of those failed."""

    total: int
    done: int
    failed: int
    out: str


class Loading(_Event, frozen=True, kw_only=True, tag="loading"):
    """The checkpoint is being loaded; `line` says how far it is."""

    line: str


class Done(_Event, frozen=True, kw_only=True, tag="done"):
    """Rows that are in the journal, on the disk, by now.

    Attributes:
        rows: those that came.
        paths: of their files, absolute.
        done: so many files are done, in all.
        failed: of these have an error.
        total: files there are.
        rate: files a second.
        left_s: seconds until all are done; None when that is not known yet.
        device: where the model runs.
    """

    rows: tuple[Row, ...]
    paths: tuple[str, ...]
    done: int
    failed: int
    total: int
    rate: float = 0.0
    left_s: float | None = None
    device: str = ""


class Paused(_Event, frozen=True, kw_only=True, tag="paused"):
    """Nothing is done until it goes on; the checkpoint stays loaded."""


class Resumed(_Event, frozen=True, kw_only=True, tag="resumed"):
    """It goes on."""


class Ended(_Event, frozen=True, kw_only=True, tag="ended"):
    """The last event.

    Attributes:
        reason: `done`, `stopped` or `failed`.
        done, failed, total: as in `Done`.
        line: one line for people: what there is now, or what went wrong and what to do about it.
    """

    reason: Literal["done", "stopped", "failed"]
    done: int
    failed: int
    total: int
    line: str


Event = Begun | Loading | Done | Paused | Resumed | Ended

_EVENTS: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Return `event` as one line of JSON, newline included."""
    return msgspec.json.encode(event) + b"\n"


def decode(line: bytes) -> Event:
    """Return the event on `line`; raises `msgspec.DecodeError`."""
    return _EVENTS.decode(line)
