"""What the main screen looks like, at three sizes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import MakeApp, ready, screen_text, until
from vlmtui.ui.problems import Problem
from vlmtui.ui.widgets.chips import Chip

SIZES = [(80, 24), (120, 40), (200, 60)]


async def _settled(pilot: Pilot[object], picture: str = "picture2.png") -> None:
    """Wait until the model is loaded and the picture is on the screen and in its chip."""
    app = await ready(pilot)
    while True:
        selected = app.workbench.part("explorer").selected  # type: ignore[attr-defined]
        if selected is not None and selected.name == picture:
            break
        await pilot.press("down")
    info = app.workbench.preview
    await until(pilot, lambda: info.info is not None and info.info.path.endswith(picture))
    await until(pilot, lambda: app.workbench.chat.attachments)
    await pilot.pause()
    await pilot.wait_for_scheduled_animations()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_main_screen(snap_compare, make_app: MakeApp, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(), terminal_size=size, run_before=_settled)


def test_main_screen_with_the_chat_at_80x24(snap_compare, make_app: MakeApp) -> None:
    async def run(pilot: Pilot[object]) -> None:
        await _settled(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "prompt")
        await until(pilot, lambda: pilot.app.screen.query_one("#chat-pane").region)
        await pilot.pause()

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=run)


def test_main_screen_in_the_light_theme(snap_compare, make_app: MakeApp) -> None:
    async def run(pilot: Pilot[object]) -> None:
        await _settled(pilot)
        pilot.app.theme = "vscode-light"
        await pilot.pause()

    assert snap_compare(make_app(), terminal_size=(120, 40), run_before=run)


def test_main_screen_without_colour(snap_compare, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(make_app(), terminal_size=(120, 40), run_before=_settled)


@pytest.mark.parametrize("theme", ["vscode-dark", "vscode-high-contrast"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_two_pictures_side_by_side_above_the_panel(
    snap_compare, make_app: MakeApp, size: tuple[int, int], theme: str
) -> None:
    async def run(pilot: Pilot[object]) -> None:
        await _settled(pilot)
        app = await ready(pilot)
        app.theme = theme
        app.report_problem(Problem(source="Data set", line="row 2 is not JSON", path="questions.jsonl", row=2))
        editors = app.workbench.editors
        editors.pin(app.workbench.directory / "picture2.png")
        await pilot.press("ctrl+backslash")
        await until(pilot, lambda: editors.split)
        await editors.open(app.workbench.directory / "picture3.png", "picture", pin=True)
        await pilot.press("f8")
        await until(pilot, lambda: app.workbench.kept_layout.at == "panel")
        for group in editors.groups:
            await until(pilot, lambda group=group: group.viewer.info is not None)
        await until(pilot, lambda: any(chip.path.name == "picture3.png" for chip in app.screen.query(Chip)))
        await pilot.pause(0.5)
        await pilot.wait_for_scheduled_animations()

    assert snap_compare(make_app(), terminal_size=size, run_before=run)


def test_help(snap_compare, make_app: MakeApp) -> None:
    async def run(pilot: Pilot[object]) -> None:
        await _settled(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: pilot.app.screen.query("#help-text"))
        await pilot.pause()

    assert snap_compare(make_app(), terminal_size=(120, 60), run_before=run)


def test_model_picker(snap_compare, make_app: MakeApp) -> None:
    async def run(pilot: Pilot[object]) -> None:
        from textual.widgets import OptionList

        await _settled(pilot)
        await pilot.press("f4")
        await until(pilot, lambda: pilot.app.screen.id == "model-picker")
        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count > 5)
        await pilot.pause()

    assert snap_compare(make_app(), terminal_size=(120, 40), run_before=run)


async def _quick_open(pilot: Pilot[object]) -> None:
    from vlmtui.ui.widgets.found_list import FoundList

    await pilot.press("ctrl+p")
    await until(pilot, lambda: pilot.app.screen.query(FoundList))
    await pilot.press("p", "i", "c")
    await until(pilot, lambda: len(pilot.app.screen.query_one(FoundList).rows) == 4)


async def _search(pilot: Pilot[object]) -> None:
    await pilot.press("ctrl+f")
    await until(pilot, lambda: pilot.app.screen.query("SearchResults"))
    pilot.app.screen.query_one("#search-field", Input).value = "pic"  # at once: one search, not three
    says = pilot.app.screen.query_one("#search-says")
    await until(pilot, lambda: re.search(r"\d files?\.$", str(says.render())))  # all of it


async def _settings(pilot: Pilot[object]) -> None:
    await pilot.press("f1", *"settings", "enter")
    await until(pilot, lambda: "checkpoint to load" in screen_text(pilot))


async def _jump(pilot: Pilot[object]) -> None:
    await pilot.press("ctrl+g")
    await until(pilot, lambda: type(pilot.app.screen).__name__.startswith("Jump"))


@pytest.mark.parametrize("show", [_quick_open, _search, _settings, _jump], ids=lambda show: show.__name__.strip("_"))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_ways_through_the_workbench(
    snap_compare, make_app: MakeApp, size: tuple[int, int], show: Callable[[Pilot[object]], Awaitable[None]]
) -> None:
    async def run(pilot: Pilot[object]) -> None:
        await _settled(pilot)
        await show(pilot)
        await pilot.pause()
        await pilot.wait_for_scheduled_animations()

    assert snap_compare(make_app(), terminal_size=size, run_before=run)
