"""Lines that grow: what they take over from before must be what they would be if they were laid out anew."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from textual.content import Content
from textual.style import Style
from textual.visual import RenderOptions

from vlmtui.ui.widgets.lines import Line, LinesVisual
from vlmtui.ui.widgets.markdown_lines import MarkdownLines

_TEXT = st.text(st.sampled_from("ab  \twö漢e\u0301*`_"), max_size=120)
_OPTIONS = RenderOptions(lambda style: style if isinstance(style, Style) else Style(bold="bold" in style), {})


def rows(line: Line, width: int) -> list[list[tuple[str, object]]]:
    """Return what the line shows: its rows as their texts and styles, offsets for a selection among them."""
    strips = line.rows(width, 3, Style(), _OPTIONS)
    return [[(segment.text, segment.style) for segment in strip] for strip in strips]


@settings(max_examples=150, deadline=None)
@given(_TEXT, st.integers(4, 30))
@example("a  " + "x" * 30 + "   b", 10)
def test_a_line_wraps_as_textual_wraps_it(text: str, width: int) -> None:
    expected = Content(text).render_strips(width, None, Style(), _OPTIONS) if text else [()]
    got = Line(Content(text)).rows(width, 0, Style(), _OPTIONS)
    assert ["".join(part.text for part in row) for row in got] == [
        "".join(part.text for part in row) for row in expected
    ]


@settings(max_examples=150, deadline=None)
@given(st.lists(_TEXT, min_size=2, max_size=6), st.integers(4, 30), st.sampled_from([0, 3, 9]))
@example(["one ", "two", "three "], 6, 0)
@example(["aaaa **bbb", "b** cc"], 9, 0)
def test_a_line_that_grew_shows_what_a_new_one_shows(pieces: list[str], width: int, marked: int) -> None:
    line = Line()
    text = ""
    for piece in pieces:
        text += piece
        content = Content(text).stylize("bold", marked, marked + 5)
        line = Line(content).grown_from(line)
        assert rows(line, width) == rows(Line(content), width)
    shorter = Content(text[: len(text) // 2])
    assert rows(Line(shorter).grown_from(line), width) == rows(Line(shorter), width)


def test_markdown_that_grows_keeps_the_lines_that_stay_and_says_where_it_changed() -> None:
    markdown = MarkdownLines()
    markdown.append("# Title\n\nfirst\n\n- one\n- two")
    kept = list(markdown.lines)
    markdown.append(" and more\n- three")
    at = markdown.changed_from
    assert [line.plain for line in markdown.lines[at:]] == ["• two and more", "• three"]
    assert all(line is before for line, before in zip(markdown.lines[:at], kept, strict=False))


def test_rows_in_view_are_those_of_the_whole() -> None:
    visual = LinesVisual([Line(Content(f"line {n} " * (n % 4))) for n in range(30)])
    whole = visual.render_strips(12, None, Style(), _OPTIONS)
    assert len(whole) == visual.tops(12)[-1]
    for first in range(0, len(whole), 5):
        assert visual.rows(12, Style(), _OPTIONS, first, first + 7) == whole[first : first + 7]


_LONG = [
    "word **bold words** and `code` " * 300,
    "\n".join(f"line {n} with *some* words" for n in range(300)),
    "\n".join(f"- item {n} of a list\n  - and one below" for n in range(200)),
    "\n\n".join(f"{n}. item {n} of a loose list" for n in range(200)),
    "```python\n" + "\n".join(f"def f{n}(x):  # {n}" for n in range(300)) + "\n```\n\nafter it\n\n- a\n- b",
    "x" * 9000,
]


@pytest.mark.parametrize("text", _LONG, ids=["words", "lines", "items", "numbers", "code", "one"])
def test_a_very_long_block_is_shown_in_parts_while_it_grows_and_whole_in_the_end(text: str) -> None:
    markdown = MarkdownLines()
    parsed: list[int] = []
    for at in range(0, len(text), 70):
        markdown.append(text[at : at + 70])
        parsed.append(markdown.unsettled)
        shown = " ".join(line.plain for line in markdown.lines)
        so_far = re.findall(r"[a-z]+\d*", text[: at + 70].removeprefix("```python"))
        assert re.findall(r"[a-z]+\d*", shown)[-len(so_far) + 1 : -1] == so_far[1:-1]
    assert "x" in text[:1] or max(parsed) < 4_000, "the cost of a paint does not grow with the answer"
    markdown.complete()
    whole = MarkdownLines(text).lines
    assert [(line.plain, line.content.spans, line.fill) for line in markdown.lines] == [
        (line.plain, line.content.spans, line.fill) for line in whole
    ]
