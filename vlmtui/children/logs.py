"""A child's log: appended to, for the user alone, and put aside when it has grown long."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

_LONGEST = 4 * 1024 * 1024


def open_log(path: Path) -> IO[bytes]:
    """Open the log at `path` for appending.

    Raises:
        OSError: it cannot be written.
    """
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LONGEST:
            path.replace(path.with_name(path.name + ".old"))
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0)
