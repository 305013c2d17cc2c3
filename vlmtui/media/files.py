"""Opening a file that somebody else named: never blocking, never a device, never a pipe."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from vlmtui.media.errors import MediaError, from_os_error, shown_name

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: str | os.PathLike[str], kind: type[MediaError]) -> BinaryIO:
    """Open the regular, non-empty file at `path` for reading.

    Opened first and looked at afterwards, through the descriptor, so that nothing can be swapped in between; without
    O_NONBLOCK the mere opening of a named pipe would wait for a writer for ever.

    Raises:
        MediaError: of the class `kind`: missing, unreadable, not a regular file, or empty.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, or a device without a driver
            raise _not_a_file(path, "a socket or device", kind) from None
        raise from_os_error(error, path, kind) from None
    except ValueError:  # a NUL in the name
        raise kind(f"{shown_name(path)}: no file can have this name", "choose another file", "missing") from None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            what = next((words for test, words in _KINDS if test(state.st_mode)), "no regular file")
            raise _not_a_file(path, what, kind)
        if state.st_size == 0:
            raise kind(f"{shown_name(path)} is empty (0 bytes)", "copy or download the file again", "empty")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def stamp_of(path: str | os.PathLike[str]) -> str:
    """Return what changes when the file does (time of change, size, inode); empty when it is not there."""
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{state.st_mtime_ns}-{state.st_size}-{state.st_ino}"


def _not_a_file(path: str | os.PathLike[str], what: str, kind: type[MediaError]) -> MediaError:
    return kind(f"{shown_name(path)} is {what}, not a file", "choose a picture or video file", "not_a_file")
