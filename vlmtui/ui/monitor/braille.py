"""Lines of Braille dots: two dots wide and four high in each cell, so a plot has eight times the terminal's points."""

from __future__ import annotations

_LEFT = (0x01, 0x02, 0x04, 0x40)
_RIGHT = (0x08, 0x10, 0x20, 0x80)
_BLANK = 0x2800


def _runs(dots: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the bits from dot `first` to dot `last`, by both."""
    return tuple(tuple(sum(dots[first : last + 1]) if last >= first else 0 for last in range(4)) for first in range(4))


_BITS = (_runs(_LEFT), _runs(_RIGHT))


class Canvas:
    """Dots in inks. What is drawn in a higher rank hides what lies below it in the same cell.

    Attributes:
        columns, rows: in cells; there are twice as many columns and four times as many rows of dots.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._bits = [bytearray(columns) for _ in range(rows)]
        self._inks = [bytearray(columns) for _ in range(rows)]
        self._ranks = [bytearray(columns) for _ in range(rows)]

    def upright(self, column: int, top: int, bottom: int, ink: int, rank: int = 0) -> None:
        """Draw a line down one column of dots; what lies beyond the canvas is left out.

        Args:
            column: of dots, from the left.
            top, bottom: rows of dots, from above, both included.
            ink, rank: up to 255.
        """
        if top > bottom:
            top, bottom = bottom, top
        top, bottom = max(top, 0), min(bottom, 4 * self.rows - 1)
        if bottom < top or not 0 <= column < 2 * self.columns:
            return
        cell, side = column >> 1, _BITS[column & 1]
        first, last = top >> 2, bottom >> 2
        for row in range(first, last + 1):
            bits = side[top & 3 if row == first else 0][bottom & 3 if row == last else 3]
            if rank > self._ranks[row][cell]:
                self._ranks[row][cell] = rank
                self._bits[row][cell] = bits
                self._inks[row][cell] = ink
            elif rank == self._ranks[row][cell]:
                self._bits[row][cell] |= bits
                self._inks[row][cell] = ink

    def row(self, number: int) -> list[tuple[str, int]]:
        """Return a row of cells as pieces of one ink each; 0 is the ink of what is blank."""
        bits, inks = self._bits[number], self._inks[number]
        pieces: list[tuple[str, int]] = []
        text: list[str] = []
        before = -1
        for dots, ink in zip(bits, inks, strict=True):
            ink = ink if dots else 0
            if ink != before and text:
                pieces.append(("".join(text), before))
                text = []
            before = ink
            text.append(chr(_BLANK + dots) if dots else " ")
        if text:
            pieces.append(("".join(text), before))
        return pieces
