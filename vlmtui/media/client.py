"""The terminal's side of the media child: asyncio inside the caller's loop, no threads, nothing heavy imported."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from vlmtui.children.asking import AskedChild, ChildEnded
from vlmtui.media.errors import shown_name
from vlmtui.media.protocol import (
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
        # Scaling needs no threads of BLAS's, and each takes address space.
        self._child = AskedChild("vlmtui.media.host", _reply, log=log, environment={"OPENBLAS_NUM_THREADS": "1"})
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid

    async def start(self) -> None:
        """Start the child now (after the first paint), so that the first picture does not wait for it."""
        with suppress(OSError):
            await self._child.start()

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
        await self._child.close()

    async def _ask(self, make: Callable[[int], Any], path: Path | str) -> Reply:
        id = next(self._ids)
        if self._closed:
            return MediaFailure(id=id, code="superseded", cause="the workbench is closing", remedy="")
        try:
            return await self._child.ask(id, lambda: encode(make(id)), self._timeout_s)
        except ChildEnded as end:
            cause = f"the picture decoder ended while it read {shown_name(path)} ({end.how})"
            return MediaFailure(id=id, code="media_died", cause=cause, remedy=_AGAIN)
        except TimeoutError:
            cause = f"decoding {shown_name(path)} took longer than {self._timeout_s:.0f} s and was ended"
            return MediaFailure(id=id, code="timeout", cause=cause, remedy="make the file smaller, or choose another")
        except (OSError, UnicodeEncodeError) as error:
            cause = f"the picture decoder cannot be started: {error}"
            return MediaFailure(id=id, code="media_died", cause=cause, remedy="see vlmtui doctor")


def _reply(body: bytes) -> tuple[int, Reply] | None:
    reply = decode_reply(body)
    return None if isinstance(reply, Hello) else (reply.id, reply)


def _failure(reply: Reply) -> MediaFailure:
    if isinstance(reply, MediaFailure):
        return reply
    return MediaFailure(id=0, code="internal", cause="the picture decoder gave an unexpected answer", remedy=_AGAIN)
