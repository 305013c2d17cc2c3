"""Draws scenes with Pillow, anti-aliased, and the maps of what is where that guide the vision tower in training."""

from __future__ import annotations

import math
from random import Random

from PIL import Image, ImageChops, ImageDraw

from vlmtui.demo.faces import GLYPHS, sans, sans_size, strokes
from vlmtui.demo.lettering import Lettering
from vlmtui.demo.scene import RGB, Background, Item, Scene
from vlmtui.demo.shapes import outline
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, SIZES

OVERSAMPLING = 4
MAP_SIDE = 16
"""The maps have this many cells a side."""
_FINE_SIDE = 4 * MAP_SIDE  # they are drawn finer, as Pillow fills every cell that an outline touches


def _gradient(ground: Background, width: int, height: int) -> Image.Image:
    side = 6
    cos, sin = math.cos(ground.angle), math.sin(ground.angle)
    reach = abs(cos) + abs(sin)
    small = Image.new("RGB", (side, side))
    pixels = []
    for row in range(side):
        for column in range(side):
            u, v = (column + 0.5) / side * 2 - 1, (row + 0.5) / side * 2 - 1
            t = 0.5 + 0.5 * (u * cos + v * sin) / reach
            pixels.append(tuple(round(a + (b - a) * t) for a, b in zip(ground.first, ground.second, strict=True)))
    small.putdata(pixels)
    return small.resize((width, height), Image.Resampling.BICUBIC)


