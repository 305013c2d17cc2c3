"""The explorer: a folder's tree or the thumbnails of one of its folders, read lazily and off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from vlmtui.ui.actions import bindings
from vlmtui.ui.file_tree import FileTree
from vlmtui.ui.marks import Marks
from vlmtui.ui.watching import LOOK_EVERY_S, FolderWatch, stamps
from vlmtui.ui.widgets.entry_list import EntryList, EntryView
from vlmtui.ui.widgets.explorer_files import ExplorerFiles
from vlmtui.ui.widgets.explorer_line import ExplorerLine
from vlmtui.ui.widgets.listing import Entry, Kind, Listing, Order, leads_back, read_folder

if TYPE_CHECKING:  # imported after the first paint
    from vlmtui.ui.widgets.name_input import FilterInput
    from vlmtui.ui.widgets.thumbnails import Thumbnails


class Explorer(ExplorerFiles, can_focus=True):
    """The tree of one folder, and the grid of one in it.

    Cursor, order, filter and what is selected belong to both views; what is done with files is in `ExplorerFiles`.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("explorer"),
        Binding("up", "move(0, -1)", "Up", show=False),
        Binding("down", "move(0, 1)", "Down", show=False),
        Binding("left", "left", "Close folder", show=False),
        Binding("right", "right", "Open folder", show=False),
        Binding("shift+up", "extend(0, -1)", "Select up", show=False),
        Binding("shift+down", "extend(0, 1)", "Select down", show=False),
        Binding("shift+left", "extend(-1, 0)", "Select to the left", show=False),
        Binding("shift+right", "extend(1, 0)", "Select to the right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
        Binding("backspace", "up_a_folder", "Folder above", show=False),
        Binding("escape", "back", "Clear", show=False),
    ]

    _grid: Thumbnails
    _filter: FilterInput

    cursor: reactive[int] = reactive(0)
    hidden: reactive[bool] = reactive(False)

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

    class BatchRequested(Message):
        """The user wants to ask the same about all these files and all files of these folders."""

        def __init__(self, paths: list[Path]) -> None:
            super().__init__()
            self.paths = paths

    def __init__(self, directory: Path, *, select: Path | None = None, id: str | None = None) -> None:
        """Show `directory`; put the cursor on `select`, a file in it, once it is read."""
        super().__init__(id=id)
        self.directory = directory
        self.files = FileTree(directory)
        self.marks = Marks()
        self.order = Order()
        self._root = self.files.root
        self._watch = FolderWatch()
        self._again: set[Entry] = set()
        self._select = select
        self._announced: Entry | None = None
        self._moved = False
        self._list = EntryList(self.files, self.marks, id="explorer-list")
        self._line = ExplorerLine(id="explorer-line")
        self._filtering = False

    def compose(self) -> ComposeResult:
        """Make the tree and the line below it; what the first paint does not need comes in `begin`."""
        yield self._list
        yield self._line

    # ---- reading ----

    def begin(self) -> None:
        """Read the folder. Called after the first paint, for a slow disk must not hold that up."""
        from vlmtui.ui.widgets.name_input import FilterInput, NameInput
        from vlmtui.ui.widgets.thumbnails import Thumbnails

        self._grid = Thumbnails(self.files, self.marks, id="explorer-grid")
        self._filter = FilterInput(id="explorer-filter")
        self._name_field = NameInput(id="explorer-name")
        self._grid.display = self._filter.display = self._name_field.display = False
        self.mount(self._grid, before=self._line)
        self.mount(self._filter, self._name_field)
        self._read(self._root)
        self._watch_folders()

    @work(group="explorer", exit_on_error=False)
    async def _read(self, folder: Entry) -> None:
        """Read `folder` in a thread and show what it holds."""
        if folder.reading:
            self._again.add(folder)
            return
        folder.reading = True
        self._say()
        self.view.refresh()
        loop, first = asyncio.get_running_loop(), folder.children is None

        def early(entries: list[Entry]) -> None:
            if first:
                loop.call_soon_threadsafe(self._show_early, folder, entries)

        if folder is not self._root and await asyncio.to_thread(leads_back, folder):
            listing = Listing([], "a link to a folder that it lies in")
        else:
            listing = await asyncio.to_thread(read_folder, folder, hidden=self.hidden, order=self.order, early=early)
        folder.reading = False
        self._watch.has_read(folder, listing.stamp, listing.seconds)
        if listing.error:
            folder.children = [Entry(listing.error, "note", folder)]
        elif not listing.entries:
            folder.children = [Entry("empty", "note", folder)]
        else:
            folder.children = listing.entries
        self.marks.forget(folder)
        if folder in self._again:
            self._again.discard(folder)
            self._read(folder)
        self._lead_on()
        self._show_rows()

    def _show_early(self, folder: Entry, entries: list[Entry]) -> None:
        """Show what has been found so far in a large or slow folder."""
        if folder.reading:
            folder.children = entries
            self._lead_on()
            self._show_rows()

    @work(group="explorer-watch", exclusive=True, exit_on_error=False)
    async def _watch_folders(self) -> None:
        """Read again what changes in the folders that are open. Never ends."""
        loop, pause = asyncio.get_running_loop(), LOOK_EVERY_S
        while True:
            await asyncio.sleep(pause)
            folders = [folder for folder in self.files.opened() if not folder.reading]
            self._watch.keep(self.files.opened())
            began = loop.time()
            found = await asyncio.to_thread(stamps, [folder.path for folder in folders])
            pause = max(LOOK_EVERY_S, 10 * (loop.time() - began))
            for folder, stamp in zip(folders, found, strict=True):
                if self._watch.is_stale(folder, stamp, contents=self.order.by != "name"):
                    self._read(folder)

    def reveal(self, path: Path) -> bool:
        """Put the cursor on the file at `path`, opening the folders that lead to it; return whether it lies here."""
        if path == self.directory or not path.is_relative_to(self.directory):
            return False
        if any(part.startswith(".") for part in path.relative_to(self.directory).parts) and not self.hidden:
            self.action_toggle_hidden()
        self._filter_by("")
        self._select = path
        self._lead_on()
        self._show_rows()
        return True

    def select_when_read(self, folder: Entry, path: Path) -> None:
        """Read `folder` again and put the cursor on the file at `path` in it."""
        self._select = path
        self._read(folder)

    def _lead_on(self) -> None:
        """Open the folders that lead to the file which is to be selected, as far as they have been read."""
        if self._select is None:
            return
        entry = self._root
        for name in self._select.relative_to(self.directory).parts:
            if entry.children is None:
                entry.expanded = True
                self._read(entry)
                return
            found = next((child for child in entry.children if child.name == name and child.kind != "note"), None)
            if found is None:
                if not entry.reading:
                    self._select = None  # it is not there
                return
            if entry is not self._root:
                entry.expanded = True
            entry = found
        if self.files.only is not None and entry.parent is not None:
            self.files.only = entry.parent

    def _show_rows(self) -> None:
        """Lay out the visible entries again; the cursor stays on its entry, and that in its place of the window."""
        at, view = self.selected, self.view
        seen = view.seen()
        top = self.rows[seen.start] if seen.start < len(self.rows) else None
        held = at if self.cursor in seen or top is None else top
        before = view.region_of(self.rows.index(held)).y if held is not None else 0
        self._use_a_folder_that_is_there()
        self.files.lay_out()
        line = -1
        if self._select is not None:
            line = self.files.line_of(self._select)
            if line >= 0:
                self._select = None
        sought = line >= 0
        settled = self._moved or self._announced is not None  # else it is at the top of what was found first
        if line < 0 and at is not None and settled:
            line = self.files.line_of_entry(at)
            if line < 0:
                line = self.files.line_of(at.path)
        count = len(self.rows)
        self._list.order = self.order
        view.empty = "no name has these letters" if self.files.filter else "Reading…"
        view.rows_changed()
        self.cursor = max(0, min(line if line >= 0 else self.cursor, count - 1))
        self._show_cursor()
        now = self.files.line_of_entry(held)
        if sought or held is None:
            view.call_after_refresh(view.scroll_to_cursor)
        elif settled and now >= 0 and (moved := view.region_of(now).y - before):
            view.scroll_to(y=view.scroll_y + moved, animate=False, force=True, immediate=True)
        view.refresh()
        self._say()
        if self.selected is not None and self.selected not in (at, self._announced) and not self._root.reading:
            self._announce()

    def _use_a_folder_that_is_there(self) -> None:
        """Leave a folder whose thumbnails are shown when it is gone."""
        only = self.files.only
        while only is not None and only.parent is not None and only not in (only.parent.children or ()):
            only = self.files.only = only.parent

    # ---- what is selected ----

    @property
    def view(self) -> EntryView:
        """The view on show: lines or tiles."""
        return self._grid if self.files.only is not None else self._list

    @property
    def selected(self) -> Entry | None:
        """The entry under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    @property
    def rows(self) -> list[Entry]:
        """The entries that are laid out, in order."""
        return self.files.rows

    def selected_entries(self) -> list[Entry]:
        """The entries that are selected, in the order that they are listed; if none is, the one under the cursor."""
        if len(self.marks):
            return [entry for entry in self.files.known() if entry in self.marks]
        return [self.selected] if self.selected is not None and self.selected.kind != "note" else []

    def selected_paths(self) -> list[Path]:
        """The files and folders that are selected, in order (see `selected_entries`)."""
        return [entry.path for entry in self.selected_entries()]

    def validate_cursor(self, line: int) -> int:
        return max(0, min(line, len(self.rows) - 1))

    def watch_cursor(self) -> None:
        self._show_cursor()
        # At once, also while an arrow key is held: whoever shows it keeps up, or shows where the cursor comes to rest.
        if self.is_mounted:
            self._announce()

    def _show_cursor(self) -> None:
        self.view.set_reactive(EntryView.cursor, self.cursor)
        self.view.watch_cursor()

    def _announce(self) -> None:
        entry = self._announced = self.selected
        if entry is not None and entry.kind not in ("folder", "note"):
            self.post_message(self.Selected(entry.path, entry.kind))

    def _say(self) -> None:
        """Tell the line below how things stand."""
        reading = self._root.reading or (self.files.only is not None and self.files.only.reading)
        self._line.show(self.files, len(self.marks), self.order, hidden=self.hidden, reading=reading)

    def _focus_changed(self) -> None:
        self.view.refresh()

    on_focus = on_blur = _focus_changed

    # ---- moving ----

    def _go(self, line: int, *, extend: bool = False) -> None:
        """Move the cursor; with `extend` what it passes is selected."""
        start = self.cursor
        self._moved = True
        self.cursor = line
        if extend and self.rows:
            self.marks.extend(self.rows, start, self.cursor)
            self._marks_changed()
        else:
            self.marks.settle(self.selected if not extend else None)

    def _marks_changed(self) -> None:
        self.view.refresh()
        self._say()

    def action_move(self, across: int, down: int) -> None:
        """Move the cursor."""
        self._step(across, down)

    def action_extend(self, across: int, down: int) -> None:
        """Move the cursor and select what it passes."""
        self._step(across, down, extend=True)

    def _step(self, across: int, down: int, *, extend: bool = False) -> None:
        line = self.cursor + across + down * self.view.columns
        if 0 <= line < len(self.rows):
            self._go(line, extend=extend)
        elif down > 0 and (len(self.rows) - 1) // self.view.columns > self.cursor // self.view.columns:
            self._go(len(self.rows) - 1, extend=extend)  # the last line of tiles is not full

    def action_page(self, pages: int) -> None:
        self._go(self.cursor + pages * self.view.page)

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self._go(len(self.rows) - 1)

    def action_left(self) -> None:
        """Close the folder; in the grid, one to the left."""
        if self.files.only is not None:
            self._step(-1, 0)
        else:
            self.action_close()

    def action_right(self) -> None:
        """Open the folder; in the grid, one to the right."""
        if self.files.only is not None:
            self._step(1, 0)
        else:
            self.action_expand()

    def action_expand(self) -> None:
        entry = self.selected
        if entry is None or entry.kind != "folder":
            return
        if entry.expanded:
            self._go(self.cursor + 1)
            return
        self._open_folder(entry)

    def _open_folder(self, entry: Entry) -> None:
        entry.expanded = True
        if entry.children is None:
            self._read(entry)
        else:
            self._show_rows()
            self._read(entry)  # it was not watched while it was closed

    def action_close(self) -> None:
        """Close the folder, or go to the folder that the entry is in."""
        entry = self.selected
        if entry is None:
            return
        if entry.kind == "folder" and entry.expanded:
            entry.expanded = False
            self._show_rows()
        elif entry.parent is not None and entry.parent is not self._root:
            self._go(self.files.line_of_entry(entry.parent))

    def action_up_a_folder(self) -> None:
        """Go to the folder that the entry is in; in the grid, show that folder's thumbnails."""
        only = self.files.only
        if only is None:
            self.action_close()
        elif only.parent is not None:
            self._show_folder(only.parent, only)

    def action_toggle_folder(self) -> None:
        entry = self.selected
        if entry is None or entry.kind != "folder":
            return
        if self.files.only is not None:
            self._show_folder(entry)
        elif entry.expanded:
            self.action_close()
        else:
            self._open_folder(entry)

    def _show_folder(self, folder: Entry, on: Entry | None = None) -> None:
        """Show the thumbnails of `folder`, with the cursor on `on`."""
        self.files.only = folder
        self._filter_by("")
        self.files.lay_out()
        self._moved = True
        self.set_reactive(Explorer.cursor, max(0, self.files.line_of_entry(on)))
        self._open_folder(folder) if folder is not self._root else self._show_rows()
        self._grid.call_after_refresh(self._grid.scroll_to_cursor)

    def action_thumbnails(self) -> None:
        """Show the folder of the entry under the cursor as thumbnails, or the tree again."""
        entry = self.selected
        if self.files.only is None:
            self.files.only = entry.parent if entry is not None and entry.parent is not None else self._root
        else:
            folder: Entry | None = self.files.only
            self.files.only = None
            while folder is not None:
                folder.expanded = True
                folder = folder.parent
        self._list.display, self._grid.display = self.files.only is None, self.files.only is not None
        self.files.lay_out()
        self.set_reactive(Explorer.cursor, max(0, self.files.line_of_entry(entry)))
        self._show_rows()
        self.view.call_after_refresh(self.view.scroll_to_cursor)

    def sibling(self, path: Path, by: int) -> Path | None:
        """Return the picture `by` pictures after `path` in its folder, as listed here; None where there is none."""
        line = self._sibling_line(path, by)
        return self.rows[line].path if line >= 0 else None

    def step(self, path: Path, by: int) -> None:
        """Select the picture `by` pictures after `path` in its folder."""
        line = self._sibling_line(path, by)
        if line >= 0:
            self._go(line)

    def _sibling_line(self, path: Path, by: int) -> int:
        """Return the line of the picture `by` pictures after `path`, -1 where there is none."""
        line, rows = self.cursor, self.rows
        if not (0 <= line < len(rows) and rows[line].name == path.name and rows[line].path == path):
            line = self.files.line_of(path)
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

    # ---- filter, order, selecting ----

    def action_filter(self) -> None:
        """Ask for letters; the rows follow what is typed."""
        self._filtering = self._filter.display = True
        self.screen.set_focus(self._filter)

    def on_filter_input_typed(self, event: FilterInput.Typed) -> None:
        """Show what has these letters."""
        event.stop()
        if event.letters != self.files.filter:
            self.files.filter = event.letters
            self._show_rows()

    def on_filter_input_done(self, event: FilterInput.Done) -> None:
        """Leave the filter as it is."""
        event.stop()
        self._leave_filter()

    def _leave_filter(self) -> None:
        if self._filter.has_focus:
            self.screen.set_focus(self)
        self._filtering = self._filter.display = False
        self._say()

    def _filter_by(self, letters: str) -> None:
        self.files.filter = letters
        if self._filtering or letters:
            self._filter.value = letters

    def action_back(self) -> None:
        """Clear the filter; if there is none, what is selected."""
        if self._filtering or self.files.filter:
            self._filter.value = self.files.filter = ""
            self._leave_filter()
            self._show_rows()
        elif len(self.marks):
            self.action_clear_marks()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let Esc through to others when there is nothing to clear here."""
        if action == "back":
            return self._filtering or bool(self.files.filter) or bool(len(self.marks))
        return True

    def action_sort(self) -> None:
        """Sort in the next way."""
        self._sort(self.order.next())

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._sort(Order(self.order.by, not self.order.backward))

    def _sort(self, order: Order) -> None:
        self.order = order
        self.action_refresh_folders()

    def action_toggle_hidden(self) -> None:
        self.hidden = not self.hidden
        self.action_refresh_folders()

    def action_refresh_folders(self) -> None:
        """Read all folders that are open."""
        for folder in self.files.opened():
            self._read(folder)

    def action_mark(self) -> None:
        """Select the entry under the cursor, or no longer, and go on to the next."""
        if self.selected is not None:
            self.marks.toggle(self.selected)
            anchor = self.selected
            self._step(1, 0)
            self.marks.settle(anchor)
            self._marks_changed()

    def action_mark_to(self) -> None:
        """Select from the last place that was selected up to the cursor."""
        if self.rows:
            self.marks.extend_from_last(self.rows, self.cursor)
            self._marks_changed()

    def action_mark_all(self) -> None:
        """Select all files that are listed, and no folders."""
        self.marks.mark_all(row for row in self.rows if row.kind != "folder")
        self._marks_changed()

    def action_clear_marks(self) -> None:
        """Select nothing."""
        self.marks.clear()
        self._marks_changed()

    # ---- the mouse ----

    @on(EntryView.Clicked)
    def _clicked(self, event: EntryView.Clicked) -> None:
        event.stop()
        if event.extend:
            self._go(event.line, extend=True)
            return
        if event.toggle:
            if not len(self.marks) and self.selected is not None and self.selected.kind != "folder":
                self.marks.toggle(self.selected)  # what was shown belongs to it, as elsewhere
            self._go(event.line)
            self.marks.toggle(self.rows[event.line])
            self._marks_changed()
            return
        if len(self.marks) and event.times == 1:
            self.action_clear_marks()
        self._go(event.line)
        if self.rows[event.line].kind == "folder" and (self.files.only is None or event.times == 2):
            self.action_toggle_folder()
        elif event.times == 2:
            self.action_open()

    # ---- using what is selected ----

    def action_open(self) -> None:
        self._open(stay=False)

    def action_attach(self) -> None:
        self._open(stay=True)

    def _open(self, *, stay: bool) -> None:
        entries: Sequence[Entry] = self.selected_entries()
        if not len(self.marks) and entries and entries[0].kind == "folder":
            self.action_toggle_folder()
            return
        self.attach(entries, stay=stay)
