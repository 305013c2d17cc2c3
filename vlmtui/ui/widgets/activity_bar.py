"""The activity bar: one sign a view or a dialog, at the window's left edge."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget


class Entry(NamedTuple):
    """A sign of the bar: what it does is an action of the table.

    Attributes:
        sign: one cell, of those that every terminal's font has (the old WGL4 set).
        title: what the tooltip says.
        action: id of the action that a click runs.
        view: id of the side bar's view that it stands for; empty for a dialog.
    """

    sign: str
    title: str
    action: str
    view: str = ""


ENTRIES = (
    Entry("≡", "Explorer", "view.explorer", "explorer"),
    Entry("○", "Search", "view.search", "search"),
    Entry("≈", "Training", "view.training", "training"),
    Entry("«", "Chats", "view.chats", "chats"),
    Entry("◊", "Models", "view.models", "models"),
    Entry("☼", "Settings", "app.settings"),
)


class ActivityBar(Widget):
    """Three cells wide, a sign every other row. Reached by the mouse; each entry has its key and its palette entry."""

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {"activity-bar--active", "activity-bar--hover"}
    ALLOW_SELECT: ClassVar[bool] = False

    view: reactive[str] = reactive("explorer", layout=False)
    """The view that the side bar shows; empty while it is hidden."""
    hover: reactive[int] = reactive(-1, layout=False)

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width, base = self.size.width, self.rich_style
        entry = _at(y)
        if entry is None:
            return Strip.blank(width, base)
        style, edge = base, " "
        if y == self.hover:
            style = self.get_component_rich_style("activity-bar--hover")
        if entry.view and entry.view == self.view:
            style = self.get_component_rich_style("activity-bar--active")
            edge = "▌"
        accent = self.get_component_rich_style("activity-bar--active").color
        return Strip([Segment(edge, base + Style(color=accent)), Segment(f"{entry.sign} ", style)]).adjust_cell_length(
            width, base
        )

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hover = event.y
        entry = _at(event.y)
        self.tooltip = entry.title if entry is not None else None

    def on_leave(self) -> None:
        self.hover = -1

    async def on_click(self, event: events.Click) -> None:
        """Run what the sign stands for."""
        entry = _at(event.y)
        if entry is not None:
            await self.app.run_action(f"app.run_action_of('{entry.action}')")


def _at(row: int) -> Entry | None:
    place, between = divmod(row - 1, 2)
    return ENTRIES[place] if row > 0 and not between and place < len(ENTRIES) else None
