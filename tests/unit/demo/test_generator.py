"""The demo model's world: the same seed draws the same picture, and every question has one right answer."""

from __future__ import annotations

import math
import re
from random import Random

from vlmtui.demo import vocabulary as words
from vlmtui.demo.asking import SINGLE, ask
from vlmtui.demo.draw import MAP_SIDE, class_maps, draw
from vlmtui.demo.elsewhere import HONEST
from vlmtui.demo.frames import FRAMES, MIN_TRAVEL, random_film
from vlmtui.demo.scene import Item, Scene, random_scene
from vlmtui.demo.several import SEVERAL, random_album


def _scenes(number: int, seed: int = 1) -> list[Scene]:
    rng = Random(seed)
    return [random_scene(rng) for _ in range(number)]


def test_a_seed_always_gives_the_same_scenes_pictures_and_questions():
    first, second = _scenes(12), _scenes(12)
    assert first == second
    assert [draw(scene).tobytes() for scene in first] == [draw(scene).tobytes() for scene in second]
    assert [ask(scene, Random(3), 6) for scene in first] == [ask(scene, Random(3), 6) for scene in second]
    assert _scenes(12, seed=2) != first


def test_the_world_is_as_varied_as_promised():
    scenes = _scenes(600)
    items = [item for scene in scenes for item in scene.items]
    assert {item.shape for item in items} == set(words.SHAPES) and len(words.SHAPES) >= 5
    assert {item.colour for item in items} == set(words.COLOURS) and len(words.COLOURS) >= 8
    assert {item.size for item in items} == set(words.SIZES)
    assert {len(scene.items) for scene in scenes} == {0, 1, 2, 3, 4}
    assert {scene.background.kind for scene in scenes} == {"plain", "gradient", "noise"}
    ratios = [scene.width / scene.height for scene in scenes]
    assert min(ratios) < 0.7 and max(ratios) > 1.45
    assert min(scene.short for scene in scenes) < 64 and max(max(s.width, s.height) for s in scenes) > 350


def test_shapes_lie_inside_and_clear_of_each_other_and_of_the_print():
    for scene in _scenes(300):
        for k, item in enumerate(scene.items):
            x, y, reach = item.x * scene.width, item.y * scene.height, item.radius * scene.short
            assert reach - 1e-6 <= x <= scene.width - reach + 1e-6
            assert reach - 1e-6 <= y <= scene.height - reach + 1e-6
            for other in scene.items[k + 1 :]:
                gap = math.hypot(x - other.x * scene.width, y - other.y * scene.height)
                assert gap >= reach + other.radius * scene.short


