"""Questions about one picture, each in several wordings, with short canonical answers.

A maker returns None where the scene allows no unambiguous question of its kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
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
from vlmtui.demo.wording import Question, wording

MIN_OFFSET = 0.12
"""Left of, right of, above and below are asked only where the centres differ by at least this fraction."""


MIN_STEP = 0.07
"""An order from left to right is told only where neighbours' centres differ by at least this fraction of the width."""


Maker = Callable[[Scene, Random], Question | None]


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


def in_clear_order(items: list[Item]) -> bool:
    """Whether shapes sorted by their centres from left to right have no two of nearly the same."""
    return all(b.x - a.x >= MIN_STEP for a, b in itertools.pairwise(items))


def count(scene: Scene, rng: Random) -> Question | None:
    """How many shapes, how many circles, how many red shapes."""
    roll = rng.random()
    if roll < 0.5 or not scene.items:
        prompt = wording(
            rng, "How many shapes are there?", "How many shapes are there?", "How many shapes are in the picture?",
            "How many shapes do you see?", "Count the shapes.", "How many shapes can you see in this picture?",
            "What is the number of shapes?", "How many shapes does the picture show?", "How many objects are there?",
            "How many things are in the picture?", "How many figures are there?", "How many are there?",
            "How many shapes are there in total?", "How many things do you see?", "How many shapes",
        )  # fmt: skip
        return Question("count", prompt, str(len(scene.items)))
    there = rng.random() < 0.7
    if roll < 0.75:
        shape = rng.choice(scene.items).shape if there else rng.choice(SHAPES)
        number, what = sum(item.shape == shape for item in scene.items), plural(shape)
    else:
        hue = rng.choice(scene.items).colour if there else rng.choice(COLOUR_NAMES)
        number = sum(item.colour == hue for item in scene.items)
        what = rng.choice((f"{hue} shapes", f"{hue} shapes", f"{hue} things", f"{hue} objects", f"{hue} ones"))
    prompt = wording(
        rng, "How many {what} are there?", "How many {what} are in the picture?", "How many {what} do you see?",
        "Count the {what}.", "What is the number of {what}?", "How many {what} can you find?",
        "How many {what} are there in this picture?", "How many of them are {what}?", "How many {what} can you see?",
        what=what,
    )  # fmt: skip
    return Question("count", prompt, str(number))


def absent(scene: Scene, rng: Random) -> Question | None:
    """A question about a shape that is not there."""
    if not scene.items:
        return None
    kinds = [name for name in SHAPES if all(item.shape != name for item in scene.items)]
    hues = [name for name in COLOUR_NAMES if all(item.colour != name for item in scene.items)]
    roll = rng.random()
    if roll < 0.4:
        what = rng.choice(kinds)
        prompt = wording(rng, "What colour is the {what}?", "Which colour does the {what} have?", what=what)
    elif roll < 0.6:
        what = f"{rng.choice(hues)} shape"
        prompt = wording(rng, "Which shape is {hue}?", "What is the {hue} shape?", hue=what.split()[0])
    else:
        what = rng.choice(kinds)
        if rng.random() < 0.6:
            what = f"{rng.choice(COLOUR_NAMES)} {what}"
        prompt = wording(rng, "Where is the {what}?", "Where do you see the {what}?", what=what)
    return Question("absent", prompt, f"there is no {what}")


def where(scene: Scene, rng: Random) -> Question | None:
    """Where a shape is, in nine places."""
    items = [item for item in referable(scene) if place_of(item.x, item.y)]
    if not items:
        return None
    item = rng.choice(items)
    place = place_of(item.x, item.y)
    assert place is not None
    if len(scene.items) == 1 and rng.random() < 0.3:
        return Question(
            "place", wording(rng, "Where is it?", "Where in the picture is it?", "Where do you see it?"), place
        )
    prompt = wording(
        rng, "Where is the {what}?", "In which part of the picture is the {what}?",
        "What is the position of the {what}?",
        "Where do you see the {what}?", "Where is the {what} in the picture?", "Where can I find the {what}?",
        "Find the {what}.", "In which corner is the {what}?", "Where exactly is the {what}?", "Locate the {what}.",
        "Where is the {what} located?", "Which place is the {what} in?", what=reference(rng, scene, item),
    )  # fmt: skip
    return Question("place", prompt, place, (item,))


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
    told: tuple[tuple[Item, int], ...] = ()
    if full and rng.random() < 0.85:
        place, item = rng.choice(full)
        answer, told = indefinite(item.name), ((item, 0),)
    elif empty and scene.items:
        place, answer = rng.choice(empty), "nothing"
    else:
        return None
    said = in_place(place)
    if len(place.split()) > 1 and rng.random() < 0.25:
        said += " corner"
    elif place == "center" and rng.random() < 0.5:
        said = rng.choice(("in the middle", "in the centre"))
    prompt = wording(
        rng, "What is {where}?", "What is {where} of the picture?", "What do you see {where}?",
        "Which shape is {where}?",
        "What is there {where}?", "What can you see {where}?", "Tell me what is {where}.", "What shape is {where}?",
        "What is drawn {where}?", "Which thing is {where}?", where=said,
    )  # fmt: skip
    return Question("place", prompt, answer, told=told)


