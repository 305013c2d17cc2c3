"""Markdown as lines for one widget, parsed again only from its last block on while it streams.

Everything that was sent is shown: HTML stays text, a link shows its address, link definitions are not swallowed, a
single line break breaks the line. Nothing in it acts: no links to click, no pictures to fetch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from textual.content import Content, Span

from vlmtui.ui.widgets.lines import Line
from vlmtui.ui.widgets.markdown_within import Within, cut_in, offset_of_row

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token
    from textual.highlight import HighlightTheme

_MUTED = "$foreground 60%"
_CODE = "$text-accent on $foreground 8%"
_CODE_FILL = "on $foreground 8%"
_HEADINGS = {"h1": "bold underline $text-primary", "h2": "bold $text-primary"}
_BULLETS = "•◦▪"
_QUOTE = Content.styled("▌ ", _MUTED)
_RULE = Content.styled("─" * 12, _MUTED)
# Indents past this many cells are cut on the left: a narrow pane must keep room for the text itself.
_WIDEST_LEAD = 12
# Deeper than this the parser drops what is inside.
_DEEPEST = 60
# A block that grows past this many characters is laid out only from somewhere near its end on, until it is complete.
_LONGEST_AT_ONCE = 3_000
# A code block is coloured again each time it grows: past this many characters it waits until it is complete.
_COLOURED_WHILE_GROWING = 4_000


class MarkdownLines:
    """Markdown text that grows, and its lines.

    Attributes:
        source: all text so far; it must have passed `vlmtui.safetext`.
        lines: what to show; the same list object all along.
        changed_from: the first line that the last change has touched.
    """

    def __init__(self, source: str = "") -> None:
        self.source = ""
        self.lines: list[Line] = []
        self.changed_from = 0
        # More text can only change the last block. The blocks before it are settled: so many characters and lines.
        self._settled_text = 0
        self._settled_lines = 0
        self._within: Within | None = None  # where a long last block is settled in part
        self._whole_from: tuple[int, int] | None = None  # what was settled before the first such block
        if source:
            self._extend(source, complete=True)

    @property
    def unsettled(self) -> int:
        """How many characters are parsed again when more text comes."""
        return len(self.source) - self._settled_text

    def append(self, text: str) -> None:
        """Add `text` at the end."""
        if text:
            self._extend(text, complete=False)

    def complete(self) -> None:
        """Lay the last block out as it stays, and those that were settled in part: no more text will come."""
        if self._whole_from is not None:
            (self._settled_text, self._settled_lines), self._whole_from, self._within = self._whole_from, None, None
        self._extend("", complete=True)

    def _extend(self, text: str, *, complete: bool) -> None:
        self.source += text
        within = self._within
        opening = within.opening if within is not None else ""
        tail = opening + self.source[self._settled_text :]
        blocks = _blocks(_parser().parse(tail))
        before = self._settled_lines
        older = self.lines[before:]
        del self.lines[before:]
        for number, block in enumerate(blocks):
            if number == len(blocks) - 1:
                self._settled_lines = len(self.lines)
            if self.lines and (within is None or number):
                self.lines.append(Line())
            lines = _Layout(complete=complete or number < len(blocks) - 1).block(block)
            if _lossy(tail, block, lines):
                lines = _plain(tail, block)
            self.lines += lines if within is None or number else within.continued(lines)
        if len(blocks) > 1:
            self._settled_text += offset_of_row(tail, (blocks[-1][0].map or [0])[0]) - len(opening)
            self._within = within = None
        self._take_over(older, before)
        if complete or not blocks or self.unsettled <= _LONGEST_AT_ONCE:
            return
        if len(blocks) > 1:  # much came at once: the last block's rows are counted from before what is settled now
            changed = self.changed_from
            self._extend("", complete=False)
            self.changed_from = min(changed, self.changed_from)
        else:
            self._settle_in_part(blocks[-1])

    def _settle_in_part(self, block: list[Token]) -> None:
        within = self._within
        opening = within.opening if within is not None else ""
        tail = opening + self.source[self._settled_text :]
        cut = cut_in(tail, block)
        if cut is None or cut.place <= len(opening):
            return
        if self._whole_from is None:
            self._whole_from = self._settled_text, self._settled_lines
        changed = self.changed_from
        del self.lines[self._settled_lines :]
        if self.lines and within is None:
            self.lines.append(Line())
        for number, settled in enumerate(_blocks(_parser().parse(tail[: cut.place]))):
            lines = _Layout(complete=True).block(settled)
            self.lines += within.continued(lines) if within is not None and number == 0 else lines
        first = self.lines.pop().content + " " if cut.in_line else None
        self._settled_lines = len(self.lines)
        self._settled_text += cut.place - len(opening)
        self._within = Within(cut.opening, cut.skip, first)
        self._extend("", complete=False)
        self.changed_from = min(changed, self.changed_from)

    def _take_over(self, older: list[Line], first: int) -> None:
        """Keep the lines that are as they were, and what a grown one still shows, from line `first` on."""
        self.changed_from = min(first + len(older), len(self.lines))
        for at, line in reversed(list(enumerate(older[: len(self.lines) - first], first))):
            self.lines[at] = self.lines[at].grown_from(line)
            if self.lines[at] is not line:
                self.changed_from = at


@cache
def _parser() -> MarkdownIt:
    """Return the parser; made late, for an empty chat needs none."""
    from markdown_it import MarkdownIt

    options = {"html": False, "maxNesting": _DEEPEST}
    return MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("reference")


def _blocks(tokens: list[Token]) -> list[list[Token]]:
    """Return the top-level blocks, each as its tokens."""
    blocks: list[list[Token]] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            blocks.append([])
        blocks[-1].append(token)
        depth += token.nesting
    return blocks


def _source(text: str, block: list[Token]) -> str:
    """Return what `block` was parsed from."""
    first, end = block[0].map or (0, 0)
    return "\n".join(text.split("\n")[first:end])


def _lossy(text: str, block: list[Token], lines: list[Line]) -> bool:
    """Return whether Markdown's rules would hide something: surplus cells of a table, or nesting without end."""
    if block[0].type == "table_open":
        shown = "\n".join(line.plain for line in lines)
        return any(word not in shown for word in re.findall(r"\w+", _source(text, block)))
    return any(token.level >= _DEEPEST - 2 for token in block)


