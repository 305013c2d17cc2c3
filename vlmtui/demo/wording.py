"""A question with its answer, and the many ways in which people word the same question."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from vlmtui.demo.scene import Item


@dataclass(frozen=True)
class Question:
    """`kind` is the row of the evaluation table that it counts in; `about` are the shapes that the prompt names, in
    the order in which it names them, and `picture` is the number (from 0) of the picture or frame that they are in.
    `told` are the shapes that the answer names, each with the number of its picture, and `spelled` the places of the
    glyphs that it ends with, as fractions of the picture's width and height. Only training looks at these."""

    kind: str
    prompt: str
    answer: str
    about: tuple[Item, ...] = ()
    picture: int = 0
    told: tuple[tuple[Item, int], ...] = ()
    spelled: tuple[tuple[float, float], ...] = ()


_PREFIXES = ("Please tell me: ", "Can you tell me: ", "Tell me, ", "Look closely: ", "Question: ", "OK, ", "And ")
_SHORTER = (("What is ", "What's "), ("Where is ", "Where's "), ("Which is ", "Which one is "))


def wording(rng: Random, *options: str, **names: str) -> str:
    """One of the wordings, its `{names}` filled in; "picture" is at times said otherwise, "colour" as often "color"."""
    prompt = rng.choice(options).format(**names)
    if "picture" in prompt and rng.random() < 0.5:
        prompt = prompt.replace("picture", rng.choice(("image", "image", "photo", "drawing")))
    if "colour" in prompt and rng.random() < 0.5:
        prompt = prompt.replace("colour", "color")
    return prompt


def say_loosely(rng: Random, prompt: str) -> str:
    """The prompt as people type it: in small letters, without the question mark, with a word of politeness."""
    roll = rng.random()
    if roll < 0.1:
        for long, short in _SHORTER:
            prompt = prompt.replace(long, short)
    elif roll < 0.16:
        prompt = rng.choice(_PREFIXES) + prompt[0].lower() + prompt[1:]
    if rng.random() < 0.2:
        prompt = prompt[0].lower() + prompt[1:]
    if rng.random() < 0.18:
        prompt = prompt.rstrip("?.")
    return prompt
