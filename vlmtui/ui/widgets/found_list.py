"""The files that quick open has found: a line each, drawn as it is seen, so that a new list costs a few lines."""

from __future__ import annotations

import os
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from vlmtui.finding.protocol import Row
from vlmtui.safetext import safe_line, safe_text
from vlmtui.ui.widgets.entry_list import fitted
from vlmtui.ui.widgets.hovered_lines import HoveredLines


class FoundList(HoveredLines, can_focus=False):
    """Lists files: the name, then the folder it is in; the letters that were typed stand out."""

    DEFAULT_CSS: ClassVar[str] = """
    FoundList {
        height: 1fr; width: 1fr; background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden;
        & > .found--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        & > .found--hover { background: $boost; }
        & > .found--letters { color: $text-primary; text-style: bold; }
        & > .found--folder { color: $foreground-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"found--cursor", "found--hover", "found--letters", "found--folder"}

    cursor: reactive[int] = reactive(0, layout=False)

    class Chosen(Message):
        """A line was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []

    def show(self, rows: list[Row], cursor: int) -> None:
        """Show `rows`, with the cursor on one of them."""
        if rows != self.rows:
            self.rows = rows
            self.virtual_size = Size(self.size.width, len(rows))
            self.refresh()
        self.cursor = max(0, min(cursor, len(rows) - 1))

    @property
    def chosen(self) -> str | None:
        """The path under the cursor, relative to the folder."""
        return os.fsdecode(self.rows[self.cursor].path) if self.cursor < len(self.rows) else None

    def watch_cursor(self, before: int, now: int) -> None:
        """Bring the line into view; draw only what has changed."""
        top = round(self.scroll_offset.y)
        if self.size:
            self.scroll_to_region(Region(0, now, 1, 1), animate=False, force=True, immediate=True)
        if round(self.scroll_offset.y) != top:
            self.refresh()
            return
        self.refresh_lines(before)
        self.refresh_lines(now)

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, line = self.size.width, self.line_at(y)
        if line >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        part = self.get_component_rich_style
        letters = Style(color=part("found--letters").color, bold=True)
        if line == self.cursor:
            style = part("found--cursor")
            return fitted(_segments(self.rows[line], style, style, style + Style(bold=True)), width, style)
        style = part("found--hover") if line == self.hover else self.rich_style
        folder = style + Style(color=part("found--folder").color)
        return fitted(_segments(self.rows[line], style, folder, style + letters), width, style)

    def on_click(self, event: events.Click) -> None:
        """Choose a line."""
        line = self.line_at(event.y)
        if line < len(self.rows):
            self.cursor = line
            self.post_message(self.Chosen())


def _segments(row: Row, style: Style, folder: Style, letters: Style) -> list[Segment]:
    path = os.fsdecode(row.path)
    safe = safe_text(path).replace("\n", " ").replace("\t", " ")
    if len(safe) != len(path):  # what is shown in place of a letter is longer than it: nothing is marked
        return [Segment(safe_line(path, 400), style)]
    name, places = path.rfind("/") + 1, set(row.places)
    pieces = [Segment(safe[at], letters if at in places else style) for at in range(name, len(path))]
    if name:
        pieces.append(Segment("  ", folder))
        pieces += [Segment(safe[at], letters if at in places else folder) for at in range(name - 1)]
    return pieces
