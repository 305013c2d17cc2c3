"""Frames of videos: the right ones, the right way up, and never a hang."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.media.made import turn_video, write_video
from vlmtui.media import video_file
from vlmtui.media.errors import VideoError
from vlmtui.media.videos import describe_video, first_frame, sample_frames
from vlmtui.models.sampling import MOST_FRAMES, FrameSampling


def uniform(frames: int) -> FrameSampling:
    return FrameSampling(frames=frames)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "grey.mp4")


def test_a_video_is_described(video: Path) -> None:
    info = describe_video(video)
    assert (info.width, info.height, info.frames, info.fps, info.duration) == (64, 48, 20, 10.0, 2.0)
    assert info.bytes == video.stat().st_size


def test_frames_are_spread_from_the_first_to_the_last(video: Path) -> None:
    sampled = sample_frames(video, uniform(5))
    assert sampled.indices == np.linspace(0, 19, 5, dtype=int).tolist()
    assert sampled.times == [index / 10 for index in sampled.indices]
    for frame, index in zip(sampled.frames, sampled.indices, strict=True):
        assert frame.shape == (48, 64, 3)
        assert abs(int(frame[24, 50].mean()) - (10 * index + 30)) <= 4
    assert (sampled.fps, sampled.duration) == (10.0, 2.0)


def test_a_short_video_gives_each_frame_once(tmp_path: Path) -> None:
    assert sample_frames(write_video(tmp_path / "short.mp4", frames=3), uniform(8)).indices == [0, 1, 2]


def test_frames_are_bounded(video: Path) -> None:
    assert len(sample_frames(video, uniform(10_000)).frames) <= MOST_FRAMES
    assert len(sample_frames(video, uniform(0)).frames) == 1
    assert sample_frames(video, uniform(2), longest_edge=16).frames[0].shape == (12, 16, 3)


def test_a_rotated_video_is_turned(tmp_path: Path) -> None:
    path = write_video(tmp_path / "turned.mp4")
    turn_video(path)
    assert (describe_video(path).width, describe_video(path).height) == (48, 64)
    frame, _ = first_frame(path)
    assert frame.shape == (64, 48, 3)
    above, below = int(frame[10, 24].mean()), int(frame[50, 24].mean())
    assert abs(abs(above - below) - 20) <= 4  # left and right have become above and below


def _fails(path: Path) -> VideoError:
    with pytest.raises(VideoError) as caught:
        sample_frames(path, uniform(4))
    assert caught.value.cause and caught.value.remedy
    return caught.value


def test_what_is_no_video_is_one_clear_line(tmp_path: Path, video: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert _fails(tmp_path / "pipe.mp4").code == "not_a_file"
    (tmp_path / "empty.mp4").touch()
    assert _fails(tmp_path / "empty.mp4").code == "empty"
    assert _fails(tmp_path / "gone.mp4").code == "missing"
    (tmp_path / "cut.mp4").write_bytes(video.read_bytes()[:200])
    assert _fails(tmp_path / "cut.mp4").code == "damaged"
    (tmp_path / "text.mp4").write_text("words")
    assert _fails(tmp_path / "text.mp4").code == "foreign"


def test_a_playlist_is_not_followed(tmp_path: Path, video: Path) -> None:
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{video}\n#EXT-X-ENDLIST\n")
    assert _fails(playlist).code == "foreign"


def test_names_are_files_and_nothing_else(tmp_path: Path, video: Path) -> None:
    path = tmp_path / "frame_%02d ! rtsp: [red].mp4"
    path.write_bytes(video.read_bytes())
    assert describe_video(path).frames == 20


def test_decoding_gives_up_in_time(video: Path) -> None:
    with pytest.raises(VideoError, match="takes too long"):
        sample_frames(video, uniform(4), deadline_s=0)


def test_too_large_a_frame_is_refused(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_file, "MAX_PIXELS", 100)
    assert _fails(video).code == "too_large"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8),
    keep=st.floats(0.2, 1),
)
def test_a_damaged_file_gives_frames_or_one_clear_line(
    tmp_path: Path, video: Path, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(video.read_bytes())
    for where, value in changes:
        data[min(len(data) - 1, int(where * len(data)))] = value
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data[: int(keep * len(data))])
    try:
        sampled = sample_frames(path, uniform(3))
    except VideoError as error:
        assert error.cause and error.remedy
    else:
        assert sampled.frames
