"""Where answers differ, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+|[^\w\s]")

Span = tuple[int, int]


def differences(texts: Sequence[str]) -> list[list[Span]]:
    """Return for each text where its words are that not all have, as begin and end in the text.

    Each is laid beside the first: in the first, what any other lacks or has otherwise is marked; in the others, what
    the first has not. A sign such as a full stop is a word.
    """
    found: list[list[re.Match[str]]] = [list(_WORD.finditer(text)) for text in texts]
    words = [[match[0] for match in some] for some in found]
    marked: list[set[int]] = [set() for _ in texts]
    for other in range(1, len(texts)):
        matcher = SequenceMatcher(None, words[0], words[other], autojunk=False)
        for kind, begin, end, begin_there, end_there in matcher.get_opcodes():
            if kind != "equal":
                marked[0].update(range(begin, end))
                marked[other].update(range(begin_there, end_there))
    return [[some[number].span() for number in sorted(numbers)] for some, numbers in zip(found, marked, strict=True)]
