"""One run at a time on a device: a lock that the kernel lets go of when its holder dies, and who came first."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from vlmtui.runs.folder import RunError, RunFolder, every

_LOOK_EVERY_S = 0.5
ALL_GPUS = "cuda:all"
"""The device of a run on several GPUs: it waits for all of them, and all wait for it."""


class DeviceLock:
    """Holds a device for this process; given up by `close`, and by the kernel when the process dies."""

    def __init__(self, root: Path, device: str) -> None:
        gpu = device.startswith("cuda")
        names = [] if device == ALL_GPUS else [(device.replace(":", "-"), fcntl.LOCK_EX)]
        if gpu:  # one GPU shares the whole with others of its kind; all GPUs share it with nobody
            names.append(("cuda", fcntl.LOCK_EX if device == ALL_GPUS else fcntl.LOCK_SH))
        self._wanted = [(root / f".device-{name}.lock", how) for name, how in names]
        self._files: list[int] = []

    def take(self) -> bool:
        """Return whether the device is ours now."""
        if self._files:
            return True
        for path, how in self._wanted:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._files.append(file)
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
            except OSError:
                self.close()
                return False
        return True

    def close(self) -> None:
        """Give the device up."""
        for file in self._files:
            os.close(file)
        self._files = []


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
            if _share(other.job().device, device) and other.state() == "queued" and not other.stop_file.exists():
                return True
        except RunError:
            continue
    return False


def _share(one: str, other: str) -> bool:
    """Return whether two devices cannot be used at the same time."""
    return one == other or (ALL_GPUS in (one, other) and one.startswith("cuda") and other.startswith("cuda"))
