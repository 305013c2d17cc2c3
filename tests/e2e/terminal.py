"""A real pseudo-terminal with a screen: what a person at a terminal does and sees, for tests and benchmarks."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte
from ptyprocess import PtyProcess

VLMTUI = str(Path(sys.executable).with_name("vlmtui"))
"""The installed program, beside the Python that runs the tests."""

# pyte takes the parameters of sequences that it does not know for text: keyboard protocols, mode queries.
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b_.*?\x1b\\|\x1bP.*?\x1b\\", re.DOTALL
)
_WHOLE_SEQUENCE = re.compile(rb"\x1b(\[[0-9;:?<>=$ ]*[@-~]|[^\[_P\]])")

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
    "f3": "\x1bOR",
    "f4": "\x1bOS",
    "f5": "\x1b[15~",
    "f6": "\x1b[17~",
    "shift+f6": "\x1b[17;2~",
    "f7": "\x1b[18~",
    "f8": "\x1b[19~",
    "f9": "\x1b[20~",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}
"""What terminals send for the keys that have no character of their own."""


class Terminal:
    """A program in a pty, and the screen that it has painted.

    Args:
        arguments: the program and its arguments.
        columns, rows: the terminal's size, in cells.
        environment: added to this process's environment; a value of None removes the variable.
        directory: where the program starts.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 120,
        rows: int = 40,
        environment: Mapping[str, str | None] | None = None,
        directory: Path | None = None,
    ) -> None:
        variables = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        for name in ("TMUX", "NO_COLOR", "TERM_PROGRAM", "KITTY_WINDOW_ID"):
            variables.pop(name, None)
        for name, value in (environment or {}).items():
            if value is None:
                variables.pop(name, None)
            else:
                variables[name] = value
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._pending = b""
        self._unseen = bytearray()  # read, but not on the screen yet
        self.received = bytearray()
        self.last_output = 0.0
        self.started = time.perf_counter()
        self._process = PtyProcess.spawn(
            list(arguments), cwd=directory, env=variables, dimensions=(rows, columns), echo=False
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The program's process id."""
        return int(self._process.pid)

    @property
    def lines(self) -> list[str]:
        """The screen's rows, as text."""
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        """The screen as text."""
        return "\n".join(self.lines)

    @property
    def screen(self) -> pyte.Screen:
        """The screen with colours and cursor."""
        return self._screen

    def press(self, *keys: str) -> None:
        """Press keys by name (see `KEYS`), or a character each."""
        for key in keys:
            self._process.write(KEYS.get(key, key).encode())

    def type(self, text: str) -> None:
        """Type `text` as a person does, character by character."""
        self._process.write(text.encode())

    def read(self, seconds: float) -> bool:
        """Take in what the program writes within `seconds`; return whether there was anything."""
        if not select.select([self._process.fd], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._process.fd, 65536)
        except OSError:  # Linux says EIO when the program has gone
            return False
        if not data:
            return False
        self.last_output = time.perf_counter()
        self.received += data
        self._unseen += data
        self.catch_up()
        return True

    def read_raw(self, seconds: float) -> bool:
        """As `read`, but the screen takes no notice yet: a benchmark's reader must not be slower than the program,
        nor take the processor that the program needs. `catch_up` shows on the screen what has come."""
        if not select.select([self._process.fd], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._process.fd, 65536)
        except OSError:
            return False
        if data:
            self.last_output = time.perf_counter()
        self.received += data
        self._unseen += data
        return bool(data)

    def catch_up(self, most: int | None = None) -> None:
        """Put on the screen what `read_raw` has taken in; with `most`, so many bytes of it."""
        data = bytes(self._unseen[:most])
        del self._unseen[:most]
        self._feed(data)

    def drain(self, quiet: float) -> None:
        """As `read_raw`, until nothing has come for `quiet` seconds."""
        while self.read_raw(quiet):
            pass

    def wait(self, condition: Callable[[], bool], seconds: float = 60.0, what: str = "") -> None:
        """Read until `condition` holds.

        Raises:
            AssertionError: it does not within `seconds`, or the program ended; with the screen as it is.
        """
        deadline = time.perf_counter() + seconds
        while not condition():
            left = deadline - time.perf_counter()
            ended = not self._process.isalive()
            if not self.read(min(left, 0.25)) and (ended or left <= 0):
                if condition():
                    return
                state = "ended" if ended else "timed out"
                raise AssertionError(f"{state} waiting for {what or condition}:\n{self.text}")

    def wait_for(self, text: str, seconds: float = 60.0) -> None:
        """Read until `text` is on the screen."""
        self.wait(lambda: text in self.text, seconds, repr(text))

    def wait_until_gone(self, text: str, seconds: float = 60.0) -> None:
        """Read until `text` is no longer on the screen."""
        self.wait(lambda: text not in self.text, seconds, f"{text!r} to go")

    def settle(self, quiet: float = 0.25, seconds: float = 20.0) -> None:
        """Read until nothing has been written for `quiet` seconds."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline and self.read(quiet):
            pass

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size."""
        self._screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def wait_for_end(self, seconds: float = 20.0) -> int:
        """Read until the program has ended; return its exit code (negative: the signal)."""
        deadline = time.perf_counter() + seconds
        while self._process.isalive():
            if time.perf_counter() > deadline:
                raise AssertionError(f"still running:\n{self.text}")
            self.read(0.1)
        while self.read(0.0):
            pass
        status = self._process.exitstatus
        return int(status) if status is not None else -int(self._process.signalstatus)

    def close(self) -> None:
        """End the program, if it still runs, and everything that it started."""
        if self._process.isalive():
            self._process.terminate(force=True)
        self._process.close(force=True)

    def _feed(self, data: bytes) -> None:
        data = self._pending + data
        # Hold back a sequence that is not complete yet, for the filter sees whole ones only.
        start = data.rfind(b"\x1b")
        if start >= 0 and len(data) - start < 4096 and not _WHOLE_SEQUENCE.match(data, start):
            self._pending, data = data[start:], data[:start]
        else:
            self._pending = b""
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))


def run(
    *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Run the installed `vlmtui` without a terminal."""
    return subprocess.run(
        [VLMTUI, *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
    )
