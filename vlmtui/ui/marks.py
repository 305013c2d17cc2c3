"""Which entries of the explorer are selected for what comes next: one by one, as a range, or all. No widget."""

from __future__ import annotations

from collections.abc import Iterable

from vlmtui.ui.widgets.listing import Entry


class Marks:
    """A set of entries, and the place that a range goes out from."""

    def __init__(self) -> None:
        self._marked: set[Entry] = set()
        self._before: set[Entry] | None = None  # what was marked when the range in the making began
        self._anchor: Entry | None = None
        self._last: Entry | None = None

    def __len__(self) -> int:
        return len(self._marked)

    def __contains__(self, entry: Entry) -> bool:
        return entry in self._marked

    def toggle(self, entry: Entry) -> None:
        """Mark `entry`, or take its mark away; the next range goes out from it."""
        if entry.kind == "note":
            return
        self._marked ^= {entry}
        self._last = entry
        self.settle(entry)

    def settle(self, entry: Entry | None = None) -> None:
        """End the range in the making; the next one goes out from `entry`, or from where the cursor is then."""
        self._before, self._anchor = None, entry

    def extend(self, rows: list[Entry], start: int, end: int) -> None:
        """Mark from the anchor to row `end`; without one, from row `start`. Rows of the range before are let go."""
        if self._before is None:
            self._before = set(self._marked)
        if self._anchor is None:
            self._anchor = rows[start]
        try:
            start = rows.index(self._anchor)
        except ValueError:  # the filter has hidden it
            self._anchor = rows[start]
        first, last = sorted((start, end))
        self._marked = self._before | {row for row in rows[first : last + 1] if row.kind != "note"}

    def extend_from_last(self, rows: list[Entry], end: int) -> None:
        """Mark from the entry that was marked last up to row `end`; only that row where there is none."""
        self.settle(self._last)
        self.extend(rows, end, end)

    def mark_all(self, rows: Iterable[Entry]) -> None:
        """Mark all of these."""
        self._marked |= {row for row in rows if row.kind != "note"}
        self.settle()

    def clear(self) -> None:
        """Mark nothing."""
        self._marked.clear()
        self.settle()

    def forget(self, folder: Entry) -> None:
        """Let go of what is no longer in `folder`, which has been read again."""
        if not self._marked:
            return
        there = set(folder.children or ())
        gone = [
            entry for entry in self._marked
            if entry.is_below(folder) and entry is not folder and _below(folder, entry) not in there
        ]  # fmt: skip
        self._marked.difference_update(gone)
        if self._before is not None:
            self._before.difference_update(gone)
        if self._anchor is not None and self._anchor in gone:
            self._anchor = None


def _below(folder: Entry, entry: Entry) -> Entry:
    """Return the entry of `folder` that `entry` is or lies in."""
    while entry.parent is not None and entry.parent is not folder:
        entry = entry.parent
    return entry
