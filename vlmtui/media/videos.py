"""Frames of videos that somebody else made: bounded in pixels, frames and time.

transformers' own decoding is not used: it goes through torchcodec alone, which the project does not depend on.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np

from vlmtui.media.errors import VideoError
from vlmtui.media.video_file import DEADLINE_S, VideoFile, VideoInfo, no_frames
from vlmtui.models.sampling import FrameSampling, Timeline, chosen_frames

LONGEST_EDGE = 1024
"""Sampled frames are scaled down to this, so that 64 of them are at most 200 MB; models see 512 pixels."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Frames of a video in temporal order.

    Attributes:
        frames: each height x width x 3, uint8, RGB, turned as it is shown.
        times: seconds of each frame from the start.
        indices: number of each frame, from 0.
        info: the video.
        timeline: when its frames are shown.
    """

    frames: list[np.ndarray]
    times: list[float]
    indices: list[int]
    info: VideoInfo
    timeline: Timeline

    @property
    def fps(self) -> float:
        """Frames a second of the video itself."""
        return self.timeline.fps

    @property
    def duration(self) -> float:
        """Seconds of the whole video."""
        return self.timeline.duration


def describe_video(path: str | os.PathLike[str]) -> VideoInfo:
    """Return what the video at `path` is, from its header.

    Raises:
        VideoError: it cannot be used; with a cause and a remedy.
    """
    with VideoFile(path) as video:
        return video.info


def first_frame(path: str | os.PathLike[str]) -> tuple[np.ndarray, VideoInfo]:
    """Return the first frame (height x width x 3, uint8, RGB) and what the video is.

    Raises:
        VideoError: it cannot be used; with a cause and a remedy.
    """
    with VideoFile(path) as video:
        return as_rgb(video.first(), max(LONGEST_EDGE, 2048)), video.info


def sample_frames(
    path: str | os.PathLike[str],
    sampling: FrameSampling,
    *,
    longest_edge: int = LONGEST_EDGE,
    deadline_s: float = DEADLINE_S,
) -> Sampled:
    """Return the frames that `sampling` chooses: those that the film strip of the video shows.

    Frames that cannot be decoded (at the end of a damaged file) are left out, as long as there is one.

    Args:
        path: A video file.
        sampling: Which frames are wanted.
        longest_edge: Frames are scaled down to this many pixels.
        deadline_s: Seconds until decoding gives up.

    Raises:
        VideoError: it cannot be used; with a cause and a remedy.
    """
    end = time.monotonic() + deadline_s
    with VideoFile(path) as video:
        timeline = video.timeline(deadline_s)
        found: list[tuple[int, float, np.ndarray]] = []
        failed: VideoError | None = None
        for choice in chosen_frames(sampling, timeline):
            try:
                frame = video.frame(choice.index, max(0.0, end - time.monotonic()))
            except VideoError as error:
                if error.code == "too_large":  # it takes too long: not this frame's fault alone
                    raise
                failed = error
                continue
            found.append((choice.index, choice.time, as_rgb(frame, longest_edge)))
        if not found:
            raise failed or no_frames(path)
        indices, times, frames = (list(column) for column in zip(*found, strict=True))
        return Sampled(frames, times, indices, video.info, timeline)


def as_rgb(frame: np.ndarray, longest_edge: int) -> np.ndarray:
    """Return a BGR frame as RGB, its longest edge at most `longest_edge`."""
    import cv2

    height, width = frame.shape[:2]
    scale = longest_edge / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    turned: np.ndarray = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    return turned
