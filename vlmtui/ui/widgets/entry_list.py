"""The explorer's lines: a tree, one line an entry, drawn one by one as they become visible.

A folder of 100,000 pictures costs what fits the window.
"""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vlmtui.safetext import safe_line
from vlmtui.ui.file_tree import FileTree
from vlmtui.ui.marks import Marks
from vlmtui.ui.widgets.drag_source import DragSource
from vlmtui.ui.widgets.listing import Entry, Kind, Order

# Signs that every terminal's font has: all are in the old WGL4 set.
ICONS: dict[Kind, tuple[str, str]] = {
    "picture": ("■", "explorer--picture"),
    "video": ("►", "explorer--video"),
    "dataset": ("≡", "explorer--dataset"),
    "text": ("·", "explorer--dim"),
    "other": ("·", "explorer--dim"),
    "note": (" ", "explorer--dim"),
    "folder": ("▸", "explorer--folder"),
}
OPEN_FOLDER = "▾"
MARK = "●"
PARTS: frozenset[str] = frozenset(
    {part for _, part in ICONS.values()}
    | {"explorer--cursor", "explorer--hover", "explorer--mark", "explorer--marked", "explorer--match"}
)


class EntryView(DragSource, ScrollView, can_focus=False):
    """What lists and grids of entries share: the rows, the cursor and the marks, which are the explorer's."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(PARTS)
    ALLOW_SELECT: ClassVar[bool] = False  # else Textual paints the whole screen at every click

    cursor: reactive[int] = reactive(0)
    hover: reactive[int] = reactive(-1)

    class Clicked(Message):
        """An entry was clicked, perhaps twice or with a key held."""

        def __init__(self, line: int, event: events.Click) -> None:
            super().__init__()
            self.line = line
            self.times = event.chain
            self.toggle = event.ctrl or event.meta
            self.extend = event.shift

    def __init__(self, tree: FileTree, marks: Marks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tree = tree
        self._marks = marks
        self._cursor_was = 0
        self.empty = "Reading…"
        """What stands there while there are no rows."""
        self.order = Order()

    @property
    def columns(self) -> int:
        """Entries side by side."""
        return 1

    @property
    def page(self) -> int:
        """Entries that a page up or down passes."""
        return max(1, self.size.height - 1)

    def rows_changed(self) -> None:
        """Lay out for the rows that there are now."""
        self.virtual_size = Size(self.scrollable_content_region.width or self.size.width, self.height_of_all())
        self.refresh()

    def height_of_all(self) -> int:
        """Lines that all entries take."""
        return len(self._tree.rows)

    def region_of(self, line: int) -> Region:
        """Where the entry of row `line` is drawn, from the top of all."""
        return Region(0, line, 1, 1)

    def line_at(self, x: int, y: int) -> int:
        """The row of what is drawn at this place of the window; may be beyond the last."""
        return round(self.scroll_offset.y) + y

    def seen(self) -> range:
        """The rows that are in the window."""
        first = round(self.scroll_offset.y)
        return range(first, min(len(self._tree.rows), first + self.size.height))

    def scroll_to_cursor(self) -> None:
        """Bring the entry under the cursor into the window."""
        if self._tree.rows and self.size:
            self.scroll_to_region(self.region_of(self.cursor), animate=False, force=True)

    def watch_cursor(self) -> None:
        """Draw the entry that the cursor has left, and the one that it has come to."""
        before, self._cursor_was = self._cursor_was, self.cursor
        self.scroll_to_cursor()
        self._refresh_entries(before, self.cursor)

    def watch_hover(self, before: int, now: int) -> None:
        self._refresh_entries(before, now)

    def _refresh_entries(self, *lines: int) -> None:
        """Draw these anew: all would be some ten thousand bytes to the terminal for two lines that have changed."""
        for line in lines:
            region = self.region_of(line)
            self.refresh_lines(region.y, region.height)

    def on_resize(self) -> None:
        """Lay out for the new size."""
        self.rows_changed()
        self.call_after_refresh(self.scroll_to_cursor)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what would be clicked; drag what is held."""
        self.hover = -1 if self.drag(event) else self.line_at(event.x, event.y)

    def row_to_drag(self, x: int, y: int) -> int:
        """Return the row at this place of the window, -1 where there is none."""
        line = self.line_at(x, y)
        return line if 0 <= line < len(self._tree.rows) else -1

    def on_leave(self) -> None:
        """Nothing would be clicked."""
        self.hover = -1

    def on_click(self, event: events.Click) -> None:
        """Say which entry was clicked."""
        line = self.line_at(event.x, event.y)
        if 0 <= line < len(self._tree.rows):
            event.stop()
            self.post_message(self.Clicked(line, event))

    def part(self, name: str) -> Style:
        """The style of a component class."""
        return self.get_component_rich_style(name)

    def row_style(self, line: int, entry: Entry) -> Style:
        """The style of the entry's line: under the cursor, under the mouse, marked, or none of these."""
        if line == self.cursor:
            return self.part("explorer--cursor")
        if entry in self._marks:
            return self.part("explorer--marked")
        return self.part("explorer--hover") if line == self.hover else self.rich_style

    def name_segments(self, entry: Entry, style: Style) -> list[Segment]:
        """The entry's name, safe to show, with the letters that the filter asks for."""
        name = safe_line(entry.name) or "\N{REPLACEMENT CHARACTER}"
        segments, at = [], 0
        found = Style(bold=True, underline=True, color=self.part("explorer--match").color)
        for start, end in self._tree.matches(name):
            segments += [Segment(name[at:start], style), Segment(name[start:end], style + found)]
            at = end
        return [*segments, Segment(name[at:], style)]


