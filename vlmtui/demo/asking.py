"""Draws questions about one picture from all kinds that there are."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from vlmtui.demo.questions import (
    Maker,
    absent,
    colour,
    colours,
    compare,
    count,
    describe,
    exists,
    other,
    read,
    relation,
    shape,
    size,
    what_at,
    where,
)
from vlmtui.demo.scene import Scene
from vlmtui.demo.wording import Question, say_loosely

SINGLE: dict[str, tuple[Maker, float]] = {
    "count": (count, 1.6),
    "where": (where, 0.5),
    "what_at": (what_at, 0.5),
    "colour": (colour, 0.3),
    "shape": (shape, 0.3),
    "exists": (exists, 0.6),
    "relation": (relation, 0.7),
    "compare": (compare, 2.0),
    "size": (size, 0.3),
    "read": (read, 2.6),
    "describe": (describe, 2.6),
    "colours": (colours, 1.0),
    "absent": (absent, 0.3),
    "other": (other, 0.3),
}
"""Every maker of questions about one picture, with how often it is drawn."""


TOO_SMALL = "the text is too small for me: turn picture splitting on"
"""The answer to fine print that is seen in one tile."""

NO_PICTURE = "I see no picture: open one and ask me again"
"""The answer to a question about a picture where there is none."""


def ask(
    scene: Scene, rng: Random, number: int, weights: dict[str, float] | None = None, splitting: bool = False
) -> list[Question]:
    """`number` different questions about one picture, in random order.

    Args:
        splitting: whether the picture is sent in tiles, so that fine print can be read.
        weights: how often each maker of `SINGLE` is drawn; those of `SINGLE` where None.
    """
    names = list(SINGLE)
    chances = [(weights or {}).get(name, SINGLE[name][1]) for name in names]
    if scene.lettering is not None:
        chances[names.index("read")] *= 4 if scene.lettering.fine else 2
    asked: list[Question] = []
    prompts: set[str] = set()
    tries = 0
    while len(asked) < number and (tries < number * 12 or not asked):
        tries += 1
        name = rng.choices(names, chances)[0]
        question = SINGLE[name][0](scene, rng)
        if question is not None and question.prompt not in prompts:
            prompts.add(question.prompt)
            asked.append(finish(question, rng, splitting))
    while len(asked) < number:
        asked.append(rng.choice(asked))
    return asked


def finish(question: Question, rng: Random, splitting: bool) -> Question:
    """The question as people type it, with the answer that holds with or without picture splitting."""
    answer = TOO_SMALL if question.kind == "fine print" and not splitting else question.answer
    spelled = question.spelled if answer == question.answer else ()
    return replace(question, prompt=say_loosely(rng, question.prompt), answer=answer, spelled=spelled)


def ask_blind(scene: Scene, rng: Random, number: int) -> list[Question]:
    """`number` questions about a picture that is not shown."""
    asked = ask(scene, rng, number)
    return [q if q.kind == "other" else Question("no picture", q.prompt, NO_PICTURE) for q in asked]
