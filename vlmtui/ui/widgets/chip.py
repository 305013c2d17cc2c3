"""One file that the next question is about, above the prompt: its picture or sign, its name and what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.content import Content, Span
from textual.message import Message
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line

THUMBNAIL = (8, 3)
"""Cells of a chip's picture, across and down, where there is room for it."""


def mark_of(path: Path) -> str:
    """Return the sign for a picture or a video, by the name alone."""
    return "▶" if kind_of(path) == "video" else "▣"


class Chip(Widget, can_focus=True):
    """One attachment: its picture or sign, its name, what is known about it, and signs to move and to remove it.

    Attributes:
        path: the file.
        thumbnail: rows of cells; none while there is no room, or it is not drawn yet.
        movable: whether there are others to move it among.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace", "remove", "Remove", id="chat.remove_attachment", key_display="del"),
        Binding("left", "move(-1)", "Move before", id="chat.attachment_before"),
        Binding("right", "move(1)", "Move behind", id="chat.attachment_behind"),
    ]

    class Added(Message):
        """The attachment stands above the prompt now; what it costs can be said."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    class Removed(Message):
        """The attachment shall go."""

        def __init__(self, chip: Chip) -> None:
            super().__init__()
            self.chip = chip

    class Moved(Message):
        """The attachment shall stand before or behind its neighbour."""

        def __init__(self, chip: Chip, by: int) -> None:
            super().__init__()
            self.chip = chip
            self.by = by

    def __init__(self, path: Path, detail: str = "", *, offered: bool = False) -> None:
        super().__init__(classes="-offered" if offered else "")
        self.path = path
        self.thumbnail: list[Strip] = []
        self.movable = False
        self._detail = safe_line(detail)
        self.auto_links = False

    def on_mount(self) -> None:
        """Tell whoever knows what a file costs."""
        self.post_message(self.Added(self.path))

    @property
    def detail(self) -> str:
        """What is known about the file: its size, the tokens it costs."""
        return self._detail

    @detail.setter
    def detail(self, detail: str) -> None:
        self._detail = safe_line(detail)
        self.refresh()

    @property
    def _lead(self) -> int:
        """Cells that the picture takes, with the room behind it; 0 in one row."""
        return THUMBNAIL[0] + 2 if self.size.height > 1 else 0

    def render(self) -> RenderResult:
        """Return the words: one row, or three beside the picture; the name gives way first where there is no room."""
        width = self.size.width - self._lead
        detail = Content.styled(f"  {self._detail}" if self._detail else "", "$foreground 60%")
        name = Content.styled(safe_line(self.path.name), "italic" if self.has_class("-offered") else "")
        mark = Content.styled(f"{mark_of(self.path)} ", "$text-accent")
        signs = [_sign("◂", "back"), _sign("▸", "on")] if self.movable else []
        end = Content("").join([*signs, _sign("✕", "remove")])
        room = width - mark.cell_length - end.cell_length
        if self._lead:
            name = name.truncate(max(1, room), ellipsis=True)
            rows = [mark + name + Content(" " * max(0, room - name.cell_length)) + end, detail]
            return Content("\n").join(rows)
        if name.cell_length + detail.cell_length > room and room - detail.cell_length < 12:
            detail = Content("")
        name = name.truncate(max(1, room - detail.cell_length), ellipsis=True)
        used = name.cell_length + detail.cell_length
        return Content("").join([mark, name, detail, Content(" " * max(0, room - used)), end])

    def render_line(self, y: int) -> Strip:
        """Return a row: of the picture, if there is one, and of the words."""
        words = super().render_line(y)
        lead = self._lead
        if not lead:
            return words
        picture = self.thumbnail[y] if y < len(self.thumbnail) else Strip([])
        left = (THUMBNAIL[0] - picture.cell_length) // 2
        style = self.rich_style
        before, behind = Segment(" " * left, style), Segment(" " * (lead - left - picture.cell_length), style)
        return Strip([before, *picture, behind, *words])

    def on_click(self, event: events.Click) -> None:
        """Do what the sign that was clicked is for."""
        what = event.style.meta.get("chip")
        if what is not None:
            event.stop()
        if what == "remove":
            self.action_remove()
        elif what in ("back", "on"):
            self.action_move(-1 if what == "back" else 1)

    def action_remove(self) -> None:
        """Ask to be removed."""
        self.post_message(self.Removed(self))

    def action_move(self, by: int) -> None:
        """Ask to be moved."""
        self.post_message(self.Moved(self, by))


def _sign(sign: str, what: str) -> Content:
    return Content(f" {sign} ", [Span(0, 3, "$foreground 60%"), Span(0, 3, Style.from_meta({"chip": what}))])
