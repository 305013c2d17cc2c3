"""The demo workspace: pictures, two short videos, a question set and a README of what to try."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from PIL import Image

from vlmtui.demo.asking import SINGLE
from vlmtui.demo.draw import draw
from vlmtui.demo.scene import Scene, random_scene
from vlmtui.demo.several import SEVERAL, Album, random_album
from vlmtui.demo.wording import Question

_CLIPS = Path(__file__).parent / "clips"

# name: seed, shapes, what is printed, size. The seeds are picked by eye, for pictures that look well in a terminal.
_SINGLE: dict[str, tuple[int, int, str | None, tuple[int, int]]] = {
    "shapes/one-shape.png": (10, 1, None, (480, 360)),
    "shapes/two-shapes.png": (109, 2, None, (560, 420)),
    "shapes/three-shapes.png": (210, 3, None, (640, 480)),
    "shapes/four-shapes.png": (308, 4, None, (600, 480)),
    "shapes/tall.png": (402, 3, None, (400, 600)),
    "shapes/square.jpg": (500, 3, None, (512, 512)),
    "words/word.png": (605, 0, "HELLO", (560, 420)),
    "words/number.png": (707, 0, "2026", (480, 400)),
    "words/sign.png": (804, 2, "STOP", (600, 450)),
    "words/poster.jpg": (904, 1, "MUSIC", (480, 560)),
}
_FINE = ("words/fine-print.png", 6, "SALE", (640, 480))
_PAIRS: dict[str, int] = {"pairs/first": 17, "pairs/second": 23}
_ALBUM = ("album", 10, 3)

_README = """# The demo workspace

Small pictures to try vlmtui with. The built-in demo model was trained on pictures like these: it knows coloured
shapes and short printed words, and answers in a moment, without a network and without a GPU. It knows nothing
else; for real photographs choose a real SmolVLM in the model picker.

## Try this

1. Open `shapes/three-shapes.png` and ask: **How many shapes are there?**
   Then go on: "What is in the top left?", "Which colour is the star?", "Is there a red circle?",
   "Describe the picture."
2. Open `words/word.png` and ask: "What does the text say?"
3. Open `words/fine-print.png` and ask: "Read the text." It is too small for the model's eye. Turn picture splitting
   on with F7 and ask again: now the picture is sent in tiles, costs more tokens, and can be read.
4. Attach both pictures of a pair, `pairs/{pair}-before.png` first, and ask: "What differs?"
5. Attach the three pictures of `album/` and ask: "Which picture has the most shapes?"
6. Attach `videos/moving.mp4` and ask: "Which way does the shape move?"

`questions.jsonl` holds questions about all of these with their right answers, one JSON object a line with the fields
`images`, `prompt` and `completion` as TRL's SFT trainer reads them.
"""


def _scene(seed: int, shapes: int, text: str | None, size: tuple[int, int]) -> Scene:
    return random_scene(Random(seed), shapes=shapes, with_print=text is not None, text=text, size=size, unique=True)


def _encoded(picture: Image.Image, name: str) -> bytes:
    file = io.BytesIO()
    if name.endswith(".jpg"):
        picture.save(file, "JPEG", quality=92)
    else:
        picture.save(file, "PNG", compress_level=3)
    return file.getvalue()


def _asked(scene: Scene, seed: int, *kinds: str) -> Iterator[Question]:
    rng = Random(seed)
    for kind in kinds:
        question = SINGLE[kind][0](scene, rng)
        if question is not None and question.kind != "fine print":
            yield question


def _line(images: list[str], question: Question) -> dict[str, object]:
    parts: list[dict[str, str]] = [{"type": "image"} for _ in images]
    return {
        "images": images,
        "prompt": [{"role": "user", "content": [*parts, {"type": "text", "text": question.prompt}]}],
        "completion": [{"role": "assistant", "content": [{"type": "text", "text": question.answer}]}],
    }


def albums() -> dict[tuple[str, ...], Album]:
    """The groups of pictures by their names in the workspace: the pairs, and three to compare."""
    found: dict[tuple[str, ...], Album] = {}
    for name, seed in _PAIRS.items():
        album = random_album(Random(seed), 2, pair=True, size=(480, 360))
        # the pictures of a pair differ in what the change says and in nothing else, not even in their noise
        scenes = tuple(replace(scene, seed=album.scenes[0].seed) for scene in album.scenes)
        found[(f"{name}-before.png", f"{name}-after.png")] = replace(album, scenes=scenes)
    folder, seed, number = _ALBUM
    rng = Random(seed)
    scenes = tuple(random_scene(rng, shapes=3 - k, with_print=False, size=(480, 360), unique=True)
                   for k in (2, 0, 1))  # fmt: skip
    found[tuple(f"{folder}/{k + 1}.png" for k in range(number))] = Album(scenes)
    return found


def singles() -> dict[str, Scene]:
    """The single pictures by their names in the workspace."""
    found = {name: _scene(*how) for name, how in _SINGLE.items()}
    name, seed, text, size = _FINE
    found[name] = random_scene(Random(seed), shapes=1, with_print=True, text=text, size=size, fine=True)
    return found


def files() -> Iterator[tuple[str, bytes]]:
    """Every file of the workspace: its name within and its bytes, the same in every call."""
    lines: list[dict[str, object]] = []
    for number, (name, scene) in enumerate(singles().items()):
        yield name, _encoded(draw(scene), name)
        kinds = ("count", "read") if name.startswith("words/") else ("count", "where", "colour", "exists", "relation")
        lines += [_line([name], question) for question in _asked(scene, number, *kinds, "describe")]
    for number, (names, album) in enumerate(albums().items()):
        for name, scene in zip(names, album.scenes, strict=True):
            yield name, _encoded(draw(scene), name)
        rng = Random(number)
        asked = [SEVERAL[kind][0](album, rng) for kind in ("differs", "which_has", "has_more")]
        lines += [_line(list(names), question) for question in asked if question is not None]
    for clip in sorted(_CLIPS.glob("*.mp4")):
        yield f"videos/{clip.name}", clip.read_bytes()
    yield "questions.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode()
    yield "README.md", _README.format(pair=next(iter(_PAIRS)).split("/")[1]).encode()


def write_workspace(directory: Path) -> Path:
    """Writes the demo workspace.

    A file that is there already is left as it is, so that nothing of the user's is lost; delete it to get it anew.

    Args:
        directory: made where it does not exist.

    Returns:
        The directory, absolute.

    Raises:
        OSError: if the directory cannot be made or written to.
    """
    directory = directory.expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files():
        target = directory / name
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        part.write_bytes(content)
        part.replace(target)
    return directory
