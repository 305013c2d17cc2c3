"""Questions about two to four pictures in one prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from vlmtui.demo.questions import in_clear_order, referable
from vlmtui.demo.scene import (
    MIN_CONTRAST,
    Item,
    Scene,
    background,
    contrast,
    new_item,
    picture_size,
    place_of,
    random_scene,
    scatter,
)
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, SIZES, indefinite, listed
from vlmtui.demo.wording import Question, say_loosely, wording

MIN_MOVE = 0.3
"""A shape that moved between two pictures did so by at least this fraction of the width or height."""


@dataclass(frozen=True)
class Album:
    """Two to four pictures; `change` is the answer to "What differs?" where the second is the changed first, and
    `changed` the shapes that it names, each with the number of its picture."""

    scenes: tuple[Scene, ...]
    change: str | None = None
    changed: tuple[tuple[Item, int], ...] = ()


Maker = Callable[[Album, Random], Question | None]


def _picture(number: int) -> str:
    return f"picture {number}"


def random_album(rng: Random, pictures: int, pair: bool | None = None, size: tuple[int, int] | None = None) -> Album:
    """`pictures` scenes, of `size` pixels where given; with `pair` (two pictures) the second is the first with one
    thing changed."""
    if pair is None:
        pair = pictures == 2 and rng.random() < 0.6
    if pair:
        while True:
            first = random_scene(rng, shapes=rng.randint(1, 3), with_print=rng.random() < 0.1, unique=True, size=size)
            changed = one_change(rng, first)
            if changed is not None:
                second, said = changed
                before, after = set(first.items), set(second.items)
                differing = [(item, 0) for item in first.items if item not in after]
                differing += [(item, 1) for item in second.items if item not in before]
                named = 2 if "became" in said else 1
                return Album((first, replace(second, seed=rng.getrandbits(32))), said, tuple(differing[:named]))
    width, height = size or picture_size(rng)
    same_size = size is not None or rng.random() < 0.5
    scenes = tuple(
        random_scene(rng, with_print=rng.random() < 0.25, size=(width, height) if same_size else None)
        for _ in range(pictures)
    )
    return Album(scenes)


def one_change(rng: Random, scene: Scene) -> tuple[Scene, str] | None:
    """A scene in which exactly one thing differs, and how that is said; None where no room was found."""
    items = list(scene.items)
    if not items:
        return None
    index = rng.randrange(len(items))
    item, others = items[index], items[:index] + items[index + 1 :]
    kind = rng.choice(("colour", "colour", "shape", "gone", "new", "moved"))
    if kind == "gone" and len(items) > 1:
        return replace(scene, items=tuple(others)), f"the {item.name} is gone"
    if kind == "new" and len(items) < 4:
        return _with_new(rng, scene, items)
    if kind == "moved":
        return _with_moved(rng, scene, index)
    if kind == "shape":
        free = [s for s in SHAPES if s != item.shape and all((o.shape, o.colour) != (s, item.colour) for o in others)]
        changed = replace(item, shape=rng.choice(free))
        said = f"the {item.name} became {indefinite(changed.name)}"
    else:
        free = [c for c in COLOUR_NAMES if c != item.colour
                and all((o.shape, o.colour) != (item.shape, c) for o in others)]  # fmt: skip
        fresh = new_item(rng, item.shape, rng.choice(free), item.size)
        changed = replace(item, colour=fresh.colour, rgb=fresh.rgb, edge=None)
        said = f"the {item.name} became {indefinite(changed.name)}"
    items[index] = changed
    return _regrounded(rng, replace(scene, items=tuple(items))), said


def _regrounded(rng: Random, scene: Scene) -> Scene:
    """The scene on another background where a new colour would be hard to see on the old one."""
    ground = scene.background
    if all(contrast(item.rgb, end) >= MIN_CONTRAST for item in scene.items for end in (ground.first, ground.second)):
        return scene
    ground = background(rng, [item.rgb for item in scene.items])
    line = scene.lettering.coloured(rng, ground.first, ground.second) if scene.lettering else None
    return replace(scene, background=ground, lettering=line)


def _with_new(rng: Random, scene: Scene, items: list[Item]) -> tuple[Scene, str] | None:
    shape, colour = rng.choice(SHAPES), rng.choice(COLOUR_NAMES)
    if any((item.shape, item.colour) == (shape, colour) for item in items):
        return None
    placed = scatter(rng, new_item(rng, shape, colour, rng.choice(SIZES)), items, scene.width, scene.height,
                     scene.lettering)  # fmt: skip
    if placed is None:
        return None
    return _regrounded(rng, replace(scene, items=(*items, placed))), f"{indefinite(placed.name)} is new"


def _with_moved(rng: Random, scene: Scene, index: int) -> tuple[Scene, str] | None:
    items = list(scene.items)
    item, others = items[index], items[:index] + items[index + 1 :]
    for _ in range(30):
        moved = scatter(rng, item, others, scene.width, scene.height, scene.lettering)
        if moved is None:
            return None
        if max(abs(moved.x - item.x), abs(moved.y - item.y)) >= MIN_MOVE:
            items[index] = moved
            return replace(scene, items=tuple(items)), f"the {item.name} moved"
    return None


def differs(album: Album, rng: Random) -> Question | None:
    """What differs between two pictures."""
    if album.change is None:
        return None
    prompt = wording(
        rng, "What differs?", "What is different?", "What changed?", "What is the difference between the two pictures?",
        "What differs between the pictures?", "What has changed from the first picture to the second?",
        "What is the difference?", "What has changed?", "Compare the two pictures.", "Find the difference.",
        "What changed between the pictures?", "How do the two pictures differ?", "Spot the difference.",
    )  # fmt: skip
    return Question("differs", prompt, album.change, told=album.changed)


def which_has(album: Album, rng: Random) -> Question | None:
    """Which picture has a thing that exactly one of them has."""
    number = rng.randrange(len(album.scenes))
    scene = album.scenes[number]
    others = [item for k, other in enumerate(album.scenes) if k != number for item in other.items]
    options: list[tuple[str, tuple[Item, ...]]] = []
    for item in scene.items:
        if all((o.shape, o.colour) != (item.shape, item.colour) for o in others):
            options.append((indefinite(item.name), (item,)))
        if all(o.shape != item.shape for o in others):
            options.append((indefinite(item.shape), (item,)))
    if scene.lettering is not None and all(
        other.lettering is None for k, other in enumerate(album.scenes) if k != number
    ):
        options.append((rng.choice(("text", "a printed text")), ()))
    if not options:
        return None
    what, about = rng.choice(options)
    prompt = wording(
        rng, "Which picture has {what}?", "Which picture shows {what}?", "In which picture is there {what}?",
        "In which picture do you see {what}?", "Which of the pictures has {what}?", "Which one has {what}?",
        "Which picture contains {what}?", what=what,
    )  # fmt: skip
    return Question("which has", prompt, _picture(number + 1), about, number)


def has_more(album: Album, rng: Random) -> Question | None:
    """Which picture has the most shapes, or the fewest; only where one alone has."""
    numbers = [len(scene.items) for scene in album.scenes]
    most = rng.random() < 0.7
    wanted = max(numbers) if most else min(numbers)
    if numbers.count(wanted) != 1:
        return None
    if len(numbers) == 2:
        word = "more" if most else "fewer"
    else:
        word = "the most" if most else "the fewest"
    prompt = wording(
        rng, "Which picture has {word} shapes?", "Which picture shows {word} shapes?", "Which one has {word} shapes?",
        "In which picture are there {word} shapes?", "Which picture has {word} things?", word=word,
    )  # fmt: skip
    return Question("has more", prompt, _picture(numbers.index(wanted) + 1))


def how_many_pictures(album: Album, rng: Random) -> Question | None:
    """How many pictures there are."""
    prompt = wording(rng, "How many pictures are there?", "How many pictures do you see?", "Count the pictures.",
                     "How many pictures did I send?")  # fmt: skip
    return Question("pictures", prompt, str(len(album.scenes)))


def in_picture(album: Album, rng: Random) -> Question | None:
    """A question about one of the pictures by its number: how many, or what is in it."""
    number = rng.randrange(len(album.scenes))
    scene = album.scenes[number]
    ordinal = ("first", "second", "third", "fourth")[number]
    name = rng.choice((f"picture {number + 1}", f"the {ordinal} picture", f"image {number + 1}"))
    items = sorted(scene.items, key=lambda item: item.x)
    if rng.random() < 0.4 and items and in_clear_order(items) and scene.lettering is None:
        prompt = rng.choice(("What is in {}?", "Describe {}.", "What does {} show?", "What do you see in {}?"))
        told = tuple((item, number) for item in items)
        return Question("in picture", prompt.format(name), listed([indefinite(i.name) for i in items]), told=told)
    prompt = rng.choice(("How many shapes are in {}?", "How many shapes are there in {}?", "Count the shapes in {}."))
    return Question("in picture", prompt.format(name), str(len(items)))


def moved_where(album: Album, rng: Random) -> Question | None:
    """Where a shape of one picture is, told by its colour and shape, which no other picture has."""
    options: list[tuple[Item, int]] = []
    for number, scene in enumerate(album.scenes):
        for item in referable(scene):
            elsewhere = [o for k, s in enumerate(album.scenes) if k != number for o in s.items]
            if place_of(item.x, item.y) and all((o.shape, o.colour) != (item.shape, item.colour) for o in elsewhere):
                options.append((item, number))
    if not options:
        return None
    item, number = rng.choice(options)
    place = place_of(item.x, item.y)
    assert place is not None
    return Question("in picture", f"Where is the {item.name}?", place, (item,), number)


SEVERAL: dict[str, tuple[Maker, float]] = {
    "differs": (differs, 3.0),
    "which_has": (which_has, 0.6),
    "has_more": (has_more, 1.6),
    "in_picture": (in_picture, 2.4),
    "moved_where": (moved_where, 0.4),
    "how_many_pictures": (how_many_pictures, 0.15),
}
"""Every maker of questions about several pictures, with how often it is drawn."""


def ask_album(album: Album, rng: Random, number: int) -> list[Question]:
    """`number` questions about an album, in random order."""
    names, chances = list(SEVERAL), [weight for _, weight in SEVERAL.values()]
    asked: list[Question] = []
    tries = 0
    while len(asked) < number and (tries < number * 20 or not asked):
        tries += 1
        question = SEVERAL[rng.choices(names, chances)[0]][0](album, rng)
        if question is not None and all(question.prompt != q.prompt for q in asked):
            asked.append(replace(question, prompt=say_loosely(rng, question.prompt)))
    while len(asked) < number:
        asked.append(rng.choice(asked))
    return asked
