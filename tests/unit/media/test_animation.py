"""Animations: the frame that is due, good files and bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vlmtui.media.animation import Player
from vlmtui.media.errors import PictureError


def animation(path: Path, durations: list[int], size: tuple[int, int] = (40, 30)) -> Path:
    """Write an animation whose frame i is grey 40 * i."""
    frames = [Image.new("RGB", size, (40 * number,) * 3) for number in range(len(durations))]
    options = {"lossless": True} if path.suffix == ".webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0, **options)
    return path


def grey(image: Image.Image) -> int:
    return int(np.asarray(image.convert("L"))[5, 5])


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_the_frame_that_is_due(tmp_path: Path, suffix: str) -> None:
    player = Player(str(animation(tmp_path / f"a{suffix}", [100, 200, 100, 300])))
    for seconds, number, stays in ((0.0, 0, 0.1), (0.05, 0, 0.05), (0.15, 1, 0.15), (0.35, 2, 0.05), (0.5, 3, 0.2)):
        image, frame, wait = player.at(seconds)
        assert (frame, grey(image)) == (number, 40 * number)
        assert wait == pytest.approx(stays, abs=0.002)
    assert player.at(0.75)[1] == 0  # over again
    assert player.at(1.2)[1] == 3  # frames in between are dropped
    player.close()


def test_far_behind_it_gives_up_on_what_is_past(tmp_path: Path) -> None:
    player = Player(str(animation(tmp_path / "a.gif", [20] * 6)))
    player.at(0.0)
    image, _, wait = player.at(100_000.0)
    assert image is not None and 0 < wait <= 0.05
    player.close()


def test_durations_are_bounded(tmp_path: Path) -> None:
    player = Player(str(animation(tmp_path / "a.gif", [0, 10, 600_000])))
    assert player.at(0.0)[2] == pytest.approx(0.1)
    assert player.at(0.25)[2] <= 60
    player.close()


def test_a_still_picture_and_a_huge_one_are_refused(tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    Image.new("RGB", (8, 8)).save(still)
    with pytest.raises(PictureError, match="no animation"):
        Player(str(still))
    huge = tmp_path / "huge.gif"
    frames = [Image.new("L", (5000, 4000), shade) for shade in (0, 200)]
    frames[0].save(huge, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(PictureError, match="too large to play"):
        Player(str(huge))


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_a_cut_file_plays_what_it_has(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise{suffix}"
    random = np.random.default_rng(3)
    frames = [Image.fromarray(random.integers(0, 255, (60, 60, 3), dtype=np.uint8)) for _ in range(6)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    try:
        player = Player(str(path))
    except PictureError as error:
        assert error.remedy
        return
    seen = set()
    try:
        for step in range(12):
            seen.add(player.at(step * 0.1)[1])
        assert max(seen) < 5
    except PictureError as error:
        assert error.remedy
    player.close()
