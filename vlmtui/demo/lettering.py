"""A printed word or number in a picture: its size, place and style."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from vlmtui.demo.faces import FACES, advance
from vlmtui.demo.words import printed_text

RGB = tuple[int, int, int]

MIN_CAP = 0.15
"""Capitals are at least this fraction of the picture's height (9.6 of 64 pixels in the model's eye)."""
MIN_ADVANCE = 0.16
"""A glyph of common width takes at least this fraction of the picture's width: 10 of 64 pixels. With 7 to 9 of them,
which is about a patch, every second word was misread; with 13 one in twenty."""
FINE_CAP = (0.08, 0.092)
"""Fine print has capitals of this fraction of the height: too small for one tile, readable in four."""


@dataclass(frozen=True)
class Lettering:
    """One printed line.

    `x`, `y`, `box` (left, top, right, bottom) are fractions of the picture's width and height; `cap` is the
    height of a capital as a fraction of the picture's height; `weight` is a stroke's width in cap heights (for
    the sans face: what is added to its own); `slant` and `turn` shear and rotate the line; `slashed` puts a slash
    through the zero; `fine` is print that only picture splitting makes readable.
    """

    text: str
    face: str
    x: float
    y: float
    cap: float
    box: tuple[float, float, float, float]
    spacing: float
    weight: float
    slant: float
    turn: float
    rounded: bool
    slashed: bool = False
    rgb: RGB = (0, 0, 0)
    fine: bool = False

    def advances(self) -> list[float]:
        """How far each glyph moves the pen, in cap heights."""
        return [advance(self.face, glyph) * self.spacing for glyph in self.text]

    def places(self, width: int, height: int) -> tuple[tuple[float, float], ...]:
        """Where the middle of each glyph lies in a picture of `width` x `height` pixels, as fractions of both."""
        cap = self.cap * height
        steps = [step * cap for step in self.advances()]
        found, along = [], -sum(steps) / 2
        for step in steps:
            middle = along + step / 2
            found.append(
                (self.x + middle * math.cos(self.turn) / width, self.y + middle * math.sin(self.turn) / height)
            )
            along += step
        return tuple(found)

    def coloured(self, rng: Random, *grounds: RGB) -> Lettering:
        """The same line in a colour that is read well on every one of `grounds`."""
        best, best_gap = (0, 0, 0), -1.0
        for _ in range(16):
            dark = rng.random() < 0.5
            level = rng.randint(0, 50) if dark else rng.randint(205, 255)
            rgb = (level, level, level)
            if rng.random() < 0.4:
                rgb = (rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255))
            gap = min(abs(_luma(rgb) - _luma(ground)) for ground in grounds)
            if gap >= 90:
                return replace(self, rgb=rgb)
            if gap > best_gap:
                best, best_gap = rgb, gap
        return replace(self, rgb=best)


def _luma(rgb: RGB) -> float:
    return 0.30 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]


def place_lettering(
    rng: Random, width: int, height: int, crowd: int, text: str | None = None, fine: bool = False
) -> Lettering:
    """A line that can be read at the model's own resolution, somewhere in a picture of `width` x `height` pixels.

    Args:
        crowd: how many shapes must find room beside it; the more, the smaller the print.
        text: what is printed; random where None (shortened where it would not fit).
        fine: print so small that only picture splitting makes it readable.
    """
    face = rng.choice(FACES)
    spacing = rng.uniform(1.0, 1.22)
    if fine:
        smallest, largest = FINE_CAP[0] * height, FINE_CAP[1] * height
        longest = 4
        while True:
            word = text or printed_text(rng, longest)
            line = sum(advance(face, glyph) for glyph in word) * spacing
            if text or longest == 2 or line * largest < 0.44 * width:
                break
            longest -= 1
    else:
        word, line, smallest, largest = _fitting(rng, width, height, face, spacing, text)
    if crowd:
        largest = min(largest, smallest * (1.5 if crowd < 3 else 1.2))
    cap = max(4.0, rng.uniform(smallest, max(smallest, largest)))
    cap = min(cap, 0.96 * width / line)
    half_width, half_height = line * cap / width / 2, cap / height / 2
    turn = rng.uniform(-0.09, 0.09) if rng.random() < 0.5 else 0.0
    tilt = abs(turn) * line * cap / 2 / height
    reach_y = min(0.5, half_height * 1.25 + tilt)
    if fine:  # wholly inside one of the four tiles
        x = rng.uniform(half_width, 0.48 - half_width) + rng.choice((0.0, 0.52))
        y = rng.uniform(reach_y, 0.48 - reach_y) + rng.choice((0.0, 0.52))
        return _line(rng, word, face, spacing, x, y, cap / height, half_width, reach_y, 0.0, fine=True)
    x = rng.uniform(half_width, 1 - half_width) if half_width < 0.5 else 0.5
    y = rng.choice((reach_y, 1 - reach_y)) if crowd > 1 and rng.random() < 0.6 else rng.uniform(reach_y, 1 - reach_y)
    return _line(rng, word, face, spacing, x, y, cap / height, half_width, reach_y, turn)


def _line(
    rng: Random, text: str, face: str, spacing: float, x: float, y: float, cap: float,
    half_width: float, half_height: float, turn: float, fine: bool = False,
) -> Lettering:  # fmt: skip
    return Lettering(
        text=text, face=face, x=x, y=y, cap=cap,
        box=(x - half_width, y - half_height, x + half_width, y + half_height),
        spacing=spacing,
        weight=rng.uniform(0.10, 0.24) if face == "stroke" else max(0.0, rng.uniform(-0.05, 0.16)),
        slant=rng.uniform(-0.22, 0.22) if rng.random() < 0.4 and not fine else 0.0,
        turn=turn,
        rounded=rng.random() < 0.6,
        slashed=rng.random() < 0.35,
        fine=fine,
    )  # fmt: skip


def _fitting(
    rng: Random, width: int, height: int, face: str, spacing: float, text: str | None
) -> tuple[str, float, float, float]:
    """A text that fits with the length of its line in cap heights, and its smallest and largest cap in pixels."""
    longest = 4
    while True:
        word = text or printed_text(rng, longest)
        line = sum(advance(face, glyph) for glyph in word) * spacing
        smallest = max(MIN_CAP * height, MIN_ADVANCE * width / 0.9)
        largest = min(0.34 * height, 0.94 * width / line)
        if text is not None or largest >= smallest or longest <= 2:
            return word, line, smallest, largest
        longest -= 1
