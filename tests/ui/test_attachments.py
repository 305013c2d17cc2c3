"""The files of a question: moved, shown small, pasted from the system's clipboard, and told when they have changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ui.chat_app import ChatApp, answer, ask, painted, screen_text
from tests.ui.conftest import MakeApp, png, ready, until
from tests.ui.conftest import screen_text as whole_screen
from vlmtui.chats.content import content_hash
from vlmtui.ui import clipboard
from vlmtui.ui.widgets.chip import Chip


def program(folder: Path, name: str, text: str) -> None:
    """Write a shell script, as a system's program."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def names(app: ChatApp) -> list[str]:
    return [path.name for path in app.chat.attachments]


async def test_attachments_are_moved_and_removed_singly_by_keys_and_mouse() -> None:
    app = ChatApp()
    async with app.run_test(size=(60, 24)) as pilot:
        for name in ("a.png", "b.png", "c.mp4"):
            app.chat.attach(Path("/pictures") / name)
        await pilot.pause()
        chips = {chip.path.name: chip for chip in app.query(Chip)}
        chips["c.mp4"].focus()
        await pilot.press("left", "left", "left")
        await pilot.pause()
        assert names(app) == ["c.mp4", "a.png", "b.png"]
        assert [chip.path.name for chip in app.query(Chip)] == names(app)
        a = chips["a.png"]
        await pilot.click(a, offset=(a.size.width - 5, 0))  # its sign for moving on
        await pilot.pause()
        assert names(app) == ["c.mp4", "b.png", "a.png"]
        chips["b.png"].focus()
        await pilot.press("delete")
        await pilot.click(a, offset=(a.size.width - 2, 0))
        await pilot.pause()
        assert names(app) == ["c.mp4"]
        assert "◂" not in screen_text(app), "alone it cannot be moved"


async def test_there_is_a_small_picture_where_there_is_room(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        app.workbench.chat.attach(workspace / "picture1.png")
        await until(pilot, lambda: any(chip.thumbnail for chip in app.workbench.query(Chip)))
        chip = app.workbench.query_one(Chip)
        assert chip.size.height == 3
        (colour,) = {style.bgcolor for strip in chip.thumbnail for _, style, _ in strip if style and style.bgcolor}
        assert colour is not None and colour.triplet == (200, 40, 40)
        (workspace / "picture1.png").unlink()
        app.workbench.chat.focus_prompt()
        await pilot.press("h", "i", "enter")
        await until(pilot, lambda: "picture1.png is not there any more" in whole_screen(pilot))
        assert not app.workbench.conversation.messages, "nothing is sent without its picture"


async def test_a_picture_in_the_clipboard_is_kept_and_attached(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "copied.png").write_bytes(png((1, 2, 3)))
    program(programs, "wl-paste", f'cat "{tmp_path}/copied.png"')
    program(programs, "wl-copy", f'cat > "{tmp_path}/text"')
    environment = {"WAYLAND_DISPLAY": "wayland-0", "PATH": f"{programs}:{os.environ['PATH']}"}
    file = await clipboard.picture_of_clipboard(tmp_path / "data" / "pasted", environment)
    assert file.read_bytes() == png((1, 2, 3)) and file.suffix == ".png"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert await clipboard.copy("Grüße", environment) and (tmp_path / "text").read_text() == "Grüße"

    program(programs, "wl-paste", "echo text")
    with pytest.raises(clipboard.NoPicture, match="no picture in the clipboard"):
        await clipboard.picture_of_clipboard(tmp_path, environment)
    with pytest.raises(clipboard.NoPicture, match="install xclip"):
        await clipboard.picture_of_clipboard(tmp_path, {"DISPLAY": ":0", "PATH": str(programs)})
    assert not await clipboard.copy("x", {"PATH": str(programs)})


async def test_ctrl_v_attaches_the_clipboards_picture_else_pastes_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "copied.png").write_bytes(png((1, 2, 3)))
    program(programs, "wl-paste", f'cat "{tmp_path}/copied.png"')
    for name, value in {"WAYLAND_DISPLAY": "wayland-0", "PATH": f"{programs}:{os.environ['PATH']}"}.items():
        monkeypatch.setenv(name, value)
    app = ChatApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.chat.focus_prompt()
        app.copy_to_clipboard("some words")
        await pilot.press("ctrl+v")
        await app.workers.wait_for_complete()
        assert [file.read_bytes() for file in app.chat.attachments] == [png((1, 2, 3))]
        assert app.chat.draft == ""
        program(programs, "wl-paste", "exit 1")  # no picture any more
        await pilot.press("ctrl+v")
        await app.workers.wait_for_complete()
        assert app.chat.draft == "some words"
        monkeypatch.delenv("WAYLAND_DISPLAY")
        await pilot.press("space", "ctrl+v", "!")  # no way to the system's clipboard: at once, in its order
        assert app.chat.draft == "some words some words!"


async def test_a_file_that_changed_since_it_was_asked_about_is_told(tmp_path: Path) -> None:
    same, other, moved = (tmp_path / name for name in ("same.png", "other.png", "moved.png"))
    for file in (same, other, moved):
        file.write_bytes(png((9, 9, 9)))
    app = ChatApp()
    async with app.run_test(size=(80, 24)) as pilot:
        for file in (same, other, moved):
            app.chat.attach(file)
        await ask(pilot, "what?")
        await app.workers.wait_for_complete()
        answer(app.chat, ["that"])
        question = app.chat.conversation.messages[0]
        assert question.hashes == {str(file): content_hash(same) for file in (same, other, moved)}
        other.write_bytes(png((8, 8, 8)))
        moved.rename(tmp_path / "elsewhere.png")
        app.chat.show_conversation(app.chat.conversation)
        await app.workers.wait_for_complete()
        await painted(app, pilot)
        shown = screen_text(app)
        assert "other.png has changed since it was asked about." in shown
        assert "moved.png is not there any more." in shown and "same.png has" not in shown