class EntryList(EntryView):
    """The tree."""

    def render_line(self, y: int) -> Strip:
        """Draw the line at `y` of the window."""
        width, rows = self.size.width, self._tree.rows
        line = round(self.scroll_offset.y) + y
        base = self.rich_style
        if not 0 <= line < len(rows):
            if y == 0 and not rows:
                dim = base + Style(color=self.part("explorer--dim").color)
                return Strip([Segment(f"  {self.empty}".ljust(width)[:width], dim)])
            return Strip.blank(width, base)
        entry = rows[line]
        style = self.row_style(line, entry)
        sign, part = ICONS[entry.kind]
        if entry.kind == "folder" and entry.expanded:
            sign = OPEN_FOLDER
        sign_style = style + Style(color=self.part(part).color)
        marked = entry in self._marks
        lead = [Segment(MARK if marked else " ", style + Style(color=self.part("explorer--mark").color))]
        lead += [Segment("  " * (entry.depth - 1), style), Segment(f"{sign} ", sign_style)]
        if entry.kind == "note":
            name = [Segment(safe_line(entry.name), sign_style + Style(italic=True))]
        else:
            name = self.name_segments(entry, style)
        if entry.reading:
            name.append(Segment(" …", style))
        return fitted([*lead, *name], width, style, right=self._detail(entry), dim=self.part("explorer--dim"))

    def _detail(self, entry: Entry) -> str:
        """What the order goes by, where that is not the name."""
        if entry.kind == "note" or self.order.by == "name":
            return ""
        if self.order.by == "size":
            return "" if entry.kind == "folder" else size_words(entry.size)
        return time_words(entry.time)


def fitted(segments: list[Segment], width: int, style: Style, *, right: str = "", dim: Style | None = None) -> Strip:
    """Return a line of `width` cells, cut with an ellipsis; `right` stands at its end if there is room for both."""
    strip = Strip(segments)
    if right and width - len(right) - 2 > 16:
        left = fitted(segments, width - len(right) - 2, style)
        end = Segment(f" {right} ", style + Style(color=dim.color) if dim is not None else style)
        return Strip([*left, end]).simplify()
    if strip.cell_length > width > 4:
        strip = Strip([*strip.crop(0, width - 1), Segment("…", style)])
    return strip.adjust_cell_length(width, style).simplify()


def size_words(size: int) -> str:
    """Return a number of bytes as people read it."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def time_words(when: float) -> str:
    """Return a time as short as it can be told: of today the hour, of this year the day."""
    from time import localtime, strftime, time

    if not when:
        return ""
    then, now = localtime(when), localtime(time())
    if (then.tm_year, then.tm_yday) == (now.tm_year, now.tm_yday):
        return strftime("%H:%M", then)
    return strftime("%d %b" if then.tm_year == now.tm_year else "%Y-%m", then)
