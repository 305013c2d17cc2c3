"""Crowded pictures that train the eye alone: a shape or two among several printed lines, nothing asked."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from vlmtui.demo.lettering import Lettering, place_lettering
from vlmtui.demo.scene import Scene, picture_size, random_scene

MOST_LINES = 5


def eyechart(rng: Random) -> Scene:
    """A scene with up to `MOST_LINES` printed lines beside its shapes."""
    scene = random_scene(rng, size=picture_size(rng, shortest=64, longest=256), shapes=rng.choice((0, 0, 1, 1, 2)),
                         with_print=True)  # fmt: skip
    lines: list[Lettering] = []
    for _ in range(30):
        if len(lines) == MOST_LINES:
            break
        line = place_lettering(rng, scene.width, scene.height, crowd=2)
        if all(_apart(line.box, other.box) for other in (*lines, *scene.lines)) and _clear(line, scene):
            lines.append(line.coloured(rng, scene.background.first, scene.background.second))
    return replace(scene, chart=tuple(lines))


def _apart(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


def _clear(line: Lettering, scene: Scene) -> bool:
    for item in scene.items:
        dx, dy = (item.radius * scene.short / side for side in (scene.width, scene.height))
        if not _apart(line.box, (item.x - dx, item.y - dy, item.x + dx, item.y + dy)):
            return False
    return True
