"""Lines of Braille dots: two dots wide and four high in each cell, so a plot has eight times the terminal's points."""

from __future__ import annotations

_LEFT = (0x01, 0x02, 0x04, 0x40)
_RIGHT = (0x08, 0x10, 0x20, 0x80)
_BLANK = 0x2800


def _runs(dots: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the bits from dot `first` to dot `last`, by both."""
    return tuple(tuple(sum(dots[first : last + 1]) if last >= first else 0 for last in range(4)) for first in range(4))


_SIGNS = (" ", *(chr(_BLANK + dots) for dots in range(1, 256)))
_BITS = (_runs(_LEFT), _runs(_RIGHT))


class Canvas:
    """Dots in inks. What is drawn in a higher rank hides what lies below it in the same cell.

    Attributes:
        columns, rows: in cells; there are twice as many columns and four times as many rows of dots.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._dots = 4 * rows - 1
        self._bits, self._inks, self._ranks = (bytearray(columns * rows) for _ in range(3))

    def upright(self, column: int, top: int, bottom: int, ink: int, rank: int = 0) -> None:
        """Draw a line down one column of dots; what lies beyond the canvas is left out.

        Args:
            column: of dots, from the left.
            top, bottom: rows of dots, from above, both included.
            ink, rank: up to 255.
        """
        if top > bottom:
            top, bottom = bottom, top
        if top < 0:
            top = 0
        if bottom > self._dots:
            bottom = self._dots
        columns = self.columns
        if bottom < top or not 0 <= column < 2 * columns:
            return
        # The innermost loop of every picture: its names are local, and it calls nothing.
        side, ranks, all_bits, inks = _BITS[column & 1], self._ranks, self._bits, self._inks
        first, last = top >> 2, bottom >> 2
        start, end = top & 3, 3
        cell = first * columns + (column >> 1)
        for row in range(first, last + 1):
            if row == last:
                end = bottom & 3
            there = ranks[cell]
            if rank == there:
                all_bits[cell] |= side[start][end]
                inks[cell] = ink
            elif rank > there:
                ranks[cell] = rank
                all_bits[cell] = side[start][end]
                inks[cell] = ink
            start = 0
            cell += columns

    def row(self, number: int) -> list[tuple[str, int]]:
        """Return a row of cells as pieces of one ink each; 0 is the ink of what is blank."""
        begin, end = number * self.columns, (number + 1) * self.columns
        bits, inks = self._bits[begin:end], self._inks[begin:end]
        pieces: list[tuple[str, int]] = []
        text: list[str] = []
        before = -1
        for dots, ink in zip(bits, inks, strict=True):
            ink = ink if dots else 0
            if ink != before and text:
                pieces.append(("".join(text), before))
                text = []
            before = ink
            text.append(_SIGNS[dots])
        if text:
            pieces.append(("".join(text), before))
        return pieces
