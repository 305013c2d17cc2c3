"""What a search has found: files with the places in them, then conversations. Drawn line by line as it is seen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from vlmtui.finding.protocol import FileFound, Place
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line, safe_text
from vlmtui.ui.widgets.entry_list import ICONS, OPEN_FOLDER, fitted
from vlmtui.ui.widgets.hovered_lines import HoveredLines


@dataclass(eq=False, slots=True)
class Group:
    """A file in which something was found; or the conversations."""

    found: FileFound | None = None
    folded: bool = False
    chats: list[Chat] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Relative to the folder."""
        return os.fsdecode(self.found.path) if self.found is not None else ""


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation in which something was found; texts are untrusted."""

    id: str
    name: str
    excerpt: str


Row = tuple[Group, Place | Chat | None]
"""A line of the list: the group itself, or one of what it holds."""


class SearchResults(HoveredLines):
    """Lists what was found; it may still be coming in."""

    DEFAULT_CSS: ClassVar[str] = """
    SearchResults {
        height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: auto; overflow-x: hidden;
        & > .results--dim { color: $text-muted; }
        & > .results--name { color: $foreground; text-style: bold; }
        & > .results--match { color: $text-warning; text-style: bold underline; }
        & > .results--cursor { background: $surface-lighten-2; }
        & > .results--hover { background: $boost; }
        &:focus > .results--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        &:focus > .results--cursor-match { color: $block-cursor-foreground; text-style: bold underline; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "results--dim",
        "results--name",
        "results--match",
        "results--cursor",
        "results--cursor-match",
        "results--hover",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "to_end(0)", show=False),
        Binding("end", "to_end(1)", show=False),
        Binding("left,h", "fold", show=False),
        Binding("right,l", "unfold", show=False),
        Binding("enter", "open", show=False),
    ]
    ALLOW_SELECT: ClassVar[bool] = False
    can_focus = True

    cursor: reactive[int] = reactive(0)

    class Chosen(Message):
        """A line was gone to, or opened: a file, with the place in it, or a conversation."""

        def __init__(self, group: Group, place: Place | Chat | None, *, opened: bool) -> None:
            super().__init__()
            self.group = group
            self.place = place
            self.opened = opened

    class LeftAtTop(Message):
        """Up was pressed on the first line."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.groups: list[Group] = []
        self.rows: list[Row] = []

    # ---- what is listed ----

    def clear(self) -> None:
        """List nothing."""
        self.groups, self.rows = [], []
        self.cursor = 0
        self._rows_changed()

    def add(self, groups: list[Group]) -> None:
        """List these after those that are there; conversations stay the last."""
        chats = self.groups[-1:] if self.groups and self.groups[-1].found is None else []
        if chats:
            self.groups.pop()
            del self.rows[self.rows.index((chats[0], None)) :]
        for group in [*groups, *chats]:
            self.groups.append(group)
            self.rows += _rows_of(group)
        self._rows_changed()

    def _rows_changed(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width or self.size.width, len(self.rows))
        self.refresh()

    def _lay_out_anew(self, stay: Row | None) -> None:
        self.rows = [row for group in self.groups for row in _rows_of(group)]
        self._rows_changed()
        if stay is not None:
            self.cursor = self.rows.index(stay) if stay in self.rows else self.rows.index((stay[0], None))

    @property
    def current(self) -> Row | None:
        """The line under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        width, line = self.size.width, self.line_at(y)
        if line >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        style, dim, match = self.rich_style, self._part("dim"), self._part("match")
        at_cursor = line == self.cursor
        if at_cursor:
            style = self._part("cursor")
            if self.has_focus:
                dim, match = style, self._part("cursor-match")
        elif line == self.hover:
            style = self._part("hover")
        dim, match = style + Style(color=dim.color), style + Style(color=match.color, bold=True, underline=True)
        group, place = self.rows[line]
        right = ""
        if place is None:
            segments, right = self._of_group(group, style, dim, match)
        elif isinstance(place, Chat):
            segments = [Segment("  « ", dim), Segment(safe_line(place.name, 80) or "Conversation", style)]
            if place.excerpt:
                segments.append(Segment(f"  {safe_line(place.excerpt, 120)}", dim))
        else:
            segments = _of_place(place, width, style, dim, match)
        return fitted(segments, width, style, right=right, dim=dim)

    def _of_group(self, group: Group, style: Style, dim: Style, match: Style) -> tuple[list[Segment], str]:
        if group.found is None:
            return [Segment(f"{'▸' if group.folded else OPEN_FOLDER} ", dim), Segment("Conversations", style)], str(
                len(group.chats)
            )
        path, found = group.path, group.found
        fold = " " if not found.places else "▸" if group.folded else OPEN_FOLDER
        sign, _ = ICONS[kind_of(path)]
        name = path.rfind("/") + 1
        strong = style + Style(bold=True)
        pieces = [Segment(f"{fold} ", dim), Segment(f"{sign} ", dim)]
        pieces += _marked(path, found.spans, name, len(path), strong, match)
        if name:
            pieces += [Segment("  ", dim), *_marked(path, found.spans, 0, name - 1, dim, match)]
        return pieces, f"{len(found.places):,}{'+' * found.more}" if found.places else ""

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"results--{name}")

    # ---- the cursor ----

    def watch_cursor(self, before: int, now: int) -> None:
        if self.rows and self.size:
            self.scroll_to_region(Region(0, now, 1, 1), animate=False, force=True)
        self.refresh_lines(before)
        self.refresh_lines(now)

    def watch_hover(self, before: int, now: int) -> None:
        self.refresh_lines(before)
        self.refresh_lines(now)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        """Lay out for the new size."""
        self._rows_changed()

    def action_move(self, by: int) -> None:
        """Go up or down."""
        if by < 0 and self.cursor == 0:
            self.post_message(self.LeftAtTop())
        else:
            self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Go a page up or down."""
        self._go(self.cursor + by * max(1, self.size.height - 1))

    def action_to_end(self, last: int) -> None:
        """Go to the first or the last line."""
        self._go(len(self.rows) * last)

    def _go(self, line: int) -> None:
        if self.rows:
            self.cursor = max(0, min(line, len(self.rows) - 1))
            self._say(opened=False)

    def _say(self, *, opened: bool) -> None:
        if self.current is not None:
            self.post_message(self.Chosen(*self.current, opened=opened))

    def action_open(self) -> None:
        """Open what is under the cursor; the conversations' own line folds."""
        if self.current is not None and self.current[0].found is None and self.current[1] is None:
            self._fold(self.current[0], not self.current[0].folded)
        else:
            self._say(opened=True)

    def action_fold(self) -> None:
        """Fold the file under the cursor."""
        if self.current is not None:
            self._fold(self.current[0], True)

    def action_unfold(self) -> None:
        """Unfold it."""
        if self.current is not None:
            self._fold(self.current[0], False)

    def fold_all(self) -> None:
        """Fold all, or unfold all if all are."""
        stay, folded = self.current, all(group.folded for group in self.groups)
        for group in self.groups:
            group.folded = not folded
        self._lay_out_anew(stay)

    def _fold(self, group: Group, folded: bool) -> None:
        if group.folded != folded:
            stay = self.current
            group.folded = folded
            self._lay_out_anew(stay)

    # ---- the mouse ----

    def on_click(self, event: events.Click) -> None:
        """Go to a line, twice to open it; the arrow before a file folds it."""
        line = self.line_at(event.y)
        if line >= len(self.rows):
            return
        event.stop()
        self.cursor = line
        group, place = self.rows[line]
        if place is None and (event.x < 2 or group.found is None):
            self._fold(group, not group.folded)
        else:
            self._say(opened=event.chain > 1)