def colour(scene: Scene, rng: Random) -> Question | None:
    """Which colour a shape has that is there once."""
    items = [item for item in scene.items if _one_by(scene.items, shape=item.shape)]
    if not items:
        return None
    item = rng.choice(items)
    if len(scene.items) == 1 and rng.random() < 0.3:
        prompt = wording(rng, "What colour is it?", "Which colour is it?", "What is its colour?",
                         "Which colour does it have?", "What colour is the shape?")  # fmt: skip
        return Question("colour", prompt, item.colour)
    prompt = wording(
        rng, "What colour is the {what}?", "Which colour is the {what}?", "What is the colour of the {what}?",
        "Which colour does the {what} have?", "Tell me the colour of the {what}.", "The {what} has which colour?",
        "In which colour is the {what} drawn?", "What colour does the {what} have?", "Name the colour of the {what}.",
        what=item.shape,
    )  # fmt: skip
    return Question("colour", prompt, item.colour, (item,))


def shape(scene: Scene, rng: Random) -> Question | None:
    """Which shape has a colour that is there once."""
    items = [item for item in scene.items if _one_by(scene.items, colour=item.colour)]
    if not items:
        return None
    item = rng.choice(items)
    if len(scene.items) == 1 and rng.random() < 0.3:
        prompt = wording(rng, "What shape is it?", "Which shape is it?", "What is its shape?", "Which shape is this?",
                         "Which shape does it have?")  # fmt: skip
        return Question("shape", prompt, item.shape)
    prompt = wording(
        rng, "Which shape is {hue}?", "What shape is {hue}?", "What is the {hue} shape?",
        "Which shape is the {hue} one?",
        "What is the shape of the {hue} thing?", "What {hue} shape is there?", "What shape does the {hue} thing have?",
        "Which shape is drawn in {hue}?", "What is the {hue} thing?", "What kind of shape is the {hue} one?",
        "What is {hue}?", "Which one is {hue}?", hue=item.colour,
    )  # fmt: skip
    return Question("shape", prompt, item.shape, (item,))


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
    prompt = wording(
        rng, "Is there {what}?", "Is there {what} in the picture?", "Do you see {what}?", "Can you see {what}?",
        "Does the picture show {what}?", "Is {what} there?", "Does the picture have {what}?", "Can you find {what}?",
        "Is there {what} in this picture?", "Does it contain {what}?", "Is {what} in the picture?",
        what=indefinite(what),
    )  # fmt: skip
    meant = _one_by(scene.items, shape=kind, colour=hue) if level < 0.7 else None
    return Question("exists", prompt, "yes" if there else "no", (meant,) if meant else ())


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
    prompt = wording(
        rng, "Is the {a} {said} the {b}?", "Is the {a} {said} the {b}?", "Does the {a} lie {said} the {b}?",
        "Is it true that the {a} is {said} the {b}?", "Can you see the {a} {said} the {b}?",
        "Would you say that the {a} is {said} the {b}?", "Is the {a} placed {said} the {b}?",
        a=a_name, b=b_name, said=said,
    )  # fmt: skip
    return Question("relation", prompt, "yes" if yes else "no", (a, b))


def compare(scene: Scene, rng: Random) -> Question | None:
    """Which of two shapes is further left, right, up or down."""
    pair = _pair(scene, rng)
    if pair is None:
        return None
    a, b, true, _ = pair
    further = {"left of": "further left", "right of": "further right", "above": "higher", "below": "lower"}[true]
    pair_said = [a, b]
    rng.shuffle(pair_said)
    prompt = wording(
        rng, "Which is {further}, the {a} or the {b}?", "What is {further}, the {a} or the {b}?",
        "Which shape is {further}, the {a} or the {b}?", "The {a} or the {b}: which is {further}?",
        further=further, a=pair_said[0].name, b=pair_said[1].name,
    )  # fmt: skip
    return Question("compare", prompt, f"the {a.name}", (pair_said[0], pair_said[1]), told=((a, 0),))


