"""Runs beside each other, as text: what their recipes do not agree on, and what came of it. Safe to show; no widget."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content

from vlmtui.monitor.protocol import Comparison, Measure
from vlmtui.safetext import safe_line
from vlmtui.ui.monitor.scales import number
from vlmtui.ui.monitor.words import SIGNS, progress

_MUTED = "$foreground 60%"
_COLOURS = ("$secondary", "$warning", "$success", "$error", "$accent", "$foreground")
"""As `curves.CurvesView` draws them."""
_BESIDE = 110
"""From so many cells on, the recipes stand beside the metrics."""
_LEAST, _MOST = 8, 26
_ROW, _CHANGE = 9, 9
_SAME = 1e-12
ALONE = (
    "Only this run is chosen. Mark others in the list of runs (v, or a click on the sign before the name):\n"
    " they stand here beside it."
)


def comparison_text(comparison: Comparison, width: int) -> Content:
    """Return runs beside each other in `width` cells: the recipes beside the metrics, or above them."""
    lines = [_named(comparison, which) for which in range(len(comparison.runs))]
    if comparison.share < 1:
        lines.append(Content.styled(f" reading {comparison.share:.0%}", "$text-warning"))
    if width >= _BESIDE:
        half = (width - 3) // 2
        lines.append(Content(""))
        lines += _beside(_recipes(comparison, half), _metrics(comparison, width - 3 - half), half)
    else:
        lines += [Content(""), *_recipes(comparison, width), Content(""), *_metrics(comparison, width)]
    return Content("\n").join(line.truncate(width, ellipsis=True) for line in lines)


def letter(which: int) -> str:
    """Return how a run is called in the tables and at the end of its curves."""
    return chr(97 + which)


def _colour(which: int) -> str:
    return _COLOURS[which % len(_COLOURS)]


def _named(comparison: Comparison, which: int) -> Content:
    row = comparison.runs[which]
    state = f"{SIGNS[row.state]} {row.state} {progress(row)}".rstrip()
    name = (f" {letter(which)} {safe_line(row.title, 60)}", f"bold {_colour(which)}")
    tags = " ".join(f"#{safe_line(tag, 20)}" for tag in row.tags)
    return Content.assemble(name, (f"  {state}  {tags}".rstrip(), _MUTED))


def _beside(left: list[Content], right: list[Content], width: int) -> list[Content]:
    rows = max(len(left), len(right))
    left, right = (side + [Content("")] * (rows - len(side)) for side in (left, right))
    return [one.truncate(width, pad=True) + " │ " + other for one, other in zip(left, right, strict=True)]


class _Columns:
    """How wide the columns of a table are: a name's, what lies behind it, and each run's.

    Attributes:
        name, row, each: in cells.
        change: of the column of the difference; 0 where there is none, or no room for it.
        shown, hidden: how many runs find room, and how many do not.
    """

    def __init__(self, width: int, names: Sequence[str], runs: int, *, row: int = 0, change: int = 0) -> None:
        longest = max((len(name) for name in names), default=0)
        self.name = max(8, min(longest, width // 3)) + 2
        self.row = row
        left = width - self.name - row - 1
        self.change = change if left - change >= runs * _LEAST else 0
        if left < runs * _LEAST:
            self.name = max(10, self.name - (runs * _LEAST - left))
        left = width - self.name - row - 1 - self.change
        self.shown = max(1, min(runs, left // _LEAST))
        if self.shown < runs:
            left -= len(self.more(runs - self.shown))
            self.shown = max(1, min(runs, left // _LEAST))
        self.hidden = runs - self.shown
        self.each = max(_LEAST, min(_MOST, left // self.shown))

    @staticmethod
    def more(count: int) -> str:
        """Return how it is said that some runs are not shown."""
        return f"  +{count}"


def _head(title: str, columns: _Columns) -> Content:
    name = (f" {title}".ljust(columns.name + columns.row), _MUTED)
    letters = [(letter(which).rjust(columns.each), f"bold {_colour(which)}") for which in range(columns.shown)]
    end = columns.more(columns.hidden) if columns.hidden else "b vs a".rjust(columns.change)
    return Content.assemble(name, *letters, (end if columns.hidden or columns.change else "", _MUTED))


def _recipes(comparison: Comparison, width: int) -> list[Content]:
    """Return the table of what the recipes do not agree on."""
    found = comparison.differences
    columns = _Columns(width, [one.key for one in found], len(comparison.runs))
    lines = [_head("RECIPE", columns)]
    for one in found:
        cells = [(_cell(value, columns.each), _MUTED if value is None else "") for value in one.values[: columns.shown]]
        name = _fit(safe_line(one.key, 80), columns.name - 2)
        lines.append(Content.assemble((f" {name}".ljust(columns.name), _MUTED), *cells))
    unknown = [letter(which) for which, known in enumerate(comparison.known) if not known]
    if unknown:
        lines.append(Content.styled(f" No recipe is known of {', '.join(unknown)}.", "$text-warning"))
    words = "keys are" if comparison.same != 1 else "key is"
    if sum(comparison.known) > 1:
        lines.append(Content.styled(f" {comparison.same} {words} the same.", _MUTED))
    return lines


def _cell(value: str | None, width: int) -> str:
    text = "-" if value is None else safe_line(value, 200)
    room = width - 2
    if len(text) > room and "/" in text:  # of a path, its last part says most
        text = text.rstrip("/").rpartition("/")[2]
    return _fit(text, room).rjust(width)


def _fit(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _metrics(comparison: Comparison, width: int) -> list[Content]:
    """Return the table of the metrics: the last value, the best, the one at the same step."""
    runs, found = len(comparison.runs), comparison.measures
    columns = _Columns(width, [one.metric for one in found], runs, row=_ROW, change=_CHANGE if runs == 2 else 0)
    lines = [_head("METRIC", columns)]
    for one in found:
        name = _fit(safe_line(one.metric, 80), columns.name - 2)
        for label, values, steps in _rows(one):
            start = (f" {name}".ljust(columns.name) + label.ljust(columns.row), _MUTED)
            cells = _values(values, steps, one.rising, columns)
            lines.append(Content.assemble(start, *cells, _change(values, one.rising) if columns.change else ""))
            name = ""
    if not found:
        lines.append(Content.styled(" Nothing was logged so far.", _MUTED))
    return lines


def _rows(one: Measure) -> list[tuple[str, list[float | None], list[int | None]]]:
    none: list[int | None] = [None] * len(one.last)
    rows: list[tuple[str, list[float | None], list[int | None]]] = [("last", one.last, none)]
    if any(best is not None for best in one.best):
        best = [None if found is None else found[0] for found in one.best]
        rows.append(("best", best, [None if found is None else found[1] for found in one.best]))
    if one.step >= 0:
        step = f"{one.step:,}" if one.step < 1e5 else number(one.step, 4)
        rows.append((f"at {step}", one.same, none))
    return rows


def _values(
    values: list[float | None], steps: list[int | None], up: bool | None, columns: _Columns
) -> list[tuple[str, str]]:
    good = [value for value in values if value is not None and math.isfinite(value)]
    best = None if up is None or len(good) < 2 or max(good) == min(good) else (max(good) if up else min(good))
    cells = []
    for value, step in list(zip(values, steps, strict=True))[: columns.shown]:
        text = "-" if value is None else number(value)
        where = f" @{step:,}" if step is not None else ""
        text += where if len(text + where) < columns.each else ""
        bad = value is not None and not math.isfinite(value)
        style = "bold $text-error" if bad else "bold $text-success" if value == best and best is not None else ""
        cells.append((text.rjust(columns.each), style if value is not None else _MUTED))
    return cells


def _change(values: list[float | None], up: bool | None) -> tuple[str, str]:
    """Return how much more the second run has than the first."""
    first, second = values
    if first is None or second is None or not math.isfinite(first) or not math.isfinite(second) or abs(first) < _SAME:
        return "".rjust(_CHANGE), _MUTED
    share = (second - first) / abs(first)
    text = "same" if not share else f"{share:+.1%}" if abs(share) < 10 else f"x{second / first:.3g}"
    better = up is not None and share != 0 and (share > 0) == up
    return text.rjust(_CHANGE), "$text-success" if better else _MUTED if up is None or share == 0 else "$text-warning"
