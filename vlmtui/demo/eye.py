"""What the model's processor makes of a picture, done with Pillow alone so that training need not wait for it.

`tests/unit/demo/test_eye.py` holds this to the real `SmolVLMProcessor`.
"""

from __future__ import annotations

import math

from PIL import Image

TILE = 64
"""Side of the square that the vision tower sees, in pixels."""
LONGEST_EDGE = 128
"""Every picture is first scaled to this longest edge, as the processors of this family do."""

_FILTER = Image.Resampling.BILINEAR


def _even(value: int) -> int:
    return max(2, value + value % 2)


def to_longest_edge(picture: Image.Image) -> Image.Image:
    """The picture with its longest edge at `LONGEST_EDGE` pixels and an even other edge."""
    width, height = picture.size
    ratio = width / height
    if width >= height:
        size = (LONGEST_EDGE, _even(int(LONGEST_EDGE / ratio)))
    else:
        size = (_even(int(LONGEST_EDGE * ratio)), LONGEST_EDGE)
    return picture.resize(size, _FILTER)


def whole(picture: Image.Image) -> Image.Image:
    """The picture as the model sees it with splitting off: one square tile."""
    return to_longest_edge(picture).resize((TILE, TILE), _FILTER)


def split(picture: Image.Image) -> tuple[list[Image.Image], int, int]:
    """The picture as the model sees it with splitting on.

    Returns:
        The tiles row by row with the whole picture last; rows; columns.
    """
    scaled = to_longest_edge(picture)
    width, height = scaled.size
    ratio = width / height
    if width >= height:
        width = math.ceil(width / TILE) * TILE
        height = math.ceil(int(width / ratio) / TILE) * TILE
    else:
        height = math.ceil(height / TILE) * TILE
        width = math.ceil(int(height * ratio) / TILE) * TILE
    scaled = scaled.resize((width, height), _FILTER)
    rows, columns = height // TILE, width // TILE
    tiles = [
        scaled.crop((c * TILE, r * TILE, (c + 1) * TILE, (r + 1) * TILE)) for r in range(rows) for c in range(columns)
    ]
    return [*tiles, scaled.resize((TILE, TILE), _FILTER)], rows, columns
