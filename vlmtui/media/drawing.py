"""One decoded image as the cells and pixels of a terminal: pictures, frames of videos, thumbnails. Media child only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlmtui.media import cells
from vlmtui.media.protocol import Label, Paper
from vlmtui.media.view import Window, within_pixels

if TYPE_CHECKING:
    from PIL.Image import Image

    from vlmtui.media.tiles import Tiles


@dataclass(frozen=True, slots=True)
class Drawing:
    """What was drawn; the attributes are those of `vlmtui.media.protocol.Rendered`."""

    columns: int
    rows: int
    width: int
    height: int
    parts: list[bytes]


def draw(image: Image, paper: Paper, full: tuple[int, int] | None = None, part: Window | None = None) -> Drawing:
    """Return `image` (RGB, RGBA or L) drawn as large as it fits `paper`, or the `part` of it that is looked at.

    Args:
        image: What is drawn.
        paper: How, and how much room there is.
        full: Size of the picture in its file, where `image` is a reduced one: kitty is sent no more pixels than that.
        part: What of the picture is shown, in pixels of `full`, and on how many cells.
    """
    cell = (max(1, paper.cell[0]), max(1, paper.cell[1]))
    full = full or image.size
    box = None
    if part is None:
        columns, rows = cells.fit(image.width, image.height, max(1, paper.columns), max(1, paper.rows), *cell)
    else:
        columns, rows = part.columns, part.rows
        across, down = image.width / full[0], image.height / full[1]
        box = (part.left * across, part.top * down, part.right * across, part.bottom * down)
        full = max(1, round(part.right - part.left)), max(1, round(part.bottom - part.top))
    width = height = 0
    if paper.form == "half-block":
        parts = [cells.half_blocks(image, columns, rows, paper.depth, box)]
    elif paper.form == "shade":
        parts = [cells.shades(image, columns, rows, box)]
    elif paper.form == "kitty":
        # The terminal scales: never more pixels than the picture has, or than the line can bear.
        width, height = columns * cell[0], rows * cell[1]
        if width * height > full[0] * full[1]:
            width, height = full
        width, height = cells.pixels_within(width, height, paper.max_pixels)
        parts = [cells.png(cells.scaled(image, width, height, 8, box))]
    else:
        from vlmtui.media.sixel import encode_rows

        columns, rows = within_pixels(columns, rows, cell, paper.max_pixels)
        width, height = columns * cell[0], rows * cell[1]
        parts = encode_rows(cells.scaled(image, width, height, 8, box), cell[1], paper.colours, dither=paper.fine)
    return Drawing(columns, rows, width, height, parts)


def draw_sheet(tiles: Tiles, paper: Paper, ground: int) -> tuple[Drawing, list[Label]]:
    """Return all that a model is given of a picture, drawn as large as it fits `paper`, and what stands above it."""
    from vlmtui.media.tiles import drawn, sheet

    cell = (max(1, paper.cell[0]), max(1, paper.cell[1]))
    room = max(1, paper.columns), max(1, paper.rows)
    if paper.form == "sixel":
        room = within_pixels(*room, cell, paper.max_pixels)
    laid = sheet(tiles.rows, tiles.columns, tiles.tokens, room, cell)
    dots: tuple[float, float] = (1, 2) if paper.form in ("half-block", "shade") else cell
    width = height = 0
    if paper.form == "kitty":
        whole = laid.columns * cell[0], laid.rows * cell[1]
        width, height = cells.pixels_within(*whole, paper.max_pixels)
        dots = (cell[0] * width / whole[0], cell[1] * height / whole[1])
    image = drawn(tiles, laid, dots, ground)
    if paper.form == "half-block":
        parts = [cells.half_blocks(image, laid.columns, laid.rows, paper.depth)]
    elif paper.form == "shade":
        parts = [cells.shades(image, laid.columns, laid.rows)]
    elif paper.form == "kitty":
        width, height = image.size
        parts = [cells.png(image)]
    else:
        from vlmtui.media.sixel import encode_rows

        width, height = image.size
        parts = encode_rows(image, cell[1], paper.colours, dither=paper.fine)
    return Drawing(laid.columns, laid.rows, width, height, parts), laid.labels()
