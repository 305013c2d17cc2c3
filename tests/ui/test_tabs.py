"""Tabs: one gives way to the next file, others stay; closed, reopened, moved, and side by side in two groups."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.ui.conftest import MakeApp, ready, until
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.widgets.editor_group import EditorGroup
from vlmtui.ui.widgets.editor_tabs import lay_out


def names(group: EditorGroup) -> list[str]:
    """The tabs of a group, in italics (not pinned) between slashes."""
    return [tab.path.name if tab.pinned else f"/{tab.path.name}/" for tab in group.tabs]


async def run(app: VlmtuiApp, action: str) -> None:
    """Run an action as the palette does."""
    await app.run_action(f"app.run_action_of('{action}')")


async def test_a_selected_file_takes_the_tab_in_italics_and_one_that_is_asked_about_keeps_its_own(
    make_shell: MakeApp,
) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        editors = app.workbench.editors
        await pilot.press("down")
        await until(pilot, lambda: names(editors.active) == ["/picture1.png/"])
        await pilot.press("down")
        await until(pilot, lambda: names(editors.active) == ["/picture2.png/"])
        await pilot.press("enter")  # asks about it
        await until(pilot, lambda: names(editors.active) == ["picture2.png"])
        await pilot.press("f6", "down")
        await until(pilot, lambda: names(editors.active) == ["picture2.png", "/picture3.png/"])
        await run(app, "editor.pin")
        await until(pilot, lambda: names(editors.active) == ["picture2.png", "picture3.png"])


async def test_tabs_are_gone_through_closed_reopened_and_moved(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        editors = app.workbench.editors
        for number in (1, 2, 3):
            await editors.open(workspace / f"picture{number}.png", "picture", pin=True)
        assert editors.shown is not None and editors.shown.path.name == "picture3.png"
        await pilot.press("ctrl+pagedown")
        await until(pilot, lambda: editors.shown is not None and editors.shown.path.name == "picture1.png")
        assert app.workbench.viewer.path == workspace / "picture1.png"
        await run(app, "editor.move_right")
        assert names(editors.active) == ["picture2.png", "picture1.png", "picture3.png"]
        await pilot.press("ctrl+w")
        await until(pilot, lambda: names(editors.active) == ["picture2.png", "picture3.png"])
        assert editors.shown is not None and editors.shown.path.name == "picture3.png"  # seen before it
        await run(app, "editor.reopen")
        assert names(editors.active) == ["picture2.png", "picture1.png", "picture3.png"]
        await run(app, "editor.close_others")
        await until(pilot, lambda: names(editors.active) == ["picture1.png"])


async def test_two_files_are_seen_side_by_side_and_the_chat_takes_that_of_the_active_group(
    make_shell: MakeApp, workspace: Path
) -> None:
    async with make_shell().run_test(size=(160, 40)) as pilot:
        app = await ready(pilot)
        editors = app.workbench.editors
        await editors.open(workspace / "picture1.png", "picture", pin=True)
        await pilot.press("ctrl+backslash")
        await until(pilot, lambda: editors.split)
        await editors.open(workspace / "picture2.png", "picture", pin=True)
        first, second = editors.groups
        assert (names(first), names(second)) == (["picture1.png"], ["picture1.png", "picture2.png"])
        await until(pilot, lambda: first.viewer.info is not None and second.viewer.info is not None)
        assert {first.viewer.path, second.viewer.path} == {workspace / "picture1.png", workspace / "picture2.png"}
        app.workbench.set_focus(first.viewer)
        await until(pilot, lambda: editors.active is first)
        await run(app, "editor.unsplit")
        await until(pilot, lambda: not editors.split)
        assert names(editors.active) == ["picture1.png", "picture2.png"]


async def test_a_click_chooses_a_tab_its_cross_and_the_middle_button_close_it(
    make_shell: MakeApp, workspace: Path
) -> None:
    async with make_shell().run_test(size=(200, 40)) as pilot:
        app = await ready(pilot)
        editors = app.workbench.editors
        for number in (1, 2, 3):
            await editors.open(workspace / f"picture{number}.png", "picture", pin=True)
        await pilot.pause()
        await pilot.click("EditorTabs", offset=(4, 0))
        await until(pilot, lambda: editors.shown is not None and editors.shown.path.name == "picture1.png")
        _, places = lay_out([12, 12, 12], 0, 0, app.workbench.query_one("EditorTabs").size.width)
        await pilot.click("EditorTabs", offset=(places[1].cross, 0))
        await until(pilot, lambda: names(editors.active) == ["picture1.png", "picture3.png"])
        await pilot.click("EditorTabs", offset=(4, 0), button=2)
        await until(pilot, lambda: names(editors.active) == ["picture3.png"])


async def test_of_many_tabs_only_the_last_seen_keep_their_viewers(make_shell: MakeApp, workspace: Path) -> None:
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        for number in range(12):
            file = workspace / f"text{number}.txt"
            file.write_text("text")
            await app.workbench.editors.open(file, "text", pin=True)
        assert len(app.workbench.editors.active.tabs) == 12
        assert len(app.workbench.editors.viewers) <= 6


@given(st.lists(st.integers(0, 200), min_size=1, max_size=40), st.data(), st.integers(0, 300))
def test_the_active_tab_is_always_seen_and_tabs_never_overlap(
    lengths: list[int], data: st.DataObject, width: int
) -> None:
    active = data.draw(st.integers(-1, len(lengths) - 1))
    first, places = lay_out(lengths, active, data.draw(st.integers(0, 50)), width)
    assert places and places[0].tab == first
    assert active < 0 or active in {place.tab for place in places}
    assert all(a.end == b.start and a.tab + 1 == b.tab for a, b in pairwise(places))
