"""What was used lately: commands, folders, the files of each folder. One small file of lists, replaced as a whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from vlmtui.paths import recently_used_file

COMMANDS = "commands"
"""The list of commands; the files of a folder have its path, which is absolute, as their list's name."""

_MOST = 50
_LISTS = 100
_LONGEST = 2 * 1024 * 1024


class _Used(msgspec.Struct):
    """The file's content: lists, the one used last at the end; in each, the newest first."""

    version: int = 1
    lists: dict[str, list[str]] = {}


def recently_used(name: str, file: Path | None = None) -> list[str]:
    """Return what is in the list `name`, newest first; nothing when the file is missing or damaged."""
    return _read(file or recently_used_file()).lists.get(name, [])


def use(name: str, entry: str, file: Path | None = None) -> None:
    """Put `entry` first in the list `name`. What cannot be written is not worth a word: only the order is lost."""
    file = file or recently_used_file()
    used = _read(file)
    entries = used.lists.pop(name, [])
    used.lists[name] = [entry, *(old for old in entries if old != entry)][:_MOST]
    while len(used.lists) > _LISTS:
        del used.lists[next(iter(used.lists))]
    try:
        body = msgspec.json.encode(used)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=file.parent, prefix=".used-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(body)
            Path(aside).replace(file)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except (OSError, UnicodeEncodeError):
        return


def _read(file: Path) -> _Used:
    try:
        with file.open("rb") as stream:
            return msgspec.json.decode(stream.read(_LONGEST), type=_Used)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return _Used()
