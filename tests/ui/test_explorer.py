"""The explorer: lazy, in natural order, safe with any name, and never in the way of the terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ui.conftest import screen_text, until
from tests.ui.explorer_app import ExplorerApp, names
from vlmtui.ui.widgets.explorer import Explorer
from vlmtui.ui.widgets.listing import Entry, leads_back, natural_key, read_folder


async def test_folders_come_first_and_numbers_sort_as_numbers(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        assert names(app) == [
            "more",
            "picture1.png",
            "picture2.png",
            "picture3.png",
            "picture10.png",
            "questions.jsonl",
            "README.md",
        ]


async def test_hidden_files_are_off_until_asked_for(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        assert ".hidden.png" not in names(app)
        await pilot.press("full_stop")
        await until(pilot, lambda: ".hidden.png" in names(app))
        await pilot.press("full_stop")
        await until(pilot, lambda: ".hidden.png" not in names(app))


async def test_a_folder_opens_and_closes_and_left_goes_to_it(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("right")
        await until(pilot, lambda: "inside.png" in names(app))
        await pilot.press("down")
        assert app.explorer.selected is not None
        assert app.explorer.selected.path == workspace / "more" / "inside.png"
        await pilot.press("left")
        assert app.explorer.selected.name == "more"
        await pilot.press("left")
        await until(pilot, lambda: "inside.png" not in names(app))


async def test_refresh_shows_what_is_new_and_keeps_open_folders_and_the_cursor(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("enter")
        await until(pilot, lambda: "inside.png" in names(app))
        await pilot.press("down", "down", "down")
        assert app.explorer.selected is not None
        assert app.explorer.selected.name == "picture2.png"
        (workspace / "a-new-one.png").touch()
        (workspace / "more" / "newer.png").touch()
        (workspace / "picture1.png").unlink()
        await pilot.press("r")
        await until(pilot, lambda: "a-new-one.png" in names(app) and "newer.png" in names(app))
        assert "inside.png" in names(app)
        assert "picture1.png" not in names(app)
        assert app.explorer.selected.name == "picture2.png"


async def test_enter_attaches_and_goes_a_attaches_and_stays(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("down", "enter", "a")
        await until(pilot, lambda: len(app.attached) == 2)
        assert app.attached == [(workspace / "picture1.png", False), (workspace / "picture1.png", True)]


async def test_a_file_deep_in_the_folder_can_be_selected_from_the_start(workspace: Path) -> None:
    app = ExplorerApp(workspace, select=workspace / "more" / "inside.png")
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.selected == [workspace / "more" / "inside.png"])
        await pilot.press("down")
        await until(pilot, lambda: app.selected[-1].name == "picture1.png")


async def test_a_text_cannot_be_attached_and_says_so(workspace: Path) -> None:
    app = ExplorerApp(workspace, select=workspace / "README.md")
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: app.explorer.rows)
        assert app.explorer.selected is not None
        assert app.explorer.selected.name == "README.md"
        await pilot.press("enter")
        await until(pilot, lambda: "Only pictures and videos" in screen_text(pilot))
        assert not app.attached


async def test_while_a_key_is_held_each_file_that_comes_by_is_announced_once(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"p{number}.png").touch()
    app = ExplorerApp(tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.selected)
        app.selected.clear()
        await pilot.press(*["down"] * 100)
        await until(pilot, lambda: app.selected and app.selected[-1].name == "p100.png")
        assert [path.name for path in app.selected] == [f"p{number}.png" for number in range(1, 101)]


async def test_a_folder_that_is_gone_says_so_in_a_line(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmtui.ui.widgets.explorer_rows.LOOK_EVERY_S", 3600.0)  # else it is gone from the list soon
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        (workspace / "more" / "inside.png").unlink()
        (workspace / "more").rmdir()
        await pilot.press("enter")
        await until(pilot, lambda: "No such file or directory" in screen_text(pilot))
        await pilot.press("down", "enter", "a")
        await pilot.pause()
        assert not app.attached


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_folder_that_may_not_be_read_says_so_in_a_line(workspace: Path) -> None:
    (workspace / "more").chmod(0)
    try:
        app = ExplorerApp(workspace)
        async with app.run_test() as pilot:
            await until(pilot, lambda: app.explorer.rows)
            await pilot.press("enter")
            await until(pilot, lambda: "Permission denied" in screen_text(pilot))
    finally:
        (workspace / "more").chmod(0o700)


async def test_a_link_to_a_folder_above_is_not_followed(workspace: Path) -> None:
    (workspace / "more" / "up").symlink_to(workspace)
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("enter")
        await until(pilot, lambda: "up" in names(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: any("lies in" in name for name in names(app)))


def test_a_link_to_itself_leads_back(tmp_path: Path) -> None:
    (tmp_path / "self").symlink_to(tmp_path / "self")
    root = Entry(str(tmp_path), "folder", None)
    assert leads_back(Entry("self", "folder", root))


async def test_hostile_names_reach_the_screen_as_text(tmp_path: Path) -> None:
    hostile = ["\x1b]52;c;aGk=\x07.png", "[red]markup[].png", "two\nlines.png"]
    hostile += ["\u202egnp.exe", "[@click=app.quit]x[]", "\udcff.png"]
    for name in hostile:
        (tmp_path / name).touch()
    app = ExplorerApp(tmp_path)
    async with app.run_test(size=(60, 12)) as pilot:
        await until(pilot, lambda: len(app.explorer.rows) == 6)
        text = screen_text(pilot)
        assert not {"\x1b", "\x07", "\u202e", "\udcff"} & set(text)
        assert "[red]markup[].png" in text
        assert "two lines.png" in text
        for _ in range(6):  # and each can be selected
            await pilot.press("down")
        await until(pilot, lambda: app.selected)


async def test_long_and_wide_names_fit_the_line(tmp_path: Path) -> None:
    (tmp_path / ("長い名前" * 15 + ".png")).touch()
    (tmp_path / ("x" * 200 + ".png")).touch()
    app = ExplorerApp(tmp_path)
    async with app.run_test(size=(30, 6)) as pilot:
        await until(pilot, lambda: app.explorer.rows)
        for y in range(2):
            assert app.explorer.view.render_line(y).cell_length == app.explorer.view.size.width
            assert "…" in app.explorer.view.render_line(y).text


async def test_of_many_files_the_first_are_shown_before_all_are_read_and_the_last_is_reached(tmp_path: Path) -> None:
    for number in range(20_000):
        os.close(os.open(tmp_path / f"img_{number}.jpg", os.O_CREAT | os.O_WRONLY))
    app = ExplorerApp(tmp_path)
    early: list[int] = []
    show = app.explorer._show_early

    def show_and_count(folder: Entry, found: list[Entry]) -> None:
        early.append(len(found))
        show(folder, found)

    app.explorer._show_early = show_and_count  # type: ignore[method-assign]
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: len(app.explorer.rows) == 20_000 and not app.explorer._root.reading)
        assert early and early[0] <= 1000
        assert app.explorer.cursor == 0 and app.explorer.rows[0].name == "img_0.jpg"
        await pilot.press("end")
        await until(pilot, lambda: "img_19999.jpg" in screen_text(pilot))
        await pilot.press("home", "pagedown")


async def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    app = ExplorerApp(tmp_path)
    async with app.run_test() as pilot:
        await until(pilot, lambda: "empty" in screen_text(pilot))


async def test_a_click_selects_a_second_attaches_and_a_folder_opens(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.click(Explorer, offset=(4, 2))
        await until(pilot, lambda: app.selected and app.selected[-1].name == "picture2.png")
        await pilot.click(Explorer, offset=(4, 2), times=2)
        await until(pilot, lambda: app.attached == [(workspace / "picture2.png", False)])
        await pilot.click(Explorer, offset=(4, 0))
        await until(pilot, lambda: "inside.png" in names(app))


def test_natural_keys_order_as_people_count() -> None:
    mixed = ["b", "img10", "img2", "A", "img02", "img1a", "img1"]
    assert sorted(mixed, key=natural_key) == ["A", "b", "img1", "img1a", "img02", "img2", "img10"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    listing = read_folder(Entry(str(tmp_path / "file"), "folder", None), hidden=False)
    assert listing.error and not listing.entries
