"""Questions about one picture, each in several wordings, with short canonical answers.

A maker returns None where the scene allows no unambiguous question of its kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from vlmtui.demo.elsewhere import elsewhere
from vlmtui.demo.scene import Item, Scene, place_of
from vlmtui.demo.vocabulary import (
    COLOUR_NAMES,
    PLACE_MARGIN,
    PLACES,
    SHAPES,
    in_place,
    indefinite,
    listed,
    plural,
)

MIN_OFFSET = 0.12
"""Left of, right of, above and below are asked only where the centres differ by at least this fraction."""


@dataclass(frozen=True)
class Question:
    """`kind` is the row of the evaluation table that it counts in."""

    kind: str
    prompt: str
    answer: str


Maker = Callable[[Scene, Random], Question | None]


def say_loosely(rng: Random, prompt: str) -> str:
    """The prompt as people type it: now and then in small letters, or without the question mark."""
    if rng.random() < 0.15:
        prompt = prompt[0].lower() + prompt[1:]
    if rng.random() < 0.15:
        prompt = prompt.rstrip("?.")
    return prompt


def _one_by(items: tuple[Item, ...], **wanted: str) -> Item | None:
    found = [item for item in items if all(getattr(item, key) == value for key, value in wanted.items())]
    return found[0] if len(found) == 1 else None


def referable(scene: Scene) -> list[Item]:
    """The shapes that colour and shape together name without doubt."""
    return [item for item in scene.items if _one_by(scene.items, shape=item.shape, colour=item.colour)]


def reference(rng: Random, scene: Scene, item: Item) -> str:
    """A noun for one shape: mostly `"red circle"`, sometimes `"circle"` where there is only one."""
    if rng.random() < 0.25 and _one_by(scene.items, shape=item.shape):
        return item.shape
    return item.name


def count(scene: Scene, rng: Random) -> Question | None:
    """How many shapes, how many circles, how many red shapes."""
    roll = rng.random()
    if roll < 0.5 or not scene.items:
        prompt = rng.choice((
            "How many shapes are there?", "How many shapes are in the picture?", "How many shapes do you see?",
            "Count the shapes.", "How many shapes can you see in this image?", "What is the number of shapes?",
        ))  # fmt: skip
        return Question("count", prompt, str(len(scene.items)))
    there = rng.random() < 0.7
    if roll < 0.75:
        shape = rng.choice(scene.items).shape if there else rng.choice(SHAPES)
        number, what = sum(item.shape == shape for item in scene.items), plural(shape)
    else:
        colour = rng.choice(scene.items).colour if there else rng.choice(COLOUR_NAMES)
        number, what = sum(item.colour == colour for item in scene.items), f"{colour} shapes"
    prompt = rng.choice((
        "How many {} are there?", "How many {} are in the picture?", "How many {} do you see?", "Count the {}.",
    ))  # fmt: skip
    return Question("count", prompt.format(what), str(number))


def where(scene: Scene, rng: Random) -> Question | None:
    """Where a shape is, in nine places."""
    items = [item for item in referable(scene) if place_of(item.x, item.y)]
    if not items:
        return None
    item = rng.choice(items)
    place = place_of(item.x, item.y)
    assert place is not None
    prompt = rng.choice((
        "Where is the {}?", "In which part of the picture is the {}?", "What is the position of the {}?",
        "Where do you see the {}?", "Where is the {} in the image?",
    ))  # fmt: skip
    return Question("place", prompt.format(reference(rng, scene, item)), place)


def _near_cell(item: Item, row: int, column: int) -> bool:
    low_x, low_y = column / 3 - PLACE_MARGIN, row / 3 - PLACE_MARGIN
    step = 1 / 3 + 2 * PLACE_MARGIN
    return low_x <= item.x <= low_x + step and low_y <= item.y <= low_y + step


def _print_in_cell(scene: Scene, row: int, column: int) -> bool:
    if scene.lettering is None:
        return False
    left, top, right, bottom = scene.lettering.box
    return left < (column + 1) / 3 and right > column / 3 and top < (row + 1) / 3 and bottom > row / 3


def what_at(scene: Scene, rng: Random) -> Question | None:
    """What is in one of the nine places; "nothing" where it is empty."""
    full: list[tuple[str, Item]] = []
    empty: list[str] = []
    for row, names in enumerate(PLACES):
        for column, place in enumerate(names):
            near = [item for item in scene.items if _near_cell(item, row, column)]
            if _print_in_cell(scene, row, column):
                continue
            if len(near) == 1 and place_of(near[0].x, near[0].y) == place:
                full.append((place, near[0]))
            elif not near:
                empty.append(place)
    if full and rng.random() < 0.85:
        place, item = rng.choice(full)
        answer = indefinite(item.name)
    elif empty and scene.items:
        place, answer = rng.choice(empty), "nothing"
    else:
        return None
    prompt = rng.choice((
        "What is {}?", "What is {} of the picture?", "What do you see {}?", "Which shape is {}?", "What is there {}?",
    ))  # fmt: skip
    return Question("place", prompt.format(in_place(place)), answer)


def colour(scene: Scene, rng: Random) -> Question | None:
    """Which colour a shape has that is there once."""
    items = [item for item in scene.items if _one_by(scene.items, shape=item.shape)]
    if not items:
        return None
    item = rng.choice(items)
    prompt = rng.choice((
        "What colour is the {}?", "Which colour is the {}?", "What color is the {}?", "What is the colour of the {}?",
        "Which color does the {} have?", "Tell me the color of the {}.",
    ))  # fmt: skip
    return Question("colour", prompt.format(item.shape), item.colour)


def shape(scene: Scene, rng: Random) -> Question | None:
    """Which shape has a colour that is there once."""
    items = [item for item in scene.items if _one_by(scene.items, colour=item.colour)]
    if not items:
        return None
    item = rng.choice(items)
    prompt = rng.choice((
        "Which shape is {}?", "What shape is {}?", "What is the {} shape?", "Which shape is the {} one?",
        "What is the shape of the {} thing?", "What {} shape is there?",
    ))  # fmt: skip
    return Question("shape", prompt.format(item.colour), item.shape)


def exists(scene: Scene, rng: Random) -> Question | None:
    """Whether something is there; half the answers are no, mostly with a shape or a colour that is there."""
    yes = rng.random() < 0.5
    level = rng.random()
    if not scene.items:
        yes = False
    if yes:
        item = rng.choice(scene.items)
        kind, hue = item.shape, item.colour
    elif level < 0.7 and scene.items:  # hard: one half of it is right
        item = rng.choice(scene.items)
        kind, hue = (item.shape, rng.choice(COLOUR_NAMES)) if rng.random() < 0.5 else (rng.choice(SHAPES), item.colour)
    else:
        kind, hue = rng.choice(SHAPES), rng.choice(COLOUR_NAMES)
    if level < 0.7:
        what, there = f"{hue} {kind}", any((i.shape, i.colour) == (kind, hue) for i in scene.items)
    elif level < 0.85:
        if not yes:
            kind = rng.choice([name for name in SHAPES if all(i.shape != name for i in scene.items)])
        what, there = kind, any(i.shape == kind for i in scene.items)
    else:
        if not yes:
            hue = rng.choice([name for name in COLOUR_NAMES if all(i.colour != name for i in scene.items)])
        what, there = f"{hue} shape", any(i.colour == hue for i in scene.items)
    prompt = rng.choice((
        "Is there {}?", "Is there {} in the picture?", "Do you see {}?", "Can you see {}?",
        "Does the picture show {}?",
    ))  # fmt: skip
    return Question("exists", prompt.format(indefinite(what)), "yes" if there else "no")


def _pair(scene: Scene, rng: Random) -> tuple[Item, Item, str, str] | None:
    """Two shapes with the relation of the first to the second and the opposite one."""
    items = referable(scene)
    pairs = []
    for a in items:
        for b in items:
            if a is b:
                continue
            if abs(a.x - b.x) >= MIN_OFFSET:
                pairs.append((a, b, *(("left of", "right of") if a.x < b.x else ("right of", "left of"))))
            if abs(a.y - b.y) >= MIN_OFFSET:
                pairs.append((a, b, *(("above", "below") if a.y < b.y else ("below", "above"))))
    return rng.choice(pairs) if pairs else None


def relation(scene: Scene, rng: Random) -> Question | None:
    """Whether one shape is left of, right of, above or below another."""
    pair = _pair(scene, rng)
    if pair is None:
        return None
    a, b, true, false = pair
    yes = rng.random() < 0.5
    said = true if yes else false
    if said.endswith("of") and rng.random() < 0.4:
        said = f"to the {said}"
    a_name, b_name = reference(rng, scene, a), reference(rng, scene, b)
    return Question("relation", f"Is the {a_name} {said} the {b_name}?", "yes" if yes else "no")


def compare(scene: Scene, rng: Random) -> Question | None:
    """Which of two shapes is further left, right, up or down."""
    pair = _pair(scene, rng)
    if pair is None:
        return None
    a, b, true, _ = pair
    further = {"left of": "further left", "right of": "further right", "above": "higher", "below": "lower"}[true]
    names = [a.name, b.name]
    rng.shuffle(names)
    prompt = rng.choice(("Which is {}, the {} or the {}?", "What is {}, the {} or the {}?"))
    return Question("compare", prompt.format(further, *names), f"the {a.name}")


def size(scene: Scene, rng: Random) -> Question | None:
    """Whether a shape is small or big."""
    items = referable(scene)
    if not items:
        return None
    item = rng.choice(items)
    prompt = rng.choice(("Is the {} big or small?", "Is the {} small or big?", "What size is the {}?", "How big is the {}?"))
    return Question("size", prompt.format(reference(rng, scene, item)), item.size)


def read(scene: Scene, rng: Random) -> Question | None:
    """What is printed, or whether anything is."""
    line = scene.lettering
    if rng.random() < (0.15 if line else 0.5):
        prompt = rng.choice(("Is there any text?", "Is there any text in the picture?", "Is anything written here?"))
        return Question("text", prompt, "yes" if line else "no")
    number = line.text.isdigit() if line else rng.random() < 0.5
    noun = "number" if number else "word"
    prompt = rng.choice((
        "Read the text.", "What does the text say?", "What is written here?", "What text is in the picture?",
        "Read what is written.", "What does it say?", f"Which {noun} is printed?", f"Read the {noun}.",
    ))  # fmt: skip
    return Question("read", prompt, line.text) if line else Question("text", prompt, "there is no text")


def describe(scene: Scene, rng: Random) -> Question | None:
    """Every shape from left to right, then the print; not asked where the order is in doubt."""
    items = sorted(scene.items, key=lambda item: item.x)
    if any(b.x - a.x < 0.05 for a, b in zip(items, items[1:], strict=False)):
        return None
    parts = [indefinite(item.name) for item in items]
    if scene.lettering is not None:
        noun = "number" if scene.lettering.text.isdigit() else "word"
        parts.append(f"the {noun} {scene.lettering.text}")
    prompt = rng.choice((
        "Describe the picture.", "Describe this image.", "What is in the picture?", "What do you see?",
        "What can you see in this image?", "What does the picture show?", "Describe what you see from left to right.",
        "Can you describe this image?", "What is this?", "Caption this image.",
    ))  # fmt: skip
    return Question("describe", prompt, listed(parts))


def other(scene: Scene, rng: Random) -> Question | None:
    """Something that this model knows nothing about."""
    return Question("other", *elsewhere(rng))


SINGLE: dict[str, tuple[Maker, float]] = {
    "count": (count, 1.2),
    "where": (where, 1.0),
    "what_at": (what_at, 1.0),
    "colour": (colour, 0.9),
    "shape": (shape, 0.9),
    "exists": (exists, 1.6),
    "relation": (relation, 1.8),
    "compare": (compare, 0.5),
    "size": (size, 0.5),
    "read": (read, 1.0),
    "describe": (describe, 0.8),
    "other": (other, 0.45),
}
"""Every maker of questions about one picture, with how often it is drawn."""


def ask(scene: Scene, rng: Random, number: int, weights: dict[str, float] | None = None) -> list[Question]:
    """`number` different questions about one picture, in random order.

    Args:
        weights: how often each maker of `SINGLE` is drawn; those of `SINGLE` where None.
    """
    names = list(SINGLE)
    chances = [(weights or {}).get(name, SINGLE[name][1]) for name in names]
    if scene.lettering is not None:
        chances[names.index("read")] *= 2
    asked: list[Question] = []
    prompts: set[str] = set()
    for _ in range(number * 12):
        if len(asked) == number:
            break
        name = rng.choices(names, chances)[0]
        question = SINGLE[name][0](scene, rng)
        if question is not None and question.prompt not in prompts:
            prompts.add(question.prompt)
            asked.append(Question(question.kind, say_loosely(rng, question.prompt), question.answer))
    while len(asked) < number:
        asked.append(rng.choice(asked))
    return asked
