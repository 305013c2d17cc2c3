"""One run at a time on a device: a lock that the kernel lets go of when its holder dies, and who came first."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from vlmtui.runs.folder import RunError, RunFolder, every

_LOOK_EVERY_S = 0.5


class DeviceLock:
    """Holds a device for this process; given up by `close`, and by the kernel when the process dies."""

    def __init__(self, root: Path, device: str) -> None:
        self._path = root / f".device-{device.replace(':', '-')}.lock"
        self._file: int | None = None

    def take(self) -> bool:
        """Return whether the device is ours now."""
        if self._file is None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                return False
            self._file = file
        return True

    def close(self) -> None:
        """Give the device up."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def wait_for_turn(run: RunFolder, device: str, stopped: Callable[[], bool]) -> DeviceLock | None:
    """Wait until `run` is the first that waits for `device` and nobody holds it; None when it was stopped before.

    The wait is for another process's lock, which the kernel does not announce across processes: it is looked at twice
    a second.
    """
    lock = DeviceLock(run.path.parent, device)
    while not stopped():
        if not _earlier(run, device) and lock.take():
            return lock
        time.sleep(_LOOK_EVERY_S)
    return None


def _earlier(run: RunFolder, device: str) -> bool:
    """Return whether another run came before this one and still waits for the same device."""
    for other in every(run.path.parent):
        if other.id == run.id:
            return False
        try:
            if other.job().device == device and other.state() == "queued" and not other.stop_file.exists():
                return True
        except RunError:
            continue
    return False
