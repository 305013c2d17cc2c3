"""The terminal's side of the data set child: asyncio inside the caller's loop, no threads, nothing heavy imported."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from vlmtui.children.asking import AskedChild, ChildEnded
from vlmtui.datasets.protocol import (
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
        # pyarrow's pool: the other cores belong to the model.
        self._child = AskedChild("vlmtui.datasets.host", self._reply, log=log, environment={"OMP_NUM_THREADS": "1"})
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._open_id = 0
        self._name = "the data set"
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._child.pid

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
        await self._child.close()

    async def _ask(self, request: Request, *, start: bool = False, limit: bool = True) -> Reply:
        id = request.id
        if self._closed or (self.pid is None and not start):
            return Failure(id=id, code="superseded", cause="no data set is open")
        try:
            return await self._child.ask(id, lambda: encode(request), self._timeout_s if limit else None)
        except ChildEnded as end:
            cause = f"the reader ended while it read {self._name} ({end.how})"
            return Failure(id=id, code="child_died", cause=cause, remedy=_AGAIN)
        except TimeoutError:
            cause = f"reading {self._name} took longer than {self._timeout_s:.0f} s and was ended"
            return Failure(id=id, code="timeout", cause=cause, remedy="split it into smaller files")
        except (OSError, UnicodeEncodeError) as error:
            cause = f"the reader of data sets cannot be started: {error}"
            return Failure(id=id, code="child_died", cause=cause, remedy="see vlmtui doctor")

    def _reply(self, body: bytes) -> tuple[int, Reply] | None:
        reply = decode_reply(body)
        if isinstance(reply, Progress):
            if reply.id == self._open_id:
                self._progress(reply)
            return None
        return None if isinstance(reply, Hello) else (reply.id, reply)


def _failure(reply: Reply, wanted: type[_T]) -> _T | Failure:
    if isinstance(reply, wanted | Failure):
        return reply
    return Failure(id=0, code="internal", cause="the reader of data sets gave an unexpected answer", remedy=_AGAIN)
