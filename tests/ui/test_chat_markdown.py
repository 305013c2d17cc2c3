"""Markdown laid out as lines: the same however it was cut on its way, and with every word that was sent."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vlmtui.safetext import safe_text
from vlmtui.ui.widgets.markdown_lines import MarkdownLines

SAMPLE = """# Title
First line
second line with **bold *both* words**, `code` and ~~none~~

- a
- b
  - nested item
    still nested

3. three
4. four

   more of four

> quoted
> - in the quote

```python
def f(x):
    return x + 1

# after a blank line
```

| a | b |
|---|---|
| 1 | **2** |

[ref]: http://example.org/definition
<b>html</b>

-

end
"""


def plain(markdown: MarkdownLines) -> list[str]:
    return [line.plain for line in markdown.lines]


def test_the_elements_and_their_indents() -> None:
    assert plain(MarkdownLines(SAMPLE)) == [
        "Title",
        "",
        "First line",
        "second line with bold both words, code and none",
        "",
        "• a",
        "• b",
        "  ◦ nested item",
        "    still nested",
        "",
        "3. three",
        "",
        "4. four",
        "",
        "   more of four",
        "",
        "▌ quoted",
        "▌ • in the quote",
        "",
        "python",
        "def f(x):",
        "    return x + 1",
        "",
        "# after a blank line",
        "",
        "a │ b",
        "──┼──",
        "1 │ 2",
        "",
        "[ref]: http://example.org/definition",
        "<b>html</b>",
        "",
        "• ",
        "",
        "end",
    ]


def cut(text: str, sizes: list[int]) -> list[str]:
    pieces, place = [], 0
    for size in sizes:
        pieces.append(text[place : place + size])
        place += size
    return [*pieces, text[place:]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 25), max_size=120))
@example([1] * len(SAMPLE))
def test_any_cutting_of_a_stream_ends_in_the_same_lines(sizes: list[int]) -> None:
    markdown = MarkdownLines()
    for piece in cut(SAMPLE, sizes):
        markdown.append(piece)
    assert markdown.source == SAMPLE
    assert plain(markdown) == plain(MarkdownLines(SAMPLE)), "already before it is complete"
    markdown.complete()
    assert plain(markdown) == plain(MarkdownLines(SAMPLE))


# All that Markdown knows but entities, which stand for something else.
_MARKED = st.text(st.sampled_from("ab1 \n\t|`*_~#>-+.()[]<>!:=\"'\\/{}^"), max_size=80)


@settings(max_examples=400, deadline=None)
@given(st.lists(_MARKED, max_size=6))
@example(["[a", "]: b"])
@example(['[a](b "ab', '1")'])
@example(["```ab b1\nb"])
@example(["![ab](b 'a')"])
@example(["|a|\n|-|\n|1|b1|"])
@example(["> " * 90 + "ab"])
@example(["- " * 40 + "ab"])
def test_every_word_that_was_sent_is_shown_all_along(pieces: list[str]) -> None:
    markdown = MarkdownLines()
    for piece in pieces:
        markdown.append(piece)
        shown = "\n".join(plain(markdown))
        for word in re.findall("[ab1]+", markdown.source):
            assert word in shown
    assert markdown.source == "".join(pieces)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_it_and_none_of_it_is_a_control_character(text: str) -> None:
    markdown = MarkdownLines(safe_text(text))
    for line in plain(markdown):
        assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", line)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "https://example.org/a"])
def test_a_link_shows_where_it_points_and_does_nothing(address: str) -> None:
    (line,) = MarkdownLines(f"see [here]({address})").lines
    assert address in line.plain
    for span in line.content.spans:
        assert "@click" not in str(span.style) and "link" not in str(span.style)


def test_text_that_looks_like_markup_is_text() -> None:
    (line,) = MarkdownLines("[red]alarm[/red] [@click=app.quit]x[/] [bold]").lines
    assert line.plain == "[red]alarm[/red] [@click=app.quit]x[/] [bold]"


def test_deep_nesting_leaves_room_for_the_text() -> None:
    text = "\n".join(f"{'  ' * depth}- item {depth}" for depth in range(15))
    lines = MarkdownLines(text).lines
    assert max(line.lead.cell_length for line in lines) <= 12
    assert "item 14" in lines[-1].plain


def test_a_settled_block_is_not_laid_out_again() -> None:
    markdown = MarkdownLines()
    markdown.append("first\n\nsecond\n\nthird")
    before = list(markdown.lines)
    markdown.append(" and more\n\nfourth")
    assert markdown.lines[0] is before[0] and markdown.lines[2] is before[2]


@pytest.mark.parametrize("long", ["word and *two* more " * 300, "- an item of it\n" * 300, "```\n" + "a line\n" * 900])
def test_much_text_at_once_is_laid_out_as_when_it_comes_word_by_word(long: str) -> None:
    text = f"# Title\n\nA paragraph.\n\n{long}"
    markdown = MarkdownLines()
    for piece in (text, "and ", "on"):  # as when the chat comes back to an answer that streams
        markdown.append(piece)
        assert markdown.unsettled < len(text)
    shown = " ".join(plain(markdown)).split()
    whole = MarkdownLines(text + "and on")
    assert [word for word in shown if word.isalpha()] == [w for w in " ".join(plain(whole)).split() if w.isalpha()]
    markdown.complete()
    assert plain(markdown) == plain(whole)


@pytest.mark.parametrize(
    "text", ["[" * 5_000, "*a " * 4_000, "`" * 5_001 + "a", "> " * 2_000, "<" * 5_000, "- " * 2_000]
)
def test_text_made_to_be_slow_is_not(text: str) -> None:
    from time import process_time

    begun = process_time()
    MarkdownLines(text)
    assert process_time() - begun < 2.0
