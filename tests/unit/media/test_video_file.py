"""Any frame of any container is exactly that frame, at the time that the container gives it."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.unit.media.made import number_of, only_sound, turn_video, vary_rate, write_numbered
from vlmtui.media import video_file
from vlmtui.media.errors import VideoError
from vlmtui.media.video_file import VideoFile
from vlmtui.media.videos import sample_frames
from vlmtui.models.sampling import FrameSampling

CONTAINERS = [
    ("a.mp4", "mp4v"),
    ("a.mkv", "mp4v"),
    ("a.avi", "XVID"),
    ("a.avi", "MJPG"),
    ("a.webm", "VP80"),
    ("a.webm", "VP90"),
    ("a.ts", "mp4v"),
    ("a.wmv", "WMV2"),
]
VARIABLE = [(10, 1.0), (5, 10.0), (20, 0.5), (25, 2.0)]


def numbers_in_turn(path: Path) -> list[int]:
    """Return what a decoder sees that only reads on."""
    import cv2

    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    found = []
    while True:
        good, frame = capture.read()
        if not good:
            capture.release()
            return found
        found.append(number_of(frame))


@pytest.mark.parametrize(("name", "codec"), CONTAINERS)
def test_every_seek_is_exact(tmp_path: Path, name: str, codec: str) -> None:
    path = write_numbered(tmp_path / name, 60, codec=codec)
    wanted = numbers_in_turn(path)
    assert wanted == list(range(60))
    order = [*list(range(60)), 59, 0, 30, 29, 28, 31]
    random.Random(0).shuffle(order)
    with VideoFile(path) as video:
        timeline = video.timeline()
        assert (timeline.total, timeline.variable, timeline.duration) == (60, False, pytest.approx(6.0))
        for index in order:
            assert number_of(video.frame(index)) == wanted[index], index


@pytest.mark.parametrize("fps", [23.976, 29.97, 59.94, 7.3])
def test_seeks_in_a_long_video_of_an_odd_rate_are_exact(tmp_path: Path, fps: float) -> None:
    path = write_numbered(tmp_path / "long.mp4", 900, (80, 32), fps)
    wanted = numbers_in_turn(path)
    rng = random.Random(1)
    with VideoFile(path) as video:
        for index in [rng.randrange(900) for _ in range(40)] + [0, 899]:
            assert number_of(video.frame(index)) == wanted[index]


def test_a_variable_rate_has_the_container_s_times(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "variable.mp4")
    vary_rate(path, VARIABLE)
    times = []
    now = 0.0
    for count, factor in VARIABLE:
        for _ in range(count):
            times.append(now)
            now += 0.1 * factor
    with VideoFile(path) as video:
        timeline = video.timeline()
        assert timeline.variable and timeline.total == 60
        assert timeline.times == pytest.approx(times, abs=1e-3)
        for index in [59, 3, 12, 40, 11, 0, 58, 14, 15, 16]:
            assert number_of(video.frame(index)) == index
        assert timeline.at(times[12] + 0.9) == 12  # half a second into a frame that lasts one
    sampled = sample_frames(path, FrameSampling(frames=6))
    assert [number_of(frame) for frame in sampled.frames] == sampled.indices
    assert sampled.times == pytest.approx([times[index] for index in sampled.indices], abs=1e-3)


def test_a_file_too_large_to_be_read_through_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_file, "MAX_INDEXED_BYTES", 10)
    path = write_numbered(tmp_path / "large.mp4", 200)
    with VideoFile(path) as video:
        assert video.timeline().total == 200
        for index in (199, 5, 120, 119, 0, 60):
            assert number_of(video.frame(index)) == index


def test_a_turned_video_is_turned_after_a_seek_too(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "turned.mp4")
    turn_video(path)
    with VideoFile(path) as video:
        assert (video.info.width, video.info.height) == (64, 160)
        for index in (50, 3):
            frame = video.frame(index)
            assert frame.shape == (160, 64, 3)
            assert number_of(frame.transpose(1, 0, 2)) == index


@pytest.mark.parametrize(("name", "codec"), [("cut.avi", "MJPG"), ("cut.mkv", "mp4v"), ("cut.webm", "VP80")])
def test_of_a_cut_off_video_what_is_there_is_shown(tmp_path: Path, name: str, codec: str) -> None:
    path = write_numbered(tmp_path / name, codec=codec)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    sampled = sample_frames(path, FrameSampling(frames=4))
    assert 2 <= len(sampled.frames) <= 4 and sampled.indices[-1] < 59
    assert [number_of(frame) for frame in sampled.frames] == sampled.indices


def test_sound_alone_is_said(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "song.mp4")
    only_sound(path)
    with pytest.raises(VideoError, match="has sound and no pictures"):
        VideoFile(path)


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "one.mp4", 1)
    sampled = sample_frames(path, FrameSampling(mode="fps"))
    assert (sampled.indices, sampled.times, sampled.duration) == ([0], [0.0], 0.1)


def test_a_header_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "none.avi"
    write_numbered(path, 1, codec="MJPG")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"movi") + 4])
    with pytest.raises(VideoError) as caught:
        sample_frames(path, FrameSampling())
    assert caught.value.cause and caught.value.remedy


def test_it_gives_up_in_time(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "slow.mp4", 900, (80, 32))
    with VideoFile(path) as video:
        video.timeline()
        began = time.monotonic()
        with pytest.raises(VideoError, match="takes too long"):
            video.frame(899, deadline_s=0.0)
        assert time.monotonic() - began < 2
        assert number_of(video.frame(899)) == 899
