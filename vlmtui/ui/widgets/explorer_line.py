"""The line below the explorer's entries: how they are sorted, filtered and selected."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from vlmtui.safetext import safe_line
from vlmtui.ui.file_tree import FileTree
from vlmtui.ui.widgets.listing import Order


class ExplorerLine(Static):
    """One line: what is selected, what the filter leaves, the order, whether hidden files are shown."""

    def show(self, tree: FileTree, selected: int, order: Order, *, hidden: bool, reading: bool) -> None:
        """Say it; the most important first, for the rest may not fit."""
        words: list[Content] = []
        if selected:
            words.append(Content.styled(f"{selected:,} selected", "$text-primary bold"))
        if tree.filter:
            words.append(Content.styled(f"/{safe_line(tree.filter, 20)}: {len(tree.rows):,}", "$text-warning"))
        if tree.only is not None:
            words.append(Content(safe_line(tree.only.path.name or str(tree.only.path), 24)))
        words.append(Content("reading…") if reading else Content(order.words))
        if hidden:
            words.append(Content("hidden too"))
        self.update(Content(" · ").join(words))
