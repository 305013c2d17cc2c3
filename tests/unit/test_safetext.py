"""Untrusted text cannot steer the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmtui.safetext import safe_line, safe_text, sentence


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]52;c;ZXZpbA==\x07",  # writes the clipboard
        "\x9d52;c;ZXZpbA==\x9c",  # the same with C1 controls
        "\x1b[2J\x1b[H",  # clears the screen
        "\x1bPq#0~\x1b\\",  # sixel
        "a\rb",  # overwrites a line
        "photo\u202egpj.exe",  # reads as photoexe.jpg
        "\x08\x08\x7f",
        "\ud800",
    ],
)
def test_nothing_that_a_terminal_acts_on_is_left(hostile: str) -> None:
    shown = safe_text(hostile)
    assert "\N{REPLACEMENT CHARACTER}" in shown
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in shown)
    shown.encode("utf-8")


@given(st.text(st.characters()))
def test_safe_text_is_printable_and_settles(text: str) -> None:
    shown = safe_text(text)
    assert all(c in "\n\t" or ord(c) >= 0x20 for c in shown)
    assert not any(0x7F <= ord(c) <= 0x9F for c in shown)
    assert safe_text(shown) == shown
    shown.encode("utf-8")


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs", "M"])))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_line_is_one_line_of_the_length_asked_for(text: str, limit: int) -> None:
    line = safe_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line and "\t" not in line


def test_windows_line_ends_keep_their_lines() -> None:
    assert safe_text("a\r\nb") == "a\nb"


def test_a_sentence_leaves_a_files_name_as_it_is() -> None:
    assert sentence("choose another file") == "Choose another file."
    assert sentence("cut.png is cut off", "cut.png") == "cut.png is cut off."
    assert sentence("the file\x1b[31m", "") == "The file\N{REPLACEMENT CHARACTER}[31m."
