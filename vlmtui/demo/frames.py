"""Short films: frames in order in which a shape moves, changes its colour, or appears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from vlmtui.demo.questions import Question, say_loosely
from vlmtui.demo.scene import Item, Scene, fits, new_item, random_scene, scatter
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, SIZES

DIRECTIONS: dict[str, tuple[float, float]] = {
    "to the left": (-1, 0),
    "to the right": (1, 0),
    "up": (0, -1),
    "down": (0, 1),
}
MIN_TRAVEL = 0.35
"""A moving shape travels at least this fraction of the width or height from the first frame to the last."""

INTRO = "Following are the frames of a video in temporal order."
"""How frames that are sent as ordinary pictures are introduced."""


@dataclass(frozen=True)
class Film:
    """Frames in order and what happens in them.

    `mover` is the shape that moves with its direction (None: nothing moves); `painter` the shape that changes its
    colour with the new one; `comer` the shape that appears with the number of its first frame (from 1).
    """

    frames: tuple[Scene, ...]
    mover: tuple[Item, str] | None = None
    painter: tuple[Item, str] | None = None
    comer: tuple[Item, int] | None = None


Maker = Callable[[Film, Random], Question | None]


def random_film(rng: Random, length: int, size: tuple[int, int] | None = None) -> Film:
    """A film of `length` frames in which one or two things happen."""
    while True:
        film = _try_film(rng, length, size)
        if film is not None:
            return film


def _try_film(rng: Random, length: int, size: tuple[int, int] | None) -> Film | None:
    stage = random_scene(rng, shapes=rng.choice((1, 1, 1, 2)), with_print=False, unique=True, size=size)
    actor, bystanders = stage.items[0], list(stage.items[1:])
    happenings = rng.choice(("move", "move", "move", "paint", "paint", "come", "come", "move paint", "none"))
    paths = [actor] * length
    mover = painter = comer = None
    if "move" in happenings:
        direction = rng.choice(list(DIRECTIONS))
        path = _path(rng, actor, direction, length, bystanders, stage)
        if path is None:
            return None
        paths, mover = path, (actor, direction)
    if "paint" in happenings:
        taken = {(other.shape, other.colour) for other in bystanders}
        new = rng.choice([c for c in COLOUR_NAMES if c != actor.colour and (actor.shape, c) not in taken])
        rgb = new_item(rng, actor.shape, new, actor.size).rgb
        when = rng.randint(1, length - 1)
        paths = [replace(p, colour=new, rgb=rgb, edge=None) if k >= when else p for k, p in enumerate(paths)]
        painter = (actor, new)
    shown = [[*bystanders, where] for where in paths]
    if happenings == "come":
        shape, colour = rng.choice(SHAPES), rng.choice(COLOUR_NAMES)
        if any((shape, colour) == (other.shape, other.colour) for other in stage.items):
            return None
        guest = scatter(rng, new_item(rng, shape, colour, rng.choice(SIZES)), list(stage.items), stage.width,
                        stage.height, None)  # fmt: skip
        if guest is None:
            return None
        first = rng.randint(2, length)
        for k in range(first - 1, length):
            shown[k].append(guest)
        comer = (guest, first)
    frames = tuple(replace(stage, items=tuple(items), seed=rng.getrandbits(32)) for items in shown)
    return _on_clear_ground(rng, Film(frames, mover, painter, comer))


def _path(
    rng: Random, actor: Item, direction: str, length: int, others: list[Item], stage: Scene
) -> list[Item] | None:
    dx, dy = DIRECTIONS[direction]
    for _ in range(20):
        travel = rng.uniform(MIN_TRAVEL, 0.75)
        drift = rng.uniform(-0.04, 0.04)
        x0, y0 = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9)
        path = []
        for k in range(length):
            t = k / (length - 1) * travel
            path.append(replace(actor, x=x0 + dx * t + abs(dy) * drift * k / length,
                                y=y0 + dy * t + abs(dx) * drift * k / length))  # fmt: skip
        if all(fits(step, others, stage.width, stage.height, None) for step in path):
            return path
    return None


def _on_clear_ground(rng: Random, film: Film) -> Film:
    from vlmtui.demo.scene import background

    colours = list({item.rgb for frame in film.frames for item in frame.items})
    ground = background(rng, colours)
    return replace(film, frames=tuple(replace(frame, background=ground) for frame in film.frames))


def direction(film: Film, rng: Random) -> Question | None:
    """Which way the shape moves."""
    if film.mover is None:
        return None
    item, way = film.mover
    name = f"the {item.shape}" if film.painter else f"the {rng.choice((item.name, item.shape, 'shape'))}"
    if len(film.frames[0].items) > 1 and (film.painter or name == "the shape"):
        name = "the moving shape"
    elif len(film.frames[0].items) > 1:
        name = f"the {item.name}"
    prompt = rng.choice((
        "Which way does {} move?", "In which direction does {} move?", "Where does {} go?", "Which way is {} moving?",
        "How does {} move?",
    ))  # fmt: skip
    return Question("direction", prompt.format(name), way)


def moves(film: Film, rng: Random) -> Question | None:
    """Whether anything moves."""
    prompt = rng.choice(("Does anything move?", "Does a shape move?", "Is anything moving?"))
    return Question("moves", prompt, "yes" if film.mover else "no")


def recolours(film: Film, rng: Random) -> Question | None:
    """Whether a shape changes its colour, and into which."""
    if film.painter is not None and rng.random() < 0.5:
        item, new = film.painter
        prompt = rng.choice((
            "How does the colour change?", "Which colour change is there?", "What colour change do you see?",
            "How does the color change?",
        ))  # fmt: skip
        return Question("colour change", prompt, f"from {item.colour} to {new}")
    prompt = rng.choice((
        "Does the colour change?", "Does a shape change its colour?", "Does it change colour?",
        "Does the color change?", "Does any shape change color?",
    ))  # fmt: skip
    return Question("colour change", prompt, "yes" if film.painter else "no")


def appears(film: Film, rng: Random) -> Question | None:
    """In which frame a shape is seen first."""
    if film.comer is None:
        return None
    item, first = film.comer
    prompt = rng.choice((
        "When does the {} appear?", "In which frame does the {} appear?", "In which frame is the {} first seen?",
        "Which is the first frame with the {}?",
    ))  # fmt: skip
    return Question("appears", prompt.format(item.name), f"frame {first}")


def happens(film: Film, rng: Random) -> Question | None:
    """What happens, in one sentence."""
    if film.mover and film.painter:
        return None
    if film.mover:
        said = f"the {film.mover[0].name} moves {film.mover[1]}"
    elif film.painter:
        said = f"the {film.painter[0].name} becomes {film.painter[1]}"
    elif film.comer:
        said = f"{'an' if film.comer[0].name[0] in 'aeiou' else 'a'} {film.comer[0].name} appears in frame {film.comer[1]}"
    else:
        said = "nothing changes"
    prompt = rng.choice((
        "What happens?", "What happens in the video?", "Describe the video.", "Describe what happens.",
        "What is happening in this video?",
    ))  # fmt: skip
    return Question("happens", prompt, said)


FRAMES: dict[str, tuple[Maker, float]] = {
    "direction": (direction, 2.0),
    "moves": (moves, 0.8),
    "recolours": (recolours, 1.5),
    "appears": (appears, 2.5),
    "happens": (happens, 1.5),
}
"""Every maker of questions about frames, with how often it is drawn."""


def ask_film(film: Film, rng: Random, number: int) -> list[Question]:
    """`number` questions about a film, in random order."""
    names, chances = list(FRAMES), [weight for _, weight in FRAMES.values()]
    asked: list[Question] = []
    for _ in range(number * 20):
        if len(asked) == number:
            break
        question = FRAMES[rng.choices(names, chances)[0]][0](film, rng)
        if question is not None and all(question.prompt != q.prompt for q in asked):
            asked.append(Question(question.kind, say_loosely(rng, question.prompt), question.answer))
    while len(asked) < number:
        asked.append(rng.choice(asked))
    return asked
