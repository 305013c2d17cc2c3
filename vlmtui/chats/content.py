"""What a file held when it was asked about: by its hash, so that one that was moved or changed since is told."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

_WHOLE_UP_TO = 64 * 2**20
_ENDS = 2**20


def content_hash(path: Path | str) -> str:
    """Return the hash of a file's content; of one larger than 64 MB, of its size and its two ends.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        if size <= _WHOLE_UP_TO:
            while piece := stream.read(_ENDS):
                digest.update(piece)
        else:
            digest.update(str(size).encode())
            digest.update(stream.read(_ENDS))
            stream.seek(-_ENDS, 2)
            digest.update(stream.read())
    return digest.hexdigest()[:32]


def since(path: str, before: str) -> Literal["same", "changed", "gone"]:
    """Return what has become of the file at `path`, whose content had the hash `before`."""
    try:
        return "same" if content_hash(path) == before else "changed"
    except OSError:
        return "gone"
