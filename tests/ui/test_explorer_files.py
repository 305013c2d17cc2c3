"""Selecting, filtering, sorting, naming and throwing away files in the explorer, by keys."""

from __future__ import annotations

import os
from pathlib import Path

from tests.ui.conftest import screen_text, until
from tests.ui.explorer_app import ExplorerApp, current, names


async def test_letters_filter_the_files_and_esc_lists_all(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("slash", *"ture1")
        await until(pilot, lambda: names(app) == ["picture1.png", "picture10.png"])
        await pilot.press("enter")
        assert app.focused is app.explorer and names(app) == ["picture1.png", "picture10.png"]
        await pilot.press("escape")
        await until(pilot, lambda: "README.md" in names(app))


async def test_several_selected_pictures_go_to_the_chat_in_order_and_the_last_takes_the_focus(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "space", "down", "space")  # Space goes on to the next: picture1 and picture3
        assert [path.name for path in app.explorer.selected_paths()] == ["picture1.png", "picture3.png"]
        assert "2 selected" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: len(app.attached) == 2)
        assert app.attached == [(workspace / "picture1.png", True), (workspace / "picture3.png", False)]
        await until(pilot, lambda: "2 selected" not in screen_text(app))


async def test_a_range_is_selected_with_shift_and_without_it_and_all_with_a_key(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "shift+down", "shift+down")
        wanted = ["picture1.png", "picture2.png", "picture3.png"]
        assert [path.name for path in app.explorer.selected_paths()] == wanted
        await pilot.press("escape")
        assert len(app.explorer.marks) == 0
        await pilot.press("home", "down", "space", "down", "v")
        assert [path.name for path in app.explorer.selected_paths()] == wanted
        await pilot.press("asterisk")
        assert len(app.explorer.selected_paths()) == 6  # all but the folder


async def test_files_sort_by_time_and_size_and_the_line_below_says_how(workspace: Path) -> None:
    for age, name in enumerate(("picture10.png", "README.md", "picture1.png")):
        os.utime(workspace / name, (2_000_000_000 - age, 2_000_000_000 - age))
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("s")
        await until(pilot, lambda: names(app)[1:4] == ["picture10.png", "README.md", "picture1.png"])
        assert "newest first" in screen_text(app)
        await pilot.press("S")
        await until(pilot, lambda: names(app)[-3:] == ["picture1.png", "README.md", "picture10.png"])


async def test_a_file_is_renamed_in_its_place_and_the_renaming_taken_back(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "f2", "delete", *"cat", "enter")
        await until(pilot, lambda: "cat.png" in names(app))
        assert sorted(path.name for path in workspace.glob("[!.]*.png")) == [
            "cat.png", "picture10.png", "picture2.png", "picture3.png",
        ]  # fmt: skip
        await pilot.press("u")
        await until(pilot, lambda: "picture1.png" in names(app) and (workspace / "picture1.png").exists())


async def test_a_new_name_never_writes_over_a_file_nor_leaves_the_folder(workspace: Path) -> None:
    before = (workspace / "picture2.png").read_bytes()
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        for bad in ("picture2", "../outside", ""):
            await pilot.press("home", "down", "f2")
            field = app.explorer.query_one("#explorer-name")
            field.value = f"{bad}.png" if bad else ""  # type: ignore[attr-defined]
            await pilot.press("enter", "escape")
            await pilot.pause()
        assert (workspace / "picture1.png").exists() and (workspace / "picture2.png").read_bytes() == before
        assert not (workspace.parent / "outside.png").exists()


async def test_the_trash_asks_first_and_takes_what_is_selected(workspace: Path, home: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "space", "space", "delete")
        await until(pilot, lambda: "Move 2 items to the trash?" in screen_text(app))
        assert "picture1.png" in screen_text(app)
        await pilot.press("enter")  # the focus is on not doing it
        await until(pilot, lambda: len(app.screen_stack) == 1)
        assert (workspace / "picture1.png").exists()
        await pilot.press("delete", "y")
        await until(pilot, lambda: "picture1.png" not in names(app) and "picture2.png" not in names(app))
        assert "picture3.png" in names(app)
        assert not (workspace / "picture1.png").exists()


async def test_paths_are_copied_one_a_line(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "space", "space", "y")
        assert app.clipboard == f"{workspace / 'picture1.png'}\n{workspace / 'picture2.png'}"


async def test_thumbnails_show_the_folder_and_keep_cursor_and_selection(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test(size=(60, 30)) as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "down", "space", "t")
        await until(pilot, lambda: app.explorer.query_one("#explorer-grid").display)
        assert current(app) == "picture3.png"
        assert [path.name for path in app.explorer.selected_paths()] == ["picture2.png"]
        await until(pilot, lambda: "▀" in screen_text(app) or "▄" in screen_text(app))
        await pilot.press("right")
        assert current(app) == "picture10.png"
        await pilot.press("t")
        await until(pilot, lambda: not app.explorer.query_one("#explorer-grid").display)
        assert current(app) == "picture10.png"
