"""One plot, drawn: title, axes, curves of dots, marks. No widget: cells of text in named inks."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from vlmtui.monitor.protocol import Axis, Curve
from vlmtui.ui.monitor.braille import Canvas
from vlmtui.ui.monitor.scales import log_ticks, number, place, ticks

PLAIN, MUTED, TITLE, BAD, BEST, CROSS, CHOSEN = 0, 249, 250, 251, 252, 253, 254
"""Inks beside those of the curves: 1…6, and the same plus 100 for what lies behind a smoothed curve."""
BEHIND = 100
INKS = 6

_SPARSE = 4
"""A curve with fewer points than a quarter of the columns gets a mark at each of them."""
_LABEL = 8

Piece = tuple[str, int]


@dataclass(frozen=True)
class Line:
    """A curve in a plot.

    Attributes:
        curve: its columns.
        ink: 1…6.
        name: for the legend; safe to show.
        letter: stands at its end where there are several runs; empty for none.
        marked: each of its points gets a mark, if there are few: an evaluation's.
    """

    curve: Curve
    ink: int
    name: str
    letter: str = ""
    marked: bool = False


@dataclass
class Look:
    """How a plot is drawn.

    Attributes:
        axis, low, high: the x axis, and what its first and last column show.
        log_x, log_y: logarithmic axes.
        calm: outliers do not stretch the y axis.
        cross: where the crosshair is, on the x axis; None for none.
        chosen: the title is highlighted.
    """

    axis: Axis = "step"
    low: float = 0.0
    high: float = 1.0
    log_x: bool = False
    log_y: bool = False
    calm: bool = False
    cross: float | None = None
    chosen: bool = False


@dataclass
class Columns:
    """A curve's columns as numbers."""

    column: array[int]
    x: array[float]
    first: array[float]
    low: array[float]
    high: array[float]
    last: array[float]
    broken: set[int]
    smooth_column: array[int]
    smooth: array[float]


@dataclass
class Picture:
    """A drawn plot: rows of pieces; `left` is the first column of the curves, in cells."""

    rows: list[list[Piece]]
    left: int = 0


def columns_of(curve: Curve) -> Columns:
    """Return the columns that a curve holds as bytes."""
    return Columns(
        column=array("H", curve.column),
        x=array("d", curve.x),
        first=array("d", curve.first),
        low=array("d", curve.low),
        high=array("d", curve.high),
        last=array("d", curve.last),
        broken=set(array("H", curve.broken)),
        smooth_column=array("H", curve.smooth_column),
        smooth=array("d", curve.smooth),
    )


def area(width: int, height: int) -> tuple[int, int]:
    """Return the cells that are left for the curves of a plot of this size."""
    return max(1, width - _LABEL - 1), max(1, height - 2)


