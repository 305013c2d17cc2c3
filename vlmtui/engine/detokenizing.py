"""From token ids to text, piece by piece: never half a character, none lost, and the same text as decoding at once."""

from __future__ import annotations

from typing import Any

_HALF = "\N{REPLACEMENT CHARACTER}"
_WINDOW = 48
_KEPT = 8


class Detokenizer:
    """Collects token ids; `take` returns the text that is whole by now, `finish` what is left.

    Only a window of the newest ids is decoded, so a long answer costs no more a token than a short one.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._start = 0
        self._shown = ""  # of the window's text, what was handed out
        self._taken: list[str] = []

    def add(self, token: int) -> None:
        """Take the next token."""
        self._ids.append(token)

    def take(self) -> str:
        """Return the text that has become whole since the last call; an unfinished character waits for its bytes."""
        text = self._decode(self._start)
        whole = text.rstrip(_HALF)
        # Some tokenizers show a whole run of bytes as halves until its last character is complete: then this waits too.
        if not whole.startswith(self._shown):
            return ""
        piece = whole[len(self._shown) :]
        if piece:
            self._shown = whole
            self._taken.append(piece)
        if len(self._ids) - self._start > _WINDOW and whole == text:
            self._advance(text)
        return piece

    def finish(self) -> str:
        """Return the rest, unfinished characters as the tokenizer shows them."""
        before = "".join(self._taken)
        everything = self._decode(0)
        if everything.startswith(before):
            rest = everything[len(before) :]
        else:  # a tokenizer whose text depends on what comes far later; what was shown stays, the window's rest follows
            rest = self._decode(self._start)[len(self._shown) :]
        if rest:
            self._taken.append(rest)
        self._start, self._shown = 0, everything
        return rest

    def _advance(self, text: str) -> None:
        """Begin the window later, where that changes nothing: not inside a character, not where a space would go."""
        start = len(self._ids) - _KEPT
        tail = self._decode(start)
        if tail and text.endswith(tail) and not tail.startswith(_HALF):
            self._start, self._shown = start, tail

    def _decode(self, start: int) -> str:
        return str(
            self._tokenizer.decode(self._ids[start:], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )
