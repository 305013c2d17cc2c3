"""Files dragged with the mouse: into the chat, into a group of editors, into a second one, and nowhere."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.pilot import Pilot

from tests.ui.conftest import MakeApp, ready, screen_text, until
from vlmtui.ui.app import VlmtuiApp


async def _hold(pilot: Pilot[int], app: VlmtuiApp, name: str, *, over: tuple[int, int]) -> None:
    """Press on the file's row and move to a place of the screen."""
    explorer = app.workbench.part("explorer")
    line = next(number for number, entry in enumerate(explorer.rows) if entry.name == name)  # type: ignore[attr-defined]
    x, y = explorer.view.region.offset  # type: ignore[attr-defined]
    await pilot.mouse_down(offset=(x + 4, y + line))
    for step in (1, 2, 3):
        place = (x + 4 + (over[0] - x - 4) * step // 3, y + line + (over[1] - y - line) * step // 3)
        await pilot._post_mouse_events([events.MouseMove], offset=place, button=1)
        await pilot.pause()


async def test_files_are_dragged_where_they_are_wanted(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        bench, editors = app.workbench, app.workbench.editors
        chat = (bench.chat_pane.region.x + 10, 20)
        await _hold(pilot, app, "picture2.png", over=chat)
        await until(pilot, lambda: "Attach picture2.png" in screen_text(pilot))
        await pilot.mouse_up(offset=chat)
        await until(pilot, lambda: workspace / "picture2.png" in bench.chat.attachments)
        await until(pilot, lambda: "Attach picture2.png" not in screen_text(pilot))
        assert bench.kept_layout.at == "chat"

        middle = (editors.region.x + 5, 20)
        await _hold(pilot, app, "picture1.png", over=middle)
        await until(pilot, lambda: "Open picture1.png" in screen_text(pilot))
        await pilot.mouse_up(offset=middle)
        await until(
            pilot, lambda: [(tab.path.name, tab.pinned) for tab in editors.active.tabs] == [("picture1.png", True)]
        )
        right = (editors.region.right - 3, 20)
        await _hold(pilot, app, "picture3.png", over=right)
        await until(pilot, lambda: "Open beside" in screen_text(pilot))
        await pilot.mouse_up(offset=right)
        await until(pilot, lambda: editors.split and editors.active is editors.groups[1])
        await until(pilot, lambda: [tab.path.name for tab in editors.active.tabs] == ["picture3.png"])

        await pilot.click("#explorer", offset=(5, 1))
        await _hold(pilot, app, "picture10.png", over=chat)
        await until(pilot, lambda: "Attach picture10.png" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "Attach picture10.png" not in screen_text(pilot))
        await pilot.mouse_up(offset=chat)
        assert workspace / "picture10.png" not in bench.chat.attachments
