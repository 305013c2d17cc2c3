"""One line on stderr that says how far a command is."""

from __future__ import annotations

from typing import TextIO

from vlmtui.safetext import safe_line


class ProgressLine:
    """A line that is written over, only where the stream is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._shown = 0

    def show(self, line: str) -> None:
        """Show `line` in place of the last one."""
        if self._live:
            line = safe_line(line, 78)
            self._stream.write("\r" + line + " " * (self._shown - len(line)))
            self._stream.flush()
            self._shown = len(line)

    def clear(self) -> None:
        """Leave the line empty."""
        if self._live and self._shown:
            self._stream.write("\r" + " " * self._shown + "\r")
            self._stream.flush()
            self._shown = 0

    def note(self, line: str) -> None:
        """Print a line that stays."""
        if self._live:
            self.clear()
            self._stream.write(safe_line(line) + "\n")
            self._stream.flush()
