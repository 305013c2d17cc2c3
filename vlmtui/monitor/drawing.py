"""Curves as they are handed to who draws them."""

from __future__ import annotations

import numpy as np

from vlmtui.monitor.details import best_of
from vlmtui.monitor.naming import rising
from vlmtui.monitor.protocol import Axis, Curve
from vlmtui.monitor.sampling import columns_of
from vlmtui.monitor.table import Table


def reach(tables: list[tuple[Table, str]], axis: Axis, *, log: bool = False) -> tuple[float, float]:
    """Return the first and the last place of these metrics on `axis`; (0, 0) without any point."""
    lows, highs = [], []
    for table, metric in tables:
        x, _ = table.points(metric, axis)
        x = x[np.searchsorted(x, 0, "right") :] if log else x
        if len(x):
            lows.append(float(x[0]))
            highs.append(float(x[-1]))
    return (min(lows), max(highs)) if lows else (0.0, 0.0)


def curve_of(
    run: str, table: Table, metric: str, axis: Axis, low: float, high: float, count: int, *, log: bool, smoothing: float
) -> Curve:
    """Return a metric between two places in `count` columns; an empty one where the run does not have it."""
    x, y = table.points(metric, axis)
    if not len(x):
        return Curve(run=run, metric=metric, points=0)
    columns = columns_of(x, y, low, high, count, log=log)
    smooth_column = smooth = b""
    if smoothing > 0:
        soft = columns_of(x, table.smoothed(metric, smoothing), low, high, count, log=log)
        smooth_column, smooth = soft.column.tobytes(), soft.last.tobytes()
    best = best_of(table, metric)
    marked = None
    if best is not None:
        place = np.flatnonzero(y == best[0])
        marked = (float(x[place[0]]), float(best[1]), best[0])
    return Curve(
        run=run, metric=metric, points=len(x), column=columns.column.tobytes(), x=columns.x.tobytes(),
        first=columns.first.tobytes(), low=columns.low.tobytes(), high=columns.high.tobytes(),
        last=columns.last.tobytes(), broken=columns.broken.tobytes(), smooth_column=smooth_column, smooth=smooth,
        best=marked, rising=bool(rising(metric)), newest=float(y[-1]),
    )  # fmt: skip
