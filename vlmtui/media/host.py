"""The media child: `python -m vlmtui.media.host`. Decodes pictures and videos so that nothing else has to.

One request at a time; of several waiting `Render`s only the newest is worked on, and a running one gives way to it
between its steps. Ends when its standard input does. What libraries print goes to the log, never into the protocol.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vlmtui.media.errors import MediaError, from_os_error, shown_name
from vlmtui.media.files import open_regular
from vlmtui.media.kinds import kind_of
from vlmtui.media.protocol import (
    PREFIX_BYTES,
    PROTOCOL_VERSION,
    Describe,
    Described,
    Hello,
    MediaFailure,
    MediaInfo,
    Render,
    Rendered,
    Reply,
    Request,
    Stamp,
    Stamped,
    decode_request,
    encode,
)
from vlmtui.safetext import safe_line

if TYPE_CHECKING:
    from PIL.Image import Image

_KEPT_EDGE = 2048  # decoded pictures are kept no larger than any terminal's pane
_KEPT_BYTES = 96 * 1024 * 1024
_HEAD_BYTES = 16 * 1024
_HEAD_LINES = 200
_ADDRESS_SPACE = 6 * 1024**3
_WORK_LIMIT_S = 60


class _Superseded(Exception):
    """A newer `Render` has come."""


class _Pipe:
    """The protocol's two ends: requests as they come, replies whole."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._buffer = bytearray()
        self._waiting: deque[Request] = deque()
        self._ended = False

    def send(self, reply: Reply) -> None:
        frame = memoryview(encode(reply))
        while frame:
            frame = frame[os.write(self._sink, frame) :]

    def next(self) -> Request | None:
        """Wait for a request and return it; None when there will be no more."""
        while not self._waiting and not self._ended:
            self._read()
        self._drop_superseded()
        return self._waiting.popleft() if self._waiting else None

    def newer_render(self) -> bool:
        """Return whether a `Render` waits, without waiting for one."""
        while not self._ended and select.select([self._source], [], [], 0)[0]:
            self._read()
        return any(isinstance(request, Render) for request in self._waiting)

    def _read(self) -> None:
        piece = os.read(self._source, 65536)
        self._ended = not piece
        self._buffer += piece
        while len(self._buffer) >= PREFIX_BYTES:
            end = PREFIX_BYTES + int.from_bytes(self._buffer[:PREFIX_BYTES], "big")
            if len(self._buffer) < end:
                break
            self._waiting.append(decode_request(bytes(self._buffer[PREFIX_BYTES:end])))
            del self._buffer[:end]

    def _drop_superseded(self) -> None:
        renders = [request for request in self._waiting if isinstance(request, Render)]
        for old in renders[:-1]:
            self._waiting.remove(old)
            self.send(_superseded(old.id))


