"""The terminal's side of watching runs: asyncio inside the caller's loop, nothing heavy imported."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

from vlmtui.children.asking import AskedChild, ChildEnded
from vlmtui.monitor.protocol import (
    Answered,
    Axis,
    Compare,
    Compared,
    Comparison,
    Details,
    Done,
    Draw,
    Drawn,
    Example,
    Export,
    Failure,
    GetAnswers,
    GetMachine,
    Hello,
    List,
    Listed,
    Look,
    Looked,
    Machine,
    Measured,
    Reply,
    Request,
    Thresholds,
    Watch,
    decode_reply,
    encode,
)

_T = TypeVar("_T")


class PlotLook(TypedDict, total=False):
    """How a plot is shown."""

    axis: Axis
    low: float
    high: float
    log_x: bool
    log_y: bool
    smoothing: float


_AGAIN = "it is started again with the next look"


class MonitorClient:
    """Asks one child process about the runs; knows no widget. The child is started by the first question, and anew
    after it died. No method raises for what a file or the child does."""

    def __init__(
        self,
        runs: Path,
        folders: Sequence[Path] = (),
        *,
        thresholds: Thresholds | None = None,
        log: Path | None = None,
        timeout_s: float = 60.0,
    ) -> None:
        """Args:
        runs: The folder of this tool's own runs.
        folders: Where others' runs are looked for.
        thresholds: When an alert is given.
        log: Where the child's stderr goes; nowhere if None.
        timeout_s: A request that takes longer ends the child.
        """
        # The cores belong to the training.
        self._child = AskedChild(
            "vlmtui.monitor.host",
            self._decode,
            log=log,
            environment={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._watch = (str(runs), [str(folder) for folder in folders], thresholds or Thresholds())
        self._told: int | None = None
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid

    async def watch(self, folders: Sequence[Path], thresholds: Thresholds) -> None:
        """Look for others' runs in these folders from now on, and give alerts by these thresholds."""
        self._watch = (self._watch[0], [str(folder) for folder in folders], thresholds)
        self._told = None

    async def list(self) -> Listed | Failure:
        """Return the runs that are known so far, the newest first."""
        return _wanted(await self._ask(List(id=next(self._ids))), Listed)

    async def look(self, run: str) -> Details | Failure:
        """Return all about a run but its curves."""
        reply = await self._ask(Look(id=next(self._ids), run=run))
        return reply.details if isinstance(reply, Looked) else _wanted(reply, Failure)

    async def draw(
        self,
        wanted: Sequence[tuple[str, str, int]],
        *,
        axis: Axis = "step",
        low: float = 0.0,
        high: float = 0.0,
        log: bool = False,
        smoothing: float = 0.0,
    ) -> Drawn | Failure:
        """Return curves: of each run and metric so many columns (see `vlmtui.monitor.protocol.Draw`)."""
        request = Draw(
            id=next(self._ids), wanted=list(wanted), axis=axis, low=low, high=high, log=log, smoothing=smoothing
        )
        return _wanted(await self._ask(request), Drawn)

    async def answers(self, run: str) -> Sequence[Example] | Failure:
        """Return the fixed examples of a run and their answers through time."""
        reply = await self._ask(GetAnswers(id=next(self._ids), run=run))
        return reply.examples if isinstance(reply, Answered) else _wanted(reply, Failure)

    async def compare(self, runs: Sequence[str]) -> Comparison | Failure:
        """Return what differs between some runs."""
        reply = await self._ask(Compare(id=next(self._ids), runs=list(runs)))
        return reply.comparison if isinstance(reply, Compared) else _wanted(reply, Failure)

    async def machine(self) -> Machine | Failure:
        """Return how the computer is."""
        reply = await self._ask(GetMachine(id=next(self._ids)))
        return reply.machine if isinstance(reply, Measured) else _wanted(reply, Failure)

    async def export(self, file: Path, curves: Sequence[tuple[str, str]], **look: Unpack[PlotLook]) -> Done | Failure:
        """Write curves (run, metric) to `file` (see `vlmtui.monitor.protocol.Export`)."""
        return _wanted(await self._ask(Export(id=next(self._ids), file=str(file), curves=list(curves), **look)), Done)

    async def close(self) -> None:
        """End the child: by the end of its input, after a second by force."""
        self._closed = True
        await self._child.close()

    async def _ask(self, request: Request) -> Reply:
        if self._closed:
            return Failure(id=request.id, code="child_died", cause="the monitor is closed")
        try:
            process = await self._child.start()
            if process.pid != self._told:
                self._told = process.pid
                runs, folders, thresholds = self._watch
                told = Watch(id=next(self._ids), runs=runs, folders=folders, thresholds=thresholds)
                await self._child.ask(told.id, lambda: encode(told), self._timeout_s)
            return await self._child.ask(request.id, lambda: encode(request), self._timeout_s)
        except ChildEnded as end:
            return Failure(id=request.id, code="child_died", cause=f"the monitor has ended ({end.how})", remedy=_AGAIN)
        except TimeoutError:
            cause = f"the monitor took longer than {self._timeout_s:.0f} s and was ended"
            return Failure(id=request.id, code="timeout", cause=cause, remedy=_AGAIN)
        except OSError as error:
            cause = f"the monitor cannot be started: {error}"
            return Failure(id=request.id, code="child_died", cause=cause, remedy="see vlmtui doctor")

    def _decode(self, body: bytes) -> tuple[int, Reply] | None:
        reply = decode_reply(body)
        return None if isinstance(reply, Hello) else (reply.id, reply)


def _wanted(reply: Reply, wanted: type[_T]) -> _T | Failure:
    if isinstance(reply, wanted | Failure):
        return reply
    return Failure(id=0, code="internal", cause="the monitor gave an unexpected answer", remedy=_AGAIN)
