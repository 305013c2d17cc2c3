"""Opening another folder: what was opened lately, any path, and a file of them that is damaged."""

from __future__ import annotations

from pathlib import Path

from textual.app import App

from tests.ui.conftest import screen_text, until
from vlmtui.recent import recent_folders, remember_folder
from vlmtui.ui.screens.folder_picker import FolderPicker


class PickerApp(App[None]):
    """The picker over nothing; keeps what it returned."""

    chosen: Path | None = None

    def on_mount(self) -> None:
        self.push_screen(FolderPicker(recent_folders()), self.keep)

    def keep(self, folder: Path | None) -> None:
        self.chosen = folder


async def test_a_recent_folder_is_found_by_letters_and_a_path_is_completed(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        (tmp_path / name / "inside").mkdir(parents=True)
        remember_folder(tmp_path / name)
    app = PickerApp()
    async with app.run_test() as pilot:
        await until(pilot, lambda: "dogs" in screen_text(app))
        await pilot.press(*"cat")
        await until(pilot, lambda: "dogs" not in screen_text(app))
        await pilot.press("tab")
        await until(pilot, lambda: "inside" in screen_text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.chosen is not None)
    assert app.chosen == tmp_path / "cats" / "inside"


async def test_a_folder_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    remember_folder(tmp_path / "gone")
    app = PickerApp()
    async with app.run_test() as pilot:
        await until(pilot, lambda: "gone" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "longer there" in screen_text(app))
        await pilot.press("escape")
    assert app.chosen is None


def test_the_newest_folder_comes_first_and_a_damaged_file_is_an_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "data" / "recent.json"
    for name in ("a", "b", "a"):
        remember_folder(tmp_path / name, file)
    assert recent_folders(file) == [tmp_path / "a", tmp_path / "b"]
    file.write_bytes(b'{"folders": [1')
    assert recent_folders(file) == []
    remember_folder(tmp_path / "c", file)
    assert recent_folders(file) == [tmp_path / "c"]
