"""Sixels, read back by a decoder of the test's own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from tests.unit.media.made import scene
from vlmtui.media.sixel import encode_rows


def decode(sequence: bytes) -> tuple[np.ndarray, int]:
    """Return the picture of `sequence` (height x width x 3, -1 where no pixel is set) and its number of colours."""
    match = re.fullmatch(rb'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', sequence, re.S)
    assert match is not None
    width, height = int(match[1]), int(match[2])
    pixels = np.full((-(-height // 6) * 6, width, 3), -1)
    colours: dict[int, tuple[int, ...]] = {}
    x = y = colour = 0
    for token in re.finditer(rb"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", match[3]):
        if token[1]:
            colours[int(token[1])] = tuple(round(int(token[n]) * 255 / 100) for n in (2, 3, 4))
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            x = 0
        elif token[10]:
            x, y = 0, y + 6
        else:
            count = int(token[6] or 1)
            bits = (token[7] or token[8])[0] - 63
            for bit in range(6):
                if bits >> bit & 1:
                    assert (pixels[y + bit, x : x + count] == -1).all()  # no pixel is painted twice
                    pixels[y + bit, x : x + count] = colours[colour]
            x += count
            assert x <= width
    assert (pixels[height:] == -1).all()
    return pixels[:height], len(colours)


@pytest.mark.parametrize("dither", [False, True])
@pytest.mark.parametrize("colours", [2, 16, 256, 1024])
@pytest.mark.parametrize("cell_height", [15, 18, 20])
def test_rows_are_the_picture(cell_height: int, colours: int, dither: bool) -> None:
    picture = scene(150, 110)
    rows = encode_rows(picture, cell_height, colours, dither=dither)
    assert len(rows) == -(-110 // cell_height)
    decoded = [decode(row) for row in rows]
    pixels = np.concatenate([part for part, _ in decoded])
    assert pixels.shape == (110, 150, 3) and (pixels >= 0).all()
    assert max(count for _, count in decoded) <= min(256, colours)
    error = np.abs(pixels - np.asarray(picture).astype(int)).mean()
    assert error < {2: 90, 16: 40}.get(colours, 12)


def test_a_flat_picture_is_small() -> None:
    rows = encode_rows(Image.new("RGB", (800, 20), (10, 200, 30)), 20)
    assert len(rows) == 1 and len(rows[0]) < 120
    assert np.abs(decode(rows[0])[0] - np.array((10, 200, 30))).max() <= 2


def test_one_pixel() -> None:
    pixels, _ = decode(encode_rows(Image.new("RGB", (1, 1), (255, 0, 0)), 20)[0])
    assert pixels.tolist() == [[[255, 0, 0]]]
