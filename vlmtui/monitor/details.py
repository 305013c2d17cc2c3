"""All about a run but its curves: how far, how fast, how well, what lies on the disk."""

from __future__ import annotations

import math
from time import monotonic

import numpy as np

from vlmtui.monitor.naming import in_order, rising
from vlmtui.monitor.protocol import Alert, Axis, Checkpoint, Details, Evaluation, RunRow
from vlmtui.monitor.sources.source import Source
from vlmtui.monitor.table import Floats, Table

_MOST_EVALUATIONS = 50
_INTERVALS = 50
_PAUSE = 20.0
"""An interval so many times longer than usual is a pause (an evaluation, a resume), not a speed."""
_CHECKPOINTS_EVERY_S = 10.0

_AXES: tuple[Axis, ...] = ("step", "epoch", "tokens", "time")


def row_of(source: Source, alerts: list[Alert], now: float) -> RunRow:
    """Return the run's line in the list."""
    loss = source.loss()
    return RunRow(
        path=str(source.path), kind=source.kind, state=source.state(now), title=source.title, device=source.device,
        stage=source.stage, step=source.step or _last_step(source), steps=source.steps,
        loss=loss if loss is None or math.isfinite(loss) else None, eta_s=source.eta_s(), created=source.created,
        updated=source.updated, alerts=alerts, note=source.note, tags=source.tags, archived=source.archived,
    )  # fmt: skip


class Looker:
    """Makes `Details`; what is slow to find out is kept for a while."""

    def __init__(self) -> None:
        self._checkpoints: dict[str, tuple[float, list[Checkpoint]]] = {}

    def details(self, source: Source, alerts: list[Alert], now: float) -> Details:
        """Return all about the run but its curves."""
        table = source.shown
        row = row_of(source, alerts, now)
        rates = rates_of(table)
        eta, low, high = eta_of(source, table)
        log = source.log()
        return Details(
            row=row if not eta else _with_eta(row, eta),
            share=source.share,
            version=table.version,
            metrics=in_order(list(table.metrics)),
            axes=[name for name in _AXES if name == "step" or table.axis(name) is not None],
            epoch=source.epoch or _last(table, "epoch"),
            epochs=source.epochs,
            eta_low=low,
            eta_high=high,
            rates=rates,
            figures={name: value for name in table.metrics if math.isfinite(value := table.last(name) or 0.0)},
            best=best_of(table, "loss"),
            trend=trend_of(table, "loss"),
            evaluations=evaluations_of(table),
            checkpoints=self._checkpoints_of(source),
            cause=source.cause,
            remedy=source.remedy,
            log=str(log) if log is not None else "",
            recipe=source.recipe(),
            answers=source.answered_at(),
            output=source.output,
            cloned_from=source.cloned_from,
        )

    def _checkpoints_of(self, source: Source) -> list[Checkpoint]:
        kept = self._checkpoints.get(str(source.path))
        if kept is None or monotonic() - kept[0] > _CHECKPOINTS_EVERY_S:
            kept = self._checkpoints[str(source.path)] = (monotonic(), source.checkpoints())
        return kept[1]


def _with_eta(row: RunRow, eta: float) -> RunRow:
    import msgspec

    return msgspec.structs.replace(row, eta_s=eta)


def intervals(table: Table) -> tuple[Floats, Floats, Floats]:
    """Return steps, seconds and tokens between the training's records, pauses left out; tokens NaN where unknown."""
    metric = "loss" if "loss" in table.metrics else next(iter(table.metrics), "")
    if not metric:
        return np.empty(0), np.empty(0), np.empty(0)
    rows = table.metrics[metric].rows.values[-10_000:]
    steps, times = np.diff(table.step.values[rows]), np.diff(table.time.values[rows])
    tokens = np.diff(table.tokens.values[rows])
    good = (steps > 0) & (times > 0)
    steps, times, tokens = steps[good], times[good], tokens[good]
    if len(times):
        each = times / steps
        usual = each <= _PAUSE * np.median(each)
        steps, times, tokens = steps[usual], times[usual], tokens[usual]
    return steps, times, tokens


def rates_of(table: Table) -> dict[str, tuple[float, float]]:
    """Return speeds, now (the last ten intervals) and in the mean."""
    steps, times, tokens = intervals(table)
    found: dict[str, tuple[float, float]] = {}
    series = table.metrics.get("samples_per_s")
    if series is not None and len(series):
        values = np.asarray(series.data.values)
        values = values[np.isfinite(values)]
        if len(values):
            found["samples/s"] = (float(values[-10:].mean()), float(values.mean()))
    if len(times):
        if np.isfinite(tokens).all() and tokens.sum() > 0:
            found["tokens/s"] = _speed(tokens, times)
        found["steps/s"] = _speed(steps, times)
    return found


def _speed(counts: Floats, times: Floats) -> tuple[float, float]:
    return float(counts[-10:].sum() / times[-10:].sum()), float(counts.sum() / times.sum())


def eta_of(source: Source, table: Table) -> tuple[float, float, float]:
    """Return the seconds that the run will still take, and the ends of its spread; 0 where it is not known."""
    left = source.steps - source.step
    if left <= 0 or not source.steps:
        return 0.0, 0.0, 0.0
    steps, times, _ = intervals(table)
    if len(times) < 3:
        return source.eta_s(), 0.0, 0.0
    each = (times / steps)[-_INTERVALS:]
    eta = source.eta_s() or left * float(each.mean())
    low, high = (left * float(value) for value in np.quantile(each, (0.1, 0.9)))
    return eta, min(low, eta), max(high, eta)


def best_of(table: Table, metric: str, axis: str = "step") -> tuple[float, int] | None:
    """Return a metric's best value and its step; None where better is not known."""
    up = rising(metric)
    steps, values = table.points(metric, axis)
    if up is None or not len(values) or not np.isfinite(values).any():
        return None
    known = np.where(np.isfinite(values), values, -np.inf if up else np.inf)
    at = int(known.argmax() if up else known.argmin())
    return float(values[at]), int(steps[at])


def trend_of(table: Table, metric: str) -> float | None:
    """Return how the smoothed metric has changed over the last tenth of its points, as a share; None for too few."""
    if metric not in table.metrics or len(table.metrics[metric]) < 10:
        return None
    values = table.smoothed(metric, 0.9)
    values = values[np.isfinite(values)]
    if len(values) < 10:
        return None
    before, after = float(values[-max(5, len(values) // 10)]), float(values[-1])
    return (after - before) / abs(before) if before else None


def evaluations_of(table: Table) -> list[Evaluation]:
    """Return the last evaluations."""
    found: dict[int, dict[str, float]] = {}
    for name, series in table.metrics.items():
        if "eval_" not in name:
            continue
        rows, values = series.rows.values[-_MOST_EVALUATIONS:], series.data.values[-_MOST_EVALUATIONS:]
        for row, value in zip(rows, values, strict=True):
            found.setdefault(int(table.step.values[row]), {})[name] = float(value)
    return [Evaluation(step=step, values=found[step]) for step in sorted(found)][-_MOST_EVALUATIONS:]


def _last(table: Table, axis: str) -> float:
    places = table.axis(axis)
    return float(places[-1]) if places is not None and len(places) else 0.0


def _last_step(source: Source) -> int:
    return int(source.shown.step.values[-1]) if len(source.shown) else 0
