"""Plots in the terminal: dots, axes, marks; zoom, crosshair and overlay by keys and mouse, over the real reader."""

from __future__ import annotations

import math
from array import array
from pathlib import Path

import pytest
from textual.app import App, ComposeResult

from tests.ui.conftest import screen_text, until
from tests.unit.monitor.made import healthy, make_job, training, write_events
from vlmtui.monitor.client import MonitorClient
from vlmtui.monitor.protocol import Curve, Details, Drawn
from vlmtui.runs.events import Logged
from vlmtui.ui.monitor import plot
from vlmtui.ui.monitor.braille import Canvas
from vlmtui.ui.monitor.curves import CurvesView, Shown
from vlmtui.ui.monitor.plot import Line, Look, draw
from vlmtui.ui.monitor.scales import log_ticks, number, size, span, ticks
from vlmtui.ui.monitor.tiles import lay_out


def curve(values: list[float], *, best: bool = False) -> Curve:
    """A curve of a column a value."""
    data = array("d", values).tobytes()
    known = [(value, place) for place, value in enumerate(values) if value == value]
    return Curve(
        run="r", metric="loss", points=len(values), column=array("H", range(len(values))).tobytes(),
        x=array("d", range(len(values))).tobytes(), first=data, low=data, high=data, last=data,
        broken=array("H", [place for place, value in enumerate(values) if value != value]).tobytes(),
        best=(float(min(known)[1]), float(min(known)[1]), min(known)[0]) if best else None, newest=values[-1],
    )  # fmt: skip


def picture(values: list[float], *, width: int = 29, height: int = 8, **look: object) -> list[str]:
    """The rows of a plot."""
    line = Line(curve(values, best=True), 1, "train")
    shape = Look(low=0, high=len(values) - 1, **look)  # type: ignore[arg-type]
    rows = draw("loss", [(line, plot.columns_of(line.curve))], shape, width, height).rows
    assert all(sum(len(text) for text, _ in row) == width for row in rows)
    return ["".join(text for text, _ in row) for row in rows]


def test_a_line_is_made_of_dots() -> None:
    canvas = Canvas(2, 1)
    canvas.upright(0, 0, 3, 1)
    canvas.upright(3, 3, 3, 2)
    assert canvas.row(0) == [("⡇", 1), ("⢀", 2)]
    canvas.upright(0, 1, 1, 3, 1)  # a higher rank hides what lies below
    canvas.upright(9, -5, 99, 1)
    assert canvas.row(0) == [("⠂", 3), ("⢀", 2)]


def test_axes_have_round_numbers() -> None:
    assert ticks(0, 10, 5) == [0, 5, 10]
    assert ticks(0.31, 2.2, 4) == [0.5, 1.0, 1.5, 2.0]
    assert log_ticks(0.01, 100, 5) == pytest.approx([0.01, 0.1, 1, 10, 100])
    assert [number(value) for value in (0.34123, 12345, 1e-5, 2_500_000, math.nan)] == [
        "0.3412", "12.35k", "1e-5", "2.5M", "nan",
    ]  # fmt: skip
    assert [span(value) for value in (4.2, 45, 720, 11_100, 190_000)] == [
        "4.2 s",
        "45 s",
        "12 min",
        "3 h 05",
        "2 d 4 h",
    ]
    assert size(1_234_567_890) == "1.2 GB"


def test_a_plot_has_its_newest_its_best_its_gap_and_its_axes() -> None:
    rows = picture([4, 3, 2, 1, 2, 2, math.nan, 2, 3, 3.5] * 4)
    assert rows[0].startswith(" loss  3.5  ♦ 1 at 3")
    assert any("♦" in row[9:] for row in rows[1:])
    assert rows[-2].count("×") >= 3
    assert " 2 ┤" in "\n".join(rows)
    assert "20" in rows[-1]


def test_a_logarithmic_axis_leaves_out_what_is_not_above_zero() -> None:
    rows = "\n".join(picture([1000.0, 100, 10, 1, 0.1, -5] * 6, log_y=True))
    assert "100 ┤" in rows
    assert "0.1 ┤" in rows
    assert "-5 ┤" not in rows
    assert "-4 ┤" in "\n".join(picture([1.0, -5.0] * 10, height=14))


def test_outliers_stretch_the_axis_no_more() -> None:
    values = [1.0 + place % 2 / 10 for place in range(40)]
    values[20] = 1000.0
    assert "1000 ┤" in "\n".join(picture(values))
    assert "1000 ┤" not in "\n".join(picture(values, calm=True))


