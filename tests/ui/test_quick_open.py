"""Opening a file by its letters, and the palette's order."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.recently_used import COMMANDS, recently_used, use
from vlmtui.ui.screens.quick_open import QuickOpen
from vlmtui.ui.widgets.found_list import FoundList


@pytest.fixture(autouse=True)
def used_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "used.json"
    monkeypatch.setattr("vlmtui.recently_used.recently_used_file", lambda: file)
    return file


async def test_letters_find_a_file_and_enter_opens_it_in_a_tab_that_stays(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "7 files" in screen_text(pilot))
        assert ".hidden.png" not in screen_text(pilot)
        await type_text(pilot, "insd")
        await until(pilot, lambda: "1 of 7 files" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.workbench and app.workbench.editors.shown is not None)
        await until(pilot, lambda: app.workbench.editors.shown.path.name == "inside.png")  # type: ignore[union-attr]
        assert app.workbench.editors.shown.pinned  # type: ignore[union-attr]
        await until(pilot, lambda: app.focused is app.workbench.viewer)
        await until(pilot, lambda: recently_used(str(app.directory)) == ["more/inside.png"])
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, QuickOpen) and app.screen.query_one(FoundList).rows)
        assert app.screen.query_one(FoundList).chosen == "more/inside.png"
        field = app.screen.query_one(Input)
        field.value = "picture10"
        await field.action_submit()  # before any answer: it is not for the file that is on top of the old list
        await until(pilot, lambda: app.screen is app.workbench)
        await until(pilot, lambda: app.workbench.editors.shown.path.name == "picture10.png")  # type: ignore[union-attr]


async def test_nothing_matches_is_said_and_a_greater_than_sign_goes_to_the_commands(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+p", "z", "z")
        await until(pilot, lambda: "No match in 7 files." in screen_text(pilot))
        await pilot.press("enter")
        assert isinstance(app.screen, QuickOpen)
        await pilot.press("escape", "ctrl+p", "greater_than_sign")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))


async def test_the_command_used_last_is_first_and_what_is_not_open_says_so(make_shell: MakeApp) -> None:
    use(COMMANDS, "video.play")
    use(COMMANDS, "app.theme")
    async with make_shell().run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: "Change the colour theme" in screen_text(pilot))
        text = screen_text(pilot)
        places = [text.index(part) for part in ("Change the colour theme", "Only while a video is open", "Help: keys")]
        assert places == sorted(places)
        await pilot.press("enter")
        await until(pilot, lambda: "Colour theme" in screen_text(pilot))
