"""What the main screen looks like, at three sizes."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import MakeApp, ready, until

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
