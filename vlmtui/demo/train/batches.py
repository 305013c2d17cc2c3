"""Training batches, drawn anew for every step: batch `index` of a seed is always the same batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from vlmtui.demo import eye
from vlmtui.demo.asking import ask, ask_blind
from vlmtui.demo.draw import MAP_SIDE, MAPS, class_maps, draw
from vlmtui.demo.elsewhere import SYSTEM_PROMPTS
from vlmtui.demo.frames import INTRO, ask_film, random_film
from vlmtui.demo.scene import Scene, picture_size, random_scene
from vlmtui.demo.several import ask_album, random_album
from vlmtui.demo.train.eyechart import eyechart
from vlmtui.demo.train.packing import Encoder, Row, conversation, first_turns, stack, text_first
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES

Batch = dict[str, np.ndarray]

SIZES: dict[str, tuple[int, int]] = {
    "first": (20, 14),
    "single": (20, 14),
    "chat": (20, 8),
    "later": (12, 3),
    "split": (12, 10),
    "album": (10, 8),
    "album split": (6, 8),
    "film": (7, 7),
}
"""Rows in a batch of each type, and questions drawn for a row (for a picture, in "later")."""

EYE_ROWS = 48
"""Pictures in a batch of type "eye", which trains the vision tower and the connector alone."""

ROOM: dict[str, int] = {"first": 184, "single": 184, "chat": 168, "later": 200, "split": 224}
"""Length of a row in tokens; questions that do not fit are left out, so that rows are about equally long."""

FIRST: dict[str, float] = {
    "describe": 2.5, "colours": 1.0, "where": 1.2, "what_at": 1.2, "colour": 1.0, "shape": 1.0, "count": 0.8,
    "read": 1.0, "exists": 0.5, "relation": 0.4, "compare": 0.4, "size": 0.4, "absent": 0.2, "other": 0.15,
}  # fmt: skip
"""How often each maker of questions is drawn for batches of type "first": answers that name what is seen teach the
model to see it, while a bare yes or no teaches nothing before that."""

NUMBER_WORDS = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 10: "ten", 12: "twelve", 16: "sixteen"}
FILM_LENGTHS = (4, 5, 6, 7, 8) * 4 + (10, 12, 16)
LONGEST = 256
"""Training pictures are drawn up to this size: beyond, the processor leaves no difference to see."""


SUMMARY = 1 + len(SHAPES) + len(COLOUR_NAMES)
"""Numbers that say what a picture holds in all."""


def film_prefix(encoder: Encoder, frames: int, introduced: bool = True) -> list[int]:
    """The start of a prompt in which frames are sent as ordinary pictures."""
    intro = f"User: {INTRO}" if introduced else "User:"
    return [encoder.bos, *encoder.text(intro), *encoder.picture() * frames]


def video_prefix(encoder: Encoder, frames: int, step: float, length: int) -> list[int]:
    """The start of a prompt with a video part, as the processor words it, up to the last of `frames`, which are
    `step` seconds apart; `length` is the video's, in seconds."""
    text = (
        f"User: You are provided the following series of {NUMBER_WORDS[frames]} frames "
        f"from a {length // 3600}:{length // 60 % 60:02d}:{length % 60:02d} [H:MM:SS] video.\n"
    )
    ids = [encoder.bos]
    for k in range(frames):
        second = int(k * step)
        text += f"\nFrame from {second // 60:02d}:{second % 60:02d}:"
        ids += encoder.text(text) + encoder.picture()
        text = ""
    return ids


def summary(scene: Scene) -> list[int]:
    """What a picture holds in all: how many shapes, then 0 or 1 for each shape and each colour."""
    shapes, colours = {item.shape for item in scene.items}, {item.colour for item in scene.items}
    return [len(scene.items), *(int(s in shapes) for s in SHAPES), *(int(c in colours) for c in COLOUR_NAMES)]


def _arrays(pixels: list[Image.Image], maps: list[bytes], scenes: list[Scene]) -> Batch:
    count = len(pixels) if maps else 0
    return {
        "summaries": np.array([summary(scene) for scene in scenes], np.int64).reshape(-1, SUMMARY),
        "pixels": np.stack([np.asarray(picture) for picture in pixels]),
        "mapped": np.array([bool(maps)]),
        "maps": np.frombuffer(b"".join(maps), np.uint8).reshape(count, MAPS, MAP_SIDE, MAP_SIDE).copy(),
    }


def _pictures(scenes: list[Scene]) -> Batch:
    return _arrays([eye.whole(draw(scene)) for scene in scenes], [class_maps(scene) for scene in scenes], scenes)


