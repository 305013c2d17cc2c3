"""Answers of the terminal never become key presses, however they arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmtui.ui.graphics.replies import QUESTION, ReplyFilter

NAME, KITTY, CELL, REGISTERS, KIND = (
    "\x1bP>|kitty(0.41.1)\x1b\\", "\x1b_Gi=31;OK\x1b\\", "\x1b[6;20;10t", "\x1b[?1;0;256S", "\x1b[?62;4;22c"
)  # fmt: skip
TYPED = (
    "a", "\x1b", "\x1b[A", "\x1b[15~", "\x1bb", "\x1b[6~", "ü", "\r", "\x1b[<0;5;5M", "\x1b[?2026;2$y", "c",
    "\x1b[200~x\x1b[201~",
)  # fmt: skip


def test_answers_are_understood() -> None:
    replies = ReplyFilter()
    replies.begin()
    assert replies.feed(NAME + KITTY + CELL + REGISTERS + KIND) == ""
    found = replies.replies
    assert (found.name, found.kitty, found.sixel, found.cell, found.registers, found.complete) == (
        "kitty(0.41.1)", True, True, (10, 20), 256, True
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "sixel"), [("\x1b[?1;2c", False), ("\x1b[?64;1;4c", True), ("\x1b[?4c", False)])
def test_sixels_are_an_extension_not_a_kind(kind: str, sixel: bool) -> None:
    replies = ReplyFilter()
    replies.begin()
    replies.feed(kind)
    assert replies.replies.complete and replies.replies.sixel is sixel


def test_a_refusal_is_no_support() -> None:
    replies = ReplyFilter()
    replies.begin()
    assert replies.feed("\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[?1;3;0S" + KIND) == ""
    assert not replies.replies.kitty and not replies.replies.registers


def test_before_the_question_nothing_is_touched() -> None:
    assert ReplyFilter().feed(KIND + "\x1b") == KIND + "\x1b"


def test_the_question_ends_with_what_every_terminal_answers() -> None:
    assert QUESTION.endswith("\x1b[c") and "\n" not in QUESTION


@given(
    typed=st.lists(st.sampled_from(TYPED), max_size=8),
    places=st.lists(st.integers(0, 8), min_size=5, max_size=5),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_what_is_typed_arrives_whole_and_in_order(typed: list[str], places: list[int], cuts: list[int]) -> None:
    """Answers in their order, keys anywhere between them, read in any pieces."""
    # A lone Escape right before other input is not told apart from the start of a sequence, by any terminal program.
    keys = [key for i, key in enumerate(typed) if key != "\x1b" or i == len(typed) - 1]
    stream = list(keys)
    before = len(keys) - 1 if keys and keys[-1] == "\x1b" else len(keys)
    ordered = sorted(min(place, before) for place in places)
    for reply, at in reversed(list(zip((NAME, KITTY, CELL, REGISTERS, KIND), ordered, strict=True))):
        stream.insert(at, reply)
    text = "".join(stream)
    replies = ReplyFilter()
    replies.begin()
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    got = "".join(replies.feed(text[a:b]) for a, b in pairwise(bounds)) + replies.release()
    assert got == "".join(keys)
    assert replies.replies.complete and replies.replies.cell == (10, 20) and replies.replies.kitty


def test_escape_is_not_held_once_all_answers_are_there() -> None:
    replies = ReplyFilter()
    replies.begin()
    assert replies.feed("\x1b") == ""
    assert replies.release() == "\x1b"
    replies.feed(KIND)
    assert replies.feed("\x1b") == "\x1b"
    assert replies.feed(CELL + "x") == "x"  # a late answer, still none of the user's keys


def test_an_endless_answer_is_let_go() -> None:
    replies = ReplyFilter()
    replies.begin()
    got = "".join(replies.feed(piece) for piece in ["\x1bP>|", *["x" * 50] * 8])
    assert got.endswith("x" * 50)
