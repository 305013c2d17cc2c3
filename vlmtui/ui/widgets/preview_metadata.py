"""The panel beside a picture: what its file says about it."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from vlmtui.safetext import safe_line

WIDTH = 44
HEIGHT = 9
_SIDE_BY_SIDE = 90


class PreviewMetadata(VerticalScroll, can_focus=False):
    """Names and values, one below the other."""

    DEFAULT_CSS: ClassVar[str] = f"""
    PreviewMetadata {{ dock: right; width: {WIDTH}; height: 1fr; padding: 0 1; display: none;
        border-left: solid $foreground 20%; }}
    PreviewMetadata.-below {{ dock: bottom; width: 1fr; height: {HEIGHT};
        border-left: none; border-top: solid $foreground 20%; }}
    PreviewMetadata Static {{ width: 1fr; height: auto; }}
    """

    _facts: list[tuple[str, str]] | None = None

    def compose(self) -> ComposeResult:
        yield Static("", id="preview-metadata-text", markup=False)

    def fit(self, width: int) -> tuple[int, int]:
        """Stand beside or below the picture as `width` cells allow; return the columns and rows that this takes."""
        if not self.display:
            return 0, 0
        below = width < _SIDE_BY_SIDE
        self.set_class(below, "-below")
        return (0, HEIGHT) if below else (WIDTH, 0)

    def show(self, facts: list[tuple[str, str]]) -> None:
        """Show `facts`, untrusted as they are."""
        self._facts = facts
        self.on_resize()
        self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Break the values anew for the width there is."""
        if self._facts is not None:
            self.query_one(Static).update(facts_text(self._facts, max(30, self.scrollable_content_region.width)))


def facts_text(facts: list[tuple[str, str]], width: int) -> Content:
    """Return names and values as one text of at most `width` cells; values go on below themselves."""
    if not facts:
        return Content("Nothing is written in this file.")
    room = max(len(safe_line(name, 16)) for name, _ in facts) + 2
    lines: list[Content] = []
    for name, value in facts:
        first, *more = textwrap.wrap(safe_line(value, 120), max(12, width - room)) or [""]
        lines.append(Content.assemble((safe_line(name, 16).ljust(room), "$foreground-muted"), first))
        lines += [Content(" " * room + line) for line in more]
    return Content("\n").join(lines)
