"""The viewer of videos in a real pty: what terminals that draw pictures are sent; a slow one is not flooded."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.terminal import Terminal
from tests.ui.test_preview_terminal import _pictures
from tests.unit.graphics.test_sixel import decode
from tests.unit.media.made import number_of, write_numbered

_APP = """
import sys
from pathlib import Path
from textual.app import App
from vlmtui.media.client import MediaClient
from vlmtui.ui.graphics.detect import asking
from vlmtui.ui.widgets.video_view import VideoView

class Bench(App):
    def get_driver_class(self):
        return asking(super().get_driver_class())
    def compose(self):
        self.media = MediaClient()
        yield VideoView(self.media, graphics=sys.argv[1])
    def on_mount(self):
        self.query_one(VideoView).path = Path(sys.argv[2])
        self.query_one(VideoView).focus()
    async def on_unmount(self):
        await self.media.close()

Bench().run()
"""


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_numbered(tmp_path / "film.mp4", 100)


def opened(video: Path, graphics: str) -> Terminal:
    return Terminal([sys.executable, "-c", _APP, graphics, str(video)], columns=80, rows=30)


def number_said(terminal: Terminal) -> int:
    """Return which frame the screen says it is."""
    return int(re.findall(r"frame (\d+) of", terminal.text)[0])


def test_kitty_is_sent_the_frame_and_the_strip(video: Path) -> None:
    with opened(video, "kitty") as terminal:
        terminal.wait_for("the model is sent 8 frames")
        terminal.settle(0.5)
        terminal.press("5")
        terminal.wait_for("frame 51 of 100")
        terminal.settle(0.5)
        pictures = [image.convert("RGB") for _, _, image in _pictures(bytes(terminal.received))]
        assert number_of(np.asarray(pictures[0])) == 0
        assert 50 in [number_of(np.asarray(image)) for image in pictures]
        # A page of the strip is as wide as the screen and a few rows high.
        assert any(image.width > 6 * image.height for image in pictures)
        sent = bytes(terminal.received)
        assert sent.count(b"a=d,d=I") >= len(pictures) - 3  # what was replaced is freed


def test_sixels_of_the_frame(video: Path) -> None:
    with opened(video, "sixel") as terminal:
        terminal.wait_for("the model is sent 8 frames")
        terminal.settle(0.5)
        before = len(terminal.received)
        terminal.press("end")
        terminal.wait_for("frame 100 of 100")
        terminal.settle(0.5)
        rows = re.findall(rb"\x1b8(\x1bP0;1;0q[^\x1b]*\x1b\\)", bytes(terminal.received[before:]))
        images = [decode(row)[0] for row in rows]
        widths = {image.shape[1] for image in images}
        frame = [image for image in images if image.shape[1] == max(widths)]
        assert number_of(frame[len(frame) // 2]) == 99


def test_a_terminal_that_stops_reading_gets_no_backlog_of_frames(video: Path) -> None:
    with opened(video, "half-block") as terminal:
        terminal.wait_for("the model is sent 8 frames")
        terminal.settle(0.5)
        terminal.press(" ")
        terminal.wait(lambda: number_said(terminal) >= 5)
        time.sleep(3)  # the line is dead; the video goes on
        before = len(terminal.received)
        terminal.press(" ")
        terminal.settle(1.0, 5)
        places = re.findall(rb"frame (\d+) of", bytes(terminal.received[before:]))
        assert len(places) < 12
        assert "▶" in terminal.text  # the key was heard at once, not after what had gathered


def test_a_bad_video_is_a_line_in_a_real_terminal(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("words")
    with opened(tmp_path / "bad.mp4", "half-block") as terminal:
        terminal.wait_for("no video that can be read")
