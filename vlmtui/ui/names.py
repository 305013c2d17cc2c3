"""Giving files and folders names: which names are possible, and renaming that never replaces anything."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from vlmtui.media.errors import shown_name

_MOST_BYTES = 255


def objection(name: str) -> str:
    """Return one line that says why no file should have this name; empty when it may."""
    if not name.strip():
        return "A name needs at least one letter."
    if "/" in name or os.sep in name or (os.altsep and os.altsep in name):
        return f"A name has no “{os.sep}” in it: nothing is moved to another folder here."
    if name in (".", ".."):
        return f"“{name}” means a folder already."
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name):
        return "A name with control characters harms terminals: leave them out."
    if name != name.strip():
        return "A name that starts or ends with a space is hard to find again: leave it out."
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError:
        return "The file system cannot write this name: choose plain letters."
    if length > _MOST_BYTES:
        return f"The name has {length} bytes; file systems take {_MOST_BYTES}."
    return ""


def rename(path: Path, name: str) -> str:
    """Give the file or folder at `path` another name in its folder; return why not, or an empty line.

    What has that name already is never replaced; only letters changed from small to capital is the same file.
    """
    target = path.with_name(name)
    try:
        if _is_same(path, target):
            os.rename(path, target)  # noqa: PTH104 - of a link the link itself
        elif os.path.lexists(target):
            return _taken(target)
        else:
            _move(path, target)
    except FileExistsError:
        return _taken(target)
    except OSError as error:
        return f"{shown_name(path)} was not renamed: {error.strerror or error}."
    return ""


def _move(path: Path, target: Path) -> None:
    """Rename, and fail where `target` has come to be meanwhile: a plain rename would replace it."""
    if path.is_symlink() or not path.is_dir():
        try:
            os.link(path, target, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:
            pass  # a file system without links: there the look that was taken before must do
        else:
            path.unlink()
            return
    os.rename(path, target)  # noqa: PTH104


def _taken(path: Path) -> str:
    return f"There is a {shown_name(path)} already; choose another name."


def make_folder(path: Path) -> str:
    """Make the folder at `path`; return why not, or an empty line."""
    try:
        path.mkdir()
    except FileExistsError:
        return _taken(path)
    except OSError as error:
        hint = "" if error.errno != errno.ENOSPC else " Free some room first."
        return f"{shown_name(path)} was not made: {error.strerror or error}.{hint}"
    return ""


def _is_same(path: Path, target: Path) -> bool:
    """Return whether both names are of one file on a file system that takes capitals for small letters."""
    alike = path.name.casefold() == target.name.casefold() and path.name != target.name
    return alike and os.path.lexists(target) and _id(path) == _id(target)


def _id(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino
