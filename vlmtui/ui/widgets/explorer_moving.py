"""How the explorer's cursor moves: by keys, in and out of folders, from picture to picture."""

from __future__ import annotations

from pathlib import Path

from vlmtui.ui.widgets.explorer_rows import ExplorerRows
from vlmtui.ui.widgets.listing import Entry


class ExplorerMoving(ExplorerRows, can_focus=False):
    """The part of `Explorer` that goes from place to place."""

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
