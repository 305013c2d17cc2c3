"""The explorer's tree as data: which entries are laid out, in which order, and what the filter leaves. No widget."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from vlmtui.ui.widgets.listing import Entry


class FileTree:
    """A folder, what has been read of it, and the rows that are shown.

    Attributes:
        root: the folder.
        rows: the entries that are laid out, in order.
        only: the folder whose entries alone are laid out (a grid of thumbnails); None for the tree.
    """

    def __init__(self, directory: Path) -> None:
        self.root = Entry(str(directory), "folder", None)
        self.root.expanded = True
        self.rows: list[Entry] = []
        self.only: Entry | None = None
        self._filter = ""
        self._pattern: re.Pattern[str] | None = None

    @property
    def filter(self) -> str:
        """What names must hold, as typed."""
        return self._filter

    @filter.setter
    def filter(self, text: str) -> None:
        self._filter = text
        pieces = [piece for piece in re.split(r"[ *]+", text) if piece]
        self._pattern = re.compile(".*?".join(f"({re.escape(p)})" for p in pieces), re.I | re.S) if pieces else None

    def lay_out(self) -> None:
        """Make `rows` anew."""
        rows: list[Entry] = []
        if self.only is not None:
            self._take(self.only.children or [], rows)
        else:
            self._flatten(self.root, rows)
        self.rows = rows

    def matches(self, name: str) -> list[tuple[int, int]]:
        """Return where in `name` the letters are that the filter asks for: starts and ends."""
        found = self._pattern.search(name) if self._pattern is not None else None
        return [found.span(group) for group in range(1, len(found.groups()) + 1)] if found is not None else []

    def line_of(self, path: Path) -> int:
        """Return the line of the entry at `path`, -1 if it is not laid out."""
        name = path.name
        return next((i for i, row in enumerate(self.rows) if row.name == name and row.path == path), -1)

    def line_of_entry(self, entry: Entry | None) -> int:
        """Return the line of `entry`, -1 if it is not laid out."""
        try:
            return self.rows.index(entry)  # type: ignore[arg-type]  # None is in no row
        except ValueError:
            return -1

    def opened(self) -> list[Entry]:
        """Return the folders whose entries are laid out."""
        found = [self.root]
        for folder in found:
            found += [child for child in folder.children or () if child.expanded and child.children is not None]
        if self.only is not None and self.only not in found:
            found.append(self.only)
        return found

    def known(self) -> Iterator[Entry]:
        """Go through everything that has been read, open or not, in order."""
        stack = [iter(self.root.children or ())]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                continue
            yield entry
            if entry.children:
                stack.append(iter(entry.children))

    def _flatten(self, folder: Entry, rows: list[Entry]) -> None:
        """Append to `rows` what is visible below `folder`."""
        children = folder.children or []
        if not any(entry.expanded for entry in children):
            self._take(children, rows)
            return
        for entry in children:
            at = len(rows)
            if not (entry.expanded and entry.children is not None):
                self._take([entry], rows)
                continue
            rows.append(entry)
            self._flatten(entry, rows)
            if self._pattern is not None and len(rows) == at + 1 and not self._pattern.search(entry.name):
                rows.pop()  # neither the folder matches nor what is in it

    def _take(self, entries: list[Entry], rows: list[Entry]) -> None:
        if self._pattern is None:
            rows += entries
            return
        search = self._pattern.search
        rows += [entry for entry in entries if search(entry.name) and entry.kind != "note"]