def draw(name: str, lines: Sequence[tuple[Line, Columns]], look: Look, width: int, height: int) -> Picture:
    """Return the picture of a plot.

    Args:
        name: the metric's; safe to show.
        lines: with their columns.
        look: how.
        width, height: in cells.
    """
    wide, high = area(width, height)
    if width < 16 or height < 4:
        return Picture([_fit([(name, TITLE)], width)] + [[(" " * width, PLAIN)]] * max(0, height - 1))
    bounds = _bounds(lines, look)
    log_y = look.log_y and bounds[0] > 0
    canvas = Canvas(wide, high)
    scale = _Scale(*bounds, 4 * high, log_y)
    marks: dict[tuple[int, int], Piece] = {}
    for line, columns in lines:
        soft = bool(columns.smooth) and not _is_sparse(line, columns, wide)
        _draw_raw(canvas, columns, scale, line.ink + (BEHIND if soft else 0))
        if soft:
            _draw_smooth(canvas, columns, scale, line.ink)
        _mark(marks, line, columns, scale, look, wide)
    for _, columns in lines:
        for column in columns.broken:
            marks[column >> 1, high - 1] = ("×", BAD)
    picture = Picture([], left=_LABEL + 1)
    picture.rows.append(_title(name, lines, look, wide, width))
    at = {scale.dot(value) >> 2: value for value in _ticks(bounds, max(2, high // 3), log_y)}
    cross = cell_of(look.cross, look, wide) if look.cross is not None else None
    in_row: dict[int, dict[int, Piece]] = {}
    for (cell, row), mark in marks.items():
        in_row.setdefault(row, {})[cell] = mark
    for row in range(high):
        label = number(at[row], 4).rjust(_LABEL - 1)[: _LABEL - 1] + " ┤" if row in at else " " * _LABEL + "│"
        pieces = _with_marks(canvas.row(row), in_row.get(row, {}))
        if cross is not None:
            pieces = _with_cross(pieces, cross)
        picture.rows.append([(label, MUTED), *pieces])
    picture.rows.append(_x_axis(look, wide, width))
    return picture


class _Scale:
    """Values to rows of dots."""

    def __init__(self, low: float, high: float, dots: int, log: bool) -> None:
        self._log = log
        self._low = math.log10(low) if log else low
        self._span = ((math.log10(high) if log else high) - self._low) or 1.0
        self._dots = dots - 1

    def dot(self, value: float) -> int:
        """Return the row of dots, from above; it may lie beyond the plot."""
        if self._log:
            if value <= 0:
                return self._dots + 10
            value = math.log10(value)
        share = (value - self._low) / self._span
        return round((1 - max(-1.0, min(2.0, share))) * self._dots)

    def dots(self, values: Sequence[float]) -> list[int]:
        """Return the rows of dots of many values, none of which is NaN."""
        if self._log:
            return [self.dot(value) for value in values]
        low, span, most = self._low, self._span, self._dots
        return [
            round((1 - (value - low) / span) * most) if -span < value - low < 2 * span else self.dot(value)
            for value in values
        ]


def _bounds(lines: Sequence[tuple[Line, Columns]], look: Look) -> tuple[float, float]:
    """Return the lowest and the highest value to show, with some room."""
    lows = [v for _, columns in lines for v in columns.low if v == v and (v > 0 or not look.log_y)]
    highs = [v for _, columns in lines for v in columns.high if v == v and (v > 0 or not look.log_y)]
    if not highs:
        lows = [v for _, columns in lines for v in columns.low if v == v]
        highs = [v for _, columns in lines for v in columns.high if v == v]
    if not highs:
        return 0.0, 1.0
    low, high = min(lows or highs), max(highs)
    if look.calm and len(highs) > 20:
        lows, highs = sorted(lows), sorted(highs)
        cut = len(highs) // 50 + 1
        low, high = lows[min(cut, len(lows) - 1)], highs[-1 - cut]
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if high <= low:
        room = abs(high) * 0.1 or 1.0
        return low - (0 if look.log_y and low - room <= 0 else room), high + room
    if look.log_y and low > 0:
        room = (high / low) ** 0.03
        return low / room, high * room
    room = (high - low) * 0.03
    return low - room, high + room


def _draw_raw(canvas: Canvas, columns: Columns, scale: _Scale, ink: int) -> None:
    """Draw each column from its lowest to its highest value, and what leads from one to the next."""
    if not columns.broken:
        _draw_whole(canvas, columns, scale, ink)
        return
    before = before_dot = -1
    broken = columns.broken
    for number_, column in enumerate(columns.column):
        low, high = columns.low[number_], columns.high[number_]
        if low != low:
            before = -1
            continue
        canvas.upright(column, scale.dot(high), scale.dot(low), ink)
        dot = scale.dot(columns.first[number_])
        if before >= 0 and not any(gap in broken for gap in range(before + 1, column)) and column not in broken:
            _lead(canvas, before, before_dot, column, dot, ink, 0)
        before, before_dot = column, scale.dot(columns.last[number_])
        if column in broken:
            before = -1


def _draw_whole(canvas: Canvas, columns: Columns, scale: _Scale, ink: int) -> None:
    """Draw a curve without any gap: as nearly all are, each second."""
    before = before_dot = -1
    upright = canvas.upright
    tops, bottoms = scale.dots(columns.high), scale.dots(columns.low)
    firsts, lasts = scale.dots(columns.first), scale.dots(columns.last)
    for column, top, bottom, first, last in zip(columns.column, tops, bottoms, firsts, lasts, strict=True):
        if column - before == 1 and before >= 0:
            # What leads here from the column before is a part of this column's line, or makes it longer.
            if first < before_dot:
                bottom = max(bottom, before_dot - 1)
            elif first > before_dot:
                top = min(top, before_dot + 1)
        elif before >= 0:
            _lead(canvas, before, before_dot, column, first, ink, 0)
        upright(column, top, bottom, ink)
        before, before_dot = column, last


def _draw_smooth(canvas: Canvas, columns: Columns, scale: _Scale, ink: int) -> None:
    before = before_dot = -1
    smooth = columns.smooth
    dots: Sequence[int | None]
    if columns.broken:
        dots = [scale.dot(value) if value == value else None for value in smooth]
    else:
        dots = scale.dots(smooth)
    for column, dot in zip(columns.smooth_column, dots, strict=True):
        if dot is None:
            before = -1
            continue
        if column - before == 1 and before >= 0:
            step = 1 if dot > before_dot else -1 if dot < before_dot else 0  # the dot before is drawn already
            canvas.upright(column, before_dot + step, dot, ink, 1)
        elif before >= 0:
            _lead(canvas, before, before_dot, column, dot, ink, 1)
        else:
            canvas.upright(column, dot, dot, ink, 1)
        before, before_dot = column, dot


def _lead(canvas: Canvas, left: int, top: int, right: int, bottom: int, ink: int, rank: int) -> None:
    """Draw the line from one column's dot to another's."""
    across = right - left
    if across <= 0:
        return
    at = top
    for step in range(1, across + 1):
        to = top + round((bottom - top) * step / across)
        inner = at + (1 if to > at else -1 if to < at else 0)  # the dot before is drawn already
        canvas.upright(left + step, inner, to, ink, rank)
        at = to


def _is_sparse(line: Line, columns: Columns, wide: int) -> bool:
    """Return whether each point of a curve is marked; such a curve is not smoothed."""
    return line.marked and len(columns.column) * _SPARSE <= 2 * wide


def _mark(
    marks: dict[tuple[int, int], Piece], line: Line, columns: Columns, scale: _Scale, look: Look, wide: int
) -> None:
    """Put the marks of a curve where they belong: points of an evaluation, what is no number, the best, its letter."""

    def row(value: float) -> int:
        return scale.dot(value) >> 2

    if _is_sparse(line, columns, wide):
        for column, value in zip(columns.column, columns.last, strict=True):
            if value == value:
                marks[column >> 1, row(value)] = ("•", line.ink)
    if line.curve.best is not None and look.low <= line.curve.best[0] <= look.high:
        cell = cell_of(line.curve.best[0], look, wide)
        if cell is not None:
            marks[cell, row(line.curve.best[2])] = ("♦", BEST)
    last = next((n for n in range(len(columns.column) - 1, -1, -1) if columns.last[n] == columns.last[n]), None)
    if line.letter and last is not None:
        soft = columns.smooth[-1] if columns.smooth and not _is_sparse(line, columns, wide) else math.nan
        value = soft if soft == soft else columns.last[last]
        marks[min(wide - 1, columns.column[last] >> 1), row(value)] = (line.letter, line.ink)


def cell_of(x: float, look: Look, wide: int) -> int | None:
    """Return the cell of a place on the x axis; None where it is not in the picture."""
    low, high = look.low, look.high
    if look.log_x:
        if x <= 0 or low <= 0:
            return None
        x, low, high = math.log10(x), math.log10(low), math.log10(high)
    share = (x - low) / ((high - low) or 1.0)
    return round(share * (2 * wide - 1)) >> 1 if -1e-9 <= share <= 1 + 1e-9 else None


def x_at(cell: float, look: Look, wide: int) -> float:
    """Return the place on the x axis of a cell."""
    share = max(0.0, min(1.0, (2 * cell + 1) / max(1, 2 * wide - 1)))
    if look.log_x and look.low > 0:
        low, high = math.log10(look.low), math.log10(look.high)
        return float(10 ** (low + share * (high - low)))
    return look.low + share * (look.high - look.low)


def value_at(columns: Columns, x: float) -> tuple[float, float, float] | None:
    """Return the place, the value and the smoothed value (NaN without) of the point nearest to `x`."""
    if not columns.x:
        return None
    at = bisect_left(columns.x, x)
    if at == len(columns.x) or (at and x - columns.x[at - 1] <= columns.x[at] - x):
        at -= 1
    soft = math.nan
    if columns.smooth:
        column = columns.column[at]
        near = bisect_left(columns.smooth_column, column)
        soft = columns.smooth[min(near, len(columns.smooth) - 1)]
    value = columns.last[at]
    if columns.column[at] in columns.broken:
        value = math.nan
    return columns.x[at], value, soft


def _title(name: str, lines: Sequence[tuple[Line, Columns]], look: Look, wide: int, width: int) -> list[Piece]:
    """Return the line above: the metric, its newest or pointed-at values, its best."""
    pieces: list[Piece] = [(f" {name} ", CHOSEN if look.chosen else TITLE)]
    several = len(lines) > 1
    for line, columns in lines:
        label = (f"{line.letter} " if line.letter else "") + (f"{line.name} " if several and not line.letter else "")
        if look.cross is not None:
            found = value_at(columns, look.cross)
            if found is None:
                continue
            text = number(found[1])
            if found[2] == found[2]:
                text = number(found[2]) if several else f"{number(found[2])} ({text})"
        elif line.curve.newest is None:
            continue
        else:
            text = number(line.curve.newest)
        pieces.append((f" {label}{text}", BAD if "nan" in text or "inf" in text else line.ink))
    if look.cross is not None:
        pieces.append((f"  at {place(look.cross, look.axis)}", MUTED))
    else:
        best = next((line.curve.best for line, _ in lines if line.curve.best is not None), None)
        if best is not None and not (several and lines[0][0].letter):
            pieces += [("  ♦ ", BEST), (f"{number(best[2])} at {place(best[1], 'step')}", MUTED)]
    return _fit(pieces, width)


def _ticks(bounds: tuple[float, float], most: int, log: bool) -> list[float]:
    return log_ticks(*bounds, most) if log else ticks(*bounds, most)


def _x_axis(look: Look, wide: int, width: int) -> list[Piece]:
    """Return the line below: round places."""
    text = [" "] * width
    left = _LABEL + 1
    longest = max(6, len(place(look.high, look.axis)) + 3)
    found = (
        log_ticks(look.low, look.high, wide // longest) if look.log_x else ticks(look.low, look.high, wide // longest)
    )
    end = 0
    for value in found:
        cell = cell_of(value, look, wide)
        if cell is None:
            continue
        label = place(value, look.axis)
        start = max(0, min(left + cell - len(label) // 2, width - len(label)))
        if start >= end:
            text[start : start + len(label)] = label
            end = start + len(label) + 1
    if width - end > len(look.axis) + 1 and end < left + wide - len(look.axis):
        text[width - len(look.axis) :] = look.axis
    return [("".join(text)[:width], MUTED)]


def _with_marks(pieces: list[Piece], marks: dict[int, Piece]) -> list[Piece]:
    for cell in sorted(marks):
        pieces = _replaced(pieces, cell, marks[cell])
    return pieces


def _with_cross(pieces: list[Piece], cell: int) -> list[Piece]:
    """Put the crosshair into a row: a line where nothing is drawn, else what is drawn in its ink."""
    at = 0
    for text, _ in pieces:
        if at <= cell < at + len(text):
            here = text[cell - at]
            return _replaced(pieces, cell, ("│" if here == " " else here, CROSS))
        at += len(text)
    return pieces


def _replaced(pieces: list[Piece], cell: int, mark: Piece) -> list[Piece]:
    changed: list[Piece] = []
    at = 0
    for text, ink in pieces:
        inside = cell - at
        if 0 <= inside < len(text):
            changed += [piece for piece in ((text[:inside], ink), mark, (text[inside + 1 :], ink)) if piece[0]]
        else:
            changed.append((text, ink))
        at += len(text)
    return changed


def _fit(pieces: list[Piece], width: int) -> list[Piece]:
    """Return the pieces in exactly so many cells: names of metrics are one cell a letter, or are cut by the strip."""
    fitted: list[Piece] = []
    left = width
    for text, ink in pieces:
        if left <= 0:
            break
        fitted.append((text[:left], ink))
        left -= len(text)
    if left > 0:
        fitted.append((" " * left, PLAIN))
    return fitted
