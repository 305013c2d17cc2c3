"""In a real tmux, with its own defaults: the keys that it lets through, the mouse, pictures, and a narrower pane."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from .terminal import VLMTUI, Terminal

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
def inside(tmp_path: Path, home: Path) -> Iterator[Terminal]:
    """The workbench over a folder with pictures, in a tmux session of its own."""
    settings = home / ".config" / "vlmtui" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('load_model = "question"\n', encoding="utf-8")
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in (("one", (200, 40, 40)), ("two", (40, 160, 60))):
        Image.new("RGB", (64, 48), colour).save(folder / f"{name}.png")
    tmux = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "tmux")]
    with Terminal([*tmux, "new-session", VLMTUI, "open", str(folder)], columns=120, rows=40) as terminal:
        subprocess.run([*tmux, "set-option", "-g", "mouse", "on"], check=False)
        yield terminal
        subprocess.run([*tmux, "kill-server"], check=False, stderr=subprocess.DEVNULL)


def test_the_workbench_is_used_by_keys_and_mouse(inside: Terminal) -> None:
    inside.wait_for("two.png", 60)
    inside.press("down")
    inside.wait_for("64x48")
    inside.wait(lambda: "▀" in inside.text, what="the picture")
    inside.press("f6")
    inside.wait_for("Model's view")
    inside.press("ctrl+p")
    inside.wait_for("Open a file")
    inside.type("two")
    inside.wait_for("1 of 2 files")
    inside.press("enter")
    inside.wait(lambda: "two.png" in inside.lines[0], what="the other picture's tab")
    inside.press("f9")
    inside.wait(lambda: "by name" not in inside.text, what="the side bar to go")
    inside.press("f9")
    inside.wait_for("by name")
    row = next(number for number, line in enumerate(inside.lines, 1) if "one.png" in line)
    inside.type(f"\x1b[<0;8;{row}M\x1b[<0;8;{row}m")  # a click
    inside.wait(lambda: "one.png" in inside.lines[0], what="the clicked picture's tab")
    inside.resize(80, 24)
    inside.wait(lambda: "one.png" in inside.lines[0] and "tmux" not in inside.lines[0], what="the smaller window")
    inside.wait(lambda: "loads with the first question" in inside.lines[-2], what="the status bar in the last row")
    inside.press("ctrl+q")
    assert inside.wait_for_end() == 0
