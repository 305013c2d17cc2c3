"""Which files a batch is about."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from vlmtui.media.kinds import kind_of

_NUMBER = re.compile(r"(\d+)")


class BadPath(Exception):
    """A path that nothing can be asked about; the message says why, for the user."""


class File(msgspec.Struct, frozen=True):
    """A file that is asked about: its absolute path, and what it is called in the result."""

    path: str
    name: str


def files_of(names: Iterable[str]) -> list[File]:
    """Return the files that `names` stand for, each once, in order: files as they are, folders with all below them.

    Of a folder the pictures and videos count, those of hidden folders and hidden ones not, sorted as people count
    (`2.png` before `10.png`). Links to folders are not followed.

    Raises:
        BadPath: there is no such file, it is no picture or video by its name, or nothing is left.
    """
    found: dict[str, File] = {}
    names = list(names)
    for name in names:
        path = Path(name).expanduser()
        try:
            if path.is_dir():
                for inside in _inside(path):
                    found.setdefault(*_file(inside))
            elif not path.exists():
                raise BadPath(f"{name}: there is no such file")
            elif kind_of(path) in ("text", "dataset"):
                raise BadPath(f"{name} is neither a picture nor a video")
            else:
                found.setdefault(*_file(path))
        except OSError as error:  # a name that is too long, a folder that may not be entered
            raise BadPath(f"{name}: {error.strerror or error}") from error
    if not found:
        raise BadPath(f"there is no picture or video in {', '.join(names)}")
    return list(found.values())


def _file(path: Path) -> tuple[str, File]:
    absolute = _text(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links: a link is its own file
    return absolute, File(path=absolute, name=_text(str(path)))


def _text(path: str) -> str:
    """Return `path` as text; a name that is not UTF-8 gets its bytes written out, and will not be found."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _inside(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        if Path(error.filename or "") == folder:
            raise error

    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted((name for name in folders if not name.startswith(".")), key=_as_people_count)
        for name in sorted(names, key=_as_people_count):
            if not name.startswith(".") and kind_of(name) in ("picture", "video"):
                yield Path(place) / name


def _as_people_count(name: str) -> list[tuple[int, str]]:
    pieces = _NUMBER.split(name.lower())
    return [(int(piece), "") if piece.isdecimal() and len(piece) < 20 else (-1, piece) for piece in pieces]
