"""The terminal's side of the data set child: asyncio inside the caller's loop, no threads, nothing heavy imported."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from vlmtui.datasets.protocol import (
    MAX_FRAME,
    PREFIX_BYTES,
    Check,
    DatasetInfo,
    Done,
    Failure,
    Filter,
    Find,
    Found,
    GetRow,
    GetRows,
    Hello,
    Open,
    Opened,
    Pause,
    Progress,
    Reply,
    Request,
    RowDetail,
    Rows,
    decode_reply,
    encode,
)
from vlmtui.media.errors import shown_name

_T = TypeVar("_T")
_AGAIN = "open the data set again; a new reader is started for it"


class DatasetClient:
    """Asks one child process about one open data set; knows no widget.

    The child is started by `open`, and anew by the next `open` after it died. Of several `rows`, `row` or `find` that
    wait, the newest wins: the others return a `Failure` with code `superseded`, which is nobody's fault and not shown.
    No method raises for what a file or the child does.
    """

    def __init__(
        self, progress: Callable[[Progress], None], *, log: Path | None = None, timeout_s: float = 60.0
    ) -> None:
        """Args:
        progress: Told how far the work in the background is, for the data set that was opened last.
        log: Where the child's stderr goes; nowhere if None.
        timeout_s: A request that takes longer ends the child; `find` may take as long as it wants.
        """
        self._progress = progress
        self._log = log
        self._timeout_s = timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._open_id = 0
        self._name = "the data set"
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def open(self, path: Path | str, split: str = "") -> DatasetInfo | Failure:
        """Open the data set at `path` in place of the one that is open."""
        self._name = shown_name(path)
        id = self._open_id = next(self._ids)
        reply = await self._ask(Open(id=id, path=os.fspath(path), split=split), start=True)
        return reply.info if isinstance(reply, Opened) else _failure(reply, Failure)

    async def rows(self, start: int, count: int) -> Rows | Failure:
        """Return lines of the table from the position `start` on: fewer where they are large, none past the end."""
        return _failure(await self._ask(GetRows(id=next(self._ids), start=start, count=count)), Rows)

    async def row(self, number: int) -> RowDetail | Failure:
        """Return everything about the row `number`."""
        return _failure(await self._ask(GetRow(id=next(self._ids), row=number)), RowDetail)

    async def filter(self, expression: str) -> Done | Failure:
        """Show only rows that match; the positions of `rows` are among them from now on. "" shows all."""
        return _failure(await self._ask(Filter(id=next(self._ids), expression=expression)), Done)

    async def find(self, expression: str, start: int, *, backward: bool = False) -> int | Failure:
        """Return the position of the next match from `start` on (it included); -1 for none."""
        request = Find(id=next(self._ids), expression=expression, start=start, backward=backward)
        reply = await self._ask(request, limit=False)
        return reply.position if isinstance(reply, Found) else _failure(reply, Failure)

    async def unchanged(self) -> bool:
        """Return whether the file is still the same, as far as can be told."""
        reply = await self._ask(Check(id=next(self._ids)))
        return not isinstance(reply, Done) or reply.same

    async def pause(self, on: bool) -> None:
        """Stop, or go on with, the work in the background."""
        if self.pid is not None:
            await self._ask(Pause(id=next(self._ids), on=on))

    async def close(self) -> None:
        """End the child: by the end of its input, after a second by force."""
        self._closed = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            _kill(process)
            await process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _ask(self, request: Request, *, start: bool = False, limit: bool = True) -> Reply:
        id = request.id
        if self._closed or (self.pid is None and not start):
            return Failure(id=id, code="superseded", cause="no data set is open")
        try:
            process = await self._running()
            future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._waiting[id] = future
            assert process.stdin is not None
            process.stdin.write(encode(request))
        except (OSError, UnicodeEncodeError) as error:
            self._waiting.pop(id, None)
            cause = f"the reader of data sets cannot be started: {error}"
            return Failure(id=id, code="child_died", cause=cause, remedy="see vlmtui doctor")
        try:
            async with asyncio.timeout(self._timeout_s if limit else None):
                return await future
        except TimeoutError:
            _kill(process)
            cause = f"reading {self._name} took longer than {self._timeout_s:.0f} s and was ended"
            return Failure(id=id, code="timeout", cause=cause, remedy="split it into smaller files")
        finally:
            self._waiting.pop(id, None)

    async def _running(self) -> asyncio.subprocess.Process:
        """Return the child, started if there is none."""
        async with self._starting:
            if self.pid is not None and self._reader is not None and not self._reader.done():
                assert self._process is not None
                return self._process
            log = self._log.open("ab") if self._log is not None else None
            try:
                # -P: the folder that is browsed must not become a place that Python imports from.
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", "vlmtui.datasets.host",
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL,
                    start_new_session=True, env=_environment(),
                )  # fmt: skip
            finally:
                if log is not None:
                    log.close()
            self._reader = asyncio.create_task(self._read(self._process), name="dataset-replies")
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand replies to those who wait, until the child ends; then tell the rest."""
        stream = process.stdout
        assert stream is not None
        try:
            while True:
                length = int.from_bytes(await stream.readexactly(PREFIX_BYTES), "big")
                if length > MAX_FRAME:
                    break
                reply = decode_reply(await stream.readexactly(length))
                if isinstance(reply, Hello):
                    continue
                if isinstance(reply, Progress):
                    if reply.id == self._open_id:
                        self._progress(reply)
                    continue
                future = self._waiting.pop(reply.id, None)
                if future is not None and not future.done():
                    future.set_result(reply)
        except (asyncio.IncompleteReadError, OSError, msgspec.DecodeError):
            pass
        _kill(process)
        how = _ending(await process.wait())
        for id, future in list(self._waiting.items()):
            if not future.done():
                cause = f"the reader ended while it read {self._name} ({how})"
                future.set_result(Failure(id=id, code="child_died", cause=cause, remedy=_AGAIN))
        self._waiting.clear()


def _failure(reply: Reply, wanted: type[_T]) -> _T | Failure:
    if isinstance(reply, wanted | Failure):
        return reply
    return Failure(id=0, code="internal", cause="the reader of data sets gave an unexpected answer", remedy=_AGAIN)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


def _environment() -> dict[str, str]:
    """Return the child's environment: ours, plus where this package lies when it is not installed."""
    environment = dict(os.environ)
    home = Path(__file__).parents[2]
    if home.name not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(home), environment.get("PYTHONPATH", ""))))
    environment["OMP_NUM_THREADS"] = "1"  # pyarrow's pool: the other cores belong to the model
    return environment


def _ending(status: int) -> str:
    if status < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
        return f"signal {-status}"
    return f"exit status {status}"
