"""Pictures that a data set holds as bytes, as files that can be drawn and attached: bounded, private, cleared away."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil

from vlmtui.paths import cache_directory

MAX_PICTURE = 64 * 1024 * 1024
_KEPT_BYTES = 512 * 1024 * 1024
_SUFFIXES = (
    (b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
)  # fmt: skip


class Extracted:
    """A folder in the user's cache that goes with this process."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._files: dict[Path, int] = {}

    def file_of(self, data: bytes, name: str) -> Path:
        """Write `data` under `name` (no ending, no folder) and return the file; the oldest make room.

        Raises:
            OSError: the disk is full or may not be written.
        """
        if self._folder is None:
            place = cache_directory() / "rows"
            place.mkdir(mode=0o700, exist_ok=True)
            _clear_away(place)
            self._folder = place / str(os.getpid())
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(mode=0o700)
        path = self._folder / (name + _suffix(data))
        if path in self._files and path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
            return path
        path.write_bytes(data)
        self._files.pop(path, None)
        self._files[path] = len(data)
        while sum(self._files.values()) > _KEPT_BYTES and len(self._files) > 1:
            oldest = next(iter(self._files))
            del self._files[oldest]
            oldest.unlink(missing_ok=True)
        return path

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _clear_away(place: Path) -> None:
    """Remove what processes have left that were killed."""
    for folder in place.iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid() and not psutil.pid_exists(int(folder.name)):
            with suppress(OSError):
                shutil.rmtree(folder)


def _suffix(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for magic, suffix in _SUFFIXES if data.startswith(magic)), ".png")
