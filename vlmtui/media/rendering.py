"""Showing pictures: decoded no larger than needed, kept, and drawn as a whole, in part, as tiles or in motion.

Media child only. What costs time asks between its steps whether it is still wanted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vlmtui.media.files import stamp_of
from vlmtui.media.kept import Kept
from vlmtui.media.kinds import kind_of
from vlmtui.media.protocol import MediaInfo, Paper, Render, Rendered

if TYPE_CHECKING:
    from PIL.Image import Image

    from vlmtui.media.animation import Player
    from vlmtui.media.drawing import Drawing
    from vlmtui.media.tiles import Tiles

Key = tuple[str, str]
"""A file and its stamp: what is kept of a file that has changed is never used again."""

_KEPT_BYTES = 96 * 1024 * 1024
_AHEAD_PIXELS = 16_000_000  # a picture of more is decoded when it is wanted, not before


class Pictures:
    """Draws pictures and keeps what it decoded.

    Kept are reduced pictures (`_KEPT_BYTES` of them), and one of each: a picture in full, for looking at it closely;
    the tiles of one picture; an animation that plays.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        """Args:
        check: Called between the steps of a request; raises `Superseded` when nobody waits for it any more.
        """
        self._check = check
        self._reduced: Kept[tuple[Image, MediaInfo]] = Kept(_KEPT_BYTES, lambda entry: _bytes(entry[0]))
        self._full: tuple[Key, Image, MediaInfo] | None = None
        self._tiles: tuple[object, Tiles, MediaInfo] | None = None
        self._player: tuple[Key, Player] | None = None

    def render(self, request: Render) -> Rendered:
        """Return the picture, or the video's first frame, as `request` wants it.

        Raises:
            MediaError: the file cannot be shown; `Superseded` when nobody waits for it.
        """
        began = time.perf_counter()
        key = (request.path, stamp_of(request.path))
        self._forget_others(key, request)
        self._check()
        if request.tiles is not None:
            made = self._as_tiles(key, request)
        elif request.time >= 0:
            made = self._in_motion(key, request)
        else:
            image, info = self._whole(key, request)
            self._check()
            made = _reply(request, info, _drawn(image, info, request))
        self._check()
        import msgspec

        return msgspec.structs.replace(made, seconds=time.perf_counter() - began)

    def _forget_others(self, key: Key, request: Render) -> None:
        if request.ahead:
            return
        if self._full is not None and self._full[0] != key:
            self._full = None
        if self._player is not None and (self._player[0] != key or request.time < 0):
            self._player[1].close()
            self._player = None
        if self._tiles is not None and request.tiles is None:
            self._tiles = None

    def _whole(self, key: Key, request: Render) -> tuple[Image, MediaInfo]:
        """Return the picture, reduced if that is enough for `request`."""
        if self._full is not None and self._full[0] == key:
            return self._full[1], self._full[2]
        entry = self._reduced.get(key)
        if entry is not None and _enough(*entry, request):
            return entry
        if kind_of(request.path) == "video":
            entry = _first_frame(request.path, key[1])
        elif request.view is not None and request.view.zoom > 0:
            image, info = self._decoded(key, None, 0)
            self._full = (key, image, info)
            return image, info
        else:
            entry = self._decoded(key, _dots(request), _AHEAD_PIXELS if request.ahead else 0)
        self._reduced.put(key, entry)
        return entry

    def _decoded(self, key: Key, target: tuple[int, int] | None, most: int) -> tuple[Image, MediaInfo]:
        from vlmtui.media.pictures import decode

        picture = decode(key[0], target, check=self._check, most_pixels=most)
        info = MediaInfo(
            path=key[0], kind="picture", bytes=picture.bytes, stamp=key[1], width=picture.width, height=picture.height,
            mode=picture.mode, format=picture.format, animated=picture.animated,
        )  # fmt: skip
        return picture.image, info

    def _as_tiles(self, key: Key, request: Render) -> Rendered:
        from vlmtui.media.drawing import draw_sheet
        from vlmtui.media.pictures import on_white
        from vlmtui.media.tiles import model_tiles

        assert request.tiles is not None
        if self._tiles is None or self._tiles[0] != (key, request.tiles):
            image, info = self._decoded(key, None, 0)
            self._check()
            self._tiles = ((key, request.tiles), model_tiles(on_white(image), request.tiles), info)
        _, tiles, info = self._tiles
        self._check()
        drawn, labels = draw_sheet(tiles, _paper(request), request.ground)
        return _reply(request, info, drawn, labels=labels)

    def _in_motion(self, key: Key, request: Render) -> Rendered:
        from vlmtui.media.animation import Player

        _, info = self._whole(key, request)
        if self._player is None:
            self._player = (key, Player(request.path))
        player = self._player[1]
        image, frame, wait = player.at(request.time, self._check)
        return _reply(
            request, info, _drawn(image, info, request), frame=frame, wait=wait, damaged=player.damaged
        )  # fmt: skip


def _reply(request: Render, info: MediaInfo, drawn: Drawing, **more: Any) -> Rendered:
    return Rendered(
        id=request.id, info=info, form=request.form, depth=request.depth, columns=drawn.columns, rows=drawn.rows,
        width=drawn.width, height=drawn.height, parts=drawn.parts, **more,
    )  # fmt: skip


def _drawn(image: Image, info: MediaInfo, request: Render) -> Drawing:
    from vlmtui.media.drawing import draw
    from vlmtui.media.view import window

    size = (info.width, info.height)
    part = None
    if request.view is not None and request.view.zoom > 0:
        room, cell = (max(1, request.columns), max(1, request.rows)), _cell(request)
        part = window(size, room, cell, request.form, request.view)
    return draw(image, _paper(request), size, part)


def _paper(request: Render) -> Paper:
    return Paper(
        request.columns, request.rows, _cell(request), request.form, request.depth, request.colours,
        request.max_pixels, request.fine,
    )  # fmt: skip


def _cell(request: Render) -> tuple[int, int]:
    return max(1, request.cell_width), max(1, request.cell_height)


def _dots(request: Render) -> tuple[int, int]:
    """Return the dots that there is room for: across, down."""
    if request.form == "half-block":
        return max(1, request.columns), max(1, request.rows * 2)
    if request.form == "shade":
        return max(1, request.columns), max(1, request.rows)
    cell = _cell(request)
    return max(1, request.columns) * cell[0], max(1, request.rows) * cell[1]


def _enough(image: Image, info: MediaInfo, request: Render) -> bool:
    """Return whether `image`, reduced, has all that will be seen of the picture."""
    if image.width >= info.width or info.kind == "video":
        return True
    if request.view is not None and request.view.zoom > 0:
        return image.width >= info.width * request.view.zoom
    across, down = _dots(request)
    return image.width >= info.width * min(1.0, across / info.width, down / info.height)


def _first_frame(path: str, stamp: str) -> tuple[Image, MediaInfo]:
    from PIL import Image

    from vlmtui.media.videos import first_frame

    frame, video = first_frame(path)
    info = MediaInfo(
        path=path, kind="video", bytes=video.bytes, stamp=stamp, width=video.width, height=video.height,
        format=video.codec, frames=video.frames, fps=video.fps, duration=video.duration,
    )  # fmt: skip
    return Image.fromarray(frame), info


def _bytes(image: Image) -> int:
    return image.width * image.height * len(image.getbands())
