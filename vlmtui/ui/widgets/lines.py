"""Text laid out line by line in ONE widget: hanging indents, code backgrounds, selection that copies whole lines.

A finished answer as Textual's `Markdown` is a widget a block, and the number of widgets is what a focus change, a theme
change and a resize cost. A `LinesVisual` shows the same as one widget. Lines keep where they wrap and what they drew
last, and a line that has grown takes that over from the one before: a paint of an answer of thousands of words costs
what is new and in view, not what is there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.content import Content, Span
from textual.css.styles import RulesMap
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_EMPTY = Content("")
_WORD = re.compile(r"\s*\S+\s*")


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
    _room: int = field(default=0, repr=False)  # for which `_starts` is
    _starts: list[int] = field(default_factory=list, repr=False)  # where in the content each row begins
    _key: object = field(default=None, repr=False)  # for which `_strips` are
    _strips: dict[int, Strip] = field(default_factory=dict, repr=False)  # rows by their number

    @property
    def plain(self) -> str:
        """The text that is copied."""
        return self.lead.plain + self.content.plain

    def height(self, width: int) -> int:
        """Return how many rows the line takes at `width` cells."""
        return len(self._wrap(max(4, width - self.lead.cell_length)))

    def rows(
        self, width: int, y: int, style: Style, options: RenderOptions, first: int = 0, end: int | None = None
    ) -> list[Strip]:
        """Return the rows from `first` to `end` at `width` cells; `y` is the line's number, as a selection counts."""
        numbers = range(self.height(width))[first:end]
        span = options.selection.get_span(y) if options.selection is not None else None
        if span is not None:
            return [self._render(number, width, y, style, options, span) for number in numbers]
        key = (width, y, style)
        if self._key != key:
            self._key, self._strips = key, {}
        strips = self._strips
        for number in numbers:
            if number not in strips:
                strips[number] = self._render(number, width, y, style, options, None)
        return [strips[number] for number in numbers]

    def forget(self) -> None:
        """Forget what was rendered: the theme has changed."""
        self._key = None

    def grown_from(self, older: Line) -> Line:
        """Return `older` where it shows the same; else this line, with what it can take over of the older one's."""
        if (self.fill, self.lead.plain, self.hang.plain) != (older.fill, older.lead.plain, older.hang.plain):
            return self
        mine, theirs = self.content, older.content
        same = _common(mine.plain, theirs.plain)
        if same == len(mine.plain) == len(theirs.plain) and mine.spans == theirs.spans:
            return older
        starts = older._starts
        if not starts or "\t" in mine.plain:
            return self
        # A row stays where the next one begins in text that is the same: its words cannot move up or down any more.
        last = bisect_right(starts, same) - (1 if same == len(theirs.plain) else 2)
        while last > 0 and not _begins_word(mine.plain, starts[last]):
            last -= 1
        if last <= 0:
            return self
        self._room, self._starts = older._room, _wrapped(mine.plain, older._room, starts[: last + 1])
        if _spans_before(mine, starts[last]) == _spans_before(theirs, starts[last]):
            self._key = older._key
            self._strips = {number: strip for number, strip in older._strips.items() if number < last}
        return self

    def _wrap(self, room: int) -> list[int]:
        if self._room != room:
            self._room, self._starts = room, _wrapped(self.content.expand_tabs().plain, room, [0])
        return self._starts

    def _render(
        self, number: int, width: int, y: int, style: Style, options: RenderOptions, span: tuple[int, int] | None
    ) -> Strip:
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
        segments: list[Segment] = []
        if prefix := (lead if number == 0 else self.hang):
            for row in prefix.render_strips(prefix.cell_length, 1, style, plain_options):
                segments += _moved(row, 0, y) if number == 0 else _unmarked(row)
        room = max(4, width - self.lead.cell_length)
        starts = self._wrap(room)
        content = content.expand_tabs()
        begin = starts[number]
        if number + 1 < len(starts):
            content = content[begin : starts[number + 1]].rstrip()
        else:
            content = content[begin:]
        if content:
            segments += _moved(content.render_strips(room, 1, style, plain_options)[0], before + begin, y)
        strip = Strip(segments)
        if self.fill:
            strip = strip.extend_cell_length(width, style.rich_style)
        return strip.crop(0, width)


def _wrapped(text: str, room: int, starts: list[int]) -> list[int]:
    """Return where the rows of `text` begin at `room` cells; the last of the given `starts` is where to go on.

    Words are moved as a whole to the next row, and cut only where one is wider than a row.
    """
    if len(text) - starts[-1] <= room and text.isascii():
        return starts
    used = 0
    place = starts[-1]
    while (match := _WORD.match(text, place)) is not None:
        start, place = match.span()
        word = match.group()
        cells = cell_len(word.rstrip())
        if used + cells <= room:
            used += cell_len(word)
        elif cells <= room:
            if start > starts[-1]:
                starts.append(start)
            used = cell_len(word)
        else:
            for piece in chop_cells(word, width=room):
                if start > starts[-1]:
                    starts.append(start)
                start += len(piece)
                used = cell_len(piece)
    return starts


def _begins_word(text: str, place: int) -> bool:
    """Return whether a word begins at `place`: there wrapping can go on as if nothing stood before."""
    return text[place - 1].isspace() and place < len(text) and not text[place].isspace()


def _common(one: str, other: str) -> int:
    """Return how many characters at the beginning are the same."""
    least, most = 0, min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    while most - least > 1:
        middle = (least + most) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle
    return least


def _spans_before(content: Content, place: int) -> list[Span]:
    return [Span(start, min(end, place), style) for start, end, style in content.spans if start < place]


class LinesVisual(Visual):
    """What a widget's `render` returns to show `lines`."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self._width = 0
        self._tops: list[int] = []

    def tops(self, width: int) -> list[int]:
        """Return in which row each line begins at `width` cells, and behind the last the number of rows."""
        if self._width != width or not self._tops:
            self._width = width
            self._tops = list(accumulate((line.height(width) for line in self.lines), initial=0))
        return self._tops

    def rows(self, width: int, style: Style, options: RenderOptions, first: int, end: int) -> list[Strip]:
        """Return the rows from `first` to `end`."""
        tops = self.tops(width)
        strips: list[Strip] = []
        y = max(0, bisect_right(tops, first) - 1)
        while y < len(self.lines) and tops[y] < end:
            strips += self.lines[y].rows(width, y, style, options, max(0, first - tops[y]), end - tops[y])
            y += 1
        return strips

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """See `Visual.render_strips`."""
        return self.rows(width, style, options, 0, self.tops(width)[-1] if height is None else height)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """See `Visual.get_optimal_width`."""
        return max((line.lead.cell_length + line.content.cell_length for line in self.lines), default=0)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """See `Visual.get_height`."""
        return self.tops(width)[-1]

    def extract(self, selection: Selection) -> str:
        """Return the text under `selection`."""
        return selection.extract("\n".join(line.plain for line in self.lines))


class RowsVisual(Visual):
    """Only the rows from `first` to `end` of `visual`."""

    def __init__(self, visual: LinesVisual, first: int, end: int) -> None:
        self._visual = visual
        self._first = first
        self._end = end

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """See `Visual.render_strips`."""
        return self._visual.rows(width, style, options, self._first, self._end)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """See `Visual.get_optimal_width`."""
        return self._visual.get_optimal_width(rules, container_width)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """See `Visual.get_height`."""
        return self._end - self._first


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