def _rows_of(group: Group) -> list[Row]:
    inside = group.found.places if group.found is not None else group.chats
    return [(group, None), *(() if group.folded else ((group, place) for place in inside))]


def _of_place(place: Place, width: int, style: Style, dim: Style, match: Style) -> list[Segment]:
    """The row or the line, and what stands there: without the indent, and so that what was found can be seen."""
    text, lead = place.text, f"  {place.row or place.line:>4} "
    first, last = place.spans[0]
    start, more = min(len(text) - len(text.lstrip()), first), ""
    room = width - len(lead)
    if last - start > room - 2:
        start, more = max(start, first - room // 4), "…"
    return [Segment(lead, dim), Segment(more, dim), *_marked(text, place.spans, start, len(text), style, match)]


def _marked(text: str, spans: list[tuple[int, int]], start: int, end: int, style: Style, match: Style) -> list[Segment]:
    """The text from `start` to `end`, safe to show, with the spans in their own style."""
    segments, at = [], start
    for first, last in spans:
        first, last = max(first, at), min(last, end)
        if first < last:
            segments += [Segment(_safe(text[at:first]), style), Segment(_safe(text[first:last]), match)]
            at = last
    return [*segments, Segment(_safe(text[at:end]), style)]


def _safe(text: str) -> str:
    return safe_text(text).replace("\n", " ").replace("\t", " ")
