"""The child that watches runs: `python -m vlmtui.monitor.host`. Finds them, reads them on, answers about them.

One thread: requests first, between them slices of reading and looking. Ends when its standard input does.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import msgspec

from vlmtui.children.frames import take_frames
from vlmtui.children.streams import limit_resources, take_over_standard_streams, write_whole
from vlmtui.monitor.alerts import curve_alerts, gpu_of, machine_alerts, run_alerts, silence_of
from vlmtui.monitor.details import Looker, row_of
from vlmtui.monitor.drawing import curve_of, reach
from vlmtui.monitor.machine import Meter
from vlmtui.monitor.protocol import (
    LIVE,
    PROTOCOL_VERSION,
    Alert,
    Answered,
    Compare,
    Compared,
    Done,
    Draw,
    Drawn,
    Export,
    Failure,
    GetAnswers,
    GetMachine,
    Hello,
    Kind,
    List,
    Listed,
    Look,
    Looked,
    Machine,
    Measured,
    Reply,
    Request,
    Watch,
    decode_request,
    encode,
)
from vlmtui.monitor.sources.event_files import EventFiles
from vlmtui.monitor.sources.own import OwnRun
from vlmtui.monitor.sources.source import Source
from vlmtui.monitor.sources.trackio import TrackioRun
from vlmtui.monitor.sources.trainer_state import TrainerFolder
from vlmtui.monitor.walking import walk
from vlmtui.safetext import safe_line

_DATA_LIMIT = 8 * 1024**3
_SLICE_S = 0.02
_IDLE_S = 0.2
_GLANCE_EVERY_S = 1.5
_READ_EVERY_S = 0.3
_WALK_EVERY_S = 2.0
_ALERT_EVERY_S = 2.0
_IDLE_GPU = 0.02
_WALK_SHARE = 0.02
"""So much of the time is spent on looking for new runs."""
_OPEN_S = 15.0
"""A run that was asked about so lately is open: it is read before the others."""
_FORGOTTEN_S = 600.0
_SMALL = 16 * 1024 * 1024
"""Files of others so large are read when somebody looks at the run."""
_MOST_KEPT = 12
"""So many runs that nobody looks at, and that are over, keep their curves in memory."""

_READERS: dict[Kind, type[Source]] = {
    "run": OwnRun,
    "events": EventFiles,
    "trainer": TrainerFolder,
    "trackio": TrackioRun,
}


class Host:
    """The child's state: the runs that are known, and what goes on."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._buffer = bytearray()
        self._waiting: list[Request] = []
        self._ended = False
        self._watch: Watch | None = None
        self._runs: dict[str, Source] = {}
        self._unread: dict[str, bool] = {}  # path: whether there is more to read now
        self._read_at: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._alerts: dict[str, list[Alert]] = {}
        self._walking: Iterator[tuple[Kind, str] | None] | None = None
        self._walk_from = self._glanced = self._walk_took = 0.0
        self._met: set[str] = set()
        self._complete = False
        self._looker = Looker()
        self._meter = Meter()
        self._alerted = 0.0
        self._judged: dict[str, tuple[int, list[Alert]]] = {}  # of the curves, by the version that they are of
        self._busy_at: dict[int, float] = {}  # when a GPU did something last

    def serve(self) -> None:
        """Answer until standard input ends."""
        self._send(Hello(id=0, version=PROTOCOL_VERSION))
        while not self._ended:
            busy = self._work()
            self._read(0.0 if busy or self._waiting else _IDLE_S)
            while self._waiting and not self._ended:
                self._answer(self._waiting.pop(0))
                self._read(0.0)

    # ---- the pipe ----

    def _send(self, reply: Reply) -> None:
        write_whole(self._sink, encode(reply))

    def _read(self, wait: float) -> None:
        while select.select([self._source], [], [], wait)[0]:
            wait = 0.0
            piece = os.read(self._source, 65536)
            if not piece:
                self._ended = True
                return
            self._buffer += piece
            self._waiting += map(decode_request, take_frames(self._buffer))

    # ---- work ----

    def _work(self) -> bool:
        """Do a slice of what goes on by itself; return whether there is more to do now."""
        if self._watch is None:
            return False
        now = monotonic()
        walking = self._walk(now)
        if now - self._glanced > _GLANCE_EVERY_S:
            self._glanced = now
            self._glance()
        if now - self._alerted > _ALERT_EVERY_S:
            self._alerted = now
            self._alert()
        return self._read_on(now) or walking

    def _walk(self, now: float) -> bool:
        """Look for runs for a slice."""
        assert self._watch is not None
        if self._walking is None:
            if now < self._walk_from:
                return False
            self._met = set()
            self._walk_took = 0.0
            folders = dict.fromkeys([self._watch.runs, *self._watch.folders])
            self._walking = (found for folder in folders for found in walk(Path(folder)))
        for found in self._walking:
            if found is not None:
                self._found(*found)
            if monotonic() - now > _SLICE_S:
                self._walk_took += monotonic() - now
                return True
        self._walking = None
        self._walk_took += monotonic() - now
        self._walk_from = monotonic() + max(_WALK_EVERY_S, self._walk_took / _WALK_SHARE)
        for path in [path for path in self._runs if path not in self._met]:
            if path not in self._asked or not _exists(path):
                self._forget(path)
        self._complete = True
        return False

    def _found(self, kind: Kind, path: str) -> None:
        self._met.add(path)
        known = self._runs.get(path)
        if known is None or known.kind != kind:
            source = _READERS[kind](Path(path))
            source.glance()
            self._runs[path] = source
            self._unread[path] = True
            self._read_at[path] = 0.0

    def _forget(self, path: str) -> None:
        """The run was deleted."""
        for kept in (self._runs, self._unread, self._read_at, self._asked, self._alerts, self._judged):
            kept.pop(path, None)

    def _glance(self) -> None:
        for source in self._runs.values():
            source.glance()

    def _measure(self) -> Machine:
        machine = self._meter.measure(Path(self._watch.runs if self._watch is not None else "/"))
        for number, gpu in enumerate(machine.devices):
            if gpu.busy > _IDLE_GPU:
                self._busy_at[number] = monotonic()
            self._busy_at.setdefault(number, monotonic())
        return machine

    def _alert(self) -> None:
        """Say what looks wrong about the runs in which something happens, and about those that are looked at."""
        if self._watch is None:
            return
        limits, wall = self._watch.thresholds, time.time()
        machine: Machine | None = None
        for path, source in self._runs.items():
            state = source.state(wall)
            if state not in LIVE and path not in self._asked and state not in ("crashed", "failed"):
                self._alerts.pop(path, None)
                continue
            table = source.table
            judged = self._judged.get(path)
            if source.share == 1.0 and (judged is None or judged[0] != table.version):
                with suppress(Exception):  # a defect of ours must not end the child, nor be met again and again
                    self._judged[path] = (table.version, [])
                    self._judged[path] = (table.version, curve_alerts(table, limits))
                judged = self._judged[path]
            found = [*judged[1]] if judged is not None else []
            if source.kind == "run":
                silent, usual = silence_of(table, wall)
                found += run_alerts(state, source.cause, silent, usual, limits)
            if state in LIVE:
                machine = machine or self._measure()
                idle = monotonic() - self._busy_at.get(gpu_of(machine, source.device) or 0, monotonic())
                found += machine_alerts(machine, state, source.device, idle, limits)
            self._alerts[path] = found

    def _read_on(self, now: float) -> bool:
        """Read those runs that somebody looks at, then those in which something happens, then one that is new."""
        open_ = [path for path in self._runs if now - self._asked.get(path, -_OPEN_S) < _OPEN_S]
        wall = time.time()
        live = [path for path, source in self._runs.items() if source.state(wall) in LIVE and path not in open_]
        more = False
        for path in (*open_, *live):
            if self._unread.get(path) or now - self._read_at[path] > _READ_EVERY_S:
                more = self._read_one(path) or more
                if monotonic() - now > 2 * _SLICE_S:
                    return True
        if more:
            return True
        for path, source in self._runs.items():
            # What lies there already, of others: step and loss stand nowhere but in its curves.
            if self._unread[path] and source.kind != "run" and source.size < _SMALL:
                if not self._read_one(path):
                    self._tidy()
                return True
        return False

    def _read_one(self, path: str) -> bool:
        self._read_at[path] = monotonic()
        self._unread[path] = more = self._runs[path].read(_SLICE_S)
        return more

    def _tidy(self) -> None:
        """Let go of curves that nobody looks at; they are read again when somebody does."""
        wall, now = time.time(), monotonic()
        for path in [path for path, asked in self._asked.items() if now - asked > _FORGOTTEN_S]:
            del self._asked[path]
        idle = [
            path
            for path, source in self._runs.items()
            if len(source.table) and path not in self._asked and source.state(wall) not in LIVE
        ]
        for path in idle[:-_MOST_KEPT]:
            old = self._runs[path]
            fresh = type(old)(old.path)
            fresh.glance()
            fresh.step, fresh.epoch, fresh.last_loss = old.step, old.epoch, old.loss()
            self._runs[path] = fresh
            self._unread[path] = False

    # ---- requests ----

    def _answer(self, request: Request) -> None:
        try:
            self._send(self._reply(request))
        except (BrokenPipeError, KeyboardInterrupt):
            raise
        except (MemoryError, Exception) as error:  # a defect of ours must not end the child
            cause = safe_line(f"{type(error).__name__}: {error}", 200)
            self._send(Failure(id=request.id, code="internal", cause=cause, remedy="report this"))

    def _reply(self, request: Request) -> Reply:
        now = time.time()
        match request:
            case Watch():
                self._watch = request
                self._walking, self._walk_from = None, 0.0
                return Done(id=request.id)
            case List():
                rows = [row_of(source, self._alerts.get(path, []), now) for path, source in self._runs.items()]
                rows.sort(key=lambda row: (not row.live, -row.created))
                return Listed(id=request.id, rows=rows, complete=self._complete)
            case GetMachine():
                return Measured(id=request.id, machine=self._measure())
            case Look():
                source = self._of(request.run)
                if source is None:
                    return _gone(request.id, request.run)
                if request.run not in self._judged and source.share == 1.0:
                    self._alert()
                details = self._looker.details(source, self._alerts.get(request.run, []), now)
                return Looked(id=request.id, details=details)
            case Draw():
                return self._draw(request)
            case GetAnswers():
                source = self._of(request.run)
                return Answered(id=request.id, examples=source.examples() if source is not None else [])
            case Compare():
                return self._compare(request)
            case Export():
                return self._export(request)
        raise AssertionError(request)

    def _export(self, request: Export) -> Reply:
        from vlmtui.monitor.exporting import Exported, write

        found = [(self._of(run), metric) for run, metric in request.curves]
        curves = [Exported(source.title, source.table, metric) for source, metric in found if source is not None]
        try:
            write(
                Path(request.file), curves, request.axis, request.low, request.high,
                log_x=request.log_x, log_y=request.log_y, smoothing=request.smoothing,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            cause = safe_line(getattr(error, "strerror", None) or str(error), 200)
            return Failure(id=request.id, code="cannot_write", cause=cause, remedy="choose another file")
        return Done(id=request.id, line=request.file)

    def _compare(self, request: Compare) -> Reply:
        from vlmtui.monitor.comparing import compared

        sources = [(run, self._of(run)) for run in request.runs]
        gone = next((run for run, source in sources if source is None), None)
        if gone is not None:
            return _gone(request.id, gone)
        found = [(source, self._alerts.get(run, [])) for run, source in sources if source is not None]
        return Compared(id=request.id, comparison=compared(found, time.time()))

    def _of(self, path: str) -> Source | None:
        """Return a run, open from now on: it is looked for at once where the walk has not come to it yet."""
        source = self._runs.get(path)
        if source is None:
            for found in walk(Path(path)) if "#" not in path else [("trackio", path)]:
                if found is not None and found[1] == path:
                    self._found(*found)  # type: ignore[arg-type]
                    source = self._runs[path]
                break
        if source is None:
            return None
        first = path not in self._asked
        self._asked[path] = monotonic()
        if first:
            self._read_one(path)
        return source

    def _draw(self, request: Draw) -> Reply:
        sources = {run: self._of(run) for run, _, _ in request.wanted}
        tables = [(source.shown, metric) for run, metric, _ in request.wanted if (source := sources[run]) is not None]
        low, high = request.low, request.high
        if low == high:
            low, high = reach(tables, request.axis, log=request.log)
        curves = []
        for run, metric, count in request.wanted:
            source = sources[run]
            if source is not None:
                curves.append(
                    curve_of(
                        run, source.shown, metric, request.axis, low, high, count,
                        log=request.log, smoothing=request.smoothing,
                    )
                )  # fmt: skip
        return Drawn(id=request.id, curves=curves, low=low, high=high)


def main() -> None:
    """Serve requests until standard input ends."""
    source, sink = take_over_standard_streams()
    limit_resources("RLIMIT_DATA", _DATA_LIMIT)
    with suppress(OSError):
        os.nice(10)  # whatever trains here comes first
    Host(source, sink).serve()


def _exists(path: str) -> bool:
    return os.path.lexists(path.rpartition("#")[0] or path)


def _gone(id: int, run: str) -> Failure:
    return Failure(id=id, code="gone", cause=f"there is no run in {safe_line(run, 200)}", remedy="it was removed")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError, msgspec.DecodeError):
        main()
