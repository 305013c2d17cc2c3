"""One decoded image as the cells and pixels of a terminal: pictures, frames of videos, thumbnails. Media child only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlmtui.media import cells
from vlmtui.media.protocol import Depth, Form

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Paper:
    """What is drawn on; the attributes are those of `vlmtui.media.protocol.Render`."""

    columns: int
    rows: int
    cell: tuple[int, int]
    form: Form
    depth: Depth
    colours: int
    max_pixels: int
    fine: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was drawn; the attributes are those of `vlmtui.media.protocol.Rendered`."""

    columns: int
    rows: int
    width: int
    height: int
    parts: list[bytes]


def draw(image: Image, paper: Paper, full: tuple[int, int] | None = None) -> Drawing:
    """Return `image` (RGB, RGBA or L) drawn as large as it fits `paper`.

    Args:
        image: What is drawn.
        paper: How, and how much room there is.
        full: Size of the picture in its file, where `image` is a reduced one: kitty is sent no more pixels than that.
    """
    cell = (max(1, paper.cell[0]), max(1, paper.cell[1]))
    columns, rows = cells.fit(image.width, image.height, max(1, paper.columns), max(1, paper.rows), *cell)
    width = height = 0
    if paper.form == "half-block":
        parts = [cells.half_blocks(image, columns, rows, paper.depth)]
    elif paper.form == "shade":
        parts = [cells.shades(image, columns, rows)]
    elif paper.form == "kitty":
        # The terminal scales: never more pixels than the picture has, or than the line can bear.
        width, height = columns * cell[0], rows * cell[1]
        most = full or image.size
        if width * height > most[0] * most[1]:
            width, height = most
        width, height = cells.pixels_within(width, height, paper.max_pixels)
        parts = [cells.png(cells.scaled(image, width, height, 8))]
    else:
        from vlmtui.media.sixel import encode_rows

        columns, rows = _within(columns, rows, cell, paper.max_pixels)
        width, height = columns * cell[0], rows * cell[1]
        parts = encode_rows(cells.scaled(image, width, height, 8), cell[1], paper.colours, dither=paper.fine)
    return Drawing(columns, rows, width, height, parts)


def _within(columns: int, rows: int, cell: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the cells whose pixels are at most `most`, in the same proportion."""
    pixels = columns * cell[0] * rows * cell[1]
    if pixels <= most:
        return columns, rows
    scale = (most / pixels) ** 0.5
    return max(1, int(columns * scale)), max(1, int(rows * scale))
