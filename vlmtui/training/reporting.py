"""What the training process says of itself: events, a status with a heartbeat, and whether it was asked to stop."""

from __future__ import annotations

import contextlib
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psutil

from vlmtui.runs.events import Ended, Event, EventLog, Note
from vlmtui.runs.folder import RunFolder
from vlmtui.runs.status import ENDED, Identity, State, Status, identity, read_status, write_status

_BEAT_S = 2.0
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Reporter:
    """Speaks for one run, from its own process; the only writer of its status.

    Attributes:
        run: the run.
        status: as it was last written.
    """

    def __init__(self, run: RunFolder, owner: Identity | None = None) -> None:
        """Take the run over.

        Args:
            owner: the process that the run is, where that is another one: it has handed over meanwhile.

        Raises:
            OSError: its folder cannot be written.
        """
        self.run = run
        before = read_status(run.status_file)
        self.status = Status(state="queued", process=identity(), checkpoint=before.checkpoint)
        if owner is not None:
            self.status = before
            self.status.process = owner
        self._log = EventLog(run.events_file)
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._over = threading.Event()
        self._elsewhere = False
        write_status(run.status_file, self.status)
        self._beats = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._beats.start()

    def stop_on_signals(self) -> None:
        """Take SIGTERM and SIGINT for a stop with a checkpoint: a shutdown of the machine loses nothing."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._asked.set())

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to write a checkpoint and end."""
        if not self._asked.is_set() and self.run.stop_file.exists():
            self._asked.set()
        return self._asked.is_set()

    def set(self, state: State | None = None, **fields: Any) -> None:
        """Change what the status says, and write it where the state changes."""
        with self._lock:
            for name, value in fields.items():
                setattr(self.status, name, value)
            if state is not None:
                self.status.state = state
                self._write()

    def say(self, event: Event) -> None:
        """Append `event` to the log; raises `OSError` when the disk is full."""
        with self._lock:
            self._log.append(event)

    def note(self, text: str, level: str = "info") -> None:
        """Append a note to the log."""
        self.say(Note(text=text, level=level))

    @contextlib.contextmanager
    def handed_over(self) -> Iterator[None]:
        """Let another process write the status and the log meanwhile; then go on from what it wrote."""
        with self._lock:
            self._elsewhere = True
        try:
            yield
        finally:
            with self._lock:
                self.status = read_status(self.run.status_file)
                self.status.process = identity()
                self._elsewhere = False

    def leave(self) -> None:
        """Say no more: who handed over goes on."""
        self._over.set()
        self._beats.join()
        with self._lock:
            self._write()

    def end(self, state: State, cause: str = "", remedy: str = "") -> None:
        """Say how the run ends, whatever the disk says: what was kept for this is given back first."""
        self._over.set()
        with self._lock, contextlib.suppress(OSError):
            self.run.reserve_file.unlink(missing_ok=True)
        with self._lock:
            self.status.cause, self.status.remedy, self.status.eta_s = cause, remedy, 0.0
            self.status.state = state
            with contextlib.suppress(OSError):
                self._log.append(Ended(state=state, cause=cause, remedy=remedy))
            self._write()

    def _beat(self) -> None:
        while not self._over.wait(_BEAT_S):
            with self._lock:
                if self.status.state in ENDED:
                    return
                if self._elsewhere:
                    continue
                if self.status.state in ("starting", "running") and self.stopped:
                    self.status.state = "stopping"
                self._write()

    def _write(self) -> None:
        with contextlib.suppress(OSError, psutil.Error):
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT  # also between two beats
            self.status.memory = max(self.status.memory, most)
            self.status.free = psutil.virtual_memory().available
        # A full disk must not end a training between two checkpoints: the old status stays, and is seen to be old.
        with contextlib.suppress(OSError):
            write_status(self.run.status_file, self.status)
