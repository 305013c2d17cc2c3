"""The explorer's grid: a folder's pictures and videos as small pictures, each with its name under it.

Drawn in half blocks (shades without colour) in every terminal: dozens of pictures that scroll would each have to be
sent, placed and deleted by the protocols that draw real pixels.

Only what is in the window is decoded, one after the other, in a media child of its own, so that the picture in the
preview never waits for them. What has been scrolled away before its turn is never asked for; one that is being decoded
gives way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.geometry import Region
from textual.strip import Strip
from textual.timer import Timer

from vlmtui.media.kept import Kept
from vlmtui.media.protocol import Rendered
from vlmtui.ui.file_tree import FileTree
from vlmtui.ui.graphics.detect import cell_pixels
from vlmtui.ui.graphics.probe import Probe
from vlmtui.ui.graphics.rows import PictureRow, half_block_rows, shade_rows
from vlmtui.ui.marks import Marks
from vlmtui.ui.widgets.entry_list import ICONS, MARK, EntryView, fitted
from vlmtui.ui.widgets.listing import Entry

if TYPE_CHECKING:  # started when the first thumbnail is wanted
    from vlmtui.media.client import MediaClient

_TILE = 14
"""Cells that a tile wants across; the gap included."""
_KEPT_BYTES = 8 * 1024 * 1024
_LOOK_EVERY_S = 2.0
_EMPTY = Strip([], 0)


@dataclass(slots=True)
class _Thumbnail:
    """A small picture: its rows, ready made; no rows where the file cannot be shown (now).

    Attributes:
        stamp: of the file that it was made of.
    """

    rows: list[Strip] = field(default_factory=list)
    columns: int = 0
    stamp: str = ""
    bytes: int = 0


class Thumbnails(EntryView):
    """The grid."""

    def __init__(self, tree: FileTree, marks: Marks, *, id: str | None = None) -> None:
        super().__init__(tree, marks, id=id)
        self._media: MediaClient | None = None
        self._probe = Probe(self, "half-block", self._terminal_changed)
        self._kept: Kept[_Thumbnail] = Kept(_KEPT_BYTES, lambda thumbnail: thumbnail.bytes + 200)
        self._coming: Path | None = None
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Find out how many colours there are; look now and then whether files have changed."""
        self._probe.guess()
        self._timer = self.set_interval(_LOOK_EVERY_S, self._look_again, pause=not self.display)

    async def on_unmount(self) -> None:
        """End the child."""
        if self._media is not None:
            await self._media.close()

    def on_show(self) -> None:
        """Go on."""
        if self._timer is not None:
            self._timer.resume()
        self.want()

    def on_hide(self) -> None:
        """Nobody looks: do nothing."""
        if self._timer is not None:
            self._timer.pause()

    def _terminal_changed(self) -> None:
        self.rows_changed()

    # ---- where things are ----

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return max(1, self._width // _TILE)

    @property
    def page(self) -> int:
        """Tiles that a page up or down passes."""
        return max(1, self.size.height // self._tile[1]) * self.columns

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width or self.size.width or _TILE

    @property
    def _tile(self) -> tuple[int, int]:
        """Cells of a tile, across and down: the picture, its name, and a line and two columns of room."""
        across = self._width // self.columns
        width, height = cell_pixels(self._probe.terminal)
        return across, max(2, round(max(1, across - 2) * width * 3 / (4 * height))) + 2

    @property
    def _room(self) -> tuple[int, int]:
        """Cells of a tile's picture."""
        across, down = self._tile
        return max(1, across - 2), down - 2

    def height_of_all(self) -> int:
        """Lines that all tiles take."""
        return -(-len(self._tree.rows) // self.columns) * self._tile[1]

    def region_of(self, line: int) -> Region:
        """Where a tile is, from the top of all."""
        across, down = self._tile
        return Region(line % self.columns * across, line // self.columns * down, across, down)

    def line_at(self, x: int, y: int) -> int:
        """The number of the tile at this place of the window."""
        across, down = self._tile
        column = x // across
        if column >= self.columns:
            return len(self._tree.rows)
        return (round(self.scroll_offset.y) + y) // down * self.columns + column

    def seen(self) -> range:
        """The tiles that are in the window, those cut by its edges too."""
        down, top = self._tile[1], round(self.scroll_offset.y)
        first = top // down * self.columns
        last = -(-(top + self.size.height) // down) * self.columns
        return range(first, min(len(self._tree.rows), last))

    # ---- decoding ----

    def rows_changed(self) -> None:
        """Lay out for the entries that there are now."""
        super().rows_changed()
        self.call_after_refresh(self.want)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other tiles come into the window."""
        super().watch_scroll_y(old_value, new_value)
        self.want()

    def want(self) -> None:
        """Have what is in the window decoded, unless that is under way."""
        if not (self.is_mounted and self.display and self.size):
            return
        if self._coming is not None and any(self._tree.rows[line].path == self._coming for line in self.seen()):
            return
        if self._next() is not None:
            self._decode()

    def _key(self, entry: Entry) -> tuple[object, ...]:
        terminal = self._probe.terminal
        return entry.path, self._room, terminal.form, terminal.depth

    def _next(self) -> Entry | None:
        """Return the first entry in the window that has no thumbnail yet."""
        for line in self.seen():
            entry = self._tree.rows[line]
            if entry.kind in ("picture", "video") and self._kept.get(self._key(entry)) is None:
                return entry
        return None

    @work(group="thumbnails", exclusive=True, exit_on_error=False)
    async def _decode(self) -> None:
        """Decode what is missing in the window, which may move meanwhile."""
        if self._media is None:
            from vlmtui.media.client import MediaClient

            self._media = MediaClient()
        try:
            while self.display and (entry := self._next()) is not None:
                key, path = self._key(entry), entry.path
                self._coming = path
                thumbnail = await self._draw(path)
                if thumbnail is not None:
                    self._kept.put(key, thumbnail)
                    self.refresh()
        finally:
            self._coming = None

    async def _draw(self, path: Path) -> _Thumbnail | None:
        """Return the thumbnail of the file at `path`; None when another went before."""
        assert self._media is not None
        terminal, (columns, rows) = self._probe.terminal, self._room
        reply = await self._media.render(
            path, columns, rows, cell=cell_pixels(terminal), form=terminal.form, depth=terminal.depth
        )
        if not isinstance(reply, Rendered):
            if reply.code == "superseded":
                return None
            # Perhaps it is still being written: it is tried again when it has changed.
            return _Thumbnail(stamp=await self._media.stamp(path) or "")
        if not reply.columns:
            return _Thumbnail(stamp=reply.info.stamp)
        made: list[Strip]
        if reply.form == "shade":
            made = shade_rows(reply.parts[0], (_EMPTY, _EMPTY), self.rich_style)
        else:
            indexed = reply.depth != "truecolor"
            made = [*half_block_rows(reply.parts[0], reply.columns, reply.rows, (_EMPTY, _EMPTY), indexed=indexed)]
        # What a row keeps is its escape sequences: up to forty characters a cell.
        return _Thumbnail(made, reply.columns, reply.info.stamp, reply.columns * reply.rows * 40)

    @work(group="thumbnails-look", exclusive=True, exit_on_error=False)
    async def _look_again(self) -> None:
        """Decode anew what has changed in the window."""
        if self._media is None or self._coming is not None:
            return
        for line in self.seen():
            if line >= len(self._tree.rows):
                break
            entry = self._tree.rows[line]
            thumbnail = self._kept.get(self._key(entry))
            if thumbnail is not None and await self._media.stamp(entry.path) not in (None, thumbnail.stamp):
                self._kept.drop(self._key(entry))
        self.want()

    # ---- drawing ----

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines in `crop`; pictures come with their sequences ready made, past Textual's own styling."""
        lines = [self._line(y) for y in range(crop.y, crop.bottom)]
        if crop.x == 0 and crop.width >= self.size.width:
            return lines
        return [line.crop(crop.x, crop.right) for line in lines]

    def _line(self, y: int) -> Strip:
        width, rows = self.size.width, self._tree.rows
        base = self.rich_style
        if not rows:
            text = f"  {self.empty}" if y == 0 else ""
            return self._filtered(Strip([Segment(text.ljust(width)[:width], base)]))
        down = self._tile[1]
        row, within = divmod(round(self.scroll_offset.y) + y, down)
        first = row * self.columns
        strips: list[Strip] = []
        for line in range(first, min(len(rows), first + self.columns)):
            entry = rows[line]
            style = self.row_style(line, entry)
            strips += self._name_line(entry, style) if within == down - 2 else self._picture(entry, style, within)
        left = width - sum(strip.cell_length for strip in strips)
        strips.append(self._filtered(Strip([Segment(" " * max(0, left), base)])))
        return _JoinedRow(strips, self.app.console)

    def _picture(self, entry: Entry, style: Style, within: int) -> list[Strip]:
        """Return line `within` of the tile above its name, or the line of room below it."""
        across, room = self._tile[0], self._room[1]
        if within >= room:
            return [self._filtered(Strip([Segment(" " * across, self.rich_style)]))]
        thumbnail = self._kept.get(self._key(entry)) if entry.kind in ("picture", "video") else None
        if thumbnail is not None and thumbnail.rows:
            above = (room - len(thumbnail.rows)) // 2
            if 0 <= within - above < len(thumbnail.rows):
                left = (across - thumbnail.columns) // 2
                right = across - thumbnail.columns - left
                return [
                    self._filtered(Strip([Segment(" " * left, style)])),
                    thumbnail.rows[within - above],
                    self._filtered(Strip([Segment(" " * right, style)])),
                ]
            return [self._filtered(Strip([Segment(" " * across, style)]))]
        sign, part = ICONS[entry.kind]
        sign_style = style + Style(color=self.part(part).color)
        text = ""
        if within == room // 2:
            text = entry.name if entry.kind == "note" else sign
        elif within == room // 2 + 1 and thumbnail is not None:
            text = "unreadable"
        return [self._filtered(Strip([Segment(text[:across].center(across), sign_style)]))]

    def _name_line(self, entry: Entry, style: Style) -> list[Strip]:
        across = self._tile[0]
        mark = Style(color=self.part("explorer--mark").color)
        lead = Segment(MARK if entry in self._marks else " ", style + mark)
        name = [] if entry.kind == "note" else self.name_segments(entry, style)
        return [self._filtered(fitted([lead, *name], across - 1, style)), self._filtered(Strip([Segment(" ", style)]))]

    def _filtered(self, strip: Strip) -> Strip:
        for line_filter in self.get_line_filters():
            strip = strip.apply_filter(line_filter, self.background_colors[1])
        return strip


class _JoinedRow(PictureRow):
    """A line of several tiles; each piece brings its sequences with it."""

    __slots__ = ()

    def __init__(self, pieces: list[Strip], console: Console) -> None:
        make: Callable[[], list[Segment]] = lambda: [segment for piece in pieces for segment in piece]  # noqa: E731
        output = "".join(piece.render(console) for piece in pieces)
        super().__init__(_EMPTY, sum(piece.cell_length for piece in pieces), output, make, _EMPTY)
