"""Frames of videos that somebody else made: bounded in pixels, frames and time.

OpenCV is imported only when a video is opened, and only in child processes. transformers' own decoding is not used: it
goes through torchcodec alone, which the project does not depend on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vlmtui.media.errors import VideoError, shown_name
from vlmtui.media.files import open_regular

MAX_PIXELS = 8192 * 4352
"""The most pixels of one frame: 8K."""
MAX_FRAMES = 64
"""The most frames that are sampled: what SmolVLM2's own processor takes."""
LONGEST_EDGE = 1024
"""Sampled frames are scaled down to this, so that 64 of them are at most 200 MB; models see 512 pixels."""
DEADLINE_S = 30.0
"""Decoding a video gives up after this long."""

_EXACT_FRAMES = 1500  # up to here every frame is decoded in turn, which is exact; seeking is faster but codec-bound
# The containers that OpenCV's FFmpeg is let near, by their first bytes. Playlists (HLS, concat) are files too, and
# name OTHER files and addresses; they are none of these.
_CONTAINERS: tuple[Callable[[bytes], bool], ...] = (
    lambda head: head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"),  # MP4, MOV
    lambda head: head[:4] == b"\x1aE\xdf\xa3",  # Matroska, WebM
    lambda head: head[:4] == b"RIFF" and head[8:12] == b"AVI ",
    lambda head: head[:4] in (b"OggS", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),  # Ogg, MPEG-PS, MPEG video
    lambda head: head[:1] == b"G" and head[188:189] == b"G",  # MPEG-TS
    lambda head: head[4:5] == b"G" and head[196:197] == b"G",  # M2TS
    lambda head: head[:3] == b"FLV",
    lambda head: head[:4] == b"0&\xb2u",  # ASF, WMV
    lambda head: head[:6] in (b"GIF87a", b"GIF89a"),
)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video is.

    Attributes:
        width, height: of a frame in pixels, as it is shown (turned).
        frames: how many the container says there are; 0 when it does not say.
        fps: frames a second; 0.0 when not known.
        duration: seconds; 0.0 when not known.
        codec: its four letters, e.g. `avc1`.
        bytes: size of the file.
    """

    width: int
    height: int
    frames: int
    fps: float
    duration: float
    codec: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """Frames of a video in temporal order.

    Attributes:
        frames: each height x width x 3, uint8, RGB, turned as it is shown.
        times: seconds of each frame from the start.
        indices: number of each frame, from 0.
        info: the video.
    """

    frames: list[np.ndarray]
    times: list[float]
    indices: list[int]
    info: VideoInfo

    @property
    def fps(self) -> float:
        """Frames a second of the video itself."""
        return self.info.fps

    @property
    def duration(self) -> float:
        """Seconds of the whole video."""
        return self.info.duration


def describe_video(path: str | os.PathLike[str]) -> VideoInfo:
    """Return what the video at `path` is, from its header.

    Raises:
        VideoError: it cannot be used; with a cause and a remedy.
    """
    with _opened(path) as (_, info):
        return info


def first_frame(path: str | os.PathLike[str]) -> tuple[np.ndarray, VideoInfo]:
    """Return the first frame (height x width x 3, uint8, RGB) and what the video is.

    Raises:
        VideoError: it cannot be used; with a cause and a remedy.
    """
    with _opened(path) as (capture, info):
        good, frame = capture.read()
        if not good or frame is None:
            raise _no_frames(path)
        return _shrunk(frame, max(LONGEST_EDGE, 2048)), info


def sample_frames(
    path: str | os.PathLike[str], count: int, *, longest_edge: int = LONGEST_EDGE, deadline_s: float = DEADLINE_S
) -> Sampled:
    """Return at most `count` frames, spread evenly from the first to the last: `linspace(0, total - 1, count)`.

    A video of fewer frames gives each of them once; a count above `MAX_FRAMES` is taken as `MAX_FRAMES`. Frames that
    cannot be decoded at the end of a damaged file are left out, as long as there is one.

    Args:
        path: A video file.
        count: How many frames are wanted, at least 1.
        longest_edge: Frames are scaled down to this many pixels.
        deadline_s: Seconds until decoding gives up.

    Raises:
        VideoError: it cannot be used; with a cause and a remedy.
        ValueError: `count` is below 1.
    """
    if count < 1:
        raise ValueError("count must be at least 1")
    count = min(count, MAX_FRAMES)
    end = time.monotonic() + deadline_s
    with _opened(path) as (capture, info):
        total = info.frames or _count(capture, path, end)
        wanted = [int(i) for i in np.linspace(0, total - 1, min(count, total)).round()]
        if info.frames == 0 or total > _EXACT_FRAMES:
            found = _by_seeking(capture, wanted, longest_edge, end, path)
        else:
            found = _in_turn(capture, wanted, longest_edge, end, path)
        if not found:
            raise _no_frames(path)
        fps = info.fps or 24.0
        return Sampled([f for _, f in found], [i / fps for i, _ in found], [i for i, _ in found], info)


def _in_turn(
    capture: Any, wanted: list[int], longest_edge: int, end: float, path: str | os.PathLike[str]
) -> list[tuple[int, np.ndarray]]:
    """Decode every frame up to the last one that is wanted; the container's count may be too high by a few."""
    found: list[tuple[int, np.ndarray]] = []
    last: tuple[int, np.ndarray] | None = None
    pending = list(wanted)
    index = 0
    while pending and capture.grab():
        _check_time(end, path)
        if index >= pending[0] or index + 8 > pending[-1]:
            good, frame = capture.retrieve()
            if good and frame is not None:
                last = (index, _shrunk(frame, longest_edge))
                if index >= pending[0]:
                    found.append(last)
                    pending.pop(0)
        index += 1
    if pending and last is not None and (not found or found[-1][0] != last[0]):
        found.append(last)  # the count was too high: the true last frame stands for the one that is not there
    return found


