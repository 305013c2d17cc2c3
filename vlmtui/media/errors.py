"""Why a picture or a video cannot be shown: always a cause and a remedy, each one line that is safe to show."""

from __future__ import annotations

import errno
import os
from pathlib import PurePath

from vlmtui.safetext import safe_line


class MediaError(Exception):
    """A file that cannot be used.

    Attributes:
        cause: one line: what is wrong with which file.
        remedy: one line: what to do about it.
        code: stable, for programs: `missing`, `unreadable`, `not_a_file`, `empty`, `foreign`, `damaged`, `too_large`.
    """

    def __init__(self, cause: str, remedy: str, code: str = "damaged") -> None:
        self.cause = safe_line(cause, 200)
        self.remedy = safe_line(remedy, 200)
        self.code = code
        super().__init__(f"{self.cause}; {self.remedy}")


class Superseded(MediaError):
    """Nobody waits for it any more: a newer picture was asked for."""

    def __init__(self) -> None:
        super().__init__("a newer picture was asked for", "", "superseded")


class PictureError(MediaError):
    """A picture that cannot be used."""


class VideoError(MediaError):
    """A video that cannot be used."""


def shown_name(path: str | os.PathLike[str]) -> str:
    """Return the file's name as it may be shown: one safe line of at most 60 characters."""
    return safe_line(PurePath(path).name or str(path), 60)


def from_os_error(error: OSError, path: str | os.PathLike[str], kind: type[MediaError]) -> MediaError:
    """Return what the operating system said about opening or reading `path`, as a cause and a remedy."""
    name = shown_name(path)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return kind(f"{name} is no longer there", "choose another file; it was moved, renamed or deleted", "missing")
    if error.errno in (errno.EACCES, errno.EPERM):
        return kind(f"{name} may not be read", "give yourself read permission (chmod u+r)", "unreadable")
    if error.errno == errno.ELOOP:
        return kind(f"{name} is a link that leads back to itself", "mend or remove the link", "unreadable")
    if error.errno == errno.ENAMETOOLONG:
        return kind(f"{name}: the path is too long", "move the file nearer to the root", "unreadable")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return kind(f"{name}: too many files are open", "raise the limit (ulimit -n) and try again", "unreadable")
    reason = error.strerror or str(error) or type(error).__name__
    return kind(f"{name} cannot be read: {reason}", "check the disk or the network share", "unreadable")
