"""The surface that a picture is drawn on: it holds what the media child made and knows no file."""

from __future__ import annotations

import itertools
import os
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from vlmtui.media.protocol import Rendered
from vlmtui.safetext import safe_line
from vlmtui.ui.graphics import kitty
from vlmtui.ui.graphics.rows import half_block_rows, kitty_rows, shade_rows, sixel_rows

# Numbers of pictures in the terminal are shared with every other program in it: start anywhere in 24 bits, but where
# the colour that stands for the number is not one that text is likely to have.
_IMAGE_IDS = itertools.count(0x100001 + int.from_bytes(os.urandom(2), "big") * 16)


class PreviewCanvas(Widget):
    """Draws one `Rendered` in its middle. It must have no border and no padding of its own."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = "PreviewCanvas { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: Rendered | None = None
        self._rows: list[Strip] = []
        self._rows_for: object = None
        self._image_id = 0
        self._tmux = False

    @property
    def drawn(self) -> Rendered | None:
        """What is shown now."""
        return self._drawn

    def draw(self, rendered: Rendered | None, *, tmux: bool = False) -> None:
        """Show `rendered` in place of what is shown; None shows nothing."""
        old, old_tmux = self._image_id, self._tmux
        self._image_id, self._tmux = 0, tmux
        self._drawn = rendered
        self._rows_for = None
        if rendered is not None and rendered.form == "kitty" and rendered.parts:
            self._image_id = next(_IMAGE_IDS) & 0xFFFFFF
            self._write(kitty.transmit(rendered.parts[0], self._image_id, rendered.columns, rendered.rows, tmux=tmux))
        self.refresh()
        if old:
            # Only when the new picture has been painted, so that there is no moment with neither.
            self.call_after_refresh(self._write, kitty.delete(old, tmux=old_tmux))

    def on_unmount(self) -> None:
        """Free the terminal's memory of the picture."""
        if self._image_id:
            self._write(kitty.delete(self._image_id, tmux=self._tmux))
            self._image_id = 0

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines in `crop`; ready made, past Textual's styling of each segment."""
        width, height = self.size
        rows = self._laid_out(width, height)[crop.y : crop.bottom]
        if crop.x == 0 and crop.width >= width:
            return rows
        return [row.crop(crop.x, crop.right) for row in rows]

    def _laid_out(self, width: int, height: int) -> list[Strip]:
        """Return `height` lines of `width` cells; made anew only when something has changed."""
        style = self.visual_style.rich_style
        state = (id(self._drawn), width, height, style)
        if state == self._rows_for:
            return self._rows

        def blank(cells: int) -> Strip:
            strip = Strip([Segment(" " * cells, style)] if cells else [], cells)
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, self.background_colors[1])
            return strip

        drawn = self._drawn
        picture: list[Strip] = []
        if drawn is not None and drawn.columns and drawn.rows:
            left = max(0, (width - drawn.columns) // 2)
            padding = blank(left), blank(max(0, width - drawn.columns - left))
            picture = self._picture_rows(drawn, padding)
            for row, line in _label_rows(drawn, style).items():
                if row < len(picture):
                    picture[row] = Strip.join([padding[0], line, padding[1]])
            if drawn.columns > width:  # the pane has shrunk and the picture of its new size is on its way
                picture = [row.crop(0, width) for row in picture]
        above = max(0, (height - len(picture)) // 2)
        empty = blank(width)
        self._rows = ([empty] * above + picture)[:height]
        self._rows += [empty] * (height - len(self._rows))
        self._rows_for = state
        return self._rows

    def _picture_rows(self, drawn: Rendered, padding: tuple[Strip, Strip]) -> list[Strip]:
        style = self.visual_style.rich_style
        match drawn.form:
            case "half-block":
                indexed = drawn.depth != "truecolor"
                return [*half_block_rows(drawn.parts[0], drawn.columns, drawn.rows, padding, indexed=indexed)]
            case "shade":
                return shade_rows(drawn.parts[0], padding, style)
            case "kitty":
                return [*kitty_rows(self._image_id, drawn.columns, drawn.rows, padding)]
            case "sixel":
                return [*sixel_rows(drawn.parts, drawn.columns, padding, style, self.app.console)]

    def _write(self, sequences: str) -> None:
        """Send `sequences` by the way that Textual's own output goes, so that both stay in order."""
        driver = self.app._driver
        if driver is not None and not self.app.is_headless:
            driver.write(sequences)
            driver.flush()


def _label_rows(drawn: Rendered, style: Style) -> dict[int, Strip]:
    """Return the rows that have words in place of a picture."""
    lines: dict[int, str] = {}
    for label in drawn.labels:
        text = safe_line(label.text)
        line = lines.get(label.row, "").ljust(label.column)
        lines[label.row] = (line[: label.column] + text)[: drawn.columns]
    return {row: Strip([Segment(line.ljust(drawn.columns), style)], drawn.columns) for row, line in lines.items()}
