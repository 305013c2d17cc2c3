"""Outlines of the shapes, as polygons in units of their radius."""

from __future__ import annotations

import math
from collections.abc import Callable

Point = tuple[float, float]


def _regular(corners: int, start: float) -> list[Point]:
    step = 2 * math.pi / corners
    return [(math.cos(start + k * step), math.sin(start + k * step)) for k in range(corners)]


def _circle(_: float) -> list[Point]:
    return _regular(40, 0.0)


def _square(_: float) -> list[Point]:
    return [(-0.82, -0.82), (0.82, -0.82), (0.82, 0.82), (-0.82, 0.82)]


def _triangle(_: float) -> list[Point]:
    return [(0.0, -1.0), (0.95, 0.75), (-0.95, 0.75)]


def _diamond(form: float) -> list[Point]:
    narrow = 0.72 + 0.12 * form
    return [(0.0, -1.0), (narrow, 0.0), (0.0, 1.0), (-narrow, 0.0)]


def _star(form: float) -> list[Point]:
    outer, inner = _regular(5, -math.pi / 2), _regular(5, -math.pi / 2 + math.pi / 5)
    depth = 0.40 + 0.08 * form
    return [p for tip, dent in zip(outer, inner, strict=True) for p in (tip, (dent[0] * depth, dent[1] * depth))]


def _cross(form: float) -> list[Point]:
    arm = 0.26 + 0.08 * form
    return [
        (-arm, -0.95), (arm, -0.95), (arm, -arm), (0.95, -arm), (0.95, arm), (arm, arm),
        (arm, 0.95), (-arm, 0.95), (-arm, arm), (-0.95, arm), (-0.95, -arm), (-arm, -arm),
    ]  # fmt: skip


_OUTLINES: dict[str, Callable[[float], list[Point]]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "cross": _cross,
    "diamond": _diamond,
}


def outline(shape: str, x: float, y: float, radius: float, angle: float = 0.0, form: float = 0.5) -> list[Point]:
    """The corners of a shape.

    Args:
        shape: one of `vocabulary.SHAPES`.
        x, y: centre, in pixels.
        radius: in pixels; every corner lies within it.
        angle: turn in radians, clockwise on the screen.
        form: 0..1, what may vary in a shape of this name (depth of a star, width of a cross's arms).

    Returns:
        Corners in pixels, in drawing order.
    """
    cos, sin = math.cos(angle) * radius, math.sin(angle) * radius
    return [(x + px * cos - py * sin, y + px * sin + py * cos) for px, py in _OUTLINES[shape](form)]
