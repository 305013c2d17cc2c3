"""Where a very long block of Markdown that still grows can be cut, so that only its end is parsed at each paint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content

from vlmtui.ui.widgets.lines import Line

if TYPE_CHECKING:
    from markdown_it.token import Token

# What follows a cut must begin with a letter: it is a paragraph then, whatever comes.
_WORD_BEGINS = re.compile(r"(?<=\s)(?=[^\W\d_])")
_PAIRS = ("*", "_", "`", "~")
_TRIES = 60


@dataclass(slots=True, frozen=True)
class Cut:
    """A place in the text where a block can be cut.

    Attributes:
        place: of the first character behind the cut.
        opening: what has to stand before the rest so that it is parsed as the same kind of block.
        skip: so many lines of the rest only come from `opening`.
        in_line: whether the cut is within a line, so that the rest goes on in it.
    """

    place: int
    opening: str = ""
    skip: int = 0
    in_line: bool = False


@dataclass(slots=True, frozen=True)
class Within:
    """How the rest of a block goes on behind what is settled of it.

    Attributes:
        opening: see `Cut`.
        skip: see `Cut`.
        first: what stands in the rest's first line already; None where that is a line of its own.
    """

    opening: str
    skip: int
    first: Content | None

    def continued(self, lines: list[Line]) -> list[Line]:
        """Return the lines of the rest as they follow the settled ones."""
        lines = lines[self.skip :]
        if self.first is not None and lines:
            line = lines[0]
            lines[0] = Line(self.first + line.content, line.lead, line.hang, line.fill)
        return lines


def cut_in(text: str, block: list[Token]) -> Cut | None:
    """Return where `block`, the last one of `text`, can be cut; None where it cannot."""
    kind = block[0].type
    row = (block[0].map or [0])[0]
    if kind in ("bullet_list_open", "ordered_list_open"):
        items = [token.map[0] for token in block if token.type == "list_item_open" and token.level == 1 and token.map]
        return Cut(offset_of_row(text, items[-1])) if len(items) > 1 else None
    begin = offset_of_row(text, row)
    if kind == "fence":
        opening = text[begin : text.index("\n", begin) + 1]
        place = text.rindex("\n") + 1
        return Cut(place, opening, 1 if block[0].info else 0) if place > begin + len(opening) else None
    return _in_paragraph(text, begin) if kind == "paragraph_open" else None


def _in_paragraph(text: str, begin: int) -> Cut | None:
    """Return a cut before a word that no emphasis, code or link goes across, as far as one can see."""
    middle = (begin + len(text)) // 2
    for number, match in enumerate(_WORD_BEGINS.finditer(text, middle)):
        before = text[begin : match.start()]
        if number == _TRIES:
            break
        if before.count("[") == before.count("]") and not any(before.count(sign) % 2 for sign in _PAIRS):
            return Cut(match.start(), in_line=before[-1] != "\n")
    return None


def offset_of_row(text: str, row: int) -> int:
    """Return where row `row` of `text` begins, counted from 0."""
    place = 0
    for _ in range(row):
        place = text.index("\n", place) + 1
    return place
