"""Curves as files: all points as CSV, one plot as SVG or PNG."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from vlmtui.monitor.drawing import reach
from vlmtui.monitor.protocol import Axis
from vlmtui.monitor.sampling import columns_of
from vlmtui.monitor.table import Floats, Table

SUFFIXES = (".csv", ".svg", ".png")
_WIDTH, _HEIGHT = 960, 480
_LEFT, _TOP, _RIGHT, _BOTTOM = 80, 40, 20, 50
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b")


@dataclass(frozen=True)
class Exported:
    """A curve to be written: whose it is, its table and metric."""

    title: str
    table: Table
    metric: str

    @property
    def name(self) -> str:
        return f"{self.title}: {self.metric}"


def write(
    path: Path,
    curves: Sequence[Exported],
    axis: Axis,
    low: float,
    high: float,
    *,
    log_x: bool = False,
    log_y: bool = False,
    smoothing: float = 0.0,
) -> None:
    """Write the curves to `path`, in the form that its suffix names; whole or not at all.

    Args:
        low, high: the part of the axis that the picture shows; all where both are 0. CSV has all points.

    Raises:
        ValueError: another suffix.
        OSError: it cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name}: .csv, .svg or .png says in which form")
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.suffix.lower() == ".csv":
            _write_csv(aside, curves)
        else:
            if low == high:
                low, high = reach([(one.table, one.metric) for one in curves], axis, log=log_x)
            picture = _Picture(curves, axis, low, high, log_x=log_x, log_y=log_y, smoothing=smoothing)
            if path.suffix.lower() == ".svg":
                aside.write_text(picture.svg(), encoding="utf-8")
            else:
                picture.png(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _write_csv(path: Path, curves: Sequence[Exported]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("run", "metric", "step", "epoch", "tokens", "time", "value"))
        for one in curves:
            series = one.table.metrics.get(one.metric)
            if series is None:
                continue
            at = series.rows.values
            axes = (one.table.step, one.table.epoch, one.table.tokens, one.table.time)
            places = [column.values[at] for column in axes]
            for *where, value in zip(*places, series.data.values, strict=True):
                known = ["" if math.isnan(place) else f"{place:.12g}" for place in where]
                rows.writerow((one.title, one.metric, *known, repr(float(value))))


class _Picture:
    """The lines of a plot in pixels, drawn by either form."""

    def __init__(
        self,
        curves: Sequence[Exported],
        axis: Axis,
        low: float,
        high: float,
        *,
        log_x: bool,
        log_y: bool,
        smoothing: float,
    ) -> None:
        self._axis, self._low, self._high = axis, low, high
        self._log_x, self._log_y = log_x, log_y
        wide = _WIDTH - _LEFT - _RIGHT
        drawn: list[tuple[str, str, bool, Floats, Floats]] = []
        for number, one in enumerate(curves):
            x, y = one.table.points(one.metric, axis)
            if not len(x):
                continue
            colour = _COLOURS[number % len(_COLOURS)]
            forms = [(y, smoothing > 0)]
            if smoothing > 0:
                forms.append((one.table.smoothed(one.metric, smoothing), False))
            for values, faint in forms:
                columns = columns_of(x, values, low, high, wide, log=log_x)
                # Each column's four values, in an order that a line can go through.
                column = np.repeat(columns.column.astype(float), 4)
                shown = np.stack((columns.first, columns.low, columns.high, columns.last), axis=1).ravel()
                drawn.append(("" if faint else one.name, colour, faint, column, shown))
        values = np.concatenate([shown for *_, shown in drawn]) if drawn else np.empty(0)
        values = values[np.isfinite(values) & ((values > 0) if log_y else True)]
        self._bottom, self._top = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        if self._bottom == self._top:
            self._bottom, self._top = self._bottom - abs(self._bottom or 1) * 0.1, self._top + abs(self._top or 1) * 0.1
        self.lines = [
            (name, colour, faint, self._pieces(column, shown)) for name, colour, faint, column, shown in drawn
        ]

    def _pieces(self, column: Floats, values: Floats) -> list[list[tuple[float, float]]]:
        """Return the line in pixels, in pieces between what is no number."""
        pieces: list[list[tuple[float, float]]] = [[]]
        for x, value in zip(column, values, strict=True):
            if not math.isfinite(value) or (self._log_y and value <= 0):
                if pieces[-1]:
                    pieces.append([])
            else:
                pieces[-1].append((round(_LEFT + float(x), 1), round(self._y(float(value)), 1)))
        return [piece for piece in pieces if piece]

    def _y(self, value: float) -> float:
        def scaled(number: float) -> float:
            return math.log10(number) if self._log_y and number > 0 else number

        share = (scaled(value) - scaled(self._bottom)) / ((scaled(self._top) - scaled(self._bottom)) or 1.0)
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    def _labels(self) -> list[tuple[float, float, str, str]]:
        """Return texts with their places and anchors: five values on each axis."""
        labels: list[tuple[float, float, str, str]] = []
        for number in range(5):
            share = number / 4
            if self._log_y:
                value = self._bottom * (self._top / self._bottom) ** share
            else:
                value = self._bottom + share * (self._top - self._bottom)
            labels.append((_LEFT - 8, self._y(value) + 4, f"{value:.4g}", "end"))
            if self._log_x and self._low > 0:
                place = self._low * (self._high / self._low) ** share
            else:
                place = self._low + share * (self._high - self._low)
            x = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
            labels.append((x, _HEIGHT - _BOTTOM + 20, f"{place:.6g}", "middle"))
        labels.append((_WIDTH / 2, _HEIGHT - 10, self._axis, "middle"))
        return labels

    def svg(self) -> str:
        """Return the picture as an SVG document."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
            f'font-size="12"><rect width="100%" height="100%" fill="white"/>',
            f'<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - _RIGHT}" fill="none" stroke="#888"/>',
        ]
        for x, y, text, anchor in self._labels():
            parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#444">{escape(text)}</text>')
        at = _LEFT
        for name, colour, faint, pieces in self.lines:
            for piece in pieces:
                points = " ".join(f"{x:g},{y:g}" for x, y in piece)
                parts.append(
                    f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2" '
                    f'stroke-opacity="{0.3 if faint else 1}"/>'
                )
            if name:
                parts.append(f'<text x="{at}" y="24" fill="{colour}">{escape(name)}</text>')
                at += 8 * len(name) + 16
        return "\n".join([*parts, "</svg>"]) + "\n"

    def png(self, path: Path) -> None:
        """Write the picture as a PNG, twice as large."""
        from PIL import Image, ImageColor, ImageDraw

        image = Image.new("RGB", (2 * _WIDTH, 2 * _HEIGHT), "white")
        pen = ImageDraw.Draw(image)
        corner = (2 * _LEFT, 2 * (_HEIGHT - _BOTTOM))
        pen.line([(2 * _LEFT, 2 * _TOP), corner, (2 * (_WIDTH - _RIGHT), corner[1])], fill="#888888", width=2)
        anchors = {"end": "rs", "middle": "ms"}
        for x, y, text, anchor in self._labels():
            pen.text((2 * x, 2 * y), text, fill="#444444", anchor=anchors[anchor], font_size=22)
        at = 2 * _LEFT
        for name, colour, faint, pieces in self.lines:
            red, green, blue = ImageColor.getrgb(colour)[:3]
            ink = tuple(255 - (255 - part) * 3 // 10 for part in (red, green, blue)) if faint else (red, green, blue)
            for piece in pieces:
                points = [(2 * x, 2 * y) for x, y in piece]
                pen.line(points if len(points) > 1 else points * 2, fill=ink, width=3)
            if name:
                pen.text((at, 48), name, fill=ink, anchor="ls", font_size=22)
                at += int(pen.textlength(name, font_size=22)) + 32
        image.save(path, format="PNG")
