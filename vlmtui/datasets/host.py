"""The data set child: `python -m vlmtui.datasets.host`. Opens one data set at a time and answers about its rows.

One thread: requests first, between them slices of the work in the background. Ends when its standard input does. What
libraries print goes to the log, never into the protocol.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from vlmtui.children.frames import take_frames
from vlmtui.children.streams import limit_resources, take_over_standard_streams, write_whole
from vlmtui.datasets.detail import detail_of, line_of
from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.extracted import Extracted
from vlmtui.datasets.protocol import (
    PROTOCOL_VERSION,
    Check,
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
    Rows,
    decode_request,
    encode,
)
from vlmtui.datasets.query import parse_query
from vlmtui.datasets.table import Table, stamp
from vlmtui.safetext import safe_line

_MOST_ROWS = 512
_PROGRESS_EVERY_S = 0.1
_DATA_LIMIT = 8 * 1024**3
_NEWEST_WINS = (GetRows, GetRow, Find)


class Host:
    """The child's state: the open table, what was asked, what goes on."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._buffer = bytearray()
        self._waiting: deque[Request] = deque()
        self._ended = False
        self._table: Table | None = None
        self._open_id = 0
        self._paused = False
        self._search: tuple[int, Iterator[int]] | None = None
        self._extracted = Extracted()
        self._told: object = None
        self._told_at = 0.0

    def serve(self) -> None:
        """Answer until standard input ends."""
        self._send(Hello(version=PROTOCOL_VERSION, pid=os.getpid()))
        try:
            while True:
                busy = self._has_work()
                self._read(wait=not busy and not self._waiting)
                if self._ended:
                    return
                self._drop_superseded()
                if self._waiting:
                    self._answer(self._waiting.popleft())
                elif busy:
                    self._work()
                self._tell_progress()
        finally:
            self._close_table()
            self._extracted.close()

    # ---- the pipe ----

    def _send(self, reply: Reply) -> None:
        write_whole(self._sink, encode(reply))

    def _read(self, *, wait: bool) -> None:
        while select.select([self._source], [], [], None if wait else 0)[0]:
            piece = os.read(self._source, 65536)
            self._ended = not piece
            self._buffer += piece
            self._waiting.extend(map(decode_request, take_frames(self._buffer)))
            if self._ended or self._waiting:
                return

    def _drop_superseded(self) -> None:
        for kind in _NEWEST_WINS:
            for old in [request for request in self._waiting if isinstance(request, kind)][:-1]:
                self._waiting.remove(old)
                self._send(_superseded(old.id))

    # ---- work ----

    def _has_work(self) -> bool:
        if self._table is None:
            return False
        return self._search is not None or (self._table.busy and not self._paused)

    def _work(self) -> None:
        table = self._table
        assert table is not None
        try:
            if self._search is None:
                table.work()
                return
            id, search = self._search
            end = time.monotonic() + 0.02
            while time.monotonic() < end:
                position = next(search, None)
                if position is None or position >= 0:
                    self._search = None
                    self._send(Found(id=id, position=-1 if position is None else position))
                    return
        except (DatasetError, MemoryError, Exception) as error:  # a defect of ours must not end the child
            self._paused = True  # nor be met again and again
            if self._search is not None:
                self._send(_failure(self._search[0], error))
                self._search = None

    def _tell_progress(self) -> None:
        table = self._table
        if table is None:
            return
        state = (table.source.rows, table.source.complete, table.shown, table.filtered, table.checked, table.bad)
        now = time.monotonic()
        settled = not table.busy
        if state == self._told or (now - self._told_at < _PROGRESS_EVERY_S and not settled):
            return
        self._told, self._told_at = state, now
        self._send(
            Progress(
                id=self._open_id,
                rows=table.source.rows,
                complete=table.source.complete,
                share=table.source.progress,
                shown=table.shown,
                filtered=table.filtered,
                checked=table.checked,
                bad=table.bad,
                problems=table.take_problems(),
            )
        )

    # ---- requests ----

    def _answer(self, request: Request) -> None:
        try:
            reply = self._reply(request)
        except (DatasetError, MemoryError, Exception) as error:  # a defect of ours must not end the child
            reply = _failure(request.id, error)
        if reply is not None:
            self._send(reply)

    def _reply(self, request: Request) -> Reply | None:
        if isinstance(request, Open):
            return self._open(request)
        if isinstance(request, Pause):
            self._paused = request.on
            return Done(id=request.id)
        table = self._table
        if table is None:
            return Failure(id=request.id, code="superseded", cause="no data set is open")
        match request:
            case GetRows():
                rows = table.rows_at(request.start, min(request.count, _MOST_ROWS))
                lines = [line_of(number, row, table) for number, row in rows]
                return Rows(id=request.id, start=request.start, lines=lines)
            case GetRow():
                return detail_of(request.id, request.row, table, self._extracted)
            case Filter():
                self._end_search()
                table.filter(parse_query(request.expression, table.columns))
                self._paused = False
                self._told = None
                return Done(id=request.id)
            case Find():
                self._end_search()
                query = parse_query(request.expression, table.columns)
                if query is None:
                    return Found(id=request.id, position=-1)
                self._search = (request.id, table.find(query, request.start, backward=request.backward))
                return None
            case Check():
                return Done(id=request.id, same=stamp(table.path) == table.stamp)
        raise AssertionError(request)

    def _open(self, request: Open) -> Opened:
        self._close_table()
        self._table = Table(request.path, request.split)
        self._open_id = request.id
        self._paused = False
        self._told = None
        return Opened(id=request.id, info=self._table.info())

    def _close_table(self) -> None:
        self._end_search()
        if self._table is not None:
            self._table.close()
            self._table = None

    def _end_search(self) -> None:
        if self._search is not None:
            self._send(_superseded(self._search[0]))
            self._search = None


def main() -> None:
    """Serve requests until standard input ends."""
    source, sink = take_over_standard_streams()
    limit_resources("RLIMIT_DATA", _DATA_LIMIT)  # mapped files do not count
    with suppress(OSError):
        os.nice(5)  # the terminal and the picture decoder come first
    Host(source, sink).serve()


def _failure(id: int, error: BaseException) -> Failure:
    if isinstance(error, DatasetError):
        return Failure(id=id, code=error.code, cause=error.cause, remedy=error.remedy)
    if isinstance(error, MemoryError):
        return Failure(id=id, code="too_large", cause="this does not fit in memory", remedy="close other programs")
    cause = safe_line(f"{type(error).__name__}: {error}", 200)
    return Failure(id=id, code="internal", cause=cause, remedy="choose another file and report this")


def _superseded(id: int) -> Failure:
    return Failure(id=id, code="superseded", cause="something newer was asked for")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError, msgspec.DecodeError):
        main()
