"""The plots of one run, or of several over each other: a grid that fits, one in large, zoomed, pointed at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vlmtui.monitor.naming import counterpart, is_dull
from vlmtui.monitor.protocol import Axis, Curve, Drawn
from vlmtui.safetext import safe_line
from vlmtui.ui.monitor import plot
from vlmtui.ui.monitor.plot import Line, Look, Picture
from vlmtui.ui.monitor.scales import place
from vlmtui.ui.monitor.tiles import Tile, lay_out, pages

SMOOTHINGS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
_ZOOM = 0.6
_STEP = 0.25
_NOTHING = " Nothing was logged so far."
_LETTERS = "abcdefghijklmnop"


class Shown(NamedTuple):
    """A run whose curves are on show: what names it, its title, the metrics that it has."""

    path: str
    title: str
    metrics: frozenset[str]


class Request(NamedTuple):
    """What the monitor is asked to draw (see `vlmtui.monitor.client.MonitorClient.draw`)."""

    wanted: tuple[tuple[str, str, int], ...]
    axis: Axis
    low: float
    high: float
    log: bool
    smoothing: float


class CurvesView(Widget, can_focus=True):
    """Draws what the monitor hands over; asks for it by `Wanted`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cross(-1)", show=False),
        Binding("right", "cross(1)", show=False),
        Binding("shift+left", "cross(-10)", show=False),
        Binding("shift+right", "cross(10)", show=False),
        Binding("up", "row(-1)", show=False),
        Binding("down", "row(1)", show=False),
        Binding("escape", "no_cross", show=False),
    ]
    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"curves--{number}" for number in range(1, plot.INKS + 1)),
        "curves--title", "curves--chosen", "curves--bad", "curves--best", "curves--cross",
    }  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    CurvesView {
        width: 1fr; height: 1fr; background: $background; color: $foreground;
        & > .curves--1 { color: $secondary; }
        & > .curves--2 { color: $warning; }
        & > .curves--3 { color: $success; }
        & > .curves--4 { color: $error; }
        & > .curves--5 { color: $accent; }
        & > .curves--6 { color: $foreground; }
        & > .curves--title { color: $foreground; text-style: bold; }
        & > .curves--chosen { color: $foreground; text-style: bold; background: $panel; }
        &:focus > .curves--chosen { color: $block-cursor-foreground; background: $block-cursor-background; }
        & > .curves--cross { color: $foreground; background: $panel; }
        & > .curves--bad { color: $text-error; text-style: bold; }
        & > .curves--best { color: $text-success; text-style: bold; }
    }
    """

    class Wanted(Message):
        """Other curves are to be shown, or in another way."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.runs: list[Shown] = []
        self.plots: list[str] = []
        """The training's metrics; an evaluation's is drawn in the same plot."""
        self.axes: list[Axis] = ["step"]
        self.axis: Axis = "step"
        self.smoothing = 0.6
        self.log_x = self.log_y = self.calm = self.single = False
        self.chosen = 0
        self.cross: float | None = None
        self._window: tuple[float, float] | None = None
        self._whole = (0.0, 0.0)
        self._low, self._high = 0.0, 1.0
        self._drawn: dict[int, list[tuple[Line, plot.Columns]]] = {}
        self._pictures: dict[int, Picture] = {}
        self._styles: dict[int, Style] = {}
        self._grip: tuple[int, tuple[float, float]] | None = None
        self._taken: Request | None = None
        self._answer: Drawn | None = None
        self._laid_out: tuple[tuple[int, int, int, int, bool], list[Tile]] | None = None

    # ---- what is shown ----

    def show(self, runs: Sequence[Shown], axes: Sequence[Axis]) -> None:
        """Show the curves of these runs, the first one's metrics first."""
        axes = list(axes) or ["step"]
        if list(runs) == self.runs and axes == self.axes:
            return
        if [run.path for run in runs] != [run.path for run in self.runs]:
            self._window = self.cross = self._taken = None
            self._drawn, self._pictures = {}, {}
        at = self.plots[self.chosen] if self.chosen < len(self.plots) else ""
        self.runs, self.axes = list(runs), axes
        self.axis = self.axis if self.axis in axes else "step"
        self.plots = plots_of(self.runs)
        self.chosen = self.plots.index(at) if at in self.plots else 0
        self.want()

    def tiles(self) -> list[Tile]:
        """Return the plots that fit."""
        width, height = self.size
        key = (len(self.plots), width, height, self.chosen, self.single)
        if self._laid_out is None or self._laid_out[0] != key:
            self._laid_out = (key, lay_out(len(self.plots), width, height, self.chosen, single=self.single))
        return self._laid_out[1]

    def request(self) -> Request:
        """Return what is to be drawn now."""
        wanted: list[tuple[str, str, int]] = []
        for tile in self.tiles():
            count = 2 * plot.area(tile.width, tile.height)[0]
            wanted += [(run.path, metric, count) for run, metric, _ in self._lines(tile.plot)]
        low, high = self._window or (0.0, 0.0)
        return Request(tuple(wanted), self.axis, low, high, self.log_x, self.smoothing)

    def take(self, request: Request, drawn: Drawn) -> None:
        """Show what the monitor has drawn for `request`; nothing if something else is wanted by now."""
        if request != self.request() or len(drawn.curves) != len(request.wanted):
            return
        if request == self._taken and self._answer is not None and _same_curves(drawn, self._answer):
            return  # nothing new: most looks at a run that is over, or that logs every minute
        self._taken, self._answer = request, drawn
        if self._window is None:
            self._whole = (drawn.low, drawn.high)
        self._low, self._high = drawn.low, drawn.high
        curves = iter(drawn.curves)
        self._drawn = {}
        for tile in self.tiles():
            lines = [self._line(next(curves), run, evaluation) for _, _, (run, evaluation) in self._lines(tile.plot)]
            self._drawn[tile.plot] = [(line, plot.columns_of(line.curve)) for line in lines if line.curve.points]
        self._redraw()

    @property
    def up_to_date(self) -> bool:
        """Whether what is drawn is what is wanted."""
        return bool(self.plots) and self._taken == self.request()

    def want(self) -> None:
        """Ask for other curves."""
        self.post_message(self.Wanted())

    def _lines(self, number: int) -> list[tuple[Shown, str, tuple[int, bool]]]:
        """Return the curves of a plot: run, metric, and the run's number with whether it is an evaluation's."""
        name = self.plots[number]
        found = []
        for which, run in enumerate(self.runs[: len(_LETTERS)]):
            for metric, evaluation in ((name, False), (counterpart(name), True)):
                if metric in run.metrics:
                    found.append((run, metric, (which, evaluation)))
        return found

    def _line(self, curve: Curve, run: int, evaluation: bool) -> Line:
        several = len(self.runs) > 1
        ink = 1 + (run % plot.INKS if several else int(evaluation))
        alone = curve.metric.rpartition("/")[2].startswith("eval_")
        return Line(
            curve=curve,
            ink=ink,
            name="eval" if evaluation or alone else "train",
            letter=(_LETTERS[run].upper() if evaluation else _LETTERS[run]) if several else "",
            marked=evaluation or alone,
        )

    def curves_of_chosen(self) -> list[tuple[str, str]]:
        """Return run and metric of each curve in the chosen plot."""
        return [(run.path, metric) for run, metric, _ in self._lines(self.chosen)] if self.plots else []

    def legend(self) -> str:
        """Return in a line how the curves are shown."""
        words = [f"x {self.axis}" + (" (log)" if self.log_x else "")]
        if self._window is not None:
            words[0] += f" {place(self._low, self.axis)}…{place(self._high, self.axis)}"
        track = "".join("●" if value == self.smoothing else "─" for value in SMOOTHINGS)
        words.append(f"smoothing {track} {self.smoothing:g}")
        if self.log_y:
            words.append("y log")
        if self.calm:
            words.append("without outliers")
        if not self.single and self.plots:
            page, count = pages(len(self.plots), *self.size, self.chosen)
            words += [f"plots {page}/{count}"] if count > 1 else []
        return " · ".join(words)

    # ---- drawing ----

    def _look(self, number: int) -> Look:
        return Look(
            axis=self.axis, low=self._low, high=self._high, log_x=self.log_x, log_y=self.log_y, calm=self.calm,
            cross=self.cross, chosen=number == self.chosen,
        )  # fmt: skip

    def _redraw(self) -> None:
        self._pictures = {}
        self.refresh()

    def _picture(self, tile: Tile) -> Picture | None:
        picture = self._pictures.get(tile.plot)
        if picture is None or len(picture.rows) != tile.height:
            if tile.plot not in self._drawn:
                return None
            name = safe_line(self.plots[tile.plot], 60)
            picture = plot.draw(name, self._drawn[tile.plot], self._look(tile.plot), tile.width, tile.height)
            self._pictures[tile.plot] = picture
        return picture

    def render_line(self, y: int) -> Strip:
        """Draw one row through all plots that it goes through."""
        width = self.size.width
        base = self._style(plot.PLAIN)
        pieces: list[Segment] = []
        at = 0
        for tile in self.tiles():
            if not tile.y <= y < tile.y + tile.height:
                continue
            if tile.x > at:
                pieces.append(Segment(" " * (tile.x - at), base))
            picture = self._picture(tile)
            row = picture.rows[y - tile.y] if picture is not None and y - tile.y < len(picture.rows) else []
            segments = [Segment(text, self._style(ink)) for text, ink in row]
            if y == tile.y or not segments:  # a metric's name may have wide letters; all other rows fit
                segments = list(Strip(segments).adjust_cell_length(tile.width, base))
            pieces += segments
            at = tile.x + tile.width
        if not self.plots and y == 0:
            pieces, at = [Segment(_NOTHING, self._style(plot.MUTED))], len(_NOTHING)
        return Strip(pieces, at).adjust_cell_length(width, base)

    def _style(self, ink: int) -> Style:
        style = self._styles.get(ink)
        if style is None:
            style = self._styles[ink] = self._make_style(ink)
        return style

    def _make_style(self, ink: int) -> Style:
        base = self.rich_style
        names = {
            plot.TITLE: "title", plot.BAD: "bad", plot.BEST: "best", plot.CROSS: "cross",
            plot.CHOSEN: "chosen",
        }  # fmt: skip
        if ink == plot.PLAIN:
            return base
        if ink == plot.MUTED:
            faint = self.background_colors[1].blend(self.styles.color, 0.6)
            return base + Style(color=faint.rich_color)
        if ink in names:
            return base + self.get_component_rich_style(f"curves--{names[ink]}", partial=True)
        if ink > plot.BEHIND:
            styles = self.get_component_styles(f"curves--{ink - plot.BEHIND}")
            soft = self.background_colors[1].blend(styles.color, 0.45)
            return base + Style(color=soft.rich_color)
        return base + self.get_component_rich_style(f"curves--{ink}", partial=True)

    def notify_style_update(self) -> None:
        """The theme has changed."""
        super().notify_style_update()
        self._styles = {}

    def on_resize(self) -> None:
        self._pictures = {}
        self.want()

    def on_focus(self) -> None:
        self._styles = {}
        self.refresh()

    def on_blur(self) -> None:
        self._styles = {}
        self.refresh()

    # ---- keys ----

    def action_choose(self, by: int) -> None:
        """Go to the next plot, or the one before."""
        if self.plots:
            before = self.tiles()
            self.chosen = (self.chosen + by) % len(self.plots)
            if self.single or self.tiles() != before:
                self.want()
            self._redraw()

    def action_row(self, by: int) -> None:
        """Go to the plot below, or above."""
        tops = [tile.y for tile in self.tiles()]
        across = tops.count(tops[0]) if tops else 1
        if 0 <= self.chosen + by * across < len(self.plots):
            self.action_choose(by * across)

    def action_single(self) -> None:
        """Show one plot in large, or all again."""
        self.single = not self.single
        self._redraw()
        self.want()

    def action_cross(self, by: int) -> None:
        """Move the crosshair by cells; it begins at the right."""
        tile = next((tile for tile in self.tiles() if tile.plot == self.chosen), None)
        if tile is None:
            return
        wide = plot.area(tile.width, tile.height)[0]
        look = self._look(self.chosen)
        cell = wide - 1 if self.cross is None else plot.cell_of(self.cross, look, wide)
        cell = wide - 1 if cell is None else max(0, min(wide - 1, cell + (by if self.cross is not None else 0)))
        self.cross = plot.x_at(cell, look, wide)
        self._redraw()

    def action_no_cross(self) -> None:
        """Take the crosshair away; then the one plot, the zoom."""
        if self.cross is not None:
            self.cross = None
            self._redraw()
        elif self._window is not None:
            self.action_whole()
        elif self.single:
            self.action_single()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is somebody else's where there is nothing to take away."""
        if action == "no_cross":
            return self.cross is not None or self._window is not None or self.single
        return True

    def action_axis(self) -> None:
        """Take the next x axis that is known."""
        self.axis = self.axes[(self.axes.index(self.axis) + 1) % len(self.axes)]
        self._window = self.cross = None
        self.want()

    def action_log_y(self) -> None:
        """Logarithmic y axis: on or off."""
        self.log_y = not self.log_y
        self._redraw()
        self.want()

    def action_log_x(self) -> None:
        """Logarithmic x axis: on or off."""
        self.log_x = not self.log_x
        self._window = None
        self.want()

    def action_calm(self) -> None:
        """Let outliers stretch the y axis, or not."""
        self.calm = not self.calm
        self._redraw()
        self.want()

    def action_smooth(self, by: int) -> None:
        """Move the slider of the smoothing."""
        at = min(range(len(SMOOTHINGS)), key=lambda place: abs(SMOOTHINGS[place] - self.smoothing))
        self.smoothing = SMOOTHINGS[max(0, min(len(SMOOTHINGS) - 1, at + by))]
        self.want()

    def action_zoom(self, by: int) -> None:
        """Show a shorter or a longer part of the x axis, around the crosshair or the middle."""
        self._zoom(_ZOOM if by > 0 else 1 / _ZOOM, self.cross)

    def action_pan(self, by: int) -> None:
        """Show what lies beside."""
        low, high = self._to(self._low), self._to(self._high)
        self._go(low + by * _STEP * (high - low), high + by * _STEP * (high - low))

    def action_whole(self) -> None:
        """Show the whole axis."""
        self._window = None
        self.want()

    def _to(self, x: float) -> float:
        return math.log10(max(x, 1e-300)) if self.log_x else x

    def _zoom(self, factor: float, around: float | None) -> None:
        low, high = self._to(self._low), self._to(self._high)
        middle = self._to(around) if around is not None else (low + high) / 2
        self._go(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def _go(self, low: float, high: float) -> None:
        """Show from `low` to `high`, within the whole."""
        first, last = (self._to(end) for end in self._whole)
        span = high - low
        if span >= last - first or last <= first:
            self.action_whole()
            return
        low = max(first, min(low, last - span))
        high = low + span
        if high - low < (last - first) * 1e-6:
            return
        self._window = (10**low, 10**high) if self.log_x else (low, high)
        self.want()

    # ---- the mouse ----

    def _tile_at(self, x: int, y: int) -> Tile | None:
        return next((t for t in self.tiles() if t.x <= x < t.x + t.width and t.y <= y < t.y + t.height), None)

    def _place_at(self, tile: Tile, x: int) -> float:
        wide = plot.area(tile.width, tile.height)[0]
        return plot.x_at(max(0, min(wide - 1, x - tile.x - (tile.width - wide))), self._look(tile.plot), wide)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the plot."""
        tile = self._tile_at(event.x, event.y)
        if tile is not None:
            self._grip = (event.x, (self._to(self._low), self._to(self._high)))
            self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go."""
        self._grip = None
        self.release_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the plot, or point at it."""
        tile = self._tile_at(event.x, event.y)
        if tile is None:
            return
        if self._grip is not None and self._window is not None:
            start, (low, high) = self._grip
            by = (start - event.x) / plot.area(tile.width, tile.height)[0] * (high - low)
            self._go(low + by, high + by)
        else:
            self.cross = self._place_at(tile, event.x)
            self._redraw()

    def on_leave(self) -> None:
        """The mouse points at nothing any more."""
        if self.cross is not None:
            self.cross = None
            self._redraw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Zoom in where the mouse is."""
        self._wheel(event, _ZOOM)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Zoom out."""
        self._wheel(event, 1 / _ZOOM)

    def _wheel(self, event: events.MouseEvent, factor: float) -> None:
        tile = self._tile_at(event.x, event.y)
        if tile is not None:
            event.stop()
            self._zoom(factor, self._place_at(tile, event.x))

    def on_click(self, event: events.Click) -> None:
        """Choose a plot; twice shows it in large."""
        tile = self._tile_at(event.x, event.y)
        if tile is not None and event.chain == 2:
            self.chosen = tile.plot
            self.action_single()
        elif tile is not None and tile.plot != self.chosen:
            self.chosen = tile.plot
            self._redraw()


def _same_curves(one: Drawn, other: Drawn) -> bool:
    return (one.low, one.high, one.curves) == (other.low, other.high, other.curves)


def plots_of(runs: Sequence[Shown]) -> list[str]:
    """Return the plots of some runs: their metrics in order, an evaluation's in its training's plot."""
    from vlmtui.monitor.naming import in_order

    names = {name for run in runs for name in run.metrics if not is_dull(name)}
    beside = {counterpart(name) for name in names}
    return in_order([name for name in names if name not in beside])
