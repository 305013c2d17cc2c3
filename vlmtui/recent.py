"""The folders that were opened last, newest first, kept in a small file that is replaced as a whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from vlmtui.paths import recent_file

_MOST = 30
_LONGEST = 256 * 1024


class _Recent(msgspec.Struct):
    """The file's content."""

    version: int = 1
    folders: list[str] = []


def recent_folders(file: Path | None = None) -> list[Path]:
    """Return the folders that were opened last, newest first; none when the file is missing or damaged.

    Nothing is asked of the folders themselves: they may be gone, or on a share that does not answer.
    """
    try:
        with (file or recent_file()).open("rb") as stream:
            kept = msgspec.json.decode(stream.read(_LONGEST), type=_Recent)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return []
    return [Path(folder) for folder in kept.folders if os.path.isabs(folder)]  # noqa: PTH117


def remember_folder(folder: Path, file: Path | None = None) -> None:
    """Put `folder` first. A file that cannot be written is not worth a word: nothing but the order is lost."""
    file = file or recent_file()
    folders = [folder, *(old for old in recent_folders(file) if old != folder)][:_MOST]
    try:
        body = msgspec.json.encode(_Recent(folders=[str(path) for path in folders]))
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name of its own: two workbenches may be opened at once.
        handle, aside = tempfile.mkstemp(dir=file.parent, prefix=".recent-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(body)
            Path(aside).replace(file)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except (OSError, UnicodeEncodeError):
        return
