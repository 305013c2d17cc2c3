"""The explorer: a folder's tree, one line an entry, read lazily and off the event loop.

Its lines are drawn one by one as they become visible, so a folder of 100,000 pictures costs what fits the window.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vlmtui.safetext import safe_line
from vlmtui.ui.actions import bindings
from vlmtui.ui.widgets.listing import Entry, Kind, Listing, leads_back, read_folder

# Signs that every terminal's font has: all are in the old WGL4 set.
_ICONS: dict[Kind, tuple[str, str]] = {
    "picture": ("■", "explorer--picture"),
    "video": ("►", "explorer--video"),
    "dataset": ("≡", "explorer--dataset"),
    "text": ("·", "explorer--dim"),
    "other": ("·", "explorer--dim"),
    "note": (" ", "explorer--dim"),
    "folder": ("▸", "explorer--folder"),
}


class Explorer(ScrollView, can_focus=True):
    """The tree of one folder."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "explorer--cursor",
        "explorer--dataset",
        "explorer--dim",
        "explorer--folder",
        "explorer--hover",
        "explorer--picture",
        "explorer--video",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("explorer"),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
        Binding("left", "close", "Close folder", show=False),
        Binding("right", "expand", "Open folder", show=False),
        Binding("space", "toggle_folder", "Open or close folder", show=False),
    ]

    cursor: reactive[int] = reactive(0)
    hidden: reactive[bool] = reactive(False)
    hover: reactive[int] = reactive(-1)

    class Selected(Message):
        """The cursor came to rest on a file: show it."""

        def __init__(self, path: Path, kind: Kind) -> None:
            super().__init__()
            self.path = path
            self.kind = kind

    class AttachRequested(Message):
        """The user wants the picture or video in the chat; `stay` keeps the focus in the explorer."""

        def __init__(self, path: Path, *, stay: bool) -> None:
            super().__init__()
            self.path = path
            self.stay = stay

    def __init__(self, directory: Path, *, select: Path | None = None, id: str | None = None) -> None:
        """Show `directory`; put the cursor on `select`, a file in it, once it is read."""
        super().__init__(id=id)
        self.directory = directory
        self._root = Entry(str(directory), "folder", None)
        self._root.expanded = True
        self._rows: list[Entry] = []
        self._select = select
        self._announced: Entry | None = None

    # ---- reading ----

    def begin(self) -> None:
        """Read the folder. Called after the first paint, for a slow disk must not hold that up."""
        self._read(self._root)

    @work(group="explorer", exit_on_error=False)
    async def _read(self, folder: Entry) -> None:
        """Read `folder` in a thread and show what it holds."""
        if folder.reading:
            return
        folder.reading = True
        self.refresh()
        if folder is not self._root and await asyncio.to_thread(leads_back, folder):
            listing = Listing([], "a link to a folder that it lies in")
        else:
            listing = await asyncio.to_thread(read_folder, folder, hidden=self.hidden)
        folder.reading = False
        if listing.error:
            folder.children = [Entry(listing.error, "note", folder)]
        elif not listing.entries:
            folder.children = [Entry("empty", "note", folder)]
        else:
            folder.children = _keep_open(folder.children or [], listing.entries)
            self._open_way(folder)
            for child in folder.children:
                if child.expanded:
                    self._read(child)
        self._show_rows()

    def _open_way(self, folder: Entry) -> None:
        """Open the folder in `folder` that leads to the file which is to be selected."""
        if self._select is None:
            return
        path = folder.path
        if self._select.parent != path and self._select.is_relative_to(path):
            name = self._select.relative_to(path).parts[0]
            for child in folder.children or ():
                if child.name == name and child.kind == "folder":
                    child.expanded = True

    def _show_rows(self) -> None:
        """Lay out the visible entries again, keeping the cursor on its entry."""
        at = self.selected
        rows: list[Entry] = []
        _flatten(self._root, rows)
        line = -1
        if self._select is not None:
            line = _line_of(self._select, rows)
            if line >= 0:
                self._select = None
        if line < 0 and at is not None:
            line = next((i for i, row in enumerate(rows) if row is at), -1)
            if line < 0:
                line = _line_of(at.path, rows)
        self._rows = rows
        self.virtual_size = Size(self._width(), len(rows))
        self.cursor = max(0, min(line if line >= 0 else self.cursor, len(rows) - 1))
        self.refresh()
        if self.selected is not None and self.selected not in (at, self._announced):
            self._announce()
        if at is None:
            self.call_after_refresh(self._scroll_to_cursor)

    def _width(self) -> int:
        return self.scrollable_content_region.width or self.size.width

    # ---- what is selected ----

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    @property
    def rows(self) -> list[Entry]:
        """The entries that are laid out, in order."""
        return self._rows

    def validate_cursor(self, line: int) -> int:
        return max(0, min(line, len(self._rows) - 1))

    def watch_cursor(self) -> None:
        self._scroll_to_cursor()
        # At once, also while an arrow key is held: whoever shows it keeps up, or shows where the cursor comes to rest.
        self._announce()

    def _announce(self) -> None:
        entry = self._announced = self.selected
        if entry is not None and entry.kind not in ("folder", "note"):
            self.post_message(self.Selected(entry.path, entry.kind))

    def _scroll_to_cursor(self) -> None:
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """Draw the line at `y` of the window."""
        width = self.size.width
        line = self.scroll_offset.y + y
        base = self.rich_style
        if not 0 <= line < len(self._rows):
            if line == 0:
                dim = base + Style(color=self._part("explorer--dim").color)
                return Strip([Segment("  Reading…".ljust(width)[:width], dim)])
            return Strip.blank(width, base)
        entry = self._rows[line]
        style = base
        if line == self.cursor:
            style = self.get_component_rich_style("explorer--cursor")
        elif line == self.hover:
            style = self.get_component_rich_style("explorer--hover")
        sign, part = _ICONS[entry.kind]
        if entry.kind == "folder" and entry.expanded:
            sign = "▾"
        name_style = style
        if entry.kind == "note":
            name_style = style + Style(color=self._part(part).color, italic=True)
        indent = " " * (1 + 2 * (entry.depth - 1))
        name = safe_line(entry.name) or "\N{REPLACEMENT CHARACTER}"
        if entry.reading:
            name += " …"
        strip = Strip(
            [
                Segment(f"{indent}", style),
                Segment(f"{sign} ", style + Style(color=self._part(part).color)),
                Segment(name, name_style),
            ]
        )
        if strip.cell_length > width > 4:
            cut = strip.crop(0, width - 1)
            strip = Strip([*cut, Segment("…", name_style)])
        return strip.adjust_cell_length(width, style).simplify()

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def watch_hover(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self.virtual_size = Size(self._width(), len(self._rows))
        self.call_after_refresh(self._scroll_to_cursor)

    # ---- the mouse ----

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hover = self.scroll_offset.y + event.y

    def on_leave(self) -> None:
        self.hover = -1

    def on_click(self, event: events.Click) -> None:
        line = self.scroll_offset.y + event.y
        if not 0 <= line < len(self._rows):
            return
        self.cursor = line
        entry = self._rows[line]
        if entry.kind == "folder":
            self.action_toggle_folder()
        elif event.chain == 2:
            self.action_open()

    # ---- actions ----

    def action_move(self, lines: int) -> None:
        self.cursor += lines

    def action_page(self, pages: int) -> None:
        self.cursor += pages * max(1, self.size.height - 1)

    def action_first(self) -> None:
        self.cursor = 0

    def action_last(self) -> None:
        self.cursor = len(self._rows) - 1

    def action_expand(self) -> None:
        entry = self.selected
        if entry is None or entry.kind != "folder":
            return
        if entry.expanded:
            self.cursor += 1
            return
        entry.expanded = True
        if entry.children is None:
            self._read(entry)
        else:
            self._show_rows()

    def action_close(self) -> None:
        """Close the folder, or go to the folder that the entry is in."""
        entry = self.selected
        if entry is None:
            return
        if entry.kind == "folder" and entry.expanded:
            entry.expanded = False
            self._show_rows()
        elif entry.parent is not None and entry.parent is not self._root:
            self.cursor = self._rows.index(entry.parent)

    def action_toggle_folder(self) -> None:
        entry = self.selected
        if entry is not None and entry.kind == "folder":
            if entry.expanded:
                self.action_close()
            else:
                self.action_expand()

    def sibling(self, path: Path, by: int) -> Path | None:
        """Return the picture `by` pictures after `path` in its folder, as listed here; None where there is none."""
        line = self._sibling_line(path, by)
        return self._rows[line].path if line >= 0 else None

    def step(self, path: Path, by: int) -> None:
        """Select the picture `by` pictures after `path` in its folder."""
        line = self._sibling_line(path, by)
        if line >= 0:
            self.cursor = line

    def _sibling_line(self, path: Path, by: int) -> int:
        """Return the line of the picture `by` pictures after `path`, -1 where there is none."""
        line, rows = self.cursor, self._rows
        if not (0 <= line < len(rows) and rows[line].name == path.name and rows[line].path == path):
            line = _line_of(path, rows)
        if line < 0 or not by:
            return line
        folder, step, left = rows[line].parent, 1 if by > 0 else -1, abs(by)
        while left:
            line += step
            if not 0 <= line < len(rows):
                return -1
            if rows[line].parent is folder and rows[line].kind == "picture":
                left -= 1
            elif rows[line] is folder:
                return -1
        return line

    def action_open(self) -> None:
        self._open(stay=False)

    def action_attach(self) -> None:
        self._open(stay=True)

    def _open(self, *, stay: bool) -> None:
        entry = self.selected
        if entry is None:
            return
        if entry.kind == "folder":
            self.action_toggle_folder()
        elif entry.kind in ("picture", "video"):
            self.post_message(self.AttachRequested(entry.path, stay=stay))
        elif entry.kind != "note":
            self.notify("Only pictures and videos can be attached to a question.", severity="warning")

    def action_toggle_hidden(self) -> None:
        self.hidden = not self.hidden
        self.action_refresh_folders()

    def action_refresh_folders(self) -> None:
        self._read(self._root)


def _line_of(path: Path, rows: list[Entry]) -> int:
    """Return the line of the entry at `path`, -1 if it is not laid out."""
    return next((i for i, row in enumerate(rows) if row.name == path.name and row.path == path), -1)


def _flatten(folder: Entry, rows: list[Entry]) -> None:
    """Append to `rows` what is visible below `folder`."""
    for entry in folder.children or ():
        rows.append(entry)
        if entry.expanded and entry.children is not None:
            _flatten(entry, rows)


def _keep_open(old: list[Entry], new: list[Entry]) -> list[Entry]:
    """Return `new` with the folders that were open in `old` open again, with what is known to be in them."""
    known = {entry.name: entry for entry in old if entry.kind == "folder" and entry.children is not None}
    for entry in new:
        before = known.get(entry.name)
        if before is not None and entry.kind == "folder":
            entry.expanded = before.expanded
            entry.children = before.children
            for child in entry.children or ():
                child.parent = entry
    return new
