"""The pictures and videos that the next question is about, one row each, above the prompt."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content, Span
from textual.message import Message
from textual.style import Style
from textual.widget import Widget

from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line

_REMOVE = {"chip": "remove"}


def mark_of(path: Path) -> str:
    """Return the sign for a picture or a video, by the name alone."""
    return "▶" if kind_of(path) == "video" else "▣"


class Chip(Widget, can_focus=True):
    """One attachment: its sign, its name, what is known about it, and a cross that removes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete,backspace", "remove", "Remove", id="chat.remove_attachment", key_display="del"),
    ]

    class Removed(Message):
        """The attachment shall go."""

        def __init__(self, chip: Chip) -> None:
            super().__init__()
            self.chip = chip

    def __init__(self, path: Path, detail: str = "", *, offered: bool = False) -> None:
        super().__init__(classes="-offered" if offered else "")
        self.path = path
        self._detail = safe_line(detail)
        self.auto_links = False

    @property
    def detail(self) -> str:
        """What is known about the file: its size, the tokens it costs."""
        return self._detail

    @detail.setter
    def detail(self, detail: str) -> None:
        self._detail = safe_line(detail)
        self.refresh()

    def render(self) -> RenderResult:
        """Return one row; the name gives way first where there is little room."""
        width = self.size.width
        mark = Content.styled(f"{mark_of(self.path)} ", "$text-accent")
        cross = Content(" ✕ ", [Span(0, 3, "$foreground 60%"), Span(0, 3, Style.from_meta(_REMOVE))])
        detail = Content.styled(f"  {self._detail}" if self._detail else "", "$foreground 60%")
        name = Content.styled(safe_line(self.path.name), "italic" if self.has_class("-offered") else "")
        room = width - mark.cell_length - cross.cell_length
        if name.cell_length + detail.cell_length > room and room - detail.cell_length < 12:
            detail = Content("")
        name = name.truncate(max(1, room - detail.cell_length), ellipsis=True)
        used = name.cell_length + detail.cell_length
        return Content("").join([mark, name, detail, Content(" " * max(0, room - used)), cross])

    def on_click(self, event: events.Click) -> None:
        """Remove, when the cross was clicked."""
        if event.style.meta.get("chip") == "remove":
            event.stop()
            self.action_remove()

    def action_remove(self) -> None:
        """Ask to be removed."""
        self.post_message(self.Removed(self))


class Chips(VerticalScroll, can_focus=False):
    """The attachments, in the order in which the model will see them.

    A file may be offered without being attached: the picture that is on show goes with the question as long as nothing
    was attached by hand, and gives way to the next one that is shown.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._chips: list[Chip] = []
        self._offered: Chip | None = None
        self._refused: Path | None = None  # offered, and removed by the user
        self._details: dict[Path, str] = {}  # of what was here, for it may come back
        self.display = False

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that go with the question."""
        if not self._chips and self._offered is not None:
            return (self._offered.path,)
        return tuple(chip.path for chip in self._chips)

    @property
    def attached(self) -> tuple[Path, ...]:
        """The files among them that are attached, not only offered."""
        return tuple(chip.path for chip in self._chips)

    def add(self, path: Path, detail: str = "") -> None:
        """Attach `path`; one that is attached already only gets its `detail`."""
        for chip in self._chips:
            if chip.path == path:
                chip.detail = detail or chip.detail
                return
        chip = Chip(path, self._detail_of(path, detail))
        self._chips.append(chip)
        self.mount(chip)
        self._sync()

    def offer(self, path: Path | None, detail: str = "") -> None:
        """Offer `path` in place of what was offered before; None to offer nothing. One that was refused stays away."""
        if path is not None and path == self._refused:
            return
        self._refused = None
        if self._offered is not None:
            if self._offered.path == path:
                self._offered.detail = detail or self._offered.detail
                return
            self._offered.remove()
        self._offered = None if path is None else Chip(path, self._detail_of(path, detail), offered=True)
        if self._offered is not None:
            self.mount(self._offered)
        self._sync()

    def describe(self, path: Path, detail: str) -> None:
        """Say `detail` beside `path`, wherever it is shown."""
        self._details[path] = detail
        for chip in (*self._chips, self._offered):
            if chip is not None and chip.path == path:
                chip.detail = detail

    def remove_path(self, path: Path) -> bool:
        """Detach `path`, or refuse it; returns whether it was there."""
        for chip in self._chips:
            if chip.path == path:
                self._chips.remove(chip)
                chip.remove()
                self._sync()
                return True
        if self._offered is not None and self._offered.path == path:
            self._refused = path
            self._offered.remove()
            self._offered = None
            self._sync()
            return True
        return False

    def clear(self) -> tuple[Path, ...]:
        """Detach everything, and return what went with the question."""
        paths = self.paths
        for chip in (*self._chips, self._offered):
            if chip is not None:
                chip.remove()
        self._chips.clear()
        self._offered = None
        self._refused = None
        self._sync()
        return paths

    def _detail_of(self, path: Path, detail: str) -> str:
        if detail:
            self._details[path] = detail
        return self._details.get(path, "")

    def _sync(self) -> None:
        if self._offered is not None:
            self._offered.display = not self._chips
        self.display = bool(self.paths)