def _by_seeking(
    capture: Any, wanted: list[int], longest_edge: int, end: float, path: str | os.PathLike[str]
) -> list[tuple[int, np.ndarray]]:
    import cv2

    found: list[tuple[int, np.ndarray]] = []
    for index in wanted:
        _check_time(end, path)
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        good, frame = capture.read()
        if good and frame is not None:
            found.append((index, _shrunk(frame, longest_edge)))
    return found


def _count(capture: Any, path: str | os.PathLike[str], end: float) -> int:
    """Count the frames of a container that does not say; leaves the position at the start."""
    import cv2

    total = 0
    while capture.grab():
        _check_time(end, path)
        total += 1
    if total == 0:
        raise _no_frames(path)
    capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
    return total


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[Any, VideoInfo]]:
    with open_regular(path, VideoError) as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            head = stream.read(256)
        except OSError as error:
            raise VideoError(f"{shown_name(path)} cannot be read: {error.strerror}", "check the disk") from None
    if not any(test(head) for test in _CONTAINERS):
        raise VideoError(
            f"{shown_name(path)} is no video that can be read, or its start is damaged",
            "convert it to MP4 (H.264), or download it again",
            "foreign",
        )
    # FFmpeg may follow references inside a container: to files only, never to an address.
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "protocol_whitelist;file"
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import cv2

    # An absolute path cannot be taken for an address or an option; FFmpeg alone, since other back ends read `%02d` as
    # a series of pictures and `!` as a pipeline.
    capture = cv2.VideoCapture(str(Path(path).absolute()), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise VideoError(
                f"{shown_name(path)} is damaged, or its codec is not known",
                "convert it to MP4 (H.264), or download it again",
            )
        yield capture, _info(capture, size, path)
    except cv2.error as error:
        raise VideoError(f"{shown_name(path)} is damaged: {error.err or error}", "convert it to MP4 (H.264)") from None
    except MemoryError:
        raise VideoError(f"{shown_name(path)} does not fit in memory", "scale it down first", "too_large") from None
    finally:
        capture.release()


def _info(capture: Any, size: int, path: str | os.PathLike[str]) -> VideoInfo:
    import cv2

    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width < 1 or height < 1:
        raise _no_frames(path)
    if width * height > MAX_PIXELS:
        raise VideoError(
            f"{shown_name(path)} is too large to decode safely: {width:,} x {height:,} pixels a frame",
            "scale it down first; models look at 512 pixels a frame",
            "too_large",
        )
    fps = _sensible(float(capture.get(cv2.CAP_PROP_FPS)), 1000.0)
    frames = int(_sensible(float(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 1e8))
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    codec = "".join(chr(c) for c in fourcc.to_bytes(4, "little") if 32 < c < 127)
    return VideoInfo(width, height, frames, fps, frames / fps if fps else 0.0, codec, size)


def _sensible(value: float, most: float) -> float:
    """Return `value`, or 0.0 where a header says something that cannot be."""
    return value if 0.0 < value < most else 0.0


def _shrunk(frame: np.ndarray, longest_edge: int) -> np.ndarray:
    """Return a BGR frame as RGB, its longest edge at most `longest_edge`."""
    import cv2

    height, width = frame.shape[:2]
    scale = longest_edge / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    turned: np.ndarray = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    return turned


def _check_time(end: float, path: str | os.PathLike[str]) -> None:
    if time.monotonic() > end:
        raise VideoError(
            f"{shown_name(path)} takes too long to decode", "cut it or convert it to MP4 (H.264)", "too_large"
        )


def _no_frames(path: str | os.PathLike[str]) -> VideoError:
    return VideoError(
        f"{shown_name(path)} has no frame that can be decoded", "convert it to MP4 (H.264), or download it again"
    )
