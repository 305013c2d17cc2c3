"""As many points as a plot has columns of dots, without losing a peak.

A line through many points in one column covers what lies between the lowest and the highest of them, comes in at the
first and leaves at the last. So these four a column draw the same picture as all points (Jugel et al., "M4", VLDB
2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """What a curve is in each column that has points.

    Attributes:
        column: the columns' numbers, growing.
        x: the place of the last point in each.
        first, low, high, last: of the finite values; NaN in all four where a column has none.
        broken: columns in which some value is not finite.
    """

    column: NDArray[np.uint16]
    x: Floats
    first: Floats
    low: Floats
    high: Floats
    last: Floats
    broken: NDArray[np.uint16]


def columns_of(x: Floats, y: Floats, low: float, high: float, count: int, *, log: bool = False) -> Columns:
    """Return the columns of the points (x, y).

    Args:
        x: never falling.
        low, high: what the first and the last column show; points beyond are left out, but for the nearest on each
            side, which are taken into the outermost columns so that a line that leaves the picture is seen to.
        count: of columns, at most 65,535.
        log: columns of equal ratio; points at or below 0 are left out.
    """
    if log:
        begin = int(np.searchsorted(x, 0, "right"))
        x, y = np.log10(x[begin:]), y[begin:]
        low, high = np.log10(max(low, 1e-300)), np.log10(max(high, 1e-300))
    start, end = int(np.searchsorted(x, low)), int(np.searchsorted(x, high, "right"))
    start, end = max(0, start - 1), min(len(x), end + 1)
    x, y = x[start:end], y[start:end]
    if not len(x) or count < 1:
        nothing = np.empty(0)
        none = np.empty(0, np.uint16)
        return Columns(none, nothing, nothing, nothing, nothing, nothing, none)
    width = (high - low) or 1.0
    place = np.clip(np.round((x - low) / width * (count - 1)), 0, count - 1).astype(np.int64)
    starts = np.flatnonzero(np.r_[True, place[1:] != place[:-1]])
    ends = np.r_[starts[1:], len(place)]
    finite = np.isfinite(y)
    known = np.where(finite, y, np.nan)
    with np.errstate(invalid="ignore"):
        lows = np.fmin.reduceat(known, starts)
        highs = np.fmax.reduceat(known, starts)
    firsts, lasts = known[starts], known[ends - 1]
    broken = np.unique(place[~finite]) if not finite.all() else np.empty(0, np.int64)
    for number in np.flatnonzero(np.isin(place[starts], broken)):  # seldom any: the first and last that are finite
        inside = known[starts[number] : ends[number]]
        there = inside[np.isfinite(inside)]
        if len(there):
            firsts[number], lasts[number] = there[0], there[-1]
    xs = 10.0 ** x[ends - 1] if log else x[ends - 1]
    return Columns(place[starts].astype(np.uint16), xs, firsts, lows, highs, lasts, broken.astype(np.uint16))
