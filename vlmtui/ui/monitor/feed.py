"""What the workbench knows of the runs: asks the monitor once a second, and tells those who show it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from textual.app import App
from textual.timer import Timer

from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.protocol import Alert, Failure, Machine, RunRow, Thresholds

_EVERY_S = 1.0
_QUIET_EVERY_S = 3.0
"""Where nothing happens, new runs are looked for less often."""
_WAIT_S = 5.0


class RunsFeed:
    """The runs as they are now.

    Attributes:
        client: who is asked about one of them.
        rows: the newest first.
        complete: whether all folders were gone through.
        pinned: paths of runs whose curves are laid over those of any other.
        failure: why nothing is known; empty while the monitor answers.
        turn: one alert at a time is told outside.
    """

    def __init__(
        self,
        app: App[Any],
        runs: Path,
        folders: Sequence[Path],
        *,
        thresholds: Thresholds | None = None,
        log: Path | None = None,
        alerted: Callable[[RunRow, Alert], None] = lambda row, alert: None,
    ) -> None:
        """Args:
        app: whose loop and timers it runs in.
        runs: the folder of this tool's own runs.
        folders: where others' runs are looked for.
        thresholds: when an alert is given.
        log: where the monitor's log goes.
        alerted: told of each alert once.
        """
        self._app = app
        self._root = runs
        self.client = MonitorClient(runs, folders, thresholds=thresholds, log=log)
        self.rows: list[RunRow] = []
        self.complete = False
        self.machine: Machine | None = None
        self.pinned: list[str] = []
        self.failure = ""
        self.turn = asyncio.Lock()
        self._alerted = alerted
        self._known: set[tuple[str, str]] = set()
        self._lived: set[str] = set()
        self._listeners: list[Callable[[], None]] = []
        self._timer: Timer | None = None
        self._asking = False
        self._asked = self._measured = -_QUIET_EVERY_S

    # ---- its life ----

    @property
    def started(self) -> bool:
        """Whether runs are looked at."""
        return self._timer is not None

    def start(self) -> None:
        """Look at the runs from now on."""
        if self._timer is None:
            self._timer = self._app.set_interval(_EVERY_S, self._tick)
            self._tick()

    async def start_when_there_are_any(self) -> None:
        """Look at the runs as soon as this tool has one; nobody else's are worth a process unasked."""
        while self._timer is None:
            if await asyncio.to_thread(_has_runs, self._root):
                self.start()
                return
            await asyncio.sleep(_WAIT_S)

    async def close(self) -> None:
        """End the monitor; the runs go on."""
        if self._timer is not None:
            self._timer.stop()
        await self.client.close()

    # ---- looking ----

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each look, until `leave`."""
        self._listeners.append(listener)
        self.start()

    def leave(self, listener: Callable[[], None]) -> None:
        """Tell `listener` no more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def row(self, path: str) -> RunRow | None:
        """Return the run that `path` names, if it is known."""
        return next((row for row in self.rows if row.path == path), None)

    def pin(self, path: str) -> bool:
        """Lay the run's curves over the others', or no more; return whether they are now."""
        if path in self.pinned:
            self.pinned.remove(path)
        else:
            self.pinned.append(path)
        self._tell()
        return path in self.pinned

    def look_now(self) -> None:
        """Something was done to a run: see what has become of it."""
        self._asked = self._measured = -_QUIET_EVERY_S
        self._tick()

    def _tick(self) -> None:
        live = any(row.live for row in self.rows)
        every = _EVERY_S if live or self._listeners else _QUIET_EVERY_S
        if not self._asking and monotonic() - self._asked >= every * 0.9:
            self._asking = True
            self._app.run_worker(self._look(), group="runs-feed", exit_on_error=False)

    async def _look(self) -> None:
        try:
            self._asked = monotonic()
            listed = await self.client.list()
            if isinstance(listed, Failure):
                self.failure = listed.line
            else:
                self.failure, self.rows, self.complete = "", listed.rows, listed.complete
            if self._listeners and monotonic() - self._measured > 2 * _EVERY_S:
                self._measured = monotonic()
                machine = await self.client.machine()
                self.machine = machine if isinstance(machine, Machine) else self.machine
        finally:
            self._asking = False
        self._tell()
        for row in self.rows:
            if row.live:
                self._lived.add(row.path)
            for alert in row.alerts:
                key = (row.path, alert.code)
                # What went wrong with a run that was over before the window was opened is old news.
                if key not in self._known and row.path in self._lived:
                    self._alerted(row, alert)
                self._known.add(key)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()


def _has_runs(root: Path) -> bool:
    try:
        with os.scandir(root) as entries:
            return any(entry.name[:1] != "." and entry.is_dir() for entry in entries)
    except OSError:
        return False
