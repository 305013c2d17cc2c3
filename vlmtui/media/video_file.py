"""One open video: what it is, when its frames are shown, and any frame of it, exactly.

OpenCV is imported only when a video is opened, and only in child processes. Its own seeking counts frames as time times
rate, which is wrong for a variable rate and drifts in some containers; here every seek is checked against the times
that the container gives its frames.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from vlmtui.media.errors import VideoError, shown_name
from vlmtui.media.files import open_regular
from vlmtui.models.sampling import Timeline

MAX_PIXELS = 8192 * 4352
"""The most pixels of one frame: 8K."""
MAX_FRAMES_IN_FILE = 10_000_000
"""The most frames of a file: 46 hours at 60 a second."""
MAX_INDEXED_BYTES = 384 * 1024 * 1024
"""Files up to this size have the times of their frames read; of larger ones the header is believed."""
DEADLINE_S = 30.0
"""Decoding gives up after this long."""

_GOOD_STEP = 60  # frames that are decoded on the way rather than sought, where key frames are not known
_ASSUMED_FPS = 24.0  # of a container that does not say, as transformers assumes it
_BACK = (0, 8, 64, 512, 1 << 40)  # how far before a frame a seek is tried when it came out behind it
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


class VideoFile:
    """An open video. Use it as a context manager, or `close` it.

    Attributes:
        path: of the file.
        info: what its header says.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the video at `path`; only its header is read.

        Raises:
            VideoError: it cannot be used; with a cause and a remedy.
        """
        self.path = path
        self._size = _looked_at(path)
        self._capture = _capture(path)
        self._at = -1  # the frame that was grabbed last
        self._timeline: Timeline | None = None
        self._keys: list[int] = []
        try:
            self.info = _info(self._capture, self._size, path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the decoder."""
        self._capture.release()

    def timeline(self, deadline_s: float = DEADLINE_S) -> Timeline:
        """Return when the frames are shown; the first call reads the file once through, without decoding it.

        Raises:
            VideoError: there is no frame, or it takes too long.
        """
        if self._timeline is None:
            self._timeline = self._read_timeline(time.monotonic() + deadline_s)
        return self._timeline

    def share_timeline(self, other: VideoFile) -> None:
        """Take over what `other`, the same file, knows of its frames."""
        self._timeline, self._keys = other._timeline, other._keys

    def first(self) -> np.ndarray:
        """Return the first frame (height x width x 3, uint8, BGR), without reading the times of the others.

        Raises:
            VideoError: there is none.
        """
        if self._at != 0:
            if self._at > 0:
                self._reopen()
            if not self._capture.grab():
                raise no_frames(self.path)
            self._at = 0
        return self._retrieved()

    def frame(self, index: int, deadline_s: float = DEADLINE_S) -> np.ndarray:
        """Return frame `index` (height x width x 3, uint8, BGR); the next one where it is damaged beyond decoding.

        Raises:
            VideoError: there is no such frame, or it takes too long.
        """
        timeline = self.timeline()
        index = max(0, min(index, timeline.total - 1))
        end = time.monotonic() + deadline_s
        if self._at != index and (self._at > index or self._worth_seeking(index)):
            self._seek(index, end)
        self._forward(index, end)
        return self._retrieved()

    # ---- where the decoder is -------------------------------------------------------------------

    def _worth_seeking(self, index: int) -> bool:
        """Return whether a seek from here to `index` spares decoding."""
        if self._keys:
            before = bisect_right(self._keys, index)
            return before > 0 and self._keys[before - 1] > self._at + 1
        return index - self._at > _GOOD_STEP

    def _seek(self, index: int, end: float) -> None:
        """Bring the decoder to `index` or before it, as near as it will go."""
        import cv2

        timeline = self.timeline()
        fps = self.info.fps or timeline.fps
        for back in _BACK if self.info.fps else ():
            start = max(0, index - back)
            # OpenCV takes a number for a time, so a frame is named by its time.
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, round(timeline.time_of(start) * fps))
            check_time(end, self.path)
            if self._capture.grab():
                self._at = self._position(timeline)
                if self._at <= index:
                    return
            if start == 0:
                break
        self._reopen()

    def _forward(self, index: int, end: float) -> None:
        timeline = self.timeline()
        stuck = 0
        while self._at < index:
            check_time(end, self.path)
            if not self._capture.grab():
                self._reopen()
                raise VideoError(
                    f"frame {index + 1} of {shown_name(self.path)} cannot be decoded",
                    "the file is cut off or damaged there: choose an earlier frame, or download it again",
                )
            at = self._position(timeline)
            # A stream that gives its frames no times is counted.
            stuck = stuck + 1 if at <= self._at else 0
            self._at = self._at + 1 if stuck else at

    def _position(self, timeline: Timeline) -> int:
        """Return the number of the frame that was grabbed last, by its time."""
        import cv2

        seconds = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return timeline.at(seconds + 0.25 / timeline.fps) if not timeline.times else timeline.at(seconds)

    def _reopen(self) -> None:
        self._capture.release()
        self._capture = _capture(self.path)
        self._at = -1

    def _retrieved(self) -> np.ndarray:
        import cv2

        try:
            good, frame = self._capture.retrieve()
        except cv2.error as error:
            raise VideoError(
                f"{shown_name(self.path)} is damaged: {error.err or error}", "convert it to MP4 (H.264)"
            ) from None
        except MemoryError:
            cause = f"{shown_name(self.path)} does not fit in memory"
            raise VideoError(cause, "scale it down first", "too_large") from None
        if not good or frame is None:
            raise no_frames(self.path)
        found: np.ndarray = frame
        return found

    # ---- when frames are shown ------------------------------------------------------------------

    def _read_timeline(self, end: float) -> Timeline:
        fps = self.info.fps or _ASSUMED_FPS
        if self._size > MAX_INDEXED_BYTES and self.info.frames:
            return Timeline(_sensible_total(self.info.frames, self.path), fps)
        stamps = self._stamps(end)
        total = len(stamps)
        if total == 0:
            raise no_frames(self.path)
        times = [seconds for seconds, _ in stamps]
        if any(after - before <= 1e-6 for before, after in pairwise(times)):
            return Timeline(total, fps)  # no times, or the same for several: the rate is all there is
        times = [seconds - times[0] for seconds in times]
        self._keys = [index for index, (_, key) in enumerate(stamps) if key]
        rate = self.info.fps or ((total - 1) / times[-1] if total > 1 else fps)
        if all(abs(seconds - index / rate) < 0.5 / rate for index, seconds in enumerate(times)):
            return Timeline(total, rate)
        return Timeline(total, (total - 1) / times[-1], tuple(times))

    def _stamps(self, end: float) -> list[tuple[float, bool]]:
        """Return the time of each frame and whether it is a key frame, in the order in which they are shown.

        Packets are read and not decoded: a hundred thousand a second.
        """
        import cv2

        raw = cv2.VideoCapture(str(Path(self.path).absolute()), cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        found: list[tuple[float, bool]] = []
        try:
            while raw.grab():
                found.append(
                    (float(raw.get(cv2.CAP_PROP_POS_MSEC)) / 1000, bool(raw.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME)))
                )
                if len(found) % 1000 == 0:
                    check_time(end, self.path)
                    _sensible_total(len(found), self.path)
        finally:
            raw.release()
        return sorted(found)


