"""Showing videos: one frame of many, and the film strip of those that a model is sent. Media child only.

A video stays open while it is looked at, so that the next frame is the next frame and no search. Decoded frames are
reduced to what is drawn and kept, bounded in bytes.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from vlmtui.media.errors import VideoError
from vlmtui.media.files import stamp_of
from vlmtui.media.kept import Kept
from vlmtui.media.protocol import Frame, FrameDrawn, MediaInfo, Paper, Rendered, Strip, StripDrawn
from vlmtui.media.view import Window
from vlmtui.models.sampling import Timeline, chosen_frames

if TYPE_CHECKING:
    from PIL.Image import Image

    from vlmtui.media.drawing import Drawing
    from vlmtui.media.video_file import VideoFile

_KEPT_BYTES = 48 * 1024 * 1024
_MOST_OPEN = 4  # two videos side by side, each with a decoder for its strip
_DEADLINE_S = 12.0
_ALARM_S = 25  # of one request: a decoder that hangs in C code hears nothing else
_PIECE_S = 0.08  # a strip is filled in pieces of this long, so that a frame that is wanted meanwhile comes soon
_EMPTY, _FAILED = (48, 48, 48), (110, 32, 32)

Key = tuple[str, str]
"""A file and its stamp."""


class Videos:
    """Videos that are looked at, and the frames of them that were decoded last."""

    def __init__(self) -> None:
        self._open: dict[tuple[Key, str], VideoFile] = {}
        self._kept: Kept[Image] = Kept(_KEPT_BYTES, lambda image: image.width * image.height * 3)
        self._failed: set[tuple[Key, int]] = set()

    def frame(self, request: Frame) -> FrameDrawn:
        """Return the frame that `request` names by its number or by its time, drawn.

        Raises:
            VideoError: it cannot be shown.
        """
        signal.alarm(_ALARM_S)
        key = (request.path, stamp_of(request.path))
        video = self._opened(key, "show")
        if request.index == 0 and request.quick:
            timeline = _as_the_header_says(video)
            index = 0
            image = self._decoded(key, video, 0, _edge(request.paper, video), first=True)
        else:
            timeline = video.timeline(_DEADLINE_S)
            index = min(request.index, timeline.total - 1) if request.index >= 0 else timeline.at(request.time)
            image = self._decoded(key, video, index, _edge(request.paper, video))
        drawn = _drawn(image, request.paper, (video.info.width, video.info.height))
        return FrameDrawn(
            id=request.id, picture=_reply(request.id, key, video, timeline, request.paper, drawn), index=index,
            time=timeline.time_of(index), next_time=timeline.time_of(index + 1) if index + 1 < timeline.total else 0.0,
            total=timeline.total, fps=timeline.fps, duration=timeline.duration, variable=timeline.variable,
        )  # fmt: skip

    def strip(self, request: Strip) -> StripDrawn:
        """Return the frames that `request.sampling` chooses, a page of them drawn side by side.

        Frames that are not decoded yet are empty; `missing` says how many, so that it is asked for again.

        Raises:
            VideoError: the video cannot be used.
        """
        from PIL import Image as Images

        signal.alarm(_ALARM_S)
        key = (request.path, stamp_of(request.path))
        video = self._opened(key, "strip")
        timeline = video.timeline(_DEADLINE_S)
        choices = chosen_frames(request.sampling, timeline)
        page = choices[request.first : request.first + max(0, request.count)]
        across, down = _dots(request.paper)
        width = request.paper.columns * request.count
        sheet = Images.new("RGB", (max(1, width * across), max(1, request.paper.rows * down)), _rgb(request.ground))
        missing, began = 0, time.monotonic()
        room = max(1, (request.paper.columns - 1) * across), max(1, request.paper.rows * down)
        for place, choice in enumerate(page):
            image = self._kept.get((key, choice.index, _THUMB))
            if image is None and (key, choice.index) not in self._failed:
                if time.monotonic() - began > _PIECE_S:
                    missing += 1
                else:
                    image = self._thumbnail(key, video, choice.index)
            if image is None:
                failed = (key, choice.index) in self._failed
                image = Images.new("RGB", (video.info.width, video.info.height), _FAILED if failed else _EMPTY)
            # A dot of half blocks is one wide and two to a cell: as wide as high where a cell is twice as high as wide.
            stretch = (request.paper.cell[0] / across) / (request.paper.cell[1] / down)
            size = _fitted(image.width / stretch, image.height, *room)
            small = image.resize(size, Images.Resampling.BOX if image.width > size[0] else Images.Resampling.BICUBIC)
            left = place * request.paper.columns * across + (room[0] - size[0]) // 2
            sheet.paste(small, (left, (room[1] - size[1]) // 2))
        paper = Paper(
            width, request.paper.rows, request.paper.cell, request.paper.form, request.paper.depth,
            request.paper.colours, request.paper.max_pixels, request.paper.fine,
        )  # fmt: skip
        drawn = _drawn(sheet, paper, sheet.size, Window(1, 0, 0, *sheet.size, width, request.paper.rows, True))
        return StripDrawn(
            id=request.id, picture=_reply(request.id, key, video, timeline, paper, drawn), choices=choices,
            missing=missing, failed=[c.index for c in choices if (key, c.index) in self._failed],
        )  # fmt: skip

    # ---- decoding -------------------------------------------------------------------------------

    def _opened(self, key: Key, use: str) -> VideoFile:
        """Return the open video; of those that were not used for longest only a few stay open."""
        from vlmtui.media.video_file import VideoFile

        for other in [other for other in self._open if other[0][0] == key[0] and other[0] != key]:
            self._open.pop(other).close()  # the file has changed
        video = self._open.pop((key, use), None)
        if video is None:
            video = VideoFile(key[0])
            shared = next((other for (k, _), other in self._open.items() if k == key), None)
            if shared is not None:
                video.share_timeline(shared)
        self._open[(key, use)] = video
        while len(self._open) > _MOST_OPEN:
            self._open.pop(next(iter(self._open))).close()
        return video

    def _decoded(self, key: Key, video: VideoFile, index: int, edge: int, *, first: bool = False) -> Image:
        from PIL import Image as Images

        from vlmtui.media.videos import as_rgb

        image = self._kept.get((key, index, edge))
        if image is None:
            frame = video.first() if first else video.frame(index, _DEADLINE_S)
            image = Images.fromarray(as_rgb(frame, edge))
            self._kept.put((key, index, edge), image)
        return image

    def _thumbnail(self, key: Key, video: VideoFile, index: int) -> Image | None:
        try:
            return self._decoded(key, video, index, _THUMB)
        except VideoError as error:
            if error.code == "too_large":
                raise
            self._failed.add((key, index))
            return None


_THUMB = 192  # pixels of a strip's frame on its longer edge


def _as_the_header_says(video: VideoFile) -> Timeline:
    return Timeline(max(1, video.info.frames), video.info.fps or 24.0)


def _drawn(image: Image, paper: Paper, full: tuple[int, int], part: Window | None = None) -> Drawing:
    from vlmtui.media.drawing import draw

    return draw(image, paper, full, part)


def _reply(id: int, key: Key, video: VideoFile, timeline: Timeline, paper: Paper, drawn: Drawing) -> Rendered:
    said = video.info
    info = MediaInfo(
        path=key[0], kind="video", bytes=said.bytes, stamp=key[1], width=said.width, height=said.height,
        format=said.codec, frames=timeline.total, fps=timeline.fps, duration=timeline.duration,
    )  # fmt: skip
    return Rendered(
        id=id, info=info, form=paper.form, depth=paper.depth, columns=drawn.columns, rows=drawn.rows,
        width=drawn.width, height=drawn.height, parts=drawn.parts,
    )  # fmt: skip


def _edge(paper: Paper, video: VideoFile) -> int:
    """Return how many pixels of a frame's longer edge are worth keeping: what is drawn, in steps of 64."""
    across, down = _dots(paper)
    wide, high = max(1, paper.columns) * across, max(1, paper.rows) * down
    if paper.form in ("half-block", "shade"):
        wide, high = wide * 2, high * 2  # scaled once more, so twice as fine
    elif wide * high > paper.max_pixels:
        scale = (paper.max_pixels / (wide * high)) ** 0.5
        wide, high = int(wide * scale), int(high * scale)
    return max(128, -(-max(wide, high) // 64) * 64)


def _dots(paper: Paper) -> tuple[int, int]:
    """Return the dots of a cell, across and down: pixels where the terminal draws those."""
    return (1, 2) if paper.form in ("half-block", "shade") else (max(1, paper.cell[0]), max(1, paper.cell[1]))


def _fitted(width: float, height: float, across: int, down: int) -> tuple[int, int]:
    scale = min(across / width, down / height)
    return max(1, min(across, round(width * scale))), max(1, min(down, round(height * scale)))


def _rgb(colour: int) -> tuple[int, ...]:
    return tuple(colour.to_bytes(3, "big"))
