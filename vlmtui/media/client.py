"""The terminal's side of the media child: asyncio inside the caller's loop, no threads, nothing heavy imported."""

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
from typing import Any

import msgspec

from vlmtui.media.errors import shown_name
from vlmtui.media.protocol import (
    MAX_FRAME,
    PREFIX_BYTES,
    Depth,
    Describe,
    Described,
    Form,
    Frame,
    FrameDrawn,
    Hello,
    Inspect,
    Inspected,
    MediaFailure,
    MediaInfo,
    Paper,
    Render,
    Rendered,
    Reply,
    Stamp,
    Stamped,
    Strip,
    StripDrawn,
    View,
    decode_reply,
    encode,
)
from vlmtui.models.processor import ProcessorSettings
from vlmtui.models.sampling import FrameSampling

_AGAIN = "choose the file again; a new decoder is started for it"
LANES = itertools.count(1)
"""Numbers for places that pictures are drawn in (see `Render.lane`), each given once."""


class MediaClient:
    """Asks one child process about pictures and videos; knows no widget.

    The child is started by the first request (or `start`) and anew after it died or hung. Of several `render` calls
    of one lane that wait, the newest wins: the others return a `MediaFailure` with code `superseded`, which is nobody's
    fault and not shown. No method raises for what a file or the child does.
    """

    def __init__(self, *, log: Path | None = None, timeout_s: float = 40.0) -> None:
        """Args:
        log: Where the child's stderr goes (what libraries print); nowhere if None.
        timeout_s: A request that takes longer ends the child.
        """
        self._log = log
        self._timeout_s = timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._ids = itertools.count(1)
        self._starting = asyncio.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the child now (after the first paint), so that the first picture does not wait for it."""
        with suppress(OSError):
            await self._running()

    async def describe(self, path: Path | str) -> MediaInfo | MediaFailure:
        """Return what the file is, from its header."""
        reply = await self._ask(lambda id: Describe(id=id, path=os.fspath(path)), path)
        return reply.info if isinstance(reply, Described) else _failure(reply)

    async def stamp(self, path: Path | str) -> str | None:
        """Return the file's stamp (see `MediaInfo`), empty when it is gone; None when the child could not say."""
        reply = await self._ask(lambda id: Stamp(id=id, path=os.fspath(path)), path)
        return reply.stamp if isinstance(reply, Stamped) else None

    async def render(
        self,
        path: Path | str,
        columns: int,
        rows: int,
        *,
        cell: tuple[int, int] = (10, 20),
        form: Form = "half-block",
        depth: Depth = "truecolor",
        colours: int = 256,
        max_pixels: int = 1_000_000,
        fine: bool = True,
        view: View | None = None,
        tiles: ProcessorSettings | None = None,
        ground: int = 0,
        time: float = -1.0,
        ahead: bool = False,
        lane: int = 0,
    ) -> Rendered | MediaFailure:
        """Return the file drawn as large as it fits `columns` x `rows` cells of `cell` pixels each.

        The arguments are those of `vlmtui.media.protocol.Render`. For a file without a picture (a text) the answer has
        0 x 0 cells and its `info`.
        """
        reply = await self._ask(
            lambda id: Render(
                id=id, path=os.fspath(path), columns=columns, rows=rows, cell_width=cell[0], cell_height=cell[1],
                form=form, depth=depth, colours=colours, max_pixels=max_pixels, fine=fine, view=view, tiles=tiles,
                ground=ground, time=time, ahead=ahead, lane=lane,
            ),
            path,
        )  # fmt: skip
        return reply if isinstance(reply, Rendered) else _failure(reply)

    async def inspect(self, path: Path | str) -> Inspected | MediaFailure:
        """Return what is written in a picture file beside its pixels; no facts for a file of another kind."""
        reply = await self._ask(lambda id: Inspect(id=id, path=os.fspath(path)), path)
        return reply if isinstance(reply, Inspected) else _failure(reply)

    async def frame(
        self, path: Path | str, paper: Paper, *, index: int = -1, time: float = 0.0, quick: bool = False
    ) -> FrameDrawn | MediaFailure:
        """Return one frame of a video, by its number or by its time; see `vlmtui.media.protocol.Frame`."""
        reply = await self._ask(
            lambda id: Frame(id=id, path=os.fspath(path), paper=paper, index=index, time=time, quick=quick), path
        )
        return reply if isinstance(reply, FrameDrawn) else _failure(reply)

    async def strip(
        self, path: Path | str, paper: Paper, sampling: FrameSampling, *, first: int, count: int, ground: int = 0
    ) -> StripDrawn | MediaFailure:
        """Return a page of a video's film strip; see `vlmtui.media.protocol.Strip`."""
        reply = await self._ask(
            lambda id: Strip(
                id=id, path=os.fspath(path), paper=paper, sampling=sampling, first=first, count=count, ground=ground
            ),
            path,
        )
        return reply if isinstance(reply, StripDrawn) else _failure(reply)

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
            self._kill(process)
            await process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _ask(self, make: Callable[[int], Any], path: Path | str) -> Reply:
        id = next(self._ids)
        if self._closed:
            return MediaFailure(id=id, code="superseded", cause="the workbench is closing", remedy="")
        try:
            process = await self._running()
            future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            self._waiting[id] = future
            assert process.stdin is not None
            process.stdin.write(encode(make(id)))
        except (OSError, UnicodeEncodeError) as error:
            self._waiting.pop(id, None)
            cause = f"the picture decoder cannot be started: {error}"
            return MediaFailure(id=id, code="media_died", cause=cause, remedy="see vlmtui doctor")
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await future
        except TimeoutError:
            self._kill(process)
            cause = f"decoding {shown_name(path)} took longer than {self._timeout_s:.0f} s and was ended"
            return MediaFailure(id=id, code="timeout", cause=cause, remedy="make the file smaller, or choose another")
        finally:
            self._waiting.pop(id, None)
        if isinstance(reply, MediaFailure) and reply.code == "media_died":
            cause = f"the picture decoder ended while it read {shown_name(path)} ({reply.cause})"
            return MediaFailure(id=id, code=reply.code, cause=cause, remedy=_AGAIN)
        return reply

    async def _running(self) -> asyncio.subprocess.Process:
        """Return the child, started if there is none."""
        async with self._starting:
            if self._process is not None and self._process.returncode is None and not self._reader_done():
                return self._process
            log = self._log.open("ab") if self._log is not None else None
            try:
                # -P: the folder that is browsed must not become a place that Python imports from.
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", "vlmtui.media.host",
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL,
                    start_new_session=True, env=_environment(),
                )  # fmt: skip
            finally:
                if log is not None:
                    log.close()
            self._reader = asyncio.create_task(self._read(self._process), name="media-replies")
            return self._process

    def _reader_done(self) -> bool:
        return self._reader is None or self._reader.done()

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
                future = self._waiting.pop(reply.id, None)
                if future is not None and not future.done():
                    future.set_result(reply)
        except (asyncio.IncompleteReadError, OSError, msgspec.DecodeError):
            pass
        self._kill(process)
        how = _ending(await process.wait())
        for id, future in list(self._waiting.items()):
            if not future.done():
                future.set_result(MediaFailure(id=id, code="media_died", cause=how, remedy=_AGAIN))
        self._waiting.clear()

    def _kill(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()


def _failure(reply: Reply) -> MediaFailure:
    if isinstance(reply, MediaFailure):
        return reply
    return MediaFailure(id=0, code="internal", cause="the picture decoder gave an unexpected answer", remedy=_AGAIN)


def _environment() -> dict[str, str]:
    """Return the child's environment: ours, plus where this package lies when it is not installed."""
    environment = dict(os.environ)
    home = Path(__file__).parents[2]
    if home.name not in ("site-packages", "dist-packages"):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(home), environment.get("PYTHONPATH", ""))))
    environment["OPENBLAS_NUM_THREADS"] = "1"  # scaling needs none, and each thread takes address space
    return environment


def _ending(status: int) -> str:
    if status < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
        return f"signal {-status}"
    return f"exit status {status}"