def add_noise(picture: Image.Image, amount: int, grain: int, rng: Random, mono: bool = False) -> Image.Image:
    """The picture with even noise of `amount` levels peak to peak, in grains of `grain` pixels."""
    width, height = max(1, -(-picture.width // grain)), max(1, -(-picture.height // grain))
    mode, channels = ("L", 1) if mono else ("RGB", 3)
    noise = Image.frombytes(mode, (width, height), rng.randbytes(width * height * channels))
    noise = noise.point([value * amount // 255 for value in range(256)] * channels).convert("RGB")
    if grain > 1:
        noise = noise.resize(picture.size, Image.Resampling.BILINEAR)
    return ImageChops.add(picture, noise, 1, -(amount // 2))


def _paint_background(scene: Scene, rng: Random) -> Image.Image:
    ground, size = scene.background, (scene.width, scene.height)
    if ground.first == ground.second:
        picture = Image.new("RGB", size, ground.first)
    else:
        picture = _gradient(ground, *size)
    if ground.noise:
        picture = add_noise(picture, ground.noise, ground.grain, rng, mono=rng.random() < 0.5)
    return picture


def _paste_polygon(picture: Image.Image, corners: list[tuple[float, float]], rgb: RGB) -> None:
    left, top = (math.floor(min(p[axis] for p in corners)) - 1 for axis in (0, 1))
    right, bottom = (math.ceil(max(p[axis] for p in corners)) + 1 for axis in (0, 1))
    scale = OVERSAMPLING if right - left < 200 else 2
    mask = Image.new("L", ((right - left) * scale, (bottom - top) * scale), 0)
    ImageDraw.Draw(mask).polygon([((x - left) * scale - 0.5, (y - top) * scale - 0.5) for x, y in corners], fill=255)
    picture.paste(rgb, (left, top), mask.reduce(scale))


def _paint_item(picture: Image.Image, item: Item, scene: Scene) -> None:
    x, y, radius = item.x * scene.width, item.y * scene.height, item.radius * scene.short
    if item.edge is not None:
        _paste_polygon(picture, outline(item.shape, x, y, radius, item.angle, item.form), item.edge)
        radius *= 0.86
    _paste_polygon(picture, outline(item.shape, x, y, radius, item.angle, item.form), item.rgb)


def letter_mask(line: Lettering, cap: float) -> Image.Image:
    """A line of print as an "L" mask, its centre in the middle, with capitals `cap` pixels high."""
    steps = [step * cap for step in line.advances()]
    pad = cap * 0.8
    mask = Image.new("L", (math.ceil(sum(steps) + 2 * pad), math.ceil(cap + 2 * pad)), 0)
    pen = ImageDraw.Draw(mask)
    x, top = (mask.width - sum(steps)) / 2, (mask.height - cap) / 2
    for glyph, step in zip(line.text, steps, strict=True):
        shift = x + step * (1 - 1 / line.spacing) / 2
        if line.face == "sans":
            pen.text((shift, top + cap), glyph, fill=255, font=sans(sans_size(cap)), anchor="ls",
                     stroke_width=line.weight * cap / 2)  # fmt: skip
        else:
            _stroke_glyph(pen, glyph, shift, top, cap, line)
        if glyph == "0" and line.slashed:
            wide = step / line.spacing
            ends = [(shift + wide * 0.68, top + cap * 0.22), (shift + wide * 0.32, top + cap * 0.78)]
            pen.line(ends, fill=255, width=max(1, round(cap * max(0.07, line.weight * 0.6))))
        x += step
    return mask


def _stroke_glyph(pen: ImageDraw.ImageDraw, glyph: str, x: float, y: float, cap: float, line: Lettering) -> None:
    width = max(1.0, line.weight * cap)
    inset = width / 2  # strokes stay inside the cap height
    for points in strokes(glyph, line.rounded):
        path = [(x + px * cap, y + inset + py * (cap - width)) for px, py in points]
        pen.line(path, fill=255, width=max(1, round(width)), joint="curve")
        for px, py in (path[0], path[-1]):
            pen.ellipse((px - inset, py - inset, px + inset, py + inset), fill=255)


def _paint_lettering(picture: Image.Image, line: Lettering, scene: Scene) -> None:
    cap = line.cap * scene.height
    scale = max(1, min(OVERSAMPLING, round(96 / cap)))
    mask = letter_mask(line, cap * scale)
    if line.slant or line.turn:
        cx, cy = mask.width / 2, mask.height / 2
        cos, sin = math.cos(line.turn), math.sin(line.turn)
        # maps a point of the result back to the upright line: turn back, then shear back
        a, b = cos + line.slant * -sin, sin + line.slant * cos
        d, e = -sin, cos
        mask = mask.transform(
            mask.size, Image.Transform.AFFINE,
            (a, b, cx - a * cx - b * cy, d, e, cy - d * cx - e * cy), Image.Resampling.BILINEAR,
        )  # fmt: skip
    mask = mask.reduce(scale)
    corner = (round(line.x * scene.width - mask.width / 2), round(line.y * scene.height - mask.height / 2))
    picture.paste(line.rgb, corner, mask)


def draw(scene: Scene) -> Image.Image:
    """The scene as an RGB picture of its own size; the same scene always gives the same pixels."""
    rng = Random(scene.seed)
    picture = _paint_background(scene, rng)
    for item in scene.items:
        _paint_item(picture, item, scene)
    for line in scene.lines:
        _paint_lettering(picture, line, scene)
    if rng.random() < 0.15:
        picture = add_noise(picture, rng.randint(6, 20), 1, rng)
    return picture


MAPS = 6
"""Maps of a picture: shape, colour, glyph, the column and the row of the centre of the shape, and its size."""


def class_maps(scene: Scene) -> bytes:
    """What covers each cell of a grid laid over the picture (0 is nothing).

    Returns:
        MAPS * MAP_SIDE * MAP_SIDE bytes, map after map, row by row. Shapes count from 1 in the order of `SHAPES`,
        colours of `COLOUR_NAMES`, glyphs of `GLYPHS`, sizes of `SIZES`; the fourth and fifth map give the cell (from
        1) in which the centre of the covering shape lies, across and down.
    """
    maps = [Image.new("L", (_FINE_SIDE, _FINE_SIDE), 0) for _ in range(MAPS)]
    pens = [ImageDraw.Draw(one) for one in maps]
    x_scale, y_scale = _FINE_SIDE / scene.width, _FINE_SIDE / scene.height
    for item in scene.items:
        corners = outline(item.shape, item.x * scene.width, item.y * scene.height, item.radius * scene.short,
                          item.angle, item.form)  # fmt: skip
        cells = [(x * x_scale - 0.5, y * y_scale - 0.5) for x, y in corners]
        pens[0].polygon(cells, fill=1 + SHAPES.index(item.shape))
        pens[1].polygon(cells, fill=1 + COLOUR_NAMES.index(item.colour))
        pens[3].polygon(cells, fill=1 + min(MAP_SIDE - 1, int(item.x * MAP_SIDE)))
        pens[4].polygon(cells, fill=1 + min(MAP_SIDE - 1, int(item.y * MAP_SIDE)))
        pens[5].polygon(cells, fill=1 + SIZES.index(item.size))
    for line in scene.lines:
        _mark_glyphs(pens[2], line, scene)
    return b"".join(one.resize((MAP_SIDE, MAP_SIDE), Image.Resampling.NEAREST).tobytes() for one in maps)


def _mark_glyphs(pen: ImageDraw.ImageDraw, line: Lettering, scene: Scene) -> None:
    cap = line.cap * scene.height
    steps = [step * cap for step in line.advances()]
    for glyph, step, (across, down) in zip(line.text, steps, line.places(scene.width, scene.height), strict=True):
        x, y = across * _FINE_SIDE, down * _FINE_SIDE
        half_x, half_y = step / 2 / scene.width * _FINE_SIDE, cap / 2 / scene.height * _FINE_SIDE
        box = (math.ceil(x - half_x - 0.5), math.ceil(y - half_y - 0.5),
               math.floor(x + half_x - 0.5), math.floor(y + half_y - 0.5))  # fmt: skip
        if box[2] >= box[0] and box[3] >= box[1]:
            pen.rectangle(box, fill=1 + GLYPHS.index(glyph))