def _plain(text: str, block: list[Token]) -> list[Line]:
    """Return the block as it was written."""
    return [Line(Content(row)) for row in _source(text, block).rstrip("\n").split("\n")]


@dataclass(slots=True)
class _Container:
    """A list item or a quote: what stands before its first line, and before the others."""

    first: Content | None
    rest: Content


class _Layout:
    """Lays one top-level block out."""

    def __init__(self, *, complete: bool) -> None:
        self.lines: list[Line] = []
        self._complete = complete
        self._containers: list[_Container] = []
        self._lists: list[str] = []  # a bullet, or "" for a numbered list

    def block(self, tokens: list[Token]) -> list[Line]:
        """Return the lines of the block that `tokens` describe."""
        table: list[list[Content]] | None = None
        style = ""
        hidden = False
        for token in tokens:
            kind = token.type
            if kind == "bullet_list_open":
                self._lists.append(_BULLETS[min(len(self._lists), len(_BULLETS) - 1)])
            elif kind == "ordered_list_open":
                self._lists.append("")
            elif kind in ("bullet_list_close", "ordered_list_close"):
                self._lists.pop()
            elif kind == "list_item_open":
                marker = f"{self._lists[-1] or token.info + token.markup} "
                self._containers.append(_Container(Content.styled(marker, _MUTED), Content(" " * len(marker))))
            elif kind == "blockquote_open":
                self._containers.append(_Container(_QUOTE, _QUOTE))
            elif kind in ("list_item_close", "blockquote_close"):
                if self._containers[-1].first is not None and kind == "list_item_close":
                    self._add(Content(""))  # an empty item still shows its marker
                self._containers.pop()
            elif kind == "paragraph_open":
                hidden = token.hidden
            elif kind == "heading_open":
                style = _HEADINGS.get(token.tag, "bold")
            elif kind == "table_open":
                table = []
            elif kind == "tr_open" and table is not None:
                table.append([])
            elif kind == "table_close" and table is not None:
                self._gap()
                self._table(table)
                table = None
            elif kind == "inline":
                content = _inline(token)
                if table is not None:
                    table[-1].append(content)
                    continue
                if not hidden:
                    self._gap()
                for part in content.split("\n", allow_blank=True):
                    self._add(part.stylize(style) if style else part)
                style = ""
            elif kind in ("fence", "code_block"):
                self._gap()
                self._code(token)
            elif kind == "hr":
                self._gap()
                self._add(_RULE)
            elif token.content:
                self._add(Content(token.content))
        return self.lines

    def _gap(self) -> None:
        """Add an empty line before a block inside a list or quote, where one is due."""
        if not self.lines or not (self.lines[-1].content or self.lines[-1].fill):
            return
        rest = Content("").join([box.rest for box in self._containers if box.first is None or box.first is box.rest])
        self.lines.append(Line(lead=rest.rstrip(), hang=rest))

    def _add(self, content: Content, fill: str = "") -> None:
        lead = Content("").join([box.rest if box.first is None else box.first for box in self._containers])
        hang = Content("").join([box.rest for box in self._containers])
        for box in self._containers:
            box.first = None
        if lead.cell_length > _WIDEST_LEAD:
            lead, hang = lead[len(lead) - _WIDEST_LEAD :], hang[len(hang) - _WIDEST_LEAD :]
        self.lines.append(Line(content, lead, hang, fill))

    def _code(self, token: Token) -> None:
        code = token.content.rstrip("\n")
        language = token.info.split()[0] if token.info.split() else ""
        if token.info:
            self._add(Content.styled(token.info, _MUTED), _CODE_FILL)
        if language and (self._complete or len(code) <= _COLOURED_WHILE_GROWING):
            content = _coloured(code, language)
        else:
            content = Content(code)
        for part in content.split("\n", allow_blank=True):
            self._add(part, _CODE_FILL)

    def _table(self, rows: list[list[Content]]) -> None:
        widths = [max(row[column].cell_length for row in rows) for column in range(len(rows[0]))]
        bar = Content.styled(" │ ", _MUTED)
        for number, row in enumerate(rows):
            cells = [cell.pad_right(width - cell.cell_length) for cell, width in zip(row, widths, strict=True)]
            line = bar.join(cells)
            self._add(line.stylize("bold") if number == 0 else line)
            if number == 0:
                self._add(Content.styled("─┼─".join("─" * width for width in widths), _MUTED))


