"""The explorer: a folder's tree or the thumbnails of one of its folders, read lazily and off the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from vlmtui.ui.actions import bindings
from vlmtui.ui.showing import show
from vlmtui.ui.widgets.drag_source import DragState
from vlmtui.ui.widgets.entry_list import EntryView
from vlmtui.ui.widgets.explorer_choosing import ExplorerChoosing
from vlmtui.ui.widgets.explorer_files import ExplorerFiles
from vlmtui.ui.widgets.explorer_rows import ExplorerRows
from vlmtui.ui.widgets.listing import Entry


class Explorer(ExplorerFiles, ExplorerChoosing, can_focus=True):
    """The tree of one folder, and the grid of one in it.

    Cursor, order, filter and what is selected belong to both views. Its parts: what is listed (`ExplorerRows`), how the
    cursor moves (`ExplorerMoving`), what is filtered and selected (`ExplorerChoosing`), what is done with files
    (`ExplorerFiles`).
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

    _held: tuple[Entry, ...] = ()  # with the mouse

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

    class Dragged(Message):
        """Files are held with the mouse over a place of the screen, were let go of there, or are no longer held."""

        def __init__(self, entries: Sequence[Entry], x: int, y: int, state: DragState) -> None:
            super().__init__()
            self.entries, self.x, self.y, self.state = entries, x, y, state

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

    # ---- folders and their thumbnails ----

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
        self.set_reactive(ExplorerRows.cursor, max(0, self.files.line_of_entry(on)))
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
        show(self._list, self.files.only is None)
        show(self._grid, self.files.only is not None)
        self.files.lay_out()
        self.set_reactive(ExplorerRows.cursor, max(0, self.files.line_of_entry(entry)))
        self._show_rows()
        self.view.call_after_refresh(self.view.scroll_to_cursor)

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

    @on(EntryView.Dragged)
    def _dragged(self, event: EntryView.Dragged) -> None:
        """A row is dragged: with it all that is selected, if it is."""
        event.stop()
        if not self._held and event.line < len(self.rows) and self.rows[event.line].kind != "note":
            row = self.rows[event.line]  # now: rows move when a file comes
            self._held = tuple(self.selected_entries()) if row in self.marks else (row,)
        if self._held:
            self.post_message(self.Dragged(self._held, event.x, event.y, event.state))
        if event.state != "over":
            self._held = ()

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
