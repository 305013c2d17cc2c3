"""Keys that come in one burst, as over a slow line or from a program that types."""

from __future__ import annotations

from textual import events

from tests.ui.conftest import MakeApp, ready, until
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.widgets.prompt import Prompt


def burst(app: VlmtuiApp, *keys: str) -> None:
    names = {" ": "space", "?": "question_mark", "\r": "enter"}
    for key in keys:
        app.post_message(events.Key(names.get(key, key), key if len(key) == 1 else None))


async def test_text_right_behind_a_key_that_moves_the_focus_goes_where_the_focus_went(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        prompt = app.workbench.query_one(Prompt)
        await pilot.press("down")
        burst(app, "\r", *"nice tall?")
        await until(pilot, lambda: app.focused is prompt and prompt.text == "nice tall?")
        burst(app, *" yes", "backspace", "backspace", "\r", *"more")
        await until(pilot, lambda: prompt.text == "more")
        assert app.workbench.conversation.messages[0].text == "nice tall? y"
        burst(app, "f6", "down", "\r", *"!x")
        await until(pilot, lambda: prompt.text == "more!x")
