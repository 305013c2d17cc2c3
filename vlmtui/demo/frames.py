"""Short films: frames in order in which a shape moves, changes its colour, or appears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from vlmtui.demo.scene import Item, Scene, background, fits, new_item, random_scene, scatter
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, SIZES, indefinite
from vlmtui.demo.wording import Question, say_loosely, wording

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


def _path(rng: Random, actor: Item, direction: str, length: int, others: list[Item], stage: Scene) -> list[Item] | None:
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
    prompt = wording(
        rng, "Which way does {what} move?", "In which direction does {what} move?", "Where does {what} go?",
        "Which way is {what} moving?", "How does {what} move?", "In which direction is {what} moving?",
        "Where is {what} going?", "Where does {what} move?", "What is the direction of {what}?", what=name,
    )  # fmt: skip
    return Question("direction", prompt, way)


def moves(film: Film, rng: Random) -> Question | None:
    """Whether anything moves."""
    prompt = wording(rng, "Does anything move?", "Does a shape move?", "Is anything moving?", "Is there any movement?",
                     "Does something move?", "Does it move?")  # fmt: skip
    return Question("moves", prompt, "yes" if film.mover else "no")


def recolours(film: Film, rng: Random) -> Question | None:
    """Whether a shape changes its colour, and into which."""
    if film.painter is not None and rng.random() < 0.5:
        item, new = film.painter
        prompt = wording(
            rng, "How does the colour change?", "Which colour change is there?", "What colour change do you see?",
            "How does the colour of the {what} change?", "Which colours does the {what} have?", what=item.shape,
        )  # fmt: skip
        return Question("colour change", prompt, f"from {item.colour} to {new}")
    prompt = wording(
        rng, "Does the colour change?", "Does a shape change its colour?", "Does it change colour?",
        "Does any shape change colour?", "Does the shape change its colour?", "Is there a change of colour?",
    )  # fmt: skip
    return Question("colour change", prompt, "yes" if film.painter else "no")


def appears(film: Film, rng: Random) -> Question | None:
    """In which frame a shape is seen first."""
    if film.comer is None:
        return None
    item, first = film.comer
    name = item.shape if rng.random() < 0.3 and all(
        other.shape != item.shape for other in film.frames[0].items) else item.name  # fmt: skip
    prompt = wording(
        rng, "When does the {what} appear?", "In which frame does the {what} appear?",
        "In which frame is the {what} first seen?", "Which is the first frame with the {what}?",
        "When do you first see the {what}?", "In which frame does the {what} come in?",
        "When does the {what} first appear?", what=name,
    )  # fmt: skip
    return Question("appears", prompt, f"frame {first}", (item,), first - 1)


def happens(film: Film, rng: Random) -> Question | None:
    """What happens, in one sentence."""
    if film.mover and film.painter:
        return None
    if film.mover:
        said = f"the {film.mover[0].name} moves {film.mover[1]}"
    elif film.painter:
        said = f"the {film.painter[0].name} becomes {film.painter[1]}"
    elif film.comer:
        said = f"{indefinite(film.comer[0].name)} appears in frame {film.comer[1]}"
    else:
        said = "nothing changes"
    prompt = wording(
        rng, "What happens?", "What happens in the video?", "Describe the video.", "Describe what happens.",
        "What is happening in this video?", "What is going on?", "What do you see in the video?",
        "Describe this video.",
        "What happens here?", "Tell me what happens.", "Summarise the video.", "What changes?",
    )  # fmt: skip
    return Question("happens", prompt, said)


def frames_count(film: Film, rng: Random) -> Question | None:
    """How many frames there are."""
    prompt = wording(rng, "How many frames are there?", "How many frames do you see?", "Count the frames.")
    return Question("frame count", prompt, str(len(film.frames)))


FRAMES: dict[str, tuple[Maker, float]] = {
    "direction": (direction, 0.6),
    "moves": (moves, 0.8),
    "recolours": (recolours, 1.2),
    "appears": (appears, 3.0),
    "happens": (happens, 3.0),
    "frames_count": (frames_count, 0.12),
}
"""Every maker of questions about frames, with how often it is drawn."""


def ask_film(film: Film, rng: Random, number: int) -> list[Question]:
    """`number` questions about a film, in random order."""
    names, chances = list(FRAMES), [weight for _, weight in FRAMES.values()]
    asked: list[Question] = []
    tries = 0
    while len(asked) < number and (tries < number * 20 or not asked):
        tries += 1
        question = FRAMES[rng.choices(names, chances)[0]][0](film, rng)
        if question is not None and all(question.prompt != q.prompt for q in asked):
            asked.append(replace(question, prompt=say_loosely(rng, question.prompt)))
    while len(asked) < number:
        asked.append(rng.choice(asked))
    return asked
