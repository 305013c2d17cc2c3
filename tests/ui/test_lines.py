"""Lines that grow: what they take over from before must be what they would be if they were laid out anew."""

from __future__ import annotations

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
