"""The end of a log that another process writes, read piece by piece."""

from __future__ import annotations

from pathlib import Path

from vlmtui.safetext import safe_line

_FIRST_BYTES = 64 * 1024
_MOST_BYTES = 256 * 1024
_LONGEST = 2_000


class LogTail:
    """Reads the lines that came to the file at `path`. A file that is missing, shortened or replaced is no error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = -1
        self._file = (0, 0)
        self._rest = b""

    def read(self) -> list[str]:
        """Return the lines that are new and whole, safe to show; at first the last ones of the file."""
        try:
            with self.path.open("rb") as file:
                return self._read(file)
        except OSError:
            self._at, self._rest = -1, b""
            return []

    def _read(self, file: object) -> list[str]:
        import io
        import os

        assert isinstance(file, io.BufferedReader)
        status = os.fstat(file.fileno())
        identity, size = (status.st_dev, status.st_ino), status.st_size
        if identity != self._file or size < self._at:
            start = 0 if self._at >= 0 else max(0, size - _FIRST_BYTES)
            cut, self._rest = start > 0, b""
        else:
            start = max(self._at, size - _MOST_BYTES)
            cut = start > self._at
        self._file = identity
        file.seek(start)
        data = file.read(size - start)
        self._at = start + len(data)
        lines = (b"" if cut else self._rest) + data
        *whole, self._rest = lines.split(b"\n")
        if len(self._rest) > _LONGEST * 4:
            self._rest = self._rest[-_LONGEST * 4 :]
        return [_shown(line) for line in (whole[1:] if cut else whole)]


def _shown(line: bytes) -> str:
    """Return a line as it would stand in a terminal: a progress bar that wrote over itself is its last state."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    return safe_line(text.rpartition("\r")[2], _LONGEST)