def test_maps_agree_with_the_drawn_pixels():
    """Where a map says red, the picture is about as red as the scene's red."""
    agreed = asked = 0
    for scene in _scenes(60, seed=4):
        maps = class_maps(scene)
        cells = MAP_SIDE * MAP_SIDE
        assert len(maps) == 6 * cells
        small = draw(scene).resize((MAP_SIDE * 8, MAP_SIDE * 8))
        for index, (shape, colour) in enumerate(zip(maps[:cells], maps[cells : 2 * cells], strict=True)):
            assert bool(shape) == bool(colour)
            if not colour:
                continue
            pixel = small.getpixel((index % MAP_SIDE * 8 + 4, index // MAP_SIDE * 8 + 4))
            shades = [i.rgb for i in scene.items if i.colour == words.COLOUR_NAMES[colour - 1]]
            shades += [i.edge for i in scene.items if i.edge]
            asked += 1
            agreed += min(math.dist(pixel, shade) for shade in shades) < 60
    assert asked > 500 and agreed > 0.78 * asked


# -- answers recomputed from the scene by other code than the one that asked --


def _mentioned(prompt: str, items: tuple[Item, ...]) -> list[Item]:
    """The shapes a prompt speaks of, in its order, found by their colour and shape or by their shape alone."""
    found = []
    names = "|".join(words.COLOUR_NAMES)
    kinds = "|".join(words.SHAPES)
    for hue, kind in re.findall(rf"(?:({names}) )?({kinds})\b", prompt):
        fitting = [i for i in items if i.shape == kind and (not hue or i.colour == hue)]
        assert len(fitting) == 1, f"{prompt} speaks of {len(fitting)} shapes"
        found.append(fitting[0])
    return found


def _count(prompt: str, scene: Scene) -> str:
    text = prompt.lower()
    for kind in words.SHAPES:
        if re.search(rf"\b{kind}(e?s)\b", text):
            return str(sum(item.shape == kind for item in scene.items))
    for hue in words.COLOUR_NAMES:
        if re.search(rf"\b{hue}\b", text):
            return str(sum(item.colour == hue for item in scene.items))
    return str(len(scene.items))


def _exists(prompt: str, scene: Scene) -> str:
    hue = next((c for c in words.COLOUR_NAMES if re.search(rf"\b{c}\b", prompt)), None)
    kind = next((s for s in words.SHAPES if re.search(rf"\b{s}\b", prompt)), None)
    assert hue or kind
    there = any((hue in (None, i.colour)) and (kind in (None, i.shape)) for i in scene.items)
    return "yes" if there else "no"


def _relation(prompt: str, scene: Scene) -> str:
    first, second = _mentioned(prompt, scene.items)
    dx, dy = second.x - first.x, second.y - first.y
    if "left" in prompt or "right" in prompt:
        assert abs(dx) >= 0.12
        return "yes" if (dx > 0) == ("left" in prompt) else "no"
    assert abs(dy) >= 0.12
    return "yes" if (dy > 0) == ("above" in prompt) else "no"


def _place(x: float, y: float) -> str:
    for value in (x, y):
        assert min(abs(value - 1 / 3), abs(value - 2 / 3)) >= 0.045 - 1e-9
    row = "top" if y < 0.33 else "bottom" if y > 0.67 else ""
    column = "left" if x < 0.33 else "right" if x > 0.67 else ""
    return f"{row} {column}".strip() or "center"


def _checked(kind: str, prompt: str, answer: str, scene: Scene) -> bool:
    """Checks one answer; tells whether this kind of question is checked here."""
    lower = prompt.lower()
    if kind == "count":
        assert answer == _count(prompt, scene), prompt
    elif kind == "exists":
        assert answer == _exists(lower, scene), prompt
    elif kind == "relation":
        assert answer == _relation(lower, scene), prompt
    elif kind in ("colour", "shape"):
        other = "shape" if kind == "colour" else "colour"
        named = [n for n in (*words.SHAPES, *words.COLOUR_NAMES) if re.search(rf"\b{n}\b", lower)]
        fitting = [i for i in scene.items if not named or getattr(i, other) == named[0]]
        assert len(fitting) == 1 and getattr(fitting[0], kind) == answer, prompt
    elif kind == "place" and answer.split()[0] in ("top", "bottom", "left", "right", "center"):
        item = (_mentioned(lower, scene.items) or scene.items)[0]
        assert answer == _place(item.x, item.y), prompt
    elif kind == "describe":
        order = [f"{i.colour} {i.shape}" for i in sorted(scene.items, key=lambda i: i.x)]
        said = re.findall(rf"(?:{'|'.join(words.COLOUR_NAMES)}) (?:{'|'.join(words.SHAPES)})", answer)
        assert said == order, prompt
        assert scene.lettering is None or answer.endswith(scene.lettering.text)
    elif kind == "read":
        assert scene.lettering is not None and answer == scene.lettering.text
    elif kind == "other":
        assert answer == HONEST
    else:
        return False
    return True


def test_answers_are_those_that_other_code_finds_in_the_scene():
    rng = Random(11)
    checked: dict[str, int] = {}
    for scene in _scenes(500, seed=9):
        for question in ask(scene, rng, 8):
            if _checked(question.kind, question.prompt, question.answer, scene):
                checked[question.kind] = checked.get(question.kind, 0) + 1
    assert min(checked.values()) > 40 and len(checked) == 9, checked


def test_yes_and_no_are_balanced():
    rng = Random(2)
    for name in ("exists", "relation"):
        answers = [q.answer for scene in _scenes(800, seed=3) if scene.items and (q := SINGLE[name][0](scene, rng))]
        assert 0.42 < answers.count("yes") / len(answers) < 0.58


def test_a_pair_differs_in_what_is_said_and_in_nothing_else():
    rng = Random(6)
    kinds = set()
    for _ in range(200):
        album = random_album(rng, 2, pair=True)
        first, second = (set(scene.items) for scene in album.scenes)
        gone, new = first - second, second - first
        assert album.change is not None and len(gone) <= 1 and len(new) <= 1 and gone | new
        if gone and new:
            (before,), (after,) = gone, new
            if (before.x, before.y) != (after.x, after.y):
                said = f"the {before.name} moved"
            else:
                said = f"the {before.name} became {words.indefinite(after.name)}"
        elif gone:
            said = f"the {next(iter(gone)).name} is gone"
        else:
            said = f"{words.indefinite(next(iter(new)).name)} is new"
        assert album.change == said
        kinds.add(said.split()[-1] if said.split()[-1] in ("moved", "gone", "new") else "became")
    assert kinds == {"moved", "gone", "new", "became"}


def test_the_picture_that_is_named_is_the_only_one_that_fits():
    rng = Random(7)
    asked = 0
    for _ in range(200):
        album = random_album(rng, rng.randint(2, 4))
        question = SEVERAL["has_more"][0](album, rng)
        if question is not None:
            numbers = [len(scene.items) for scene in album.scenes]
            wanted = min(numbers) if "few" in question.prompt else max(numbers)
            assert question.answer == f"picture {numbers.index(wanted) + 1}" and numbers.count(wanted) == 1
            asked += 1
        question = SEVERAL["which_has"][0](album, rng)
        if question is not None and "text" not in question.prompt:
            fitting = [k for k, scene in enumerate(album.scenes) if _exists(question.prompt.lower(), scene) == "yes"]
            assert [f"picture {k + 1}" for k in fitting] == [question.answer]
            asked += 1
    assert asked > 150


def test_films_show_what_is_said_of_them():
    rng = Random(8)
    seen = set()
    for _ in range(150):
        film = random_film(rng, rng.randint(4, 8))
        frames = film.frames
        question = FRAMES["direction"][0](film, rng)
        actors = [frame.items[-1] if film.mover else None for frame in frames]
        if question is not None:
            first, last = actors[0], actors[-1]
            assert first is not None and last is not None
            dx, dy = last.x - first.x, last.y - first.y
            assert max(abs(dx), abs(dy)) >= MIN_TRAVEL > 0.1 > min(abs(dx), abs(dy))
            way = ("to the right" if dx > 0 else "to the left") if abs(dx) > abs(dy) else ("down" if dy > 0 else "up")
            assert question.answer == way
            seen.add(way)
        question = FRAMES["appears"][0](film, rng)
        if question is not None:
            assert film.comer is not None
            name = film.comer[0].name
            shown = [any(item.name == name for item in frame.items) for frame in frames]
            assert question.answer == f"frame {shown.index(True) + 1}" and shown == sorted(shown)
            seen.add("appears")
        yes = FRAMES["moves"][0](film, rng)
        assert yes is not None and (yes.answer == "yes") == (film.mover is not None)
    assert seen == {"to the right", "to the left", "up", "down", "appears"}
