"""The row of an editor group's tabs: drawn as one line, so twenty tabs cost what fits the window."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vlmtui.safetext import safe_line

_LONGEST = 28
_CLOSE = "×"
_EMPTY = "Preview"


class Label(NamedTuple):
    """What a tab says: the file's name as it is, and whether the tab stays when another file is selected."""

    name: str
    pinned: bool


class Place(NamedTuple):
    """Where a tab is drawn: its number, its first cell, the cell of its cross and the one behind its last."""

    tab: int
    start: int
    cross: int
    end: int


class EditorTabs(Widget):
    """One tab an open file; in italics the one that the next selected file takes over."""

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"editor-tabs--active", "editor-tabs--tab", "editor-tabs--sign"}
    ALLOW_SELECT: ClassVar[bool] = False

    class Chosen(Message):
        """A tab was clicked; `pin` when it was clicked twice."""

        def __init__(self, tab: int, *, pin: bool = False) -> None:
            super().__init__()
            self.tab = tab
            self.pin = pin

    class CloseRequested(Message):
        """A tab's cross was clicked, or the tab with the middle button."""

        def __init__(self, tab: int) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self) -> None:
        super().__init__(classes="title")
        self._labels: list[Label] = []
        self._active = -1
        self._first = 0

    def show(self, labels: list[Label], active: int) -> None:
        """Show these tabs, `active` (-1 for none) in front."""
        labels = [label._replace(name=safe_line(label.name) or "\N{REPLACEMENT CHARACTER}") for label in labels]
        if (labels, active) != (self._labels, self._active):
            self._labels, self._active = labels, active
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the row."""
        width = self.size.width
        base = self.rich_style
        if not self._labels:
            return Strip([Segment(f" {_EMPTY}"[:width], base)]).adjust_cell_length(width, base)
        sign = self.get_component_rich_style("editor-tabs--sign")
        places = self._places()
        strips: list[Segment] = [Segment("‹" if places and places[0].tab else " ", base + Style(color=sign.color))]
        for place in places:
            style = self.get_component_rich_style(
                "editor-tabs--active" if place.tab == self._active else "editor-tabs--tab"
            )
            label = self._labels[place.tab]
            name = set_cell_size(_shortened(label.name, place.cross - place.start - 2), place.cross - place.start - 2)
            strips += [
                Segment(f" {name} ", style if label.pinned else style + Style(italic=True)),
                Segment(f"{_CLOSE} ", style + Style(color=sign.color)),
            ]
        strip = Strip(strips)
        if places and places[-1].tab < len(self._labels) - 1:
            strip = strip.adjust_cell_length(width - 1, base)
            return Strip([*strip, Segment("›", base + Style(color=sign.color))])
        return strip.adjust_cell_length(width, base)

    def _places(self) -> list[Place]:
        lengths = [cell_len(label.name) for label in self._labels]
        self._first, places = lay_out(lengths, self._active, self._first, self.size.width)
        return places

    def on_click(self, event: events.Click) -> None:
        """Choose, close or pin the tab under the pointer; the signs at the ends lead to the tabs beyond."""
        if not self._labels:
            return
        event.stop()
        places = self._places()
        place = next((place for place in places if place.start <= event.x < place.end), None)
        if place is None:
            if event.x == 0 and places and places[0].tab:
                self.post_message(self.Chosen(places[0].tab - 1))
            elif places and event.x == self.size.width - 1 and places[-1].tab < len(self._labels) - 1:
                self.post_message(self.Chosen(places[-1].tab + 1))
        elif event.button == 2 or (event.button == 1 and event.x == place.cross):
            self.post_message(self.CloseRequested(place.tab))
        elif event.button == 1:
            self.post_message(self.Chosen(place.tab, pin=event.chain == 2))


def lay_out(lengths: list[int], active: int, first: int, width: int) -> tuple[int, list[Place]]:
    """Return which tab is the first to be drawn, and where each goes.

    Args:
        lengths: cells of each name.
        active: the tab that must be seen; -1 for none.
        first: the tab that was drawn first last time: it stays so as long as the active one fits.
        width: cells there are; the first and the last are for the signs that there are more.
    """
    room = max(0, width - 2)
    sizes = [min(length, _LONGEST, max(1, room - 4)) + 4 for length in lengths]
    first = max(0, min(first, len(sizes) - 1))
    if active >= 0:
        first = min(first, active)
        while first < active and sum(sizes[first : active + 1]) > room:
            first += 1
    while first and sum(sizes[first - 1 :]) <= room:  # a closed tab has made room
        first -= 1
    places: list[Place] = []
    start = 1
    for tab in range(first, len(sizes)):
        end = start + sizes[tab]
        if end > room + 1 and places:
            break
        places.append(Place(tab, start, end - 2, end))
        start = end
    return first, places


def _shortened(name: str, cells: int) -> str:
    """Return `name` cut to `cells` with an ellipsis in its middle: the end tells files apart, and the suffix."""
    if cell_len(name) <= cells:
        return name
    tail = name[-max(1, cells // 3) :]
    return set_cell_size(name, max(0, cells - cell_len(tail) - 1)) + "…" + tail
