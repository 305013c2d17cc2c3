"""Rows of cells that show a picture, as Textual `Strip`s that cost next to nothing to paint.

A picture of 100 x 40 cells in 8,000 colours is 4,000 styles. Made, filtered and rendered as ordinary segments they take
35-70 ms of the terminal's process; a `PictureRow` brings its escape sequences with it (2-4 ms) and makes segments only
when something has to cut or tint the row (a notification over it, a dialogue, a screenshot).
"""

from __future__ import annotations

from collections.abc import Callable

from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from vlmtui.ui.graphics.kitty import placeholder_row

_UPPER_HALF = "▀"
_SAVE, _RESTORE = "\x1b7", "\x1b8"


class PictureRow(Strip):
    """One row of a picture: `left` and `right` padding around cells whose sequences are ready made."""

    __slots__ = ("_left", "_made", "_make", "_output", "_right")

    def __init__(self, left: Strip, width: int, output: str, make: Callable[[], list[Segment]], right: Strip) -> None:
        """Args:
        left, right: Padding.
        width: Cells of the picture.
        output: What the terminal is sent for them; must leave the cursor behind them and no colour set.
        make: Makes the segments that stand for them where `output` cannot be used.
        """
        self._left, self._right = left, right
        self._output = output
        self._make = make
        self._made: list[Segment] | None = None
        super().__init__((), left.cell_length + width + right.cell_length)

    @property
    def _segments(self) -> list[Segment]:
        """What every other method of `Strip` works on; made when it is first asked for."""
        if self._made is None:
            self._made = [*self._left, *self._make(), *self._right]
        return self._made

    @_segments.setter
    def _segments(self, segments: list[Segment]) -> None:
        """Take no notice of the empty list that `Strip` starts with."""

    def __bool__(self) -> bool:
        return True

    def render(self, console: Console) -> str:
        """Return the row's escape sequences."""
        return f"{self._left.render(console)}{self._output}{self._right.render(console)}"


Padding = tuple[Strip, Strip]


def half_block_rows(pixels: bytes, columns: int, rows: int, padding: Padding, *, indexed: bool) -> list[PictureRow]:
    """Return rows of `▀`, whose foreground is the upper pixel and whose background is the lower one.

    Args:
        pixels: `columns` x 2*`rows` pixels by rows; RGB, or with `indexed` one palette index each.
        columns, rows: Cells.
        padding: What is left and right of the picture.
        indexed: Whether a pixel is an index into the terminal's palette.
    """
    size = 1 if indexed else 3
    line = columns * size
    write = _indexed_line if indexed else _truecolor_line
    made = []
    for row in range(rows):
        upper, lower = pixels[2 * row * line :][:line], pixels[(2 * row + 1) * line :][:line]

        def make(upper: bytes = upper, lower: bytes = lower) -> list[Segment]:
            return _half_block_segments(upper, lower, size)

        made.append(PictureRow(padding[0], columns, write(upper, lower), make, padding[1]))
    return made


def shade_rows(text: bytes, padding: Padding, style: Style) -> list[Strip]:
    """Return rows of characters for a terminal without colour; `text` is UTF-8 lines of equal length."""
    lines = text.decode().split("\n")
    return [Strip.join([padding[0], Strip([Segment(line, style)], len(line)), padding[1]]) for line in lines]


def kitty_rows(image_id: int, columns: int, rows: int, padding: Padding) -> list[PictureRow]:
    """Return rows of placeholders that show the picture `image_id`; its number is their foreground colour."""
    red, green, blue = image_id.to_bytes(3, "big")
    style = Style.from_color(_rgb(red, green, blue))
    made = []
    for row in range(rows):
        text = placeholder_row(row, columns)

        def make(text: str = text) -> list[Segment]:
            return [Segment(text, style)]

        output = f"\x1b[38;2;{red};{green};{blue}m{text}\x1b[0m"
        made.append(PictureRow(padding[0], columns, output, make, padding[1]))
    return made


