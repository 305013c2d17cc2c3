"""Streams of token ids to text: any ids, taken at any moment."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny_model import checkpoint
from vlmtui.engine.detokenizing import Detokenizer


def byte_level() -> Any:
    """The family's kind of tokenizer, whose tokens may be halves of characters."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(checkpoint("smolvlm"))


def word_pieces() -> Any:
    """A tokenizer that puts spaces between words when it decodes, and strips the first (SentencePiece's way)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "▁the", "▁red", "▁circle", "s", "▁", "▁and", ".", "▁two", *(f"<0x{b:02X}>" for b in range(256))]
    tokenizer = Tokenizer(models.BPE({w: i for i, w in enumerate(words)}, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def streamed(tokenizer: Any, ids: list[int], take_after: list[bool]) -> list[str]:
    """Return the pieces when text is taken after those tokens whose flag is set."""
    text = Detokenizer(tokenizer)
    pieces = []
    for number, token in enumerate(ids):
        text.add(token)
        if take_after[number % len(take_after)]:
            pieces.append(text.take())
    return [*pieces, text.finish()]


_BYTES = byte_level()
_WORDS = word_pieces()
_FLAGS = st.lists(st.booleans(), min_size=1, max_size=7)


def _whole(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


@settings(max_examples=400, deadline=None)
@given(ids=st.lists(st.integers(0, 1100), max_size=200), flags=_FLAGS)
def test_pieces_add_up_to_the_whole(ids: list[int], flags: list[bool]) -> None:
    ids = [token for token in ids if token < len(_BYTES)]
    assert "".join(streamed(_BYTES, ids, flags)) == _whole(_BYTES, ids)


@settings(max_examples=300, deadline=None)
@given(text=st.lists(st.one_of(st.integers(1, 8), st.characters(min_codepoint=128)), max_size=120), flags=_FLAGS)
def test_pieces_add_up_with_spaces_between_words(text: list[int | str], flags: list[bool]) -> None:
    # Characters that are no word come as their bytes, one token each.
    ids: list[int] = []
    for thing in text:
        ids += [thing] if isinstance(thing, int) else [9 + byte for byte in thing.encode("utf-8", "replace")]
    assert "".join(streamed(_WORDS, ids, flags)) == _whole(_WORDS, ids)


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=120), flags=_FLAGS)
def test_no_piece_shows_half_a_character(text: str, flags: list[bool]) -> None:
    tokenizer = _BYTES
    ids = tokenizer.encode(text.replace("\N{REPLACEMENT CHARACTER}", "?"), add_special_tokens=False)
    for piece in streamed(tokenizer, ids, flags):
        assert "\N{REPLACEMENT CHARACTER}" not in piece


def test_a_long_answer_costs_no_more_a_token_than_a_short_one() -> None:
    decoded: list[int] = []

    class Counting:
        def decode(self, ids: list[int], **options: Any) -> str:
            decoded.append(len(ids))
            return str(_BYTES.decode(ids, **options))

    text = Detokenizer(Counting())
    for token in _BYTES.encode("All shapes are red. " * 400, add_special_tokens=False):
        text.add(token)
        text.take()
    assert max(decoded) < 120
    text.finish()


def test_an_empty_answer() -> None:
    text = Detokenizer(_BYTES)
    assert (text.take(), text.finish()) == ("", "")


def test_special_tokens_are_not_shown() -> None:
    ids = [*_BYTES.encode("Two.", add_special_tokens=False), _BYTES.eos_token_id]
    assert "".join(streamed(_BYTES, ids, [True])) == "Two."
    assert json.dumps(_BYTES.decode(ids)) != '"Two."'
