"""What the explorer lists: folders, read lazily and off the event loop, and followed; and where its cursor is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from vlmtui.ui.file_tree import FileTree
from vlmtui.ui.marks import Marks
from vlmtui.ui.watching import LOOK_EVERY_S, FolderWatch, stamps
from vlmtui.ui.widgets.entry_list import EntryList, EntryView
from vlmtui.ui.widgets.explorer_line import ExplorerLine
from vlmtui.ui.widgets.listing import Entry, Kind, Listing, Order, leads_back, read_folder

if TYPE_CHECKING:  # imported after the first paint
    from vlmtui.ui.widgets.name_input import FilterInput
    from vlmtui.ui.widgets.thumbnails import Thumbnails


class ExplorerRows(Widget, can_focus=False):
    """The base of the parts of `Explorer`: rows, and one that is selected."""

    _grid: Thumbnails
    _filter: FilterInput

    cursor: reactive[int] = reactive(0)
    hidden: reactive[bool] = reactive(False)

    class Selected(Message, namespace="explorer"):
        """The cursor came to rest on a file: show it."""

        def __init__(self, path: Path, kind: Kind) -> None:
            super().__init__()
            self.path = path
            self.kind = kind

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

    # ---- reading ----

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
