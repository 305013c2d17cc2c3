"""Pictures as terminal cells and as pixels for a terminal: how large, and in which bytes. Media child only."""

from __future__ import annotations

import io
import math
from functools import cache

import numpy as np
from PIL import Image

from vlmtui.media.pictures import on_checkers

_SHADES = " ░▒▓█"
_ENLARGE_SMOOTHLY = 4.0  # up to here an enlarged picture is interpolated, beyond it its pixels are seen as they are
# The sixteen colours as xterm has them; a terminal's theme may differ, which a palette of 16 has to bear.
_SIXTEEN = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
_CUBE = (0, 95, 135, 175, 215, 255)


def fit(width: int, height: int, columns: int, rows: int, cell_width: int, cell_height: int) -> tuple[int, int]:
    """Return the columns and rows that a picture of `width` x `height` pixels takes, as large as it fits.

    Its aspect ratio is kept to the nearest cell; at least 1 x 1, at most `columns` x `rows`.
    """
    scale = min(columns * cell_width / width, rows * cell_height / height)
    return (
        max(1, min(columns, round(width * scale / cell_width))),
        max(1, min(rows, round(height * scale / cell_height))),
    )


def pixels_within(width: int, height: int, most: int) -> tuple[int, int]:
    """Return `width` x `height`, scaled down in proportion to at most `most` pixels."""
    if width * height <= most:
        return width, height
    scale = (most / (width * height)) ** 0.5
    return max(1, int(width * scale)), max(1, int(height * scale))


Box = tuple[float, float, float, float]
"""A part of a picture: left, top, right, bottom in its pixels."""


def scaled(image: Image.Image, width: int, height: int, square: int, box: Box | None = None) -> Image.Image:
    """Return `image` (RGB, RGBA or L), or the part in `box`, as RGB of `width` x `height`.

    Transparency shows checkers of `square` pixels.
    """
    if box is not None and box != (0, 0, *image.size):
        # Cut first: scaling a picture with transparency converts all of it, however little is looked at.
        outer = (math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3]))
        inner = (box[0] - outer[0], box[1] - outer[1], box[2] - outer[0], box[3] - outer[1])
        how = _resampling(width / (box[2] - box[0]), height / (box[3] - box[1]))
        image = image.crop(outer).resize((width, height), how, box=inner, reducing_gap=2.0)
    elif (width, height) != image.size:
        how = _resampling(width / image.width, height / image.height)
        image = image.resize((width, height), how, reducing_gap=2.0)
    return on_checkers(image, square)


def _resampling(across: float, down: float) -> Image.Resampling:
    enlarged = min(across, down)
    if enlarged >= _ENLARGE_SMOOTHLY:
        return Image.Resampling.NEAREST
    return Image.Resampling.BICUBIC if enlarged >= 1 else Image.Resampling.LANCZOS


def half_blocks(image: Image.Image, columns: int, rows: int, depth: str, box: Box | None = None) -> bytes:
    """Return `columns` x 2*`rows` pixels by rows: 3 bytes RGB each, or for depth `256` and `16` a palette index."""
    small = scaled(image, columns, rows * 2, 2, box)
    if depth == "truecolor":
        return small.tobytes()
    first = 16 if depth == "256" else 0
    # At half a cell a pixel, dithering is seen as noise: only where sixteen colours leave no other way.
    dither = Image.Dither.FLOYDSTEINBERG if depth == "16" else Image.Dither.NONE
    indices = np.asarray(small.quantize(palette=_palette(depth), dither=dither))
    return bytes((indices + first).astype(np.uint8))


def shades(image: Image.Image, columns: int, rows: int, box: Box | None = None) -> bytes:
    """Return `rows` lines of `columns` characters, light where the picture is light, for terminals without colour."""
    grey = np.asarray(scaled(image, columns, rows, 1, box).convert("L"), dtype=np.float64)
    levels = len(_SHADES) - 1
    # The error of each cell is handed to its neighbours, so that five shades show more than five greys.
    values = np.pad(grey * (levels / 255), ((0, 1), (1, 1)))
    lines: list[str] = []
    for y in range(rows):
        line = []
        for x in range(1, columns + 1):
            level = min(levels, max(0, round(values[y, x])))
            error = values[y, x] - level
            values[y, x + 1] += error * 7 / 16
            values[y + 1, x - 1 : x + 2] += error * np.array((3, 5, 1)) / 16
            line.append(_SHADES[level])
        lines.append("".join(line))
    return "\n".join(lines).encode()


def png(image: Image.Image) -> bytes:
    """Return an RGB `image` as a PNG, packed for speed rather than for size."""
    packed = io.BytesIO()
    image.save(packed, "PNG", compress_level=2)
    return packed.getvalue()


@cache
def _palette(depth: str) -> Image.Image:
    """Return an image whose palette is the terminal's: 16 colours, or the 240 fixed ones of the 256."""
    if depth == "16":
        colours = list(_SIXTEEN)
    else:
        colours = [(r, g, b) for r in _CUBE for g in _CUBE for b in _CUBE]
        colours += [(grey, grey, grey) for grey in range(8, 248, 10)]
    image = Image.new("P", (1, 1))
    image.putpalette([channel for colour in colours for channel in colour])
    return image
