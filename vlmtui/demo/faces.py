"""Two type faces for the printed words, neither needing a font of the system: Pillow's own and one of strokes."""

from __future__ import annotations

import itertools
from functools import cache, lru_cache

from PIL import ImageFont

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
GLYPHS = LETTERS + DIGITS

FACES: tuple[str, ...] = ("sans", "stroke")

# Strokes on a grid of 4 x 6 (x then y, y downwards), each word of digits a corner; made for this project.
_STROKES: dict[str, str] = {
    "A": "06 20 46,14 34", "B": "06 00 30 41 42 33 03,33 44 45 36 06", "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 44 42 20 00", "E": "40 00 06 46,03 33", "F": "40 00 06,03 33",
    "G": "41 30 10 01 05 16 36 45 43 23", "H": "00 06,40 46,03 43", "I": "00 06", "J": "30 35 26 16 05 04",
    "K": "00 06,40 03 46", "L": "00 06 36", "M": "06 00 24 40 46", "N": "06 00 46 40",
    "O": "10 30 41 45 36 16 05 01 10", "P": "06 00 30 41 42 33 03", "Q": "10 30 41 45 36 16 05 01 10,34 46",
    "R": "06 00 30 41 42 33 03,23 46", "S": "41 30 10 01 02 13 33 44 45 36 16 05", "T": "00 40,20 26",
    "U": "00 05 16 36 45 40", "V": "00 26 40", "W": "00 16 22 36 40", "X": "00 46,40 06",
    "Y": "00 23 40,23 26", "Z": "00 40 06 46",
    "0": "10 20 31 35 26 16 05 01 10", "1": "02 20 26", "2": "01 10 30 41 42 06 46",
    "3": "01 10 30 41 42 33 23,33 44 45 36 16 05", "4": "36 30 04 44", "5": "40 00 03 12 32 43 45 36 16 05",
    "6": "40 20 02 05 16 36 45 44 33 13 04", "7": "00 40 16", "8": "10 30 41 42 33 13 02 01 10,13 04 05 16 36 45 44 33",
    "9": "06 26 44 41 30 10 01 02 13 33 42",
}  # fmt: skip
_ROUND = set("BCDGJOPQRSU0235689")
_CELL_WIDTH = 0.62  # width of the 4 columns, in cap heights
_SIDE = 0.13  # empty space at each side of a glyph, in cap heights

Stroke = list[tuple[float, float]]


def _rounded(points: Stroke) -> Stroke:
    """One round of corner cutting; the ends stay where they are."""
    cut: Stroke = [points[0]]
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        cut += [(0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by), (0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by)]
    return [*cut, points[-1]]


@cache
def strokes(glyph: str, round_corners: bool) -> tuple[Stroke, ...]:
    """The strokes of a glyph, in cap heights from its left top corner."""
    lines: list[Stroke] = []
    for line in _STROKES[glyph].split(","):
        points = [(int(p[0]) / 4 * _CELL_WIDTH, int(p[1]) / 6) for p in line.split()]
        if round_corners and glyph in _ROUND:
            points = _rounded(points)
        lines.append([(x + _SIDE, y) for x, y in points])
    return tuple(lines)


@lru_cache(maxsize=64)
def sans(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's bundled face at `size` pixels an em."""
    font = ImageFont.load_default(size=size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


@cache
def _sans_cap() -> float:
    """Height of a capital of the bundled face, in ems."""
    top, bottom = sans(400).getbbox("H")[1::2]
    return (bottom - top) / 400


def sans_size(cap_height: float) -> int:
    """The em size, in pixels, at which capitals of the bundled face are `cap_height` pixels high."""
    return max(4, round(cap_height / _sans_cap()))


@cache
def advance(face: str, glyph: str) -> float:
    """How far the pen moves on after a glyph, in cap heights."""
    if face == "sans":
        return sans(400).getlength(glyph) / 400 / _sans_cap()
    widest = max(x for line in strokes(glyph, False) for x, _ in line)
    return widest + _SIDE
