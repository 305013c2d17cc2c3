"""Which opened folders have changed, found out by asking the file system for the time of their last change.

A folder's own time changes when a name in it comes, goes or changes. Asking costs one `stat` a folder, off the event
loop, and works on network file systems, which notify nobody of what other machines do; a notification service would
also have to be told of every file of a folder of 100,000.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, time_ns

LOOK_EVERY_S = 0.5
_GRAIN_S = 2.0  # the coarsest clock of a file system: two changes within it may look like one
_LONG_AGO_NS = 60 * 10**9
_REST = 4.0  # times what reading took, before a folder is read again: a busy one takes at most a fifth of a core
_LONG_REST = 20.0


@dataclass(slots=True)
class _Seen:
    """A folder as it was read last: its stamp, since when it has it, when and how long it was read."""

    stamp: int
    since: float
    read: float
    seconds: float


class FolderWatch:
    """Remembers what folders looked like when they were read, and says which have to be read again."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, _Seen] = {}

    def has_read(self, folder: Hashable, stamp: int, seconds: float) -> None:
        """Take note that `folder` was read just now, had `stamp` right before, and took `seconds`."""
        now = monotonic()
        old = self._seen.get(folder)
        since = old.since if old is not None and old.stamp == stamp else now - seconds
        if time_ns() - stamp > _LONG_AGO_NS:
            since = now - _GRAIN_S - seconds
        self._seen[folder] = _Seen(stamp, since, now, seconds)

    def is_stale(self, folder: Hashable, stamp: int, *, contents: bool = False) -> bool:
        """Return whether `folder`, which has `stamp` now, has to be read again.

        Args:
            contents: what its files hold matters too (their sizes and times are shown), which no stamp tells.
        """
        seen = self._seen.get(folder)
        if seen is None:
            return False
        now = monotonic()
        if now - seen.read < _REST * seen.seconds:
            return False
        if stamp != seen.stamp:
            return True
        if contents and now - seen.read > max(_GRAIN_S, _LONG_REST * seen.seconds):
            return True
        # What changed right after the reading, within the clock's grain, shows in no stamp: read once more.
        return seen.read - seen.seconds < seen.since + _GRAIN_S <= now

    def keep(self, folders: Iterable[Hashable]) -> None:
        """Forget all but these."""
        self._seen = {folder: self._seen[folder] for folder in folders if folder in self._seen}


def stamps(folders: list[Path]) -> list[int]:
    """Return each folder's time of change in nanoseconds, -1 where there is none. Blocks: call it in a thread."""
    found = []
    for folder in folders:
        try:
            found.append(os.stat(folder).st_mtime_ns)  # noqa: PTH116 - called often
        except (OSError, ValueError):
            found.append(-1)
    return found
