"""Nothing hostile gets through the chat, whoever wrote it; and it can be read without colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.widgets import Static

from tests.ui.chat_app import ChatApp, answer, ask, fail, painted, screen_text, text_of
from vlmtui.chats.conversation import ChatMessage, Conversation
from vlmtui.engine.protocol import Tokens

# Writes the clipboard, sets the window's title, C1 forms of both, a bidirectional override, markup of two kinds.
HOSTILE = (
    "[red]x[/] [@click=app.quit]y[/] \x1b]52;c;cm0gLXJm\x07\x1b]0;owned\x1b\\\x9d52;c;aGk=\x9c\x9b31m\u202egnp.exe"
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def everything(app: ChatApp) -> str:
    """Return every character that the app draws, as widgets draw it and as the screen puts it together."""
    picture = app.export_screenshot()
    return screen_text(app) + re.sub(r"[\r\n]", "", picture)


def clean(app: ChatApp) -> bool:
    return not CONTROLS.search(everything(app))


@pytest.mark.parametrize("size", [(80, 24), (38, 30)])
async def test_text_from_everywhere_is_shown_inertly(size: tuple[int, int]) -> None:
    app = ChatApp()
    async with app.run_test(size=size) as pilot:
        app.chat.attach(Path(f"/pictures/{HOSTILE.replace('/', '')}\nname.png"), HOSTILE)
        app.chat.offer(Path(f"/pictures/{HOSTILE.replace('/', '')}.png"), HOSTILE)
        await pilot.pause()
        assert clean(app) and "[red]x[" in screen_text(app)
        await ask(pilot, "what?")
        app.chat.begin_answer()
        for character in HOSTILE:
            app.chat.receive(Tokens(id=1, text=character, count=1))
        await painted(app, pilot)
        assert clean(app) and "[red]x[/]" in text_of(app.views[-1])
        answer(app.chat, [f"\n\n# {HOSTILE}\n\n```{HOSTILE}\n{HOSTILE}\n```\n\n[{HOSTILE}](http://a/{HOSTILE})"])
        app.chat.note(HOSTILE)
        app.chat.say(HOSTILE)
        await pilot.pause()
        assert clean(app)
        app.chat.begin_answer()
        fail(app.chat, f"{HOSTILE}\n{HOSTILE}", HOSTILE)
        await pilot.pause()
        assert clean(app) and "[red]x[/]" in text_of(app.views[-1])
        assert "cm0gLXJm" in text_of(app.views[-1]), "it is shown, not hidden"


async def test_a_conversation_from_a_file_is_no_more_trusted() -> None:
    messages = [
        ChatMessage(role="user", text=HOSTILE, attachments=(f"/a/{HOSTILE}",)),
        ChatMessage(role="assistant", text=HOSTILE, state="failed", error=HOSTILE, remedy=HOSTILE),
    ]
    app = ChatApp(Conversation(messages=messages))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("up")
        await pilot.pause()
        assert clean(app)
        assert "[red]x[/]" in text_of(app.prompt)


async def test_a_click_on_text_that_asks_to_quit_does_nothing() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        answer(app.chat, ["[@click=app.quit]click me[/] [x](app.quit)"])
        await pilot.pause()
        for x in range(0, 50, 3):
            await pilot.click(app.views[0], offset=(x, 0))
        assert app.is_running and app.return_code is None


async def test_what_is_copied_is_safe_too() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        app.transcript.focus()
        await pilot.press("y")
        assert app.clipboard == ""
        answer(app.chat, ["**bold** ", HOSTILE])
        await pilot.press("y")
        assert app.clipboard.startswith("**bold** ") and not CONTROLS.search(app.clipboard)


@pytest.mark.parametrize("width", [12, 20, 38])
async def test_narrow_panes_show_everything(width: int) -> None:
    app = ChatApp()
    async with app.run_test(size=(width, 60)) as pilot:
        app.chat.attach(Path("/pictures/a-rather-long-name.png"), "640×480")
        await pilot.pause()
        await ask(pilot, "what?")
        answer(app.chat, ["- ", "abcdefghijklmnopqrstuvwxyz ", "one two three"])
        await pilot.pause()
        rows = "".join(row.strip() for row in text_of(app.views[-1]).split("\n"))
        assert "abcdefghijklmnopqrstuvwxyz" in rows
        for word in ("one", "two", "three"):
            assert word in rows


async def test_without_colours_roles_and_states_can_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        await ask(pilot, "what?")
        app.chat.receive(Tokens(id=1, text="this", count=1))
        fail(app.chat, "It ended.", "Retry.")
        await pilot.pause()
        picture = app.export_screenshot()
        colours = {colour.lower() for colour in re.findall(r'fill="#([0-9a-fA-F]{6})"', picture)}
        content = [colour for colour in colours if colour not in ("ff5f57", "febc2e", "28c840", "c5c8c6")]
        assert content and all(colour[:2] == colour[2:4] == colour[4:] for colour in content)
        assert "▎" in picture and "✗" in picture and "Retry" in picture
        assert app.query_one("#welcome", Static).display is False
