"""The words the demo model knows: shapes, colours, sizes and places, and how they are said."""

from __future__ import annotations

SHAPES: tuple[str, ...] = ("circle", "square", "triangle", "star", "cross", "diamond")

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (216, 36, 40),
    "orange": (252, 138, 22),
    "yellow": (250, 218, 40),
    "green": (38, 158, 62),
    "blue": (40, 92, 216),
    "purple": (126, 48, 168),
    "pink": (246, 134, 192),
    "black": (24, 24, 28),
    "white": (246, 246, 246),
}
COLOUR_NAMES: tuple[str, ...] = tuple(COLOURS)

SIZES: tuple[str, ...] = ("small", "big")

PLACES: tuple[tuple[str, str, str], ...] = (
    ("top left", "top", "top right"),
    ("left", "center", "right"),
    ("bottom left", "bottom", "bottom right"),
)
"""The nine places of a picture, `PLACES[row][column]`."""

PLACE_MARGIN = 0.045
"""Nothing is asked about the place of a shape whose centre is nearer than this to the border of a place
(in fractions of the picture's width or height)."""

_PREPOSITIONS = {"top": "at the", "bottom": "at the", "left": "on the", "right": "on the"}


def in_place(place: str) -> str:
    """A place with its preposition: `"in the top left"`, `"at the top"`, `"on the right"`."""
    return f"{_PREPOSITIONS.get(place, 'in the')} {place}"


def indefinite(noun: str) -> str:
    """A noun phrase with its article: `"an orange star"`, `"a red circle"`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    """The plural of a shape's name: `"crosses"`, `"stars"`."""
    return noun + ("es" if noun.endswith("s") else "s")


def listed(parts: list[str]) -> str:
    """Joins phrases as English does: `"a, b and c"`."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
