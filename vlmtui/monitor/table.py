"""What a run has logged so far, as columns of numbers: rows of steps, and for each metric the rows that have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FIRST = 256


class Column:
    """Numbers that come one after the other. What is appended waits in a list until somebody looks."""

    def __init__(self, kind: type[np.float64] | type[np.int64] = np.float64) -> None:
        self._data: NDArray[np.float64 | np.int64] = np.empty(_FIRST, kind)
        self._length = 0
        self._waiting: list[float] = []
        self.append = self._waiting.append

    def __len__(self) -> int:
        return self._length + len(self._waiting)

    @property
    def values(self) -> NDArray[np.float64 | np.int64]:
        """All numbers, as a view that is good until the next append."""
        if self._waiting:
            end = len(self)
            if end > len(self._data):
                grown = np.empty(max(end, 2 * len(self._data)), self._data.dtype)
                grown[: self._length] = self._data[: self._length]
                self._data = grown
            self._data[self._length : end] = self._waiting
            self._length = end
            self._waiting.clear()
        return self._data[: self._length]

    def cut(self, length: int) -> None:
        """Forget all behind the first `length`."""
        self._length = min(len(self.values), length)


class Series:
    """One metric: the rows that have it, and its values there."""

    def __init__(self) -> None:
        self.rows = Column(np.int64)
        self.data = Column()

    def __len__(self) -> int:
        return len(self.rows)


class Table:
    """The rows of a run and its metrics.

    Attributes:
        step, epoch, tokens, time: of each row; NaN where it is not known. Time is in seconds since 1970.
        metrics: by name.
        version: counts up with every change.
    """

    def __init__(self) -> None:
        self.step, self.epoch, self.tokens, self.time = Column(), Column(), Column(), Column()
        self.metrics: dict[str, Series] = {}
        self.version = 0
        self._axes: dict[str, tuple[int, Floats | None]] = {}
        self._smooth: dict[tuple[str, float], tuple[int, Floats]] = {}

    def __len__(self) -> int:
        return len(self.step)

    def add(
        self,
        step: float,
        values: Mapping[str, float] | Iterable[tuple[str, float]],
        *,
        epoch: float = np.nan,
        tokens: float = np.nan,
        time: float = np.nan,
    ) -> None:
        """Append a row."""
        row = len(self.step)
        self.step.append(step)
        self.epoch.append(epoch)
        self.tokens.append(tokens)
        self.time.append(time)
        self.put(row, values)

    def put(self, row: int, values: Mapping[str, float] | Iterable[tuple[str, float]]) -> None:
        """Add values to the row with the number `row`, which must be the newest of each of these metrics."""
        metrics = self.metrics
        for name, value in values.items() if isinstance(values, Mapping) else values:
            series = metrics.get(name)
            if series is None:
                series = metrics[name] = Series()
            series.rows.append(row)
            series.data.append(value)
        self.version += 1

    def cut(self, step: float) -> None:
        """Forget the rows from the first on that is beyond `step`: a run went back to a checkpoint."""
        beyond = np.flatnonzero(self.step.values > step)
        if not len(beyond):
            return
        row = int(beyond[0])
        for column in (self.step, self.epoch, self.tokens, self.time):
            column.cut(row)
        for name, series in list(self.metrics.items()):
            length = int(np.searchsorted(series.rows.values, row))
            series.rows.cut(length)
            series.data.cut(length)
            if not length:
                del self.metrics[name]
        self.version += 1

    def cut_metric(self, name: str, step: float) -> None:
        """Forget the points of one metric from `step` on."""
        series = self.metrics[name]
        steps = self.step.values[series.rows.values]
        length = int(np.searchsorted(steps, step))
        series.rows.cut(length)
        series.data.cut(length)
        self.version += 1

    # ---- looking ----

    def axis(self, name: str) -> Floats | None:
        """Return `step`, `epoch`, `tokens` or `time` (since the first row) of every row; None where it is unknown.

        Rows without their own (evaluations have no epoch) get what lies between their neighbours.
        """
        kept = self._axes.get(name)
        if kept is None or kept[0] != self.version:
            kept = self._axes[name] = (self.version, self._make_axis(name))
        return kept[1]

    def _make_axis(self, name: str) -> Floats | None:
        if name == "step":
            return np.asarray(self.step.values)
        values = {"epoch": self.epoch, "tokens": self.tokens, "time": self.time}[name].values
        known = np.flatnonzero(np.isfinite(values))
        if not len(known):
            return None
        if len(known) < len(values):
            values = np.interp(np.arange(len(values)), known, values[known])
        return np.asarray(values - values[0] if name == "time" else values)

    def points(self, metric: str, axis: str = "step") -> tuple[Floats, Floats]:
        """Return the places of a metric's points on `axis`, never going back, and its values; empty where unknown."""
        series = self.metrics.get(metric)
        places = self.axis(axis)
        if series is None or places is None:
            return np.empty(0), np.empty(0)
        if len(series) != len(places):  # else every row has it
            places = places[series.rows.values]
        if len(places) > 1 and not bool((places[1:] >= places[:-1]).all()):
            places = np.maximum.accumulate(places)
        return places, np.asarray(series.data.values)

    def smoothed(self, metric: str, weight: float) -> Floats:
        """Return the metric's values smoothed (see `vlmtui.monitor.smoothing`); kept until there are new ones."""
        from vlmtui.monitor.smoothing import smoothed

        key = (metric, weight)
        kept = self._smooth.get(key)
        if kept is None or kept[0] != self.version:
            for old in [old for old, (version, _) in self._smooth.items() if version != self.version]:
                del self._smooth[old]
            kept = self._smooth[key] = (self.version, smoothed(np.asarray(self.metrics[metric].data.values), weight))
        return kept[1]

    def last(self, metric: str) -> float | None:
        """Return the newest value of a metric."""
        series = self.metrics.get(metric)
        return float(series.data.values[-1]) if series is not None and len(series) else None