def check_time(end: float, path: str | os.PathLike[str]) -> None:
    """Give up when it is later than `end` (of the monotonic clock); raises `VideoError`."""
    if time.monotonic() > end:
        raise VideoError(
            f"{shown_name(path)} takes too long to decode", "cut it or convert it to MP4 (H.264)", "too_large"
        )


def no_frames(path: str | os.PathLike[str]) -> VideoError:
    """Return the error for a video without a picture."""
    return VideoError(
        f"{shown_name(path)} has no frame that can be decoded", "convert it to MP4 (H.264), or download it again"
    )


def _looked_at(path: str | os.PathLike[str]) -> int:
    """Return the size of the file at `path`, whose first bytes are those of a video."""
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
    return size


def _capture(path: str | os.PathLike[str]) -> Any:
    # FFmpeg may follow references inside a container: to files only, never to an address.
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "protocol_whitelist;file"
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import cv2

    # An absolute path cannot be taken for an address or an option; FFmpeg alone, since other back ends read `%02d` as
    # a series of pictures and `!` as a pipeline.
    capture = cv2.VideoCapture(str(Path(path).absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        capture.release()
        if _only_sound(path):
            raise VideoError(f"{shown_name(path)} has sound and no pictures", "choose a video with pictures")
        raise VideoError(
            f"{shown_name(path)} is damaged or cut off, or its codec is not known",
            "convert it to MP4 (H.264), or download it again",
        )
    return capture


def _only_sound(path: str | os.PathLike[str]) -> bool:
    """Return whether the tracks of an MP4 or MOV file are of sound alone, by the names of their handlers."""
    most = 4 * 1024 * 1024
    try:
        with open_regular(path, VideoError) as stream:
            data = stream.read(most)
            size = os.fstat(stream.fileno()).st_size
            if size > most:
                stream.seek(max(most, size - most))
                data += stream.read(most)
    except (OSError, VideoError):
        return False
    kinds = {data[at + 12 : at + 16] for at in _places(data, b"hdlr")}
    return b"soun" in kinds and b"vide" not in kinds


def _places(data: bytes, word: bytes) -> list[int]:
    found, at = [], data.find(word)
    while at >= 0:
        found.append(at)
        at = data.find(word, at + 1)
    return found


def _info(capture: Any, size: int, path: str | os.PathLike[str]) -> VideoInfo:
    import cv2

    width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width < 1 or height < 1:
        raise no_frames(path)
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


def _sensible_total(total: int, path: str | os.PathLike[str]) -> int:
    if total > MAX_FRAMES_IN_FILE:
        raise VideoError(
            f"{shown_name(path)} says it has {total:,} frames", "cut it; ten million are the limit", "too_large"
        )
    return total
