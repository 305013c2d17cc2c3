"""Saying plainly that the demo model knows coloured shapes and short words, when a question is about something else."""

from __future__ import annotations

import re
from functools import cache

_WORDS = re.compile(r"[a-z]+")

_ABOUT_THE_TASK = frozenset(
    word
    for line in (
        "colour colours color colors coloured colored picture pictures image images frame frames video",
        "move moves moving direction change changes appear appears many number count few most more fewer",
        "differ differs different difference differences same what which where how",
        "read text word words written say says letters digits describe description",
        "left right above below top bottom middle center centre corner under over between next beside",
        "small big large little bigger smaller largest smallest biggest it them they one ones there",
    )
    for word in line.split()
)
"""Words with which one asks about shapes without naming one: they settle nothing."""


def is_elsewhere(question: str) -> bool:
    """Return whether `question` plainly is about something that the demo model does not know.

    A light check: it names something that is neither a shape nor a colour (a car, a receipt), and no shape or colour.
    """
    from vlmtui.demo.elsewhere import NOUNS

    words = set(_WORDS.findall(question.casefold()))
    if words & _known():
        return False
    singular = {word.removesuffix("s") for word in words} | words
    return bool(singular & set(NOUNS)) or not words & _ABOUT_THE_TASK


def is_the_models_own_no(answer: str) -> bool:
    """Return whether the demo model itself has said that it does not know."""
    from vlmtui.demo.elsewhere import HONEST

    return answer.strip() == HONEST


@cache
def _known() -> frozenset[str]:
    from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, plural

    return frozenset([*SHAPES, *(plural(shape) for shape in SHAPES), *COLOUR_NAMES, "shape", "shapes"])


def remark(key: str) -> str:
    """Return the line for the user; `key` opens the model picker."""
    return (
        "The demo model knows coloured shapes and short printed words only; about anything else its answer means "
        f"nothing. {key} chooses a real SmolVLM."
    )