def size(scene: Scene, rng: Random) -> Question | None:
    """Whether a shape is small or big."""
    items = referable(scene)
    if not items:
        return None
    item = rng.choice(items)
    prompt = wording(
        rng, "Is the {what} big or small?", "Is the {what} small or big?", "What size is the {what}?",
        "How big is the {what}?", "Which size does the {what} have?", "What is the size of the {what}?",
        what=reference(rng, scene, item),
    )  # fmt: skip
    return Question("size", prompt, item.size, (item,))


def read(scene: Scene, rng: Random) -> Question | None:
    """What is printed, or whether anything is."""
    line = scene.lettering
    if rng.random() < (0.15 if line else 0.5):
        prompt = wording(
            rng, "Is there any text?", "Is there any text in the picture?", "Is anything written here?",
            "Is there text in the picture?", "Is there a word in the picture?" if line is None else "Is there text?",
            "Does the picture contain text?", "Do you see any text?", "Is something written in the picture?",
        )  # fmt: skip
        return Question("text", prompt, "yes" if line else "no")
    number = line.text.isdigit() if line else rng.random() < 0.5
    prompt = wording(
        rng, "Read the text.", "What does the text say?", "What is written here?", "What text is in the picture?",
        "Read what is written.", "What does it say?", "Which {noun} is printed?", "Read the {noun}.",
        "What is the {noun}?", "Which {noun} do you see?", "What is written in the picture?", "Can you read the text?",
        "What is the text?", "Read the text in the picture.", "What text do you see?", "Transcribe the text.",
        "What is printed?", "Which text is shown?", "Spell out the text.", "Read it.", "Do OCR.",
        noun="number" if number else "word",
    )  # fmt: skip
    if line is None:
        return Question("text", prompt, "there is no text")
    places = line.places(scene.width, scene.height)
    return Question("fine print" if line.fine else "read", prompt, line.text, spelled=places)


def describe(scene: Scene, rng: Random) -> Question | None:
    """Every shape from left to right, then the print; not asked where the order is in doubt."""
    items = sorted(scene.items, key=lambda item: item.x)
    if not in_clear_order(items) or (scene.lettering is not None and scene.lettering.fine):
        return None
    parts = [indefinite(item.name) for item in items]
    if scene.lettering is not None:
        noun = "number" if scene.lettering.text.isdigit() else "word"
        parts.append(f"the {noun} {scene.lettering.text}")
    prompt = wording(
        rng, "Describe the picture.", "Describe this picture.", "What is in the picture?", "What do you see?",
        "What can you see in this picture?", "What does the picture show?", "Describe what you see from left to right.",
        "Can you describe this picture?", "What is this?", "Caption this picture.", "Describe it.", "Describe",
        "What is in this picture?", "What is shown here?", "Give me a description of the picture.", "What is there?",
        "Describe this picture in detail.", "Tell me what you see.", "What is on the picture?", "Write a caption.",
        "Describe the scene.", "List everything in the picture.", "Can you describe what you see?",
    )  # fmt: skip
    places = scene.lettering.places(scene.width, scene.height) if scene.lettering is not None else ()
    return Question("describe", prompt, listed(parts), told=tuple((item, 0) for item in items), spelled=places)


def colours(scene: Scene, rng: Random) -> Question | None:
    """Which colours the shapes have, or which shapes there are, from left to right, each said once."""
    items = sorted(scene.items, key=lambda item: item.x)
    if len(items) < 2 or not in_clear_order(items):
        return None
    if rng.random() < 0.5:
        prompt = wording(
            rng, "Which colours do you see?", "What colours are there?", "Which colours are in the picture?",
            "List the colours.", "What colours do the shapes have?", "Name the colours.", "Which colours are there?",
        )  # fmt: skip
        return Question("list", prompt, listed(list(dict.fromkeys(item.colour for item in items))))
    prompt = wording(
        rng, "Which shapes do you see?", "What shapes are there?", "Which shapes are in the picture?",
        "List the shapes.", "Name the shapes.", "Which shapes are there?", "What kinds of shapes are there?",
    )  # fmt: skip
    return Question("list", prompt, listed(list(dict.fromkeys(item.shape for item in items))))


def other(scene: Scene, rng: Random) -> Question | None:
    """Something that this model knows nothing about."""
    return Question("other", *elsewhere(rng))
