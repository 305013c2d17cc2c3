"""The media child: `python -m vlmtui.media.host`. Decodes pictures and videos so that nothing else has to.

One request at a time; of several waiting `Render`s only the newest is worked on, and a running one gives way to it
between its steps. What nobody waits for yet (`Render.ahead`) comes last.
Ends when its standard input does. What libraries print goes to the log, never into the protocol.
"""

from __future__ import annotations

import os
import select
import signal
from collections import deque
from contextlib import suppress

import msgspec

from vlmtui.children.frames import take_frames
from vlmtui.children.streams import limit_resources, take_over_standard_streams, write_whole
from vlmtui.media.errors import MediaError, Superseded, from_os_error, shown_name
from vlmtui.media.files import open_regular, stamp_of
from vlmtui.media.kinds import kind_of
from vlmtui.media.protocol import (
    PROTOCOL_VERSION,
    Describe,
    Described,
    Frame,
    Hello,
    Inspect,
    Inspected,
    MediaFailure,
    MediaInfo,
    Render,
    Rendered,
    Reply,
    Request,
    Stamp,
    Stamped,
    Strip,
    decode_request,
    encode,
)
from vlmtui.media.rendering import Pictures
from vlmtui.media.showing_videos import Videos
from vlmtui.safetext import safe_line

_HEAD_BYTES = 16 * 1024
_HEAD_LINES = 200
_ADDRESS_SPACE = 6 * 1024**3
_WORK_LIMIT_S = 60


class _Pipe:
    """The protocol's two ends: requests as they come, replies whole."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._buffer = bytearray()
        self._waiting: deque[Request] = deque()
        self._current: Request | None = None
        self._ended = False

    def send(self, reply: Reply) -> None:
        write_whole(self._sink, encode(reply))

    def next(self) -> Request | None:
        """Wait for a request and return it, first what somebody waits for; None when there will be no more."""
        while not self._waiting and not self._ended:
            self._read()
        self._drop_superseded()
        self._current = next((request for request in self._waiting if not _is_ahead(request)), None)
        if self._current is None and self._waiting:
            self._current = self._waiting[0]
        if self._current is not None:
            self._waiting.remove(self._current)
        return self._current

    def check(self) -> None:
        """Raise `Superseded` when a `Render` has come that is wanted in the current one's place; never waits."""
        while not self._ended and select.select([self._source], [], [], 0)[0]:
            self._read()
        if any(_supersedes(request, self._current) for request in self._waiting):
            raise Superseded

    def _read(self) -> None:
        piece = os.read(self._source, 65536)
        self._ended = not piece
        self._buffer += piece
        self._waiting.extend(map(decode_request, take_frames(self._buffer)))

    def _drop_superseded(self) -> None:
        """Answer the `Render`s that came before one that somebody waits for in their place."""
        waiting = list(self._waiting)
        for place, old in enumerate(waiting):
            if any(_supersedes(newer, old) for newer in waiting[place + 1 :]):
                self._waiting.remove(old)
                self.send(_superseded(old.id))


def main() -> None:
    """Serve requests until standard input ends."""
    source, sink = take_over_standard_streams()
    limit_resources("RLIMIT_AS", _ADDRESS_SPACE)
    pipe = _Pipe(source, sink)
    pictures = Pictures(pipe.check)
    videos = Videos()
    pipe.send(Hello(version=PROTOCOL_VERSION, pid=os.getpid()))
    import vlmtui.media.drawing
    import vlmtui.media.pictures  # noqa: F401  (loaded while the first request is still on its way)

    while (request := pipe.next()) is not None:
        # A decoder that hangs in C code hears no exception and no flag: the alarm ends the process, the client says so.
        signal.alarm(_WORK_LIMIT_S)
        pipe.send(_answer(request, pictures, videos))
        signal.alarm(0)


def _answer(request: Request, pictures: Pictures, videos: Videos) -> Reply:
    try:
        match request:
            case Stamp():
                return Stamped(id=request.id, stamp=stamp_of(request.path))
            case Describe():
                return Described(id=request.id, info=_describe(request.path))
            case Render():
                return _render(request, pictures)
            case Inspect():
                return Inspected(id=request.id, info=_describe(request.path), facts=_facts(request.path))
            case Frame():
                return videos.frame(request)
            case Strip():
                return videos.strip(request)
    except MediaError as error:
        return MediaFailure(id=request.id, code=error.code, cause=error.cause, remedy=error.remedy)
    except MemoryError:
        cause = f"{shown_name(request.path)} does not fit in memory"
        remedy = "close other programs or scale it down"
        return MediaFailure(id=request.id, code="too_large", cause=cause, remedy=remedy)
    except Exception as error:  # a defect of ours must not end the child: the user's next file may be fine
        cause = safe_line(f"{shown_name(request.path)}: {type(error).__name__}: {error}", 200)
        return MediaFailure(id=request.id, code="internal", cause=cause, remedy="choose another file and report this")


def _render(request: Render, pictures: Pictures) -> Rendered:
    if kind_of(request.path) in ("picture", "video"):
        return pictures.render(request)
    return Rendered(id=request.id, info=_describe(request.path))


def _facts(path: str) -> list[tuple[str, str]]:
    if kind_of(path) != "picture":
        return []
    from vlmtui.media.metadata import picture_facts

    return picture_facts(path)


def _describe(path: str) -> MediaInfo:
    kind, stamp = kind_of(path), stamp_of(path)
    if kind == "picture":
        from vlmtui.media.pictures import describe

        width, height, mode, form, size = describe(path)
        return MediaInfo(
            path=path, kind=kind, bytes=size, stamp=stamp, width=width, height=height, mode=mode, format=form
        )
    if kind == "video":
        from vlmtui.media.videos import describe_video

        video = describe_video(path)
        return MediaInfo(
            path=path, kind=kind, bytes=video.bytes, stamp=stamp, width=video.width, height=video.height,
            format=video.codec, frames=video.frames, fps=video.fps, duration=video.duration,
        )  # fmt: skip
    with open_regular(path, MediaError) as stream:
        try:
            head = stream.read(_HEAD_BYTES)
        except OSError as error:
            raise from_os_error(error, path, MediaError) from None
        size = os.fstat(stream.fileno()).st_size
    return MediaInfo(path=path, kind=kind, bytes=size, stamp=stamp, head=_text(head))


def _text(head: bytes) -> str:
    """Return the first lines of a text; empty for what is none."""
    if b"\x00" in head:
        return ""
    text = head.decode("utf-8", "replace")
    if text.count("\ufffd") > len(text) // 20 + 1:
        return ""
    return "\n".join(text.split("\n")[:_HEAD_LINES])


def _supersedes(newer: Request, older: Request | None) -> bool:
    """Return whether nobody needs `older` any more, now that `newer` has come."""
    if not (isinstance(newer, Render) and isinstance(older, Render)) or newer.ahead:
        return False
    return older.ahead or newer.lane == older.lane


def _is_ahead(request: Request) -> bool:
    return isinstance(request, Render) and request.ahead


def _superseded(request: int) -> MediaFailure:
    return MediaFailure(id=request, code="superseded", cause="a newer picture was asked for", remedy="")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError, msgspec.DecodeError):
        main()
