"""What a job writes into an open folder appears by itself; cursor, selection and scroll stay."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import until
from tests.ui.explorer_app import ExplorerApp, current, names
from vlmtui.ui import watching
from vlmtui.ui.watching import FolderWatch, stamps


async def test_pictures_that_come_go_and_change_their_names_show_and_nothing_moves(tmp_path: Path) -> None:
    for number in range(100, 200):
        (tmp_path / f"p{number}.png").touch()
    app = ExplorerApp(tmp_path)
    async with app.run_test(size=(40, 12)) as pilot:
        await until(pilot, lambda: app.explorer.rows)
        explorer = app.explorer
        explorer.action_mark()
        await pilot.press("end", "up", "up")
        before = explorer.cursor - round(explorer.view.scroll_y)
        assert current(app) == "p197.png"
        (tmp_path / "p000.png").write_bytes(b"half of a pic")
        (tmp_path / "p101.png").unlink()
        (tmp_path / "p102.png").rename(tmp_path / "p1025.png")
        (tmp_path / "p001.png").touch()
        await until(pilot, lambda: {"p000.png", "p001.png", "p1025.png"} <= set(names(app)))
        assert not {"p101.png", "p102.png"} & set(names(app))
        assert current(app) == "p197.png"
        assert explorer.cursor - round(explorer.view.scroll_y) == before
        assert [path.name for path in explorer.selected_paths()] == ["p100.png"]
        (tmp_path / "p100.png").unlink()
        await until(pilot, lambda: not len(explorer.marks))


async def test_only_open_folders_are_looked_at(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        assert [folder.path for folder in app.explorer.files.opened()] == [workspace]
        await pilot.press("right")
        await until(pilot, lambda: "inside.png" in names(app))
        (workspace / "more" / "new.png").touch()
        await until(pilot, lambda: "new.png" in names(app))
        await pilot.press("left")
        assert [folder.path for folder in app.explorer.files.opened()] == [workspace]
        (workspace / "more" / "newer.png").touch()
        await pilot.press("right")
        await until(pilot, lambda: "newer.png" in names(app))


async def test_a_folder_that_vanishes_while_it_is_open_goes_with_what_was_in_it(workspace: Path) -> None:
    app = ExplorerApp(workspace)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.explorer.rows)
        await pilot.press("right")
        await until(pilot, lambda: "inside.png" in names(app))
        await pilot.press("down")
        (workspace / "more" / "inside.png").unlink()
        (workspace / "more").rmdir()
        await until(pilot, lambda: "more" not in names(app))
        assert current(app) in names(app)


def test_a_change_within_the_clocks_grain_is_not_missed(monkeypatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watching, "monotonic", lambda: now[0])
    monkeypatch.setattr(watching, "time_ns", lambda: int(now[0] * 1e9))
    watch, stamp = FolderWatch(), int(999.9 * 1e9)
    watch.has_read("folder", stamp, 0.01)
    assert not watch.is_stale("folder", stamp)
    now[0] += 1
    assert not watch.is_stale("folder", stamp)
    now[0] += 2  # what was written right after the reading may have left the same stamp: once more
    assert watch.is_stale("folder", stamp)
    watch.has_read("folder", stamp, 0.01)
    now[0] += 100
    assert not watch.is_stale("folder", stamp)
    assert watch.is_stale("folder", stamp + 1)


def test_a_folder_that_takes_long_to_read_is_not_read_all_the_time(monkeypatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(watching, "monotonic", lambda: now[0])
    watch = FolderWatch()
    watch.has_read("slow", 1, 2.0)
    now[0] += 7
    assert not watch.is_stale("slow", 2)
    now[0] += 2
    assert watch.is_stale("slow", 2)


def test_a_folder_that_is_gone_has_no_stamp(tmp_path: Path) -> None:
    assert stamps([tmp_path / "gone"]) == [-1]
    assert stamps([tmp_path])[0] > 0
