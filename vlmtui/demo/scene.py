"""Scenes: what is in a picture, before it is drawn. Everything is decided here from one random generator."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from vlmtui.demo.lettering import Lettering, place_lettering
from vlmtui.demo.vocabulary import COLOUR_NAMES, COLOURS, PLACE_MARGIN, PLACES, SHAPES, SIZES

RGB = tuple[int, int, int]

RADII: dict[str, tuple[float, float]] = {"small": (0.095, 0.115), "big": (0.165, 0.205)}
"""Radius of each size, as a fraction of the picture's shorter side."""


@dataclass(frozen=True)
class Item:
    """One shape. `x`, `y` are fractions of width and height; `radius` is a fraction of the shorter side."""

    shape: str
    colour: str
    size: str
    x: float
    y: float
    radius: float
    angle: float
    form: float
    rgb: RGB
    edge: RGB | None = None

    @property
    def name(self) -> str:
        """Colour and shape: `"red circle"`."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Background:
    """`kind` is plain, gradient or noise; a gradient runs from `first` to `second` along `angle`."""

    kind: str
    first: RGB
    second: RGB
    angle: float
    noise: int
    grain: int


@dataclass(frozen=True)
class Scene:
    """A picture of `width` x `height` pixels; `seed` feeds what has no meaning (noise).

    `lettering` is what is read in it; `chart` holds more lines of print, for pictures that only train the eye.
    """

    width: int
    height: int
    background: Background
    items: tuple[Item, ...]
    lettering: Lettering | None
    seed: int
    chart: tuple[Lettering, ...] = ()

    @property
    def lines(self) -> tuple[Lettering, ...]:
        """Everything that is printed."""
        return (*self.chart, self.lettering) if self.lettering is not None else self.chart

    @property
    def short(self) -> int:
        """The shorter side in pixels."""
        return min(self.width, self.height)


def _third(value: float) -> int | None:
    """Which third `value` lies in (0, 1, 2), or None within the margin of a border."""
    for border in (1 / 3, 2 / 3):
        if abs(value - border) < PLACE_MARGIN:
            return None
    return int(value * 3)


def place_of(x: float, y: float) -> str | None:
    """The name of the place of a point, or None where two names could be meant."""
    row, column = _third(y), _third(x)
    return None if row is None or column is None else PLACES[row][column]


def jitter(rgb: RGB, rng: Random, amount: int) -> RGB:
    """A colour a little off, each channel by at most `amount`."""
    r, g, b = (min(255, max(0, channel + rng.randint(-amount, amount))) for channel in rgb)
    return r, g, b


def contrast(a: RGB, b: RGB) -> float:
    """Distance of two colours, channels weighted about as the eye does; black to white is 255."""
    return math.sqrt(0.30 * (a[0] - b[0]) ** 2 + 0.50 * (a[1] - b[1]) ** 2 + 0.20 * (a[2] - b[2]) ** 2)


MIN_CONTRAST = 62.0


def _background_colour(rng: Random) -> RGB:
    grey = rng.randint(10, 245)
    tint = rng.choice((0, 12, 30, 60, 80))
    return jitter((grey, grey, grey), rng, tint)


def background(rng: Random, avoid: list[RGB]) -> Background:
    """A background on which every colour of `avoid` is seen well."""
    kind = rng.choice(("plain", "gradient", "gradient", "noise", "noise"))

    def pick() -> RGB:
        best, best_gap = (128, 128, 128), -1.0
        for _ in range(24):
            colour = _background_colour(rng)
            gap = min((contrast(colour, other) for other in avoid), default=255.0)
            if gap >= MIN_CONTRAST:
                return colour
            if gap > best_gap:
                best, best_gap = colour, gap
        return best

    first = pick()
    second = first if kind == "plain" else pick()
    if contrast(first, second) > 110:  # a gradient between far ends passes through colours nobody checked
        second = first
    noise = rng.randint(10, 44) if kind == "noise" else 0
    return Background(kind, first, second, rng.uniform(0, 2 * math.pi), noise, rng.choice((1, 1, 2, 3)))


def picture_size(rng: Random, shortest: int = 48, longest: int = 400) -> tuple[int, int]:
    """Width and height in pixels, sides from `shortest` to `longest`, aspect up to 1 : 1.6."""
    side = round(math.exp(rng.uniform(math.log(shortest), math.log(longest))))
    other = min(longest, max(shortest, round(side * math.exp(rng.uniform(-0.47, 0.47)))))
    if rng.random() < 0.25:
        other = side
    return side, other


def new_item(rng: Random, shape: str, colour: str, size: str, x: float = 0.5, y: float = 0.5) -> Item:
    """A shape with everything that has no name (exact radius, turn, shade, edge) drawn at random."""
    rgb = jitter(COLOURS[colour], rng, 20)
    edge = None
    if rng.random() < 0.2:
        factor = rng.uniform(0.55, 0.8)
        edge = (int(rgb[0] * factor), int(rgb[1] * factor), int(rgb[2] * factor))
    return Item(
        shape, colour, size, x, y,
        radius=rng.uniform(*RADII[size]), angle=rng.gauss(0, 0.09), form=rng.random(), rgb=rgb, edge=edge,
    )  # fmt: skip


def fits(
    item: Item, others: list[Item], width: int, height: int, keep_out: Lettering | None, gap: float = 1.08
) -> bool:
    """Whether a shape lies wholly in the picture and clear of the others and of the print."""
    short = min(width, height)
    reach = item.radius * short
    px, py = item.x * width, item.y * height
    if not (reach <= px <= width - reach and reach <= py <= height - reach):
        return False
    for other in others:
        if math.hypot(px - other.x * width, py - other.y * height) < (reach + other.radius * short) * gap:
            return False
    if keep_out is not None:
        left, top, right, bottom = keep_out.box
        if left * width - reach < px < right * width + reach and top * height - reach < py < bottom * height + reach:
            return False
    return True


def scatter(
    rng: Random, item: Item, others: list[Item], width: int, height: int, keep_out: Lettering | None, tries: int = 40
) -> Item | None:
    """The item at a random free place, or None where none was found."""
    margin_x, margin_y = (item.radius * min(width, height) / side for side in (width, height))
    for _ in range(tries):
        moved = replace(item, x=rng.uniform(margin_x, 1 - margin_x), y=rng.uniform(margin_y, 1 - margin_y))
        if fits(moved, others, width, height, keep_out):
            return moved
    return None


def pick_names(rng: Random, taken: list[Item], unique: bool) -> tuple[str, str]:
    """A shape and a colour; now and then one that is there already, so that counting by name means something."""
    while True:
        shape = rng.choice(taken).shape if taken and rng.random() < 0.3 else rng.choice(SHAPES)
        colour = rng.choice(taken).colour if taken and rng.random() < 0.25 else rng.choice(COLOUR_NAMES)
        if not unique or all((shape, colour) != (t.shape, t.colour) for t in taken):
            return shape, colour


FINE_PRINT_SIDE = 150
"""A picture with fine print is at least this many pixels wide and high."""


def random_scene(
    rng: Random,
    *,
    shapes: int | None = None,
    with_print: bool | None = None,
    size: tuple[int, int] | None = None,
    unique: bool | None = None,
    fine: bool = False,
    text: str | None = None,
) -> Scene:
    """A scene of 1-4 shapes, some with a printed word or number, some with print alone.

    Args:
        shapes: how many shapes; random (0 only beside a print) where None.
        with_print: whether text is printed; random where None.
        size: width and height in pixels; random where None.
        fine: whether the text, if there is any, is fine print.
        text: what is printed, if anything is; random where None.
        unique: whether no two shapes share both colour and shape; mostly so where None.
    """
    width, height = size or picture_size(rng)
    if fine and min(width, height) < FINE_PRINT_SIDE:
        scale = FINE_PRINT_SIDE / min(width, height)
        width, height = round(width * scale), round(height * scale)
    if with_print is None:
        with_print = rng.random() < 0.42
    if shapes is None:
        shapes = 0 if with_print and rng.random() < 0.3 else rng.randint(1, 4)
    if unique is None:
        unique = rng.random() < 0.85
    if with_print and shapes == 4 and rng.random() < 0.7:
        shapes = rng.randint(1, 3)
    line = place_lettering(rng, width, height, crowd=shapes, text=text, fine=fine) if with_print else None
    items: list[Item] = []
    while len(items) < shapes:
        shape, colour = pick_names(rng, items, unique)
        sized = rng.choice(SIZES)
        placed = scatter(rng, new_item(rng, shape, colour, sized), items, width, height, line)
        if placed is None:
            placed = scatter(rng, new_item(rng, shape, colour, "small"), items, width, height, line)
        if placed is None:
            break
        items.append(placed)
    if not items and line is None:
        return random_scene(rng, shapes=shapes, with_print=with_print, size=size, unique=unique, fine=fine, text=text)
    rng.shuffle(items)
    ground = background(rng, [item.rgb for item in items])
    if line is not None:
        line = line.coloured(rng, ground.first, ground.second)
    return Scene(width, height, ground, tuple(items), line, rng.getrandbits(32))
