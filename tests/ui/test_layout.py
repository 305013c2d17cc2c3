"""The workbench's parts: shown, hidden, resized by mouse and keys, zoomed, and found again as they were left."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widget import Widget

from tests.ui.conftest import MakeApp, ready, screen_text, until
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.arrangement import PARTS, arrange
from vlmtui.ui.layout_state import LayoutState, OpenGroup, OpenTab, layout_file, read_layout, write_layout
from vlmtui.ui.problems import Problem


def shown(app: VlmtuiApp) -> set[str]:
    """The parts that are on show."""
    return {part for part in PARTS if app.workbench.kept_layout.has(part)}


async def drag(pilot: Pilot[int], widget: Widget, across: int, down: int) -> None:
    """Drag a splitter by so many cells of the screen."""
    x, y = widget.region.offset
    await pilot.mouse_down(offset=(x, y))
    await pilot.hover(offset=(x + across, y + down))
    await pilot.mouse_up(offset=(x + across, y + down))
    await pilot.pause()


async def test_the_edges_are_dragged_and_a_double_click_takes_the_usual_size(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        bench = app.workbench
        assert bench.side_bar.region.width == 30
        await drag(pilot, bench.side_splitter, 10, 0)
        assert bench.side_bar.region.width == 40
        chat = bench.chat_pane.region.width
        await drag(pilot, bench.chat_splitter, -6, 0)
        assert abs(bench.chat_pane.region.width - chat - 6) <= 1
        await pilot.click(bench.side_splitter, times=2)
        await until(pilot, lambda: bench.side_bar.region.width == 30)


async def test_the_edges_move_by_keys_and_the_panel_by_its_tabs(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        bench = app.workbench
        await pilot.press("f12", "right", "right", "escape")
        await until(pilot, lambda: bench.side_bar.region.width == 34)
        await pilot.press("f8")
        await until(pilot, lambda: "panel" in shown(app))
        assert bench.panel is not None
        before = bench.panel.region.height
        await pilot.press("f12", "up", "up", "enter")
        await until(pilot, lambda: bench.panel is not None and before < bench.panel.region.height <= before + 3)
        await drag(pilot, bench.panel.tabs, 0, 5)
        assert bench.panel.region.height < before
        await pilot.press("f12", "0", "escape")
        await until(pilot, lambda: bench.side_bar.region.width == 30)


async def test_a_part_is_zoomed_hidden_and_brought_back(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("f3")
        await until(pilot, lambda: shown(app) == {"side"})
        await pilot.press("f3")
        await until(pilot, lambda: shown(app) == {"side", "editors", "chat"})
        await app.run_action("app.run_action_of('view.chat')")
        await until(pilot, lambda: shown(app) == {"side", "editors"})
        await app.run_action("app.run_action_of('view.chat')")
        await until(pilot, lambda: shown(app) == {"side", "editors", "chat"} and app.workbench.has_class("-in-chat"))


@pytest.mark.parametrize(("width", "height"), [(200, 60), (120, 40), (80, 24), (59, 24), (20, 5)])
async def test_at_every_size_each_part_is_one_key_away(make_shell: MakeApp, width: int, height: int) -> None:
    async with make_shell().run_test(size=(width, height)) as pilot:
        app = await ready(pilot)
        await pilot.press("f8")
        await until(pilot, lambda: "panel" in shown(app))
        seen = set()
        for _ in range(4):
            at = app.workbench.kept_layout.at
            assert at in shown(app)
            pane = app.workbench.panes[at]
            assert pane.region.width > 0 and pane.region.height > 0 and app.focused is not None
            seen.add(at)
            await pilot.press("f6")
            await pilot.pause()
        assert seen == {"side", "editors", "panel", "chat"}


def test_a_window_of_any_size_shows_the_part_with_the_focus() -> None:
    for width in (1, 20, 59, 60, 99, 100, 300):
        for height in (1, 5, 19, 20, 60):
            for at in PARTS:
                for bits in range(32):
                    side, panel, chat, zoomed, first = ((bits >> n) & 1 == 1 for n in range(5))
                    got = arrange(width, height, at, side=side, panel=panel, chat=chat, zoomed=zoomed, chat_first=first)
                    assert got.has(at)


async def test_problems_are_listed_counted_opened_and_forgotten(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        app.notify("The disk is full", severity="error", title="Settings")
        await until(pilot, lambda: len(app.problems) == 1)
        app.report_problem(Problem(source="Data set", line="row 2 is not JSON", path="questions.jsonl", row=2))
        await until(pilot, lambda: "2 problems" in screen_text(pilot))
        await app.run_action("app.run_action_of('view.problems')")
        await until(pilot, lambda: "The disk is full" in screen_text(pilot))
        await pilot.press("home", "enter")  # the newest
        await until(pilot, lambda: app.workbench.viewer.id == "dataset" and app.workbench.viewer.has_focus_within)
        await app.run_action("app.run_action_of('view.problems')")
        await pilot.press("D")
        await until(pilot, lambda: "Nothing has gone wrong" in screen_text(pilot))
        assert "problem" not in screen_text(pilot).splitlines()[-1]


async def test_the_output_shows_the_models_log_and_filters_it(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await app.run_action("app.run_action_of('view.output')")
        app.engine_log.parent.mkdir(parents=True, exist_ok=True)
        with app.engine_log.open("a") as log:
            log.write("first line\nWarning: \x1b[31mred\n")
        await until(pilot, lambda: "Warning:" in screen_text(pilot))
        assert "\x1b[31m" not in screen_text(pilot)
        await pilot.press("slash", *"warn")
        await until(pilot, lambda: "first line" not in screen_text(pilot) and "Warning:" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: "first line" in screen_text(pilot))


async def test_the_workbench_is_found_as_it_was_left(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await app.workbench.editors.open(workspace / "picture2.png", "picture", pin=True)
        await app.workbench.editors.open(workspace / "questions.jsonl", "dataset", pin=True)
        await pilot.press("ctrl+backslash")
        await until(pilot, lambda: app.workbench.editors.split)
        await drag(pilot, app.workbench.side_splitter, 6, 0)
        await pilot.press("f8")
        await until(pilot, lambda: "panel" in shown(app))
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: app.workbench.editors.split and "panel" in shown(app))
        assert app.workbench.side_bar.region.width == 36
        first, second = app.workbench.editors.groups
        assert [tab.path.name for tab in first.tabs] == ["picture2.png", "questions.jsonl"]
        assert [tab.path.name for tab in second.tabs] == ["questions.jsonl"]


@pytest.mark.parametrize(
    "damage", [b"", b'{"version": 9}', b'{"side_width": "x"}', b"\xff", b"[" * 100_000], ids=range(5)
)
async def test_a_damaged_layout_is_the_usual_one_and_is_said_once(
    make_shell: MakeApp, workspace: Path, damage: bytes
) -> None:
    file = layout_file(workspace)
    file.parent.mkdir(parents=True)
    file.write_bytes(damage)
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        assert shown(app) == {"side", "editors", "chat"}
        assert [problem.source for problem in app.problems] == ["Layout"]


def test_a_layout_is_written_whole_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "made" / "layout.json"
    state = LayoutState(side_width=40, groups=[OpenGroup([OpenTab("a.png", "picture", True)], 0)])
    write_layout(file, state)
    assert read_layout(file) == (state, "")
    assert [path.name for path in file.parent.iterdir()] == ["layout.json"]
    assert read_layout(tmp_path / "none") == (LayoutState(), "")
