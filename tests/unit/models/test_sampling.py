"""The frames that are chosen are those of numpy and of SmolVLM2's own video processor, for whatever video."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vlmtui.models.sampling import MOST_FRAMES, FrameSampling, Timeline, chosen_frames, linspace

TOTALS = st.integers(1, 2_000_000)
RATES = st.one_of(
    st.sampled_from([1.0, 10.0, 12.5, 24000 / 1001, 24.0, 25.0, 30000 / 1001, 30.0, 50.0, 60000 / 1001, 60.0, 120.0]),
    st.floats(0.05, 240),
)


def indices(sampling: FrameSampling, timeline: Timeline) -> list[int]:
    return [choice.index for choice in chosen_frames(sampling, timeline)]


@settings(max_examples=2000, deadline=None)
@given(first=st.integers(0, 10_000), length=TOTALS, count=st.integers(1, 200))
def test_linspace_is_numpy_s(first: int, length: int, count: int) -> None:
    last = first + length - 1
    assert linspace(first, last, count) == np.linspace(first, last, count, dtype=int).tolist()


@settings(max_examples=300, deadline=None)
@given(total=TOTALS, fps=RATES, count=st.integers(1, MOST_FRAMES))
def test_uniform_is_what_the_course_samples(total: int, fps: float, count: int) -> None:
    found = indices(FrameSampling(frames=count), Timeline(total, fps))
    assert found == np.unique(np.linspace(0, total - 1, count, dtype=int)).tolist()


@cache
def _processor() -> Any:
    from transformers.models.smolvlm.video_processing_smolvlm import SmolVLMVideoProcessor

    return SmolVLMVideoProcessor(num_frames=64, fps=1)


@settings(max_examples=500, deadline=None)
@given(
    total=TOTALS,
    fps=RATES,
    rate=st.one_of(st.sampled_from([0.1, 0.5, 1.0, 2.0, 4.0]), st.floats(0.01, 30)),
    most=st.integers(1, MOST_FRAMES),
)
def test_frames_a_second_are_what_smolvlm2_s_processor_samples(total: int, fps: float, rate: float, most: int) -> None:
    from transformers.video_utils import VideoMetadata

    metadata = VideoMetadata(total_num_frames=total, fps=fps, duration=total / fps)
    theirs = _processor().sample_frames(metadata, num_frames=most, fps=rate)
    assert indices(FrameSampling(mode="fps", fps=rate, most=most), Timeline(total, fps)) == theirs.tolist()


def test_a_minute_at_one_frame_a_second() -> None:
    chosen = chosen_frames(FrameSampling(mode="fps"), Timeline(1800, 30.0))
    assert len(chosen) == 60 and chosen[0].time == 0 and chosen[-1].index == 1799
    assert len(indices(FrameSampling(mode="fps"), Timeline(30 * 3600, 30.0))) == 64
    assert indices(FrameSampling(mode="fps"), Timeline(30 * 3600, 30.0))[0] == 30  # a second skipped, as they do


@settings(max_examples=500, deadline=None)
@given(
    total=st.integers(1, 100_000),
    fps=RATES,
    mode=st.sampled_from(["uniform", "fps"]),
    count=st.integers(-3, 500),
    start=st.floats(0, 5000),
    length=st.floats(0, 5000),
)
def test_a_range_holds_its_frames(total: int, fps: float, mode: Any, count: int, start: float, length: float) -> None:
    timeline = Timeline(total, fps)
    sampling = FrameSampling(mode=mode, frames=count, most=count, start_s=start, end_s=start + length)
    chosen = chosen_frames(sampling, timeline)
    assert 1 <= len(chosen) <= MOST_FRAMES
    assert [c.index for c in chosen] == sorted({c.index for c in chosen})
    assert all(0 <= c.index < total and c.time == timeline.time_of(c.index) for c in chosen)
    within = [c for c in chosen if start - 1e-3 <= c.time <= start + length + 1e-3]
    assert len(within) == len(chosen) or len(chosen) == 1  # a range between two frames takes the nearest


def test_a_range_of_a_constant_rate() -> None:
    timeline = Timeline(100, 10.0)
    assert indices(FrameSampling(frames=3, start_s=2.0, end_s=4.0), timeline) == [20, 30, 40]
    assert indices(FrameSampling(mode="fps", fps=2.0, start_s=2.0, end_s=4.0), timeline) == [20, 26, 33, 40]
    assert indices(FrameSampling(frames=3, start_s=9.5), timeline) == [95, 97, 99]
    assert indices(FrameSampling(frames=64, start_s=9.5), timeline) == [95, 96, 97, 98, 99]


def test_times_of_a_variable_rate_are_the_container_s() -> None:
    times = (0.0, 0.1, 0.2, 1.2, 2.2, 3.2)
    timeline = Timeline(6, 1.5, times)
    assert timeline.variable and timeline.duration == pytest.approx(3.2 + 1 / 1.5)
    chosen = chosen_frames(FrameSampling(frames=3), timeline)
    assert [(c.index, c.time) for c in chosen] == [(0, 0.0), (2, 0.2), (5, 3.2)]
    assert indices(FrameSampling(frames=9, start_s=0.15, end_s=2.3), timeline) == [2, 3, 4]
    assert [timeline.at(s) for s in (-1, 0.05, 0.1, 1.19, 1.2, 99)] == [0, 0, 1, 2, 3, 5]
    assert [timeline.from_(s) for s in (-1, 0.05, 0.1, 1.19, 3.3)] == [0, 1, 1, 3, 5]


@settings(max_examples=300, deadline=None)
@given(total=TOTALS, fps=RATES, part=st.floats(0, 1))
def test_a_frame_is_on_show_at_its_own_time(total: int, fps: float, part: float) -> None:
    timeline = Timeline(total, fps)
    index = int(part * (total - 1))
    assert timeline.at(timeline.time_of(index)) == index == timeline.from_(timeline.time_of(index))


def test_nothing_heavy_is_imported() -> None:
    script = "import sys, vlmtui.models.sampling; print('numpy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "False"
