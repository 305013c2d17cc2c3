"""The pictures and videos that the next question is about, above the prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import VerticalScroll
from textual.strip import Strip

from vlmtui.media.protocol import Rendered
from vlmtui.ui.graphics.detect import cell_pixels
from vlmtui.ui.graphics.probe import Probe
from vlmtui.ui.graphics.rows import half_block_rows, shade_rows
from vlmtui.ui.widgets.chip import THUMBNAIL, Chip, mark_of

if TYPE_CHECKING:  # decodes in a process of its own
    from vlmtui.media.client import MediaClient

__all__ = ["Chip", "Chips", "mark_of"]

_EMPTY = Strip([])
_ROOM_FOR_PICTURES = 26
"""Rows that the chat needs for pictures in the chips; and so many attachments at most."""
_MOST_PICTURES = 3


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
        self.media: MediaClient | None = None
        """What draws the pictures in the chips; None for no pictures."""
        self.rows_around = 0
        """How many rows the chat has."""
        self._probe = Probe(self, "half-block", self._draw)
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
        chip.add_class("-attached")
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

    def move(self, by: int, chip: Chip | None = None) -> None:
        """Move `chip`, or the one with the focus, or the last one, before or behind its neighbour."""
        chip = chip or next(
            (other for other in self._chips if other.has_focus), self._chips[-1] if self._chips else None
        )
        if chip is None or chip not in self._chips:
            return
        at = self._chips.index(chip)
        to = at + by
        if 0 <= to < len(self._chips):
            other = self._chips[to]
            self._chips[at], self._chips[to] = other, chip
            self.move_child(chip, after=other) if by > 0 else self.move_child(chip, before=other)

    @on(Chip.Moved)
    def _move(self, event: Chip.Moved) -> None:
        event.stop()
        self.move(event.by, event.chip)

    def around_changed(self, rows: int) -> None:
        """The chat has so many rows now."""
        if rows != self.rows_around:
            self.rows_around = rows
            self._sync()

    def _draw(self) -> None:
        """Have the pictures drawn that are missing."""
        if self.has_class("-pictures") and self.media is not None:
            self._draw_missing(self.media)

    @work(group="chip-pictures", exclusive=True, exit_on_error=False)
    async def _draw_missing(self, media: MediaClient) -> None:
        from vlmtui.media.client import LANES

        self._probe.guess()
        terminal, lane = self._probe.terminal, next(LANES)
        for chip in [chip for chip in self._chips if not chip.thumbnail]:
            reply = await media.render(
                chip.path, *THUMBNAIL, cell=cell_pixels(terminal), form=terminal.form, depth=terminal.depth, lane=lane
            )
            if not isinstance(reply, Rendered) or not reply.columns:
                continue
            if reply.form == "shade":
                chip.thumbnail = shade_rows(reply.parts[0], (_EMPTY, _EMPTY), chip.rich_style)
            else:
                pixels, indexed = reply.parts[0], reply.depth != "truecolor"
                rows = half_block_rows(pixels, reply.columns, reply.rows, (_EMPTY, _EMPTY), indexed=indexed)
                chip.thumbnail = [*rows]
            chip.refresh()

    def _sync(self) -> None:
        for chip in self._chips:
            if chip.movable != (len(self._chips) > 1):
                chip.movable = not chip.movable
                chip.refresh()
        pictures = self.media is not None and 0 < len(self._chips) <= _MOST_PICTURES
        self.set_class(pictures and self.rows_around >= _ROOM_FOR_PICTURES, "-pictures")
        self._draw()
        if self._offered is not None:
            self._offered.display = not self._chips
        self.display = bool(self.paths)
