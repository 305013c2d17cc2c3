"""The rows of a data set as a table: only what is on the screen is asked for, however many rows there are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vlmtui.datasets.protocol import RowLine
from vlmtui.safetext import safe_line

_KEPT_LINES = 4096
_NARROWEST, _WIDEST, _WIDEST_PICTURE = 6, 44, 18
_MEASURED = 64


class DatasetTable(ScrollView, can_focus=True):
    """Lines by their position, with a header that stays. Asks for lines by `Wanted`; is given them by `put`."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header", "table--cursor", "table--number", "table--error", "table--picture", "table--found",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("left", "sideways(-8)", "Left", show=False),
        Binding("right", "sideways(8)", "Right", show=False),
    ]

    cursor: reactive[int] = reactive(0)
    found: reactive[str] = reactive("")
    """A text that is marked where it is seen."""

    class Wanted(Message):
        """Lines from the position `start` on are on the screen and not known."""

        def __init__(self, start: int, count: int) -> None:
            super().__init__()
            self.start = start
            self.count = count

    class Moved(Message):
        """The cursor is on another row."""

    class Chosen(Message):
        """The row was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: list[str] = []
        self._pictures: set[str] = set()
        self._widths: list[int] = []
        self._measured = 0
        self._lines: OrderedDict[int, RowLine] = OrderedDict()
        self._total = 0
        self._digits = 3
        self._asked: tuple[int, int] | None = None

    # ---- what is in it ----

    @property
    def total(self) -> int:
        """How many rows there are."""
        return self._total

    @property
    def line(self) -> RowLine | None:
        """The row under the cursor, when it is known."""
        return self._lines.get(self.cursor)

    def begin(self, columns: Sequence[str], pictures: Sequence[str]) -> None:
        """Show another data set's rows; none are known yet."""
        self._columns = [*columns]
        self._pictures = set(pictures)
        self._widths = [max(_NARROWEST, min(_WIDEST, cell_len(safe_line(name)))) for name in columns]
        self._measured = 0
        self.forget()
        self._set_total(0)
        self.cursor = 0
        self.scroll_to(0, 0, animate=False)

    def forget(self) -> None:
        """Forget the lines: their positions mean other rows now."""
        self._lines.clear()
        self._asked = None
        self.refresh()

    def grow(self, total: int) -> None:
        """There are `total` rows."""
        if total != self._total:
            self._set_total(total)
            self.cursor = self.validate_cursor(self.cursor)
            self.refresh()

    def put(self, start: int, lines: Sequence[RowLine]) -> None:
        """Take lines that were asked for."""
        self._asked = None
        for position, line in enumerate(lines, start=start):
            self._lines.pop(position, None)
            self._lines[position] = line
        while len(self._lines) > _KEPT_LINES:
            self._lines.popitem(last=False)
        if self._measured < _MEASURED:
            self._measure(lines)
        self.refresh()

    def _set_total(self, total: int) -> None:
        self._total = total
        self._digits = max(3, len(f"{total:,}"))
        self._lay_out()

    def _measure(self, lines: Sequence[RowLine]) -> None:
        self._measured += len(lines)
        for line in lines[:_MEASURED]:
            for at, cell in enumerate(line.cells[: len(self._widths)]):
                widest = _WIDEST_PICTURE if self._columns[at] in self._pictures else _WIDEST
                self._widths[at] = max(self._widths[at], min(widest, cell_len(safe_line(cell))))
        self._lay_out()

    def _lay_out(self) -> None:
        self.virtual_size = Size(self._digits + 2 + sum(self._widths) + 2 * len(self._widths), self._total + 1)

    # ---- the cursor ----

    def validate_cursor(self, position: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(position, self._total - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()
        self.refresh()
        if old != new:
            self.post_message(self.Moved())

    def watch_found(self) -> None:
        """Mark it."""
        self.refresh()

    def _scroll_to_cursor(self) -> None:
        room = self._room
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False, force=True)

    @property
    def _room(self) -> int:
        """Rows that fit below the header."""
        return max(1, self.scrollable_content_region.height - 1)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        """Move the cursor by what fits the window."""
        self.cursor += pages * self._room

    def action_sideways(self, cells: int) -> None:
        """Scroll sideways."""
        self.scroll_to(x=self.scroll_offset.x + cells, animate=False)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self.call_after_refresh(self._scroll_to_cursor)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked."""
        position = self.scroll_offset.y + event.y - 1
        if event.y > 0 and 0 <= position < self._total:
            self.cursor = position
            if event.chain == 2:
                self.post_message(self.Chosen())

    # ---- drawing ----

    def render_lines(self, crop: object) -> list[Strip]:
        """Draw, and ask for what is not known."""
        strips = super().render_lines(crop)  # type: ignore[arg-type]
        top, room = self.scroll_offset.y, self._room
        unknown = [p for p in range(top, min(top + room, self._total)) if p not in self._lines]
        if unknown:
            wanted = (unknown[0], min(unknown[-1] + 1 + room, self._total) - unknown[0])
            if wanted != self._asked:
                self._asked = wanted
                self.post_message(self.Wanted(*wanted))
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw the line at `y` of the window."""
        width = self.size.width
        base = self.rich_style
        left = self.scroll_offset.x
        if y == 0:
            style = self.get_component_rich_style("table--header")
            number, cells = " " * self._digits, [Segment(self._fit(n, w), style) for n, w in self._headers()]
            return self._joined(number, style, cells, style, left, width)
        position = self.scroll_offset.y + y - 1
        if not 0 <= position < self._total:
            return Strip.blank(width, base)
        style = self.get_component_rich_style("table--cursor") if position == self.cursor else base
        line = self._lines.get(position)
        colour = self.get_component_rich_style("table--error" if line and line.error else "table--number").color
        number_style = style + Style(color=colour)
        number = f"{(line.row if line else position) + 1:,}".rjust(self._digits)
        return self._joined(number, number_style, self._cells(line, style), style, left, width)

    def _headers(self) -> list[tuple[str, int]]:
        return [(safe_line(name), width) for name, width in zip(self._columns, self._widths, strict=True)]

    def _cells(self, line: RowLine | None, style: Style) -> list[Segment]:
        if line is None:
            return [Segment("…", style)]
        error = style + Style(color=self.get_component_rich_style("table--error").color)
        if line.error and len(line.cells) < len(self._columns):
            return [Segment(f"{safe_line(line.error)}  {safe_line(' '.join(line.cells))}", error)]
        picture = style + Style(color=self.get_component_rich_style("table--picture").color)
        segments: list[Segment] = []
        for name, cell, width in zip(self._columns, line.cells, self._widths, strict=True):
            segments += self._marked(self._fit(safe_line(cell), width), picture if name in self._pictures else style)
        if line.error:
            segments.append(Segment(safe_line(line.error), error))
        return segments

    def _marked(self, text: str, style: Style) -> list[Segment]:
        """Return a cell, with the text that was looked for marked in it."""
        at = text.lower().find(self.found) if self.found else -1
        if at < 0 or len(text.lower()) != len(text):
            return [Segment(text, style)]
        end = at + len(self.found)
        mark = self.get_component_rich_style("table--found")
        return [Segment(text[:at], style), Segment(text[at:end], mark), Segment(text[end:], style)]

    @staticmethod
    def _fit(text: str, width: int) -> str:
        if cell_len(text) > width:
            text = set_cell_size(text, width - 1) + "…"
        return set_cell_size(text, width) + "  "

    def _joined(
        self, number: str, number_style: Style, cells: list[Segment], style: Style, left: int, width: int
    ) -> Strip:
        """Return a line: the number stays, the cells are scrolled by `left`."""
        head = Strip([Segment(f" {number} ", number_style)])
        room = max(0, width - head.cell_length)
        body = Strip(cells).crop(left, left + room).adjust_cell_length(room, style)
        return Strip.join([head, body]).simplify()
