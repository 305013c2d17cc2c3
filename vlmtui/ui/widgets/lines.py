"""Text laid out line by line in ONE widget: hanging indents, code backgrounds, selection that copies whole lines.

A finished answer as Textual's `Markdown` is a widget a block, and the number of widgets is what a focus change, a theme
change and a resize cost. A `LinesVisual` shows the same as one widget. Lines keep what they rendered last, so that an
answer that grows renders only its last block again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content
from textual.css.styles import RulesMap
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_EMPTY = Content("")


@dataclass(slots=True)
class Line:
    """One line of text as it is copied; on the screen it may wrap into several rows.

    Attributes:
        content: the text, without a line break.
        lead: stands before the first row and is copied with it (`• `).
        hang: stands before the following rows, as wide as `lead`.
        fill: a style of the whole row, to the right edge (code); empty for none.
    """

    content: Content = _EMPTY
    lead: Content = _EMPTY
    hang: Content = _EMPTY
    fill: str = ""
    _key: object = field(default=None, repr=False)
    _rows: list[Strip] = field(default_factory=list, repr=False)

    @property
    def plain(self) -> str:
        """The text that is copied."""
        return self.lead.plain + self.content.plain

    def height(self, rules: RulesMap, width: int) -> int:
        """Return how many rows the line takes at `width` cells."""
        if not self.content:
            return 1
        return self.content.get_height(rules, self._room(width))

    def rows(self, width: int, y: int, style: Style, options: RenderOptions) -> list[Strip]:
        """Return the rows at `width` cells; `y` is the line's number, to which a selection refers."""
        span = options.selection.get_span(y) if options.selection is not None else None
        key = (width, y, style)
        if span is None and self._key == key:
            return self._rows
        rows = self._render(width, y, style, options, span)
        if span is None:
            self._key, self._rows = key, rows
        return rows

    def forget(self) -> None:
        """Forget what was rendered: the theme has changed."""
        self._key = None

    def _room(self, width: int) -> int:
        return max(4, width - self.lead.cell_length)

    def _render(
        self, width: int, y: int, style: Style, options: RenderOptions, span: tuple[int, int] | None
    ) -> list[Strip]:
        content, lead = self.content, self.lead
        before = len(lead.plain)
        if span is not None and options.selection_style is not None:
            start, end = span
            if end == -1:
                end = before + len(content.plain)
            lead = lead.stylize(options.selection_style, min(start, before), min(end, before))
            content = content.stylize(options.selection_style, max(0, start - before), max(0, end - before))
        if self.fill:
            style = style + options.get_style(self.fill)
        plain_options = RenderOptions(options.get_style, options.rules)
        strips = content.render_strips(self._room(width), None, style, plain_options) if content else [Strip([])]
        rows: list[Strip] = []
        for index, strip in enumerate(strips):
            segments: list[Segment] = []
            prefix = lead if index == 0 else self.hang
            if prefix:
                for row in prefix.render_strips(prefix.cell_length, 1, style, plain_options):
                    segments += _moved(row, 0, y) if index == 0 else _unmarked(row)
            segments += _moved(strip, before, y)
            rows.append(Strip(segments))
        if self.fill:
            rows = [row.extend_cell_length(width, style.rich_style) for row in rows]
        return [row.crop(0, width) for row in rows]


class LinesVisual(Visual):
    """What a widget's `render` returns to show `lines`."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """See `Visual.render_strips`."""
        strips: list[Strip] = []
        for y, line in enumerate(self.lines):
            strips += line.rows(width, y, style, options)
        return strips if height is None else strips[:height]

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """See `Visual.get_optimal_width`."""
        return max((line.lead.cell_length + line.content.cell_length for line in self.lines), default=0)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """See `Visual.get_height`."""
        return sum(line.height(rules, width) for line in self.lines)

    def extract(self, selection: Selection) -> str:
        """Return the text under `selection`."""
        return selection.extract("\n".join(line.plain for line in self.lines))


def _moved(strip: Strip, right: int, y: int) -> list[Segment]:
    """Return the segments of a line rendered by itself, with the offsets that a selection uses set to its place."""
    moved: list[Segment] = []
    for text, style, control in strip:
        meta = style.meta if style is not None else {}
        if style is not None and "offset" in meta:
            x = meta["offset"][0]
            style = style + RichStyle.from_meta({"offset": (x + right, y)})
        moved.append(Segment(text, style, control))
    return moved


def _unmarked(strip: Strip) -> list[Segment]:
    """Return the segments of a hanging indent, which no selection can touch."""
    return [Segment(text, style.clear_meta_and_links() if style else None, control) for text, style, control in strip]
