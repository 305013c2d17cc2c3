"""The list of runs: two lines each in the side bar, one in the panel. Drawn line by line, so 200 cost what is seen."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vlmtui.monitor.protocol import RunRow
from vlmtui.safetext import safe_line
from vlmtui.ui.monitor.words import COLOURS, SIGNS, job_pieces, second_line

_SIGN = 3
"""So many cells hold the sign of a run's state."""


class RunRows(ScrollView):
    """Rows with a cursor.

    Attributes:
        tall: lines a row.
        rows: what is shown.
    """

    can_focus = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "runs--cursor", "runs--success", "runs--warning", "runs--error", "runs--primary", "runs--title",
    }  # fmt: skip
    DEFAULT_CSS: ClassVar[str] = """
    RunRows {
        height: 1fr; width: 1fr; color: $foreground; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
        & > .runs--cursor { background: $block-cursor-blurred-background; }
        &:focus > .runs--cursor { background: $block-cursor-background; }
        & > .runs--success { color: $text-success; }
        & > .runs--warning { color: $text-warning; }
        & > .runs--error { color: $text-error; }
        & > .runs--primary { color: $text-primary; }
        & > .runs--title { color: $foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-100000)", show=False),
        Binding("end", "move(100000)", show=False),
        Binding("enter", "chosen", show=False),
    ]

    class Chosen(Message):
        """A run shall be opened; `stay` leaves the focus in the list, `page` names the page to show, if any."""

        def __init__(self, row: RunRow, *, stay: bool = False, page: str = "") -> None:
            super().__init__()
            self.row = row
            self.stay = stay
            self.page = page

    class Marked(Message):
        """The sign before a run's name was clicked."""

        def __init__(self, row: RunRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, tall: int, nothing: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tall = tall
        self.rows: list[RunRow] = []
        self.nothing = nothing
        self.pinned: frozenset[str] = frozenset()
        self._cursor = 0
        self._at = ""

    @property
    def chosen(self) -> RunRow | None:
        """The run under the cursor."""
        return self.rows[self._cursor] if self._cursor < len(self.rows) else None

    def show(self, rows: list[RunRow], pinned: frozenset[str], nothing: str) -> None:
        """Show `rows`; the cursor stays on its run."""
        if (rows, pinned, nothing) == (self.rows, self.pinned, self.nothing):
            return
        same = (pinned, nothing) == (self.pinned, self.nothing) and [row.path for row in rows] == [
            row.path for row in self.rows
        ]
        changed = [place for place, (old, new) in enumerate(zip(self.rows, rows, strict=False)) if old != new]
        self.rows, self.pinned, self.nothing = rows, pinned, nothing
        if same:  # as each second while something is being trained: its line alone is drawn anew
            top, height = self.scroll_offset.y, self.size.height
            lines = [Region(0, place * self.tall - top, self.size.width, self.tall) for place in changed]
            self.refresh(*[line for line in lines if -self.tall < line.y < height])
            return
        at = next((place for place, row in enumerate(rows) if row.path == self._at), None)
        self._cursor = at if at is not None else max(0, min(self._cursor, len(rows) - 1))
        self._at = rows[self._cursor].path if rows else ""
        self.virtual_size = Size(self.size.width, len(rows) * self.tall)
        self.refresh()

    def go_to(self, path: str) -> None:
        """Put the cursor on a run."""
        place = next((place for place, row in enumerate(self.rows) if row.path == path), None)
        if place is not None:
            self.action_move(place - self._cursor)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self.rows:
            self._cursor = max(0, min(len(self.rows) - 1, self._cursor + by))
            self._at = self.rows[self._cursor].path
            top = self._cursor * self.tall
            self.scroll_to_region(Region(0, top, 1, self.tall), animate=False)
            self.refresh()

    def action_chosen(self) -> None:
        """Open the run under the cursor."""
        if self.chosen is not None:
            self.post_message(self.Chosen(self.chosen))

    def on_click(self, event: events.Click) -> None:
        """Open the run that was clicked; a click on its sign marks it."""
        place = (event.y + self.scroll_offset.y) // self.tall
        if place < len(self.rows):
            self.action_move(place - self._cursor)
            if event.x < _SIGN and self.tall > 1:
                self.post_message(self.Marked(self.rows[place]))
                return
            self.post_message(self.Chosen(self.rows[place], stay=event.chain < 2))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, base = self.size.width, self.rich_style
        place, line = divmod(y + self.scroll_offset.y, self.tall)
        if place >= len(self.rows):
            text = f" {self.nothing}"[: width - 1] if not self.rows and y == 0 else ""
            return Strip([Segment(text, base + self._style("muted"))]).adjust_cell_length(width, base)
        row = self.rows[place]
        if place == self._cursor:
            base = base + self.get_component_rich_style("runs--cursor", partial=True)
        pieces = [Segment(text, base + self._style(name) if name else base) for text, name in self._pieces(row, line)]
        return Strip(pieces).adjust_cell_length(width, base)

    def _style(self, name: str) -> Style:
        if name == "muted":
            return Style(color=self.background_colors[1].blend(self.styles.color, 0.6).rich_color)
        return self.get_component_rich_style(f"runs--{name}", partial=True)

    def _pieces(self, row: RunRow, line: int) -> list[tuple[str, str]]:
        """Return the texts of a line, and what each is."""
        if self.tall == 1:
            return job_pieces(row, self.size.width)
        if line:
            return [(f"   {second_line(row, self.size.width - 4)}", "muted")]
        pieces = [(f" {SIGNS[row.state]} ", COLOURS[row.state])]
        pieces += [("◊ ", "primary")] if row.path in self.pinned else []
        pieces += [("▲ ", "warning")] if row.alerts else []
        return [*pieces, (safe_line(row.title, 80), "muted" if row.archived else "title")]
