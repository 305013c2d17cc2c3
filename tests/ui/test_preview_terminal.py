"""The preview in a real pty: what a terminal that draws pictures is sent, in which order."""

from __future__ import annotations

import base64
import re
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pexpect
import pytest
from PIL import Image

from tests.unit.graphics.test_sixel import decode
from tests.unit.media.made import scene
from vlmtui.ui.graphics.replies import QUESTION

_APP = """
import sys
from pathlib import Path
from textual.app import App
from textual.screen import ModalScreen
from vlmtui.media.client import MediaClient
from vlmtui.ui.graphics.detect import asking
from vlmtui.ui.widgets.preview import Preview

class Dialogue(ModalScreen):
    BINDINGS = [("b", "dismiss", "")]

class Bench(App):
    BINDINGS = [("x", "next", ""), ("y", "modal", "")]
    def get_driver_class(self):
        return asking(super().get_driver_class())
    def compose(self):
        self.media = MediaClient()
        yield Preview(self.media, graphics=sys.argv[1])
    def on_mount(self):
        self.files = [Path(name) for name in sys.argv[2:]]
        self.action_next()
    def action_next(self):
        self.query_one(Preview).path = self.files.pop(0)
    def action_modal(self):
        self.push_screen(Dialogue())
    async def on_unmount(self):
        await self.media.close()

Bench().run()
"""
_PLACEHOLDER = "\U0010eeee".encode()


class Pty:
    """The app in a pty, and all that it wrote."""

    def __init__(self, graphics: str, files: list[Path], term: str) -> None:
        self.seen = b""
        self.child = pexpect.spawn(
            sys.executable, ["-c", _APP, graphics, *map(str, files)], dimensions=(24, 60), timeout=None,
            env={"TERM": term, "COLORTERM": "truecolor", "PATH": "/usr/bin:/bin", "HOME": str(files[0].parent)},
        )  # fmt: skip

    def until(self, words: bytes, since: int = 0, seconds: float = 30.0) -> int:
        """Read until `words` come after `since`; return where they end."""
        end = time.monotonic() + seconds
        while (at := self.seen.find(words, since)) < 0:
            assert time.monotonic() < end, self.seen[-400:]
            self._read(0.1)
        return at + len(words)

    def quiet(self, seconds: float = 0.4) -> int:
        """Read until nothing comes for a while; return how much there is."""
        while self._read(seconds):
            pass
        return len(self.seen)

    def _read(self, seconds: float) -> bool:
        try:
            self.seen += self.child.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            return False
        return True


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "first.png", tmp_path / "second.png"]
    scene(120, 90).save(paths[0])
    Image.new("RGB", (90, 90), (10, 200, 30)).save(paths[1])
    return paths


@pytest.fixture
def started() -> Iterator[list[Pty]]:
    running: list[Pty] = []
    yield running
    for pty in running:
        pty.child.close(force=True)


def _pictures(output: bytes) -> list[tuple[int, int, Image.Image]]:
    """Return place, number and pixels of each picture that was sent by the kitty protocol."""
    found, data = [], b""
    for match in re.finditer(rb"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\", output):
        keys = dict(item.split(b"=") for item in match[1].split(b","))
        if keys.get(b"a") == b"T":
            place, number, data = match.start(), int(keys[b"i"]), b""
        elif keys.get(b"a"):
            continue
        data += match[2]
        if keys[b"m"] == b"0":
            found.append((place, number, Image.open(BytesIO(base64.b64decode(data)))))
    return found


def test_kitty_is_sent_each_picture_once_before_its_cells(files: list[Path], started: list[Pty]) -> None:
    pty = Pty("kitty", files, "xterm-kitty")
    started.append(pty)
    pty.until(_PLACEHOLDER)
    middle = pty.quiet()
    pty.child.send("x")
    pty.until(b"\x1b_Ga=d", middle)
    pty.quiet()
    (place, number, image), (place2, number2, image2) = _pictures(pty.seen)
    assert np.array_equal(np.asarray(image), np.asarray(scene(120, 90)))
    assert image2.size == (90, 90) and image2.getpixel((5, 5)) == (10, 200, 30)
    for at, wanted in ((place, number), (place2, number2)):
        red, green, blue = wanted.to_bytes(3, "big")
        colour = f"\x1b[38;2;{red};{green};{blue}m".encode() + _PLACEHOLDER
        assert at < pty.seen.index(colour)  # sent before the cells that show it
    gone = pty.seen.index(f"\x1b_Ga=d,d=I,i={number},q=2".encode())
    red, green, blue = number2.to_bytes(3, "big")
    assert gone > pty.seen.index(f"\x1b[38;2;{red};{green};{blue}m".encode() + _PLACEHOLDER)  # never neither
    assert b"i=31" not in pty.seen  # a setting asks no question


def test_sixels_are_in_the_same_stream_and_leave_and_come_back_with_a_dialogue(
    files: list[Path], started: list[Pty]
) -> None:
    pty = Pty("auto", files, "xterm-256color")
    started.append(pty)
    pty.until(QUESTION.encode())
    assert b"\x1bP0;1;0q" not in pty.seen
    pty.child.send("\x1bP>|Test(1)\x1b\\\x1b[6;18;9t\x1b[?1;0;256S\x1b[?64;4c")
    pty.until(b"\x1bP0;1;0q")
    drawn = pty.quiet()
    rows = re.findall(rb"\x1b8(\x1bP0;1;0q[^\x1b]*\x1b\\)\x1b8\x1b\[(\d+)C", pty.seen)
    last: dict[int, bytes] = dict(enumerate(row for row, _ in rows[-21:]))
    pixels = np.concatenate([decode(row)[0] for row in last.values()])
    width, height = pixels.shape[1], pixels.shape[0]
    assert height == 21 * 18 and width == int(rows[-1][1]) * 9
    assert width / height == pytest.approx(120 / 90, rel=0.03)
    wanted = np.asarray(scene(120, 90).resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(pixels - wanted).mean() < 14
    pty.child.send("y")
    covered = pty.quiet()
    assert b"\x1bP0;1;0q" not in pty.seen[drawn:covered]
    pty.child.send("b")
    pty.until(b"\x1bP0;1;0q", covered)
    pty.quiet()
    assert pty.seen[covered:].count(b"\x1bP0;1;0q") >= 21


def test_an_old_kitty_gets_half_blocks(files: list[Path], started: list[Pty]) -> None:
    pty = Pty("auto", files, "xterm-kitty")
    started.append(pty)
    pty.until(QUESTION.encode())
    pty.child.send("\x1bP>|kitty(0.26.5)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62;c")
    pty.until("▀▀".encode())