@pytest.mark.parametrize("shape", [(20, 5), (80, 20), (120, 36), (200, 56)])
@pytest.mark.parametrize("plots", [1, 2, 3, 7, 30])
def test_plots_fill_the_terminal_without_covering_each_other(plots: int, shape: tuple[int, int]) -> None:
    width, height = shape
    seen: set[tuple[int, int]] = set()
    for tile in lay_out(plots, width, height, plots - 1):
        cells = {(x, y) for x in range(tile.x, tile.x + tile.width) for y in range(tile.y, tile.y + tile.height)}
        assert not cells & seen
        seen |= cells
        assert tile.x + tile.width <= width
        assert tile.y + tile.height <= height
    assert plots - 1 in {tile.plot for tile in lay_out(plots, width, height, plots - 1)}


class CurvesApp(App[None]):
    """The plots alone, fed as a run's page does it."""

    def __init__(self, runs: list[Path]) -> None:
        super().__init__()
        self.runs = runs
        self.client = MonitorClient(runs[0].parent)
        self.view = CurvesView()

    def compose(self) -> ComposeResult:
        yield self.view

    async def on_mount(self) -> None:
        shown, axes = [], []
        for run in self.runs:
            details = await self.client.look(str(run))
            while isinstance(details, Details) and details.share < 1:
                details = await self.client.look(str(run))
            assert isinstance(details, Details)
            shown.append(Shown(str(run), run.name, frozenset(details.metrics)))
            axes = details.axes
        self.view.show(shown, axes)
        self.view.focus()

    async def on_unmount(self) -> None:
        await self.client.close()

    async def on_curves_view_wanted(self) -> None:
        request = self.view.request()
        if request.wanted:
            drawn = await self.client.draw(
                request.wanted, axis=request.axis, low=request.low, high=request.high, log=request.log,
                smoothing=request.smoothing,
            )  # fmt: skip
            assert isinstance(drawn, Drawn)
            self.view.take(request, drawn)


async def test_curves_are_drawn_zoomed_read_off_and_laid_over_each_other(tmp_path: Path) -> None:
    one, other = make_job(tmp_path, "one"), make_job(tmp_path, "other")
    write_events(one, training(200))
    write_events(other, [*training(200, seed=3), Logged(stage="sft", step=201, values={}, not_finite={"loss": "nan"})])
    app = CurvesApp([one.path])
    async with app.run_test(size=(120, 36)) as pilot:
        newest = f"train {number(healthy(200))} eval {number(healthy(200, 9) + 0.05)}"
        await until(pilot, lambda: newest in screen_text(pilot) and "⠉" in screen_text(pilot))
        await until(pilot, lambda: "exact_match" in screen_text(pilot))  # only evaluations have it
        assert app.view.plots[:3] == ["loss", "grad_norm", "learning_rate"]
        await pilot.press("right")  # the crosshair begins at the right, on the last step
        await until(pilot, lambda: screen_text(pilot).count("at 200") >= 3)
        await pilot.press(*["shift+left"] * 2)
        await until(pilot, lambda: "at 200" not in screen_text(pilot))
        await pilot.press("escape")
        await pilot.press("escape")
        await pilot.click(app.view, offset=(60, 10), times=2)
        await until(pilot, lambda: len(app.view.tiles()) == 1 and app.view.chosen == 1)
        await pilot.press("right", *["shift+left"] * 5)
        app.view.action_zoom(1)
        app.view.action_zoom(1)
        await until(pilot, lambda: app.view.request().low > 20 and "…" in app.view.legend())
        before = app.view.request().low
        app.view.action_pan(-1)
        await until(pilot, lambda: app.view.request().low < before)
        app.view.action_whole()
        app.view.action_axis()
        await until(pilot, lambda: "x epoch" in app.view.legend() and "2 " in screen_text(pilot).splitlines()[-1])
        app.view.action_log_y()
        app.view.action_smooth(-9)
        await until(pilot, lambda: app.view.smoothing == 0.0)
    app = CurvesApp([one.path, other.path])
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: " b nan" in screen_text(pilot))
        await until(pilot, lambda: "×" in screen_text(pilot).splitlines()[app.view.tiles()[0].height - 2])
        assert {line.letter for line, _ in app.view._drawn[0]} == {"a", "A", "b", "B"}