class BatchMaker:
    """Draws batches. `last_kinds` names the kind of each question of the batch made last, by row."""

    def __init__(self, tokenizer_file: Path, seed: int) -> None:
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._encoder = Encoder(self.tokenizer)
        self._seed = seed
        self.last_kinds: list[list[str]] = []

    def make(self, index: int, kind: str) -> Batch:
        """The batch `index` of type `kind` (a key of `SIZES`, or "eye": pictures only).

        Returns:
            `pixels` uint8 (tiles, 64, 64, 3), `summaries` (pictures, 16) as `summary` gives them, `maps` uint8
            (pictures, 6, 16, 16), `mapped` (1,) whether the maps hold, and the arrays of `packing.stack`.
        """
        rng = Random(f"{self._seed}/{kind}/{index}")
        if kind == "eye":
            self.last_kinds = []
            return _pictures([eyechart(rng) for _ in range(EYE_ROWS)])
        rows, number = SIZES[kind]
        pixels: list[Image.Image] = []
        maps: list[bytes] = []
        shown: list[Scene] = []
        made: list[Row] = []
        pictures, frames = rng.choice((2, 2, 2, 3, 3, 4, 4)), rng.choice(FILM_LENGTHS)
        if kind == "film":
            rows = max(4, rows * 6 // frames)
        elif kind in ("album", "album split"):
            rows = max(3, rows * 3 // pictures)
        for _ in range(rows):
            if kind in ("album", "album split"):
                row, scenes = self._album(rng, pictures, number, splitting=kind == "album split")
            elif kind == "film":
                row, scenes = self._film(rng, frames, number)
            elif kind == "later":
                row, scenes = self._later(rng, number)
            else:
                row, scenes = self._single(rng, kind, number)
            made.append(row)
            shown += scenes
            for scene in scenes:
                picture = draw(scene)
                if kind.endswith("split"):
                    pixels += eye.split(picture)[0]
                else:
                    pixels.append(eye.whole(picture))
                    maps.append(class_maps(scene))
        self.last_kinds = [row.kinds for row in made]
        batch = stack(made, self._encoder.pad)
        return batch | _arrays(pixels, maps, shown)

    def _start(self, rng: Random) -> list[int]:
        """What comes before the first user's turn: now and then a system prompt."""
        encoder = self._encoder
        if rng.random() < 0.1:
            system = [encoder.bos, *encoder.text(f"System: {rng.choice(SYSTEM_PROMPTS)}"), encoder.end]
            return [*system, *encoder.text("\nUser:")]
        return [encoder.bos, *encoder.text("User:")]

    def _single(self, rng: Random, kind: str, number: int) -> tuple[Row, list[Scene]]:
        encoder, room = self._encoder, ROOM[kind]
        splitting = kind == "split"
        fine = rng.random() < (0.4 if splitting else 0.06)
        scene = random_scene(rng, size=picture_size(rng, longest=LONGEST), fine=fine, with_print=True if fine else None)
        questions = ask(scene, rng, number, FIRST if kind == "first" else None, splitting)
        # every picture up to 1 : 2 becomes 2 x 2 tiles at the processor's own size
        picture = encoder.picture(2, 2) if splitting else encoder.picture()
        if kind in ("first", "single") or (splitting and rng.random() < 0.6):
            return first_turns(encoder, [*self._start(rng), *picture], questions, room), [scene]
        if kind == "chat" and rng.random() < 0.06:
            return text_first(encoder, picture, questions[0]), [scene]
        if kind == "chat" and rng.random() < 0.1:
            prompts = [replace(q, prompt=" " + q.prompt) for q in ask_blind(scene, rng, number)]
            return first_turns(encoder, [encoder.bos, *encoder.text("User:")], prompts, room), []
        turns = [(picture if k == 0 else [], question) for k, question in enumerate(questions)]
        return conversation(encoder, turns, room), [scene]

    def _later(self, rng: Random, number: int) -> tuple[Row, list[Scene]]:
        """A conversation in which each new picture is asked about before the next one comes."""
        turns, scenes = [], []
        for _ in range(rng.randint(2, 3)):
            scene = random_scene(rng, size=picture_size(rng, longest=LONGEST))
            scenes.append(scene)
            for k, question in enumerate(ask(scene, rng, rng.randint(1, number))):
                seen = replace(question, picture=len(scenes) - 1)
                turns.append((self._encoder.picture() if k == 0 else [], seen))
        return conversation(self._encoder, turns), scenes

    def _album(self, rng: Random, pictures: int, number: int, splitting: bool) -> tuple[Row, list[Scene]]:
        encoder = self._encoder
        shown = (encoder.picture(2, 2) if splitting else encoder.picture()) * pictures
        album = random_album(rng, pictures)
        questions = ask_album(album, rng, number)
        scenes = list(album.scenes)
        room = len(shown) + 100
        roll = rng.random()
        if roll < 0.8:
            return first_turns(encoder, [*self._start(rng), *shown], questions, room), scenes
        if roll < 0.85:
            return text_first(encoder, shown, questions[0]), scenes
        turns = [(shown if k == 0 else [], question) for k, question in enumerate(questions)]
        return conversation(encoder, turns, room), scenes

    def _film(self, rng: Random, frames: int, number: int) -> tuple[Row, list[Scene]]:
        encoder = self._encoder
        film = random_film(rng, frames, picture_size(rng, longest=160))
        questions = ask_film(film, rng, number)
        as_video = rng.random() < 0.5
        if as_video:
            step = rng.choice((0.25, 0.5, 1.0, 1.0, 1.0, 2.0))
            before = video_prefix(encoder, frames, step, int((frames - 1) * step + rng.choice((0.0, step))))
        else:
            before = film_prefix(encoder, frames, introduced=rng.random() < 0.75)
        # after the frames of a video the processor puts an empty line, which belongs to the question's text
        first = [replace(q, prompt="\n\n" + q.prompt) for q in questions] if as_video else questions
        room = len(before) + 80
        if rng.random() < 0.8:
            return first_turns(encoder, before, first, room), list(film.frames)
        skip = 1 + len(encoder.text("User:"))
        turns = [(before[skip:] if k == 0 else [], first[k] if k == 0 else q) for k, q in enumerate(questions)]
        return conversation(encoder, turns, room), list(film.frames)
