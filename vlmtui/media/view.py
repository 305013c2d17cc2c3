"""Which part of a picture fits a pane at which zoom: arithmetic for both ends, no pixels.

A *dot* is what the terminal can colour: half a cell, or one of its pixels where it draws those.
"""

from __future__ import annotations

from dataclasses import dataclass

from vlmtui.media.protocol import Form, View

MOST_ZOOM = 32.0
"""Dots for each pixel of the picture; beyond that there is nothing more to see."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a picture that is shown.

    Attributes:
        zoom: dots a pixel of the picture takes, across.
        left, top, right, bottom: the part, in pixels of the picture.
        columns, rows: cells it takes.
        whole: whether that is all of the picture.
    """

    zoom: float
    left: float
    top: float
    right: float
    bottom: float
    columns: int
    rows: int
    whole: bool

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in pixels of the picture."""
        return self.left, self.top, self.right, self.bottom


def dot_width(form: Form, cell_width: int) -> int:
    """Return how many of the terminal's pixels a dot is wide."""
    return 1 if form in ("kitty", "sixel") else cell_width


def within_pixels(columns: int, rows: int, cell: tuple[int, int], most: int) -> tuple[int, int]:
    """Return the cells whose pixels are at most `most`, in the same proportion."""
    pixels = columns * cell[0] * rows * cell[1]
    if pixels <= most:
        return columns, rows
    scale = (most / pixels) ** 0.5
    return max(1, int(columns * scale)), max(1, int(rows * scale))


def window(
    size: tuple[int, int], room: tuple[int, int], cell: tuple[int, int], form: Form, view: View | None
) -> Window:
    """Return what is seen of a picture of `size` pixels in `room` cells (columns, rows) of `cell` pixels each.

    The zoom is kept between the whole picture (or one dot a pixel, if that is smaller) and `MOST_ZOOM`; the part is
    kept inside the picture.
    """
    width, height = size
    columns, rows = room
    dot = dot_width(form, cell[0])
    fit = min(columns * cell[0] / width, rows * cell[1] / height)  # terminal pixels for each pixel of the picture
    scale = fit
    if view is not None and view.zoom > 0:
        scale = max(min(fit, dot), min(view.zoom * dot, max(fit, MOST_ZOOM * dot)))
    wide, high = min(width, columns * cell[0] / scale), min(height, rows * cell[1] / scale)
    x, y = (view.x, view.y) if view is not None else (0.5, 0.5)
    left = max(0.0, min(x * width - wide / 2, width - wide))
    top = max(0.0, min(y * height - high / 2, height - high))
    return Window(
        scale / dot, left, top, left + wide, top + high,
        max(1, min(columns, round(wide * scale / cell[0]))), max(1, min(rows, round(high * scale / cell[1]))),
        wide >= width - 1e-6 and high >= height - 1e-6,
    )  # fmt: skip


def zoomed(
    size: tuple[int, int], room: tuple[int, int], cell: tuple[int, int], form: Form, view: View | None,
    factor: float, at: tuple[float, float] = (0.5, 0.5),
) -> View:  # fmt: skip
    """Return the view `factor` times as close; the spot `at` (shares of what is shown) stays where it is."""
    before = window(size, room, cell, form, view)
    x = before.left + (before.right - before.left) * at[0]
    y = before.top + (before.bottom - before.top) * at[1]
    after = window(size, room, cell, form, View(zoom=before.zoom * factor))
    wide, high = after.right - after.left, after.bottom - after.top
    middle = x + wide * (0.5 - at[0]), y + high * (0.5 - at[1])
    return inside(size, room, cell, form, View(zoom=after.zoom, x=middle[0] / size[0], y=middle[1] / size[1]))


def panned(
    size: tuple[int, int], room: tuple[int, int], cell: tuple[int, int], form: Form, view: View,
    right: float, down: float,
) -> View:  # fmt: skip
    """Return the view moved by shares of what is shown."""
    now = window(size, room, cell, form, view)
    x = (now.left + now.right) / 2 + right * (now.right - now.left)
    y = (now.top + now.bottom) / 2 + down * (now.bottom - now.top)
    return inside(size, room, cell, form, View(zoom=view.zoom, x=x / size[0], y=y / size[1]))


def inside(size: tuple[int, int], room: tuple[int, int], cell: tuple[int, int], form: Form, view: View) -> View:
    """Return `view` with its zoom and middle as they can be: going back from an edge takes effect at once."""
    now = window(size, room, cell, form, view)
    return View(
        zoom=now.zoom, x=(now.left + now.right) / 2 / size[0], y=(now.top + now.bottom) / 2 / size[1]
    )  # fmt: skip