class _Kept:
    """Pictures decoded last, reduced, at most `_KEPT_BYTES` of them."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], tuple[Image, MediaInfo]] = {}
        self._bytes = 0

    def get(self, key: tuple[str, str]) -> tuple[Image, MediaInfo] | None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._entries[key] = entry  # the newest is last
        return entry

    def put(self, key: tuple[str, str], image: Image, info: MediaInfo) -> None:
        self._entries[key] = (image, info)
        self._bytes += _size(image)
        while self._bytes > _KEPT_BYTES and len(self._entries) > 1:
            oldest = next(iter(self._entries))
            self._bytes -= _size(self._entries.pop(oldest)[0])


def main() -> None:
    """Serve requests until standard input ends."""
    source, sink = _take_over_standard_streams()
    _limit_resources()
    pipe = _Pipe(source, sink)
    kept = _Kept()
    pipe.send(Hello(version=PROTOCOL_VERSION, pid=os.getpid()))
    import vlmtui.media.pictures  # noqa: F401  (loaded while the first request is still on its way)

    while (request := pipe.next()) is not None:
        # A decoder that hangs in C code hears no exception and no flag: the alarm ends the process, the client says so.
        signal.alarm(_WORK_LIMIT_S)
        pipe.send(_answer(request, pipe, kept))
        signal.alarm(0)


def _answer(request: Request, pipe: _Pipe, kept: _Kept) -> Reply:
    try:
        match request:
            case Stamp():
                return Stamped(id=request.id, stamp=_stamp(request.path))
            case Describe():
                return Described(id=request.id, info=_describe(request.path))
            case Render():
                return _render(request, pipe, kept)
    except _Superseded:
        return _superseded(request.id)
    except MediaError as error:
        return MediaFailure(id=request.id, code=error.code, cause=error.cause, remedy=error.remedy)
    except MemoryError:
        cause = f"{shown_name(request.path)} does not fit in memory"
        remedy = "close other programs or scale it down"
        return MediaFailure(id=request.id, code="too_large", cause=cause, remedy=remedy)
    except Exception as error:  # a defect of ours must not end the child: the user's next file may be fine
        cause = safe_line(f"{shown_name(request.path)}: {type(error).__name__}: {error}", 200)
        return MediaFailure(id=request.id, code="internal", cause=cause, remedy="choose another file and report this")


def _render(request: Render, pipe: _Pipe, kept: _Kept) -> Rendered:
    began = time.perf_counter()
    path = request.path
    if kind_of(path) not in ("picture", "video"):
        return Rendered(id=request.id, info=_describe(path), seconds=time.perf_counter() - began)
    key = (path, _stamp(path))
    entry = kept.get(key)
    if entry is None:
        entry = _decoded(path, key[1])
        kept.put(key, *entry)
    image, info = entry
    if pipe.newer_render():
        raise _Superseded
    from vlmtui.media.drawing import Paper, draw

    paper = Paper(
        request.columns, request.rows, (request.cell_width, request.cell_height), request.form, request.depth,
        request.colours, request.max_pixels, request.fine,
    )  # fmt: skip
    drawn = draw(image, paper, (info.width, info.height))
    if pipe.newer_render():
        raise _Superseded
    return Rendered(
        id=request.id, info=info, form=request.form, depth=request.depth, columns=drawn.columns, rows=drawn.rows,
        width=drawn.width, height=drawn.height, parts=drawn.parts, seconds=time.perf_counter() - began,
    )  # fmt: skip


def _decoded(path: str, stamp: str) -> tuple[Image, MediaInfo]:
    """Return the picture at `path`, or the video's first frame, no larger than `_KEPT_EDGE`, and what it is."""
    if kind_of(path) == "video":
        from PIL import Image

        from vlmtui.media.videos import first_frame

        frame, video = first_frame(path)
        info = MediaInfo(
            path=path, kind="video", bytes=video.bytes, stamp=stamp, width=video.width, height=video.height,
            format=video.codec, frames=video.frames, fps=video.fps, duration=video.duration,
        )  # fmt: skip
        return Image.fromarray(frame), info
    from PIL import Image

    from vlmtui.media.pictures import decode

    picture = decode(path, (_KEPT_EDGE, _KEPT_EDGE))
    info = MediaInfo(
        path=path, kind="picture", bytes=picture.bytes, stamp=stamp, width=picture.width, height=picture.height,
        mode=picture.mode, format=picture.format, animated=picture.animated,
    )  # fmt: skip
    image = picture.image
    if max(image.size) > _KEPT_EDGE:
        image.thumbnail((_KEPT_EDGE, _KEPT_EDGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return image, info


def _describe(path: str) -> MediaInfo:
    kind, stamp = kind_of(path), _stamp(path)
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


def _stamp(path: str) -> str:
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return ""
    return f"{state.st_mtime_ns}-{state.st_size}-{state.st_ino}"


def _size(image: Image) -> int:
    return image.width * image.height * len(image.getbands())


def _superseded(request: int) -> MediaFailure:
    return MediaFailure(id=request, code="superseded", cause="a newer picture was asked for", remedy="")


def _take_over_standard_streams() -> tuple[int, int]:
    """Return descriptors of the real stdin and stdout; leave nothing to read and the log to write in their place."""
    source, sink = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _limit_resources() -> None:
    """Bound the memory that a hostile file can take, and leave no core file."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, _ADDRESS_SPACE), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):
            hard = resource.getrlimit(what)[1]
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt, BrokenPipeError, msgspec.DecodeError):
        main()
