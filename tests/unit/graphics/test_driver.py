"""The driver in a real pty, with this test as the terminal that answers late and in pieces."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from vlmtui.ui.graphics.replies import QUESTION

_APP = """
import sys
from textual.app import App
from textual.widgets import Input, Static
from vlmtui.ui.graphics.detect import asking

class Asking(App):
    def get_driver_class(self):
        return asking(super().get_driver_class())
    def compose(self):
        yield Input()
        yield Static("waiting")
    def on_mount(self):
        self.query_one(Input).focus()
        self.call_after_refresh(lambda: self._driver.ask(self.answered))
    def answered(self, replies):
        self.replies = replies
        self.query_one(Static).update("answered")
    replies = None
    def on_input_submitted(self, event):
        self.exit((event.value, self.replies))

open(sys.argv[1], "w").write(repr(Asking().run()))
"""


class _Terminal:
    def __init__(self, result: Path) -> None:
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.environ.pop("TMUX", None)
            os.execv(sys.executable, [sys.executable, "-c", _APP, str(result)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 40, 0, 0))

    def until(self, words: bytes, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while words not in self.seen:
            assert time.monotonic() < end, self.seen[-300:]
            self.read(0.1)

    def read(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.seen += os.read(self.fd, 65536)
                except OSError:
                    return

    def send(self, *pieces: str, pause: float = 0.02) -> None:
        for piece in pieces:
            os.write(self.fd, piece.encode())
            self.read(pause)

    def finish(self) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
            self.read(0.05)
        os.kill(self.pid, signal.SIGKILL)
        pytest.fail("the app did not end")


def _run(tmp_path: Path, *pieces: str, pause: float = 0.02) -> tuple[str, str]:
    terminal = _Terminal(tmp_path / "result")
    terminal.until(QUESTION.encode())
    assert terminal.seen.count(QUESTION.encode()) == 1
    terminal.send(*pieces, pause=pause)
    terminal.until(b"answered")
    terminal.send("\r")
    terminal.finish()
    value, _, replies = (tmp_path / "result").read_text().partition(", ")
    return value, replies


def test_answers_between_key_presses_and_in_pieces(tmp_path: Path) -> None:
    value, replies = _run(
        tmp_path, "a", "\x1bP>|kit", "ty(0.41.1)\x1b", "\\", "b", "\x1b_Gi=31;", "OK\x1b\\c", "\x1b[6;2", "0;10t",
        "\x1b", "[?62;4", "cd",
    )  # fmt: skip
    assert value == "('abcd'"
    assert "name='kitty(0.41.1)', kitty=True, sixel=True, cell=(10, 20)" in replies


def test_a_terminal_that_answers_nothing(tmp_path: Path) -> None:
    terminal = _Terminal(tmp_path / "result")
    terminal.until(QUESTION.encode())
    terminal.send("h", "i", "\x1b", pause=0.3)  # Escape on its own is still a key
    terminal.until(b"answered")
    terminal.send("\x1b_Gi=31;OK\x1b\\", "\x1b[?62;4c", "!", "\r")  # and what comes after the waiting is no key
    terminal.finish()
    assert (tmp_path / "result").read_text().startswith("('hi!', Replies(name=''")


def test_leaving_at_once_leaves_no_answer_for_the_shell(tmp_path: Path) -> None:
    terminal = _Terminal(tmp_path / "result")
    terminal.until(QUESTION.encode())
    terminal.send("\r", pause=0.1)
    terminal.send("\x1bP>|XTerm(379)\x1b\\\x1b[?64;4c")
    terminal.finish()
    terminal.read(0.2)
    assert b"XTerm(379)" not in terminal.seen  # in its usual state, which is a shell's, the terminal echoes
