"""What the chat looks like, in a pane of 80x24 and in a narrow one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.chat_app import ChatApp, answer, ask, fail, painted, type_text
from vlmtui.engine.protocol import Started, Tokens

Compare = Callable[..., bool]

ANSWER = """There are **three shapes** on a *plain* background:

- a large red circle in the top left
- a small `blue` square
"""


async def empty(pilot: Pilot[None]) -> None:
    await pilot.pause()


async def answered(pilot: Pilot[None]) -> None:
    chat = pilot.app.chat  # type: ignore[attr-defined]
    chat.attach(Path("/pictures/shapes.png"), "640×480 · 64 tokens")
    await ask(pilot, "What is in this picture?")
    answer(chat, [ANSWER])
    chat.note("The demo model knows shapes only.")
    chat.offer(Path("/pictures/next.png"), "320×200 · 64 tokens")
    await type_text(pilot, "And\nnow?")
    await pilot.pause()


async def failed(pilot: Pilot[None]) -> None:
    chat = pilot.app.chat  # type: ignore[attr-defined]
    await ask(pilot, "What is in this picture?")
    chat.receive(Tokens(id=1, text="There is", count=2))
    fail(chat, "The engine ended (signal 9), perhaps for want of memory.", "It is up again: retry.")
    await pilot.pause()


async def reading(pilot: Pilot[None]) -> None:
    chat = pilot.app.chat  # type: ignore[attr-defined]
    chat.attach(Path("/pictures/shapes.png"))
    await ask(pilot, "Describe it in full")
    chat.begin_answer()
    chat.receive(Started(id=1, prompt_tokens=90, image_tokens=64, tiles=1))
    chat.receive(Tokens(id=1, text=ANSWER * 4, count=90))
    await painted(pilot.app, pilot)  # type: ignore[arg-type]
    await pilot.press("pageup")
    chat.receive(Tokens(id=1, text="and so on", count=90))
    await type_text(pilot, "next")
    await pilot.press("enter")
    await painted(pilot.app, pilot)  # type: ignore[arg-type]


async def versions(pilot: Pilot[None]) -> None:
    chat = pilot.app.chat  # type: ignore[attr-defined]
    await ask(pilot, "What is in this picture?")
    answer(chat, ["Three shapes."])
    await pilot.press("f5")
    answer(chat, ["A circle, a square and a star."])
    await pilot.press("shift+tab", "k")
    await pilot.pause()


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (38, 24)], ids=["120x40", "80x24", "38x24"])
def test_versions_and_the_cursor_look_as_they_did(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(ChatApp(), run_before=versions, terminal_size=size)


@pytest.mark.parametrize("size", [(80, 24), (38, 24)], ids=["80x24", "38x24"])
@pytest.mark.parametrize("scene", [empty, answered, failed, reading])
def test_it_looks_as_it_did(
    snap_compare: Compare, scene: Callable[[Pilot[None]], object], size: tuple[int, int]
) -> None:
    assert snap_compare(ChatApp(), run_before=scene, terminal_size=size)
