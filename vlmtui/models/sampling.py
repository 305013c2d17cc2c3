"""Which frames of a video a model is sent: the arithmetic once, for the film strip, the decoder and the engine.

No numpy: the terminal's process counts with it too. `linspace` is numpy's `linspace(first, last, count, dtype=int)` to
the digit, truncation included, as the smol-course samples. `fps` is the sampler of SmolVLM2's video processor in
transformers (`SmolVLMVideoProcessor.sample_frames`), skipping the first and last second of a long video included.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import Literal

import msgspec

MOST_FRAMES = 64
"""The most frames of one video: what SmolVLM2's own processor takes."""

IN_PARTS = 1_000_000
"""As `FrameSampling.most`: all frames of that rate; a video of more than `MOST_FRAMES` is read in parts."""

_SKIPPED_S = 1  # of a long video, at either end (`skip_secs`)
_CLOSE_S = 1e-4  # two times that are nearer than this are the same


class FrameSampling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How frames are chosen.

    Attributes:
        mode: `uniform` (`frames` of them, from the first to the last) or `fps` (so many a second, with a maximum).
        frames: how many, for `uniform`.
        fps: how many a second, for `fps`.
        most: at most how many, for `fps`; more than `MOST_FRAMES` are read in parts where the engine is asked to.
        start_s: only frames from here on, in seconds.
        end_s: only frames up to here, in seconds; None for the end of the video.
    """

    mode: Literal["uniform", "fps"] = "uniform"
    frames: int = 8
    fps: float = 1.0
    most: int = MOST_FRAMES
    start_s: float = 0.0
    end_s: float | None = None

    @property
    def ranged(self) -> bool:
        """Whether only a part of the video is sampled."""
        return self.start_s > 0 or self.end_s is not None

    @property
    def in_parts(self) -> bool:
        """Whether more frames are wanted than one look has."""
        return self.mode == "fps" and self.most > MOST_FRAMES

    def span(self, duration: float) -> tuple[float, float]:
        """Return from where to where a video of `duration` is sampled, in seconds."""
        end = duration if self.end_s is None else min(self.end_s, duration)
        return min(self.start_s, end), end


class FrameChoice(msgspec.Struct, frozen=True):
    """One chosen frame: its number from 0, and its time from the start in seconds."""

    index: int
    time: float


class Timeline(msgspec.Struct, frozen=True, omit_defaults=True):
    """When the frames of a video are shown.

    Attributes:
        total: how many frames there are.
        fps: frames a second; of a video with a variable rate their mean.
        times: of each frame, ascending, in seconds; empty for a constant rate.
    """

    total: int
    fps: float
    times: tuple[float, ...] = ()

    @property
    def variable(self) -> bool:
        """Whether frames last differently long."""
        return bool(self.times)

    @property
    def duration(self) -> float:
        """Seconds from the start of the first frame to the end of the last."""
        if self.times:
            return self.times[-1] + 1 / self.fps
        return self.total / self.fps

    def time_of(self, index: int) -> float:
        """Return when frame `index` appears."""
        index = max(0, min(index, self.total - 1))
        return self.times[index] if self.times else index / self.fps

    def at(self, seconds: float) -> int:
        """Return the frame that is on show at `seconds`."""
        if self.times:
            index = bisect_right(self.times, seconds + _CLOSE_S) - 1
        else:
            index = math.floor((seconds + _CLOSE_S) * self.fps)
        return max(0, min(index, self.total - 1))

    def from_(self, seconds: float) -> int:
        """Return the first frame that appears at `seconds` or later."""
        if self.times:
            index = bisect_left(self.times, seconds - _CLOSE_S)
        else:
            index = math.ceil((seconds - _CLOSE_S) * self.fps)
        return max(0, min(index, self.total - 1))


def chosen_frames(sampling: FrameSampling, timeline: Timeline) -> list[FrameChoice]:
    """Return the frames that `sampling` chooses, in temporal order, each once; at least one, at most `MOST_FRAMES`."""
    first, last = _range(sampling, timeline)
    if sampling.mode == "uniform":
        indices = linspace(first, last, max(1, min(sampling.frames, MOST_FRAMES)))
    else:
        indices = _by_rate(sampling, timeline, first, last)
    return [FrameChoice(index, timeline.time_of(index)) for index in sorted(set(indices))]


def frames_in_all(sampling: FrameSampling, timeline: Timeline) -> int:
    """Return how many frames are looked at, also where they are read in parts."""
    if not sampling.in_parts:
        return len(chosen_frames(sampling, timeline))
    start, end = sampling.span(timeline.duration)
    return max(1, min(round(sampling.fps * (end - start)), timeline.total))


def linspace(first: int, last: int, count: int) -> list[int]:
    """Return `count` whole numbers from `first` to `last`, as `numpy.linspace(first, last, count, dtype=int)`.

    numpy multiplies a step and truncates downwards; any other order of the same operations differs in places.
    """
    if count == 1:
        return [first]
    step = (last - first) / (count - 1)
    return [*(math.floor(i * step + first) for i in range(count - 1)), last]


def _range(sampling: FrameSampling, timeline: Timeline) -> tuple[int, int]:
    """Return the first and the last frame that may be chosen."""
    first = timeline.from_(sampling.start_s) if sampling.start_s > 0 else 0
    last = timeline.total - 1 if sampling.end_s is None else timeline.at(sampling.end_s)
    return first, max(first, last)


def _by_rate(sampling: FrameSampling, timeline: Timeline, first: int, last: int) -> list[int]:
    most = max(1, min(sampling.most, MOST_FRAMES))
    if sampling.ranged:
        duration = timeline.time_of(last) - timeline.time_of(first) + 1 / timeline.fps
    else:
        duration = timeline.duration
        if duration - 2 * _SKIPPED_S > most * sampling.fps:
            total = timeline.total
            start, end = int(_SKIPPED_S * timeline.fps), int(total - _SKIPPED_S * timeline.fps)
            end = min(end, total - 1)
            if start < end:
                first, last = start, end
    return linspace(first, last, max(1, min(round(sampling.fps * duration), most)))
