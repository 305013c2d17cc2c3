"""Finding a key in the help, and going to a place by its letter."""

from __future__ import annotations

import re

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.ui.screens.jump import Jump


async def test_the_help_is_searched_as_one_types_and_one_letter_goes_to_the_chat(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Show all commands" in screen_text(pilot))
        await type_text(pilot, "quit")
        await until(pilot, lambda: "Show all commands" not in screen_text(pilot))
        assert "Ctrl+Q" in screen_text(pilot)
        await type_text(pilot, "zzz")
        await until(pilot, lambda: "Nothing here has 'quitzzz' in it." in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.workbench)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: isinstance(app.screen, Jump))
        letters = {letter: place[0] for letter, place in app.screen._found.items()}  # type: ignore[attr-defined]
        assert app.workbench.part("explorer") in letters.values()
        await until(pilot, lambda: all(re.search(rf" {letter} ", screen_text(pilot)) for letter in letters))
        other = next(letter for letter, widget in letters.items() if widget is not app.workbench.focused)
        await pilot.press(other)
        await until(pilot, lambda: app.screen is app.workbench and app.focused is letters[other])
        await pilot.press("ctrl+g", "escape")
        await until(pilot, lambda: app.screen is app.workbench and app.focused is letters[other])