class SixelRow(PictureRow):
    """One row of a sixel picture: blank cells, and the sixels painted over them in the same breath.

    Where something lies over the row it is cut, and its pieces are blank: the picture is hidden in that row rather
    than painted over what should hide it. When what lay there goes, the whole row is painted again.
    """

    __slots__ = ()

    def crop(self, start: int, end: int | None = None) -> Strip:
        """Return the part from `start` to `end`.

        A part from the left is how Textual repaints what has been uncovered; it would blank the picture up to there,
        so the picture is painted again with it.
        """
        part = super().crop(start, end)
        if part is self or start != 0 or part.cell_length <= self._left.cell_length:
            return part
        picture = self.cell_length - self._left.cell_length - self._right.cell_length
        width = min(picture, part.cell_length - self._left.cell_length)
        beyond = self._right.crop(0, part.cell_length - self._left.cell_length - width)
        back = self._output if width == picture else f"{_SAVE}{self._output}{_RESTORE}\x1b[{width}C"
        return PictureRow(self._left, width, back, lambda: [Segment(" " * width)], beyond)


def sixel_rows(
    sequences: list[bytes], columns: int, padding: Padding, style: Style, console: Console
) -> list[SixelRow]:
    """Return rows that show `sequences`, one each, on blank cells of `style`.

    The cells are blanked first, which erases what was there. The cursor is saved before and restored after: where
    sixels leave it differs between terminals.
    """
    blank = Strip([Segment(" " * columns, style)], columns)
    cleared = blank.render(console)
    made = []
    for sequence in sequences:
        output = f"{_SAVE}{cleared}{_RESTORE}{sequence.decode('ascii')}{_RESTORE}\x1b[{columns}C"
        made.append(SixelRow(padding[0], columns, output, lambda: list(blank), padding[1]))
    return made


def _truecolor_line(upper: bytes, lower: bytes) -> str:
    """Return the sequences of a line of half blocks; what does not change from cell to cell is not said again."""
    out: list[str] = []
    add = out.append
    pairs = zip(upper[::3], upper[1::3], upper[2::3], lower[::3], lower[1::3], lower[2::3], strict=True)
    last_front = last_back = None
    for red, green, blue, red2, green2, blue2 in pairs:
        front, back = (red, green, blue), (red2, green2, blue2)
        if back != last_back:
            if front != last_front:
                add(f"\x1b[38;2;{red};{green};{blue};48;2;{red2};{green2};{blue2}m▀")
                last_front = front
            else:
                add(f"\x1b[48;2;{red2};{green2};{blue2}m▀")
            last_back = back
        elif front != last_front:
            add(f"\x1b[38;2;{red};{green};{blue}m▀")
            last_front = front
        else:
            add("▀")
    add("\x1b[0m")
    return "".join(out)


def _indexed_line(upper: bytes, lower: bytes) -> str:
    out: list[str] = []
    last: tuple[int, int] | None = None
    for pair in zip(upper, lower, strict=True):
        if pair != last:
            out.append(f"\x1b[{_ansi(pair[0], 30)};{_ansi(pair[1], 40)}m")
            last = pair
        out.append(_UPPER_HALF)
    out.append("\x1b[0m")
    return "".join(out)


def _ansi(index: int, base: int) -> str:
    """Return the code of a palette colour; the first sixteen have codes of their own, older than the 256."""
    if index < 8:
        return str(base + index)
    if index < 16:
        return str(base + 52 + index)
    return f"{base + 8};5;{index}"


def _half_block_segments(upper: bytes, lower: bytes, size: int) -> list[Segment]:
    colour = _indexed if size == 1 else _rgb
    segments = []
    for place in range(0, len(upper), size):
        front, back = colour(*upper[place : place + size]), colour(*lower[place : place + size])
        segments.append(Segment(_UPPER_HALF, Style.from_color(front, back)))
    return segments


def _rgb(red: int, green: int, blue: int) -> Color:
    return Color("", ColorType.TRUECOLOR, None, ColorTriplet(red, green, blue))


def _indexed(index: int) -> Color:
    return Color.from_ansi(index)
