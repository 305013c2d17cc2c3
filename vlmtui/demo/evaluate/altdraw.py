"""A second drawing code, unlike the one of training: OpenCV's polygons and letters, shapes laid out by other rules,
colours a little off. What the model reaches on it tells whether it learned the world or the drawing code."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import cv2
import numpy as np
from PIL import Image

from vlmtui.demo.lettering import MIN_CAP, Lettering
from vlmtui.demo.scene import RGB, Item, Scene, contrast

_SHIFT = 4  # fractional bits of OpenCV's coordinates

PALETTE: dict[str, RGB] = {
    "red": (230, 25, 55),
    "orange": (240, 125, 30),
    "yellow": (255, 230, 25),
    "green": (55, 175, 75),
    "blue": (30, 70, 190),
    "purple": (145, 30, 180),
    "pink": (255, 150, 205),
    "black": (12, 12, 12),
    "white": (255, 255, 255),
}
"""Other tints under the same names than those of the training pictures."""


def restyle(scene: Scene, rng: Random) -> Scene | None:
    """The scene with this drawing code's colours and scales; None where they would not be seen on its background."""
    items = []
    for item in scene.items:
        r, g, b = (min(255, max(0, c + rng.randint(-8, 8))) for c in PALETTE[item.colour])
        items.append(replace(item, rgb=(r, g, b), radius=item.radius * rng.uniform(0.94, 1.06),
                             angle=rng.uniform(-0.15, 0.15), form=rng.random()))  # fmt: skip
    ground = scene.background
    if any(contrast(item.rgb, end) < 62 for item in items for end in (ground.first, ground.second)):
        return None
    line = scene.lettering
    if line is not None and _font_scale(line, scene) is None:
        return None
    return replace(scene, items=tuple(items))


def _font_scale(line: Lettering, scene: Scene) -> tuple[float, int] | None:
    """Scale and thickness at which the line fits its box and can still be read, or None."""
    cap = line.cap * scene.height
    (wide, _), _ = cv2.getTextSize(line.text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
    scale = min(cap / 20.0, 0.94 * scene.width / wide)
    smallest = 0.99 * line.cap if line.fine else 0.92 * MIN_CAP
    if scale * 20.0 < smallest * scene.height or scale < 0.3:
        return None
    return scale, max(1, round(scale * (2.0 if line.weight < 0.12 else 3.0)))


def _corners(item: Item, x: float, y: float, radius: float) -> np.ndarray:
    """Corners of a shape other than a circle, (corners, 2) float, by other formulas than the training's."""
    form = item.form
    if item.shape == "square":
        points = radius * 0.80 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    elif item.shape == "triangle":
        turn = np.arange(3) * 2 * math.pi / 3 - math.pi / 2
        points = radius * np.stack([np.cos(turn), np.sin(turn)], 1) + (0, radius * 0.12)
    elif item.shape == "diamond":
        points = radius * np.array([(0, -1), (0.70 + 0.15 * form, 0), (0, 1), (-0.70 - 0.15 * form, 0)])
    elif item.shape == "star":
        turn = np.arange(10) * math.pi / 5 - math.pi / 2
        reach = np.where(np.arange(10) % 2 == 0, 1.0, 0.38 + 0.08 * form) * radius
        points = reach[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    else:
        arm = radius * (0.27 + 0.07 * form)
        half = radius * 0.92
        quarter = np.array([(arm, -half), (arm, -arm), (half, -arm)])
        quarters = []
        for _ in range(4):
            quarters.append(quarter)
            quarter = np.stack([-quarter[:, 1], quarter[:, 0]], 1)
        points = np.concatenate(quarters)
    cos, sin = math.cos(item.angle), math.sin(item.angle)
    turned: np.ndarray = points @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    return turned


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _ground(scene: Scene, noise: np.random.Generator) -> np.ndarray:
    ground = scene.background
    first, second = np.array(ground.first, np.float32), np.array(ground.second, np.float32)
    rows, columns = np.mgrid[0 : scene.height, 0 : scene.width].astype(np.float32)
    if noise.random() < 0.5:  # a glow from the middle, which training never showed
        ramp = np.hypot(rows / scene.height - 0.5, columns / scene.width - 0.5) / 0.71
    else:
        ramp = (rows / scene.height * math.sin(ground.angle) + columns / scene.width * math.cos(ground.angle)) % 1.0
        ramp = np.abs(ramp * 2 - 1)
    picture = first + (second - first) * ramp[..., None]
    if ground.noise:
        picture += noise.normal(0, ground.noise / 4, picture.shape)
    painted: np.ndarray = np.clip(picture, 0, 255).astype(np.uint8)
    return painted


def altdraw(scene: Scene) -> Image.Image:
    """A restyled scene as an RGB picture of its own size."""
    noise = np.random.default_rng(scene.seed)
    picture = np.ascontiguousarray(_ground(scene, noise))
    for item in scene.items:
        x, y, radius = item.x * scene.width, item.y * scene.height, item.radius * scene.short
        line_width = int(noise.integers(1, 3)) if noise.random() < 0.4 else 0
        edge = tuple(int(c * 0.7) for c in item.rgb)
        if item.shape == "circle":
            centre = (round(x * (1 << _SHIFT)), round(y * (1 << _SHIFT)))
            reach = round(radius * 0.96 * (1 << _SHIFT))
            cv2.circle(picture, centre, reach, item.rgb, -1, cv2.LINE_AA, _SHIFT)
            if line_width:
                cv2.circle(picture, centre, reach, edge, line_width, cv2.LINE_AA, _SHIFT)
            continue
        corners = _fixed(_corners(item, x, y, radius))
        cv2.fillPoly(picture, [corners], item.rgb, cv2.LINE_AA, _SHIFT)
        if line_width:
            cv2.polylines(picture, [corners], True, edge, line_width, cv2.LINE_AA, _SHIFT)
    if scene.lettering is not None:
        _write(picture, scene.lettering, scene)
    if noise.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (3, 3), 0.6)
    return Image.fromarray(picture)


def _write(picture: np.ndarray, line: Lettering, scene: Scene) -> None:
    fitted = _font_scale(line, scene)
    assert fitted is not None, "restyle lets no scene through whose print does not fit"
    scale, thickness = fitted
    (wide, _), _ = cv2.getTextSize(line.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    x = min(max(line.x * scene.width, wide / 2 + 1), scene.width - wide / 2 - 1)
    corner = (round(x - wide / 2), round(line.y * scene.height + scale * 10.0))
    cv2.putText(picture, line.text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, line.rgb, thickness, cv2.LINE_AA)