def _coloured(code: str, language: str) -> Content:
    """Return `code` in the colours of `language`; one that is not known gets none."""
    from textual.highlight import highlight

    coloured = highlight(code, language=language, theme=_code_colours())
    # The lexer may normalise white space; colours are not worth a changed character.
    return coloured if coloured.plain == code else Content(code)


@cache
def _code_colours() -> type[HighlightTheme]:
    """Return Textual's colours of code, quieter: functions without a line below, `import` like other keywords."""
    from pygments.token import Token as Code
    from textual.highlight import HighlightTheme

    class Quiet(HighlightTheme):
        STYLES = {  # noqa: RUF012 - the base's own declaration
            **HighlightTheme.STYLES,
            Code.Name: "$foreground",
            Code.Name.Function: "$text-warning",
            Code.Name.Function.Magic: "$text-warning",
            Code.Keyword.Namespace: "$text-accent",
            Code.Operator: "$foreground",
            Code.Operator.Word: "$text-accent",
        }

    return Quiet


def _inline(token: Token) -> Content:
    """Return the text of a paragraph, heading or cell with its emphasis."""
    text: list[str] = []
    spans: list[Span] = []
    opened: list[tuple[int, str]] = []
    links: list[str] = []
    length = 0

    def add(part: str, style: str = "") -> None:
        nonlocal length
        text.append(part)
        if style and part:
            spans.append(Span(length, length + len(part), style))
        length += len(part)

    for child in token.children or ():
        match child.type:
            case "softbreak" | "hardbreak":
                add("\n")
            case "code_inline":
                add(child.content, _CODE)
            case "strong_open":
                opened.append((length, "bold"))
            case "em_open":
                opened.append((length, "italic"))
            case "s_open":
                opened.append((length, "strike"))
            case "link_open":
                links.append(_address(child, "href"))
                opened.append((length, "underline"))
            case "strong_close" | "em_close" | "s_close" | "link_close":
                start, style = opened.pop()
                if start < length:
                    spans.append(Span(start, length, style))
                if child.type == "link_close":
                    address = links.pop()
                    if address and not _shown("".join(text), address):
                        add(f" ({address})", _MUTED)
            case "image":
                add(f"{child.content} ({_address(child, 'src')})", _MUTED)
            case _:
                add(child.content)
    return Content("".join(text), spans)


def _address(token: Token, attribute: str) -> str:
    """Return where a link or picture points, and its title if it has one."""
    title = token.attrs.get("title")
    return f'{token.attrs.get(attribute, "")} "{title}"' if title else str(token.attrs.get(attribute, ""))


def _shown(text: str, address: str) -> bool:
    """Return whether the text of a link already ends with its address (`<https://…>`)."""
    return text.endswith(address) or text.endswith(address.removeprefix("mailto:"))
