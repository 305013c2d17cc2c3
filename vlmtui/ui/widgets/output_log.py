"""What the app and its children have logged: followed as it is written, filtered as one types."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer
from textual.widgets import Input

from vlmtui.ui.actions import bindings
from vlmtui.ui.log_tail import LogTail
from vlmtui.ui.training.run_tail import RunTail

_EVERY_S = 0.5
_MOST_LINES = 5_000


class Line(NamedTuple):
    """A line, and whose it is."""

    source: str
    text: str


class OutputLines(ScrollView):
    """The lines that the filter lets through; follows the newest unless it was scrolled up."""

    DEFAULT_CSS: ClassVar[str] = """
    OutputLines { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1; }
    OutputLines > .output--source { color: $text-accent; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"output--source"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("home", "scroll_home", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
    ]
    can_focus = True

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self._none = "Nothing was logged so far."

    def show(self, lines: list[Line], *, filtered: bool) -> None:
        """Show `lines`."""
        follow = self.scroll_offset.y >= self.max_scroll_y
        self._lines = lines
        self._none = "No line has this text." if filtered else "Nothing was logged so far."
        width = max((len(line.source) + len(line.text) + 3 for line in lines), default=0)
        self.virtual_size = Size(width, len(lines))
        self.refresh()
        if follow:
            self.call_after_refresh(self.scroll_end, animate=False)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        left, top = self.scroll_offset
        width, base = self.size.width, self.rich_style
        number = top + y
        if number >= len(self._lines):
            text = f" {self._none}" if not self._lines and y == 0 else ""
            return Strip([Segment(text, base)]).crop_extend(0, width, base)
        line = self._lines[number]
        colour = Style(color=self.get_component_rich_style("output--source").color)
        strip = Strip([Segment(f" {line.source} ", base + colour), Segment(line.text, base)])
        return strip.crop_extend(left, left + width, base)


class OutputLog(Vertical):
    """Reads the logs while it is on show."""

    DEFAULT_CSS: ClassVar[str] = """
    OutputLog { height: 1fr; width: 1fr; }
    OutputLog > Input { height: 1; border: none; padding: 0 1; display: none; background: $surface; }
    OutputLog > Input:focus { border: none; }
    OutputLog.-filtering > Input { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("output"), Binding("escape", "show_all", "Show all", show=False)]

    def __init__(self, *, every_s: float = _EVERY_S, id: str | None = None) -> None:
        """Args:
        every_s: seconds between two looks.
        """
        super().__init__(id=id)
        self._every_s = every_s
        self._tails: dict[str, LogTail | RunTail] = {}
        self._lines: deque[Line] = deque(maxlen=_MOST_LINES)
        self._timer: Timer | None = None
        self._reading = False

    def compose(self) -> ComposeResult:
        yield OutputLines()
        yield Input(placeholder="Show only lines with this text; Esc shows all")

    def on_mount(self) -> None:
        """Read what is there, and then what comes."""
        self._timer = self.set_interval(self._every_s, self._read)
        self._read()

    def on_show(self) -> None:
        """Go on reading."""
        if self._timer is not None:
            self._timer.resume()

    def on_hide(self) -> None:
        """Nobody looks."""
        if self._timer is not None:
            self._timer.pause()

    def follow(self, logs: dict[str, Path]) -> None:
        """Follow these logs, each under its name; a run's events are read as `vlmtui runs watch` says them."""
        self._tails = {
            name: old if (old := self._tails.get(name)) is not None and old.path == path else _tail(path)
            for name, path in logs.items()
        }
        if self.is_mounted:
            self._read()

    @work(group="output", exit_on_error=False)
    async def _read(self) -> None:
        if self._reading:
            return
        self._reading = True
        try:
            for name, tail in list(self._tails.items()):
                lines = await asyncio.to_thread(tail.read)
                self._lines.extend(Line(name, line) for line in lines if line)
                if lines:
                    self._show()
        finally:
            self._reading = False

    def _show(self) -> None:
        wanted = self.query_one(Input).value.casefold() if self.has_class("-filtering") else ""
        lines = [line for line in self._lines if wanted in f"{line.source} {line.text}".casefold()]
        self.query_one(OutputLines).show(lines, filtered=bool(wanted))

    def action_filter(self) -> None:
        """Ask for a text."""
        self.add_class("-filtering")
        self.screen.set_focus(self.query_one(Input))
        self._show()

    def action_show_all(self) -> None:
        """Show all lines again."""
        self.remove_class("-filtering")
        self.screen.set_focus(self.query_one(OutputLines))
        self._show()

    def action_newest(self) -> None:
        """Go to the newest line and follow it."""
        self.query_one(OutputLines).scroll_end(animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is somebody else's while nothing is filtered."""
        return self.has_class("-filtering") if action == "show_all" else True

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        self._show()

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        message.stop()
        self.screen.set_focus(self.query_one(OutputLines))


def _tail(path: Path) -> LogTail | RunTail:
    return RunTail(path) if path.name == "events.jsonl" else LogTail(path)
