"""Training batches, drawn anew for every step: batch `index` of a seed is always the same batch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image
from tokenizers import Tokenizer

from vlmtui.demo import eye
from vlmtui.demo.draw import MAP_SIDE, class_maps, draw
from vlmtui.demo.frames import INTRO, ask_film, random_film
from vlmtui.demo.questions import Question, ask
from vlmtui.demo.scene import Scene, picture_size, random_scene
from vlmtui.demo.several import ask_album, random_album
from vlmtui.demo.train.packing import Encoder, Row, conversation, first_turns, stack, text_first

Batch = dict[str, np.ndarray]

SIZES: dict[str, tuple[int, int]] = {
    "single": (32, 8),
    "chat": (32, 6),
    "later": (16, 3),
    "split": (20, 6),
    "album": (14, 4),
    "film": (9, 5),
}
"""Rows in a batch of each type, and questions a row (a picture, in "later")."""

NUMBER_WORDS = {4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}
LONGEST = 256
"""Training pictures are drawn up to this size: beyond, the processor leaves no difference to see."""


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


class BatchMaker:
    """Draws batches. `last_kinds` names the kind of each question of the batch made last, by row."""

    def __init__(self, tokenizer_file: Path, seed: int) -> None:
        self._encoder = Encoder(Tokenizer.from_file(str(tokenizer_file)))
        self._seed = seed
        self.last_kinds: list[list[str]] = []

    def make(self, index: int, kind: str) -> Batch:
        """The batch `index` of type `kind` (a key of `SIZES`).

        Returns:
            `pixels` uint8 (pictures, 64, 64, 3), `maps` uint8 (pictures, 3, 16, 16), `mapped` (1,) whether the
            maps hold, and the arrays of `packing.stack`.
        """
        rng = Random(f"{self._seed}/{kind}/{index}")
        rows, number = SIZES[kind]
        pixels: list[Image.Image] = []
        maps: list[bytes] = []
        made: list[tuple[Row, list[Question]]] = []
        pictures, frames = rng.choice((2, 2, 2, 3, 4)), rng.randint(4, 8)
        if kind in ("album", "film"):
            rows = max(4, rows * 3 // pictures) if kind == "album" else max(5, rows * 6 // frames)
        for _ in range(rows):
            if kind == "album":
                row, questions, scenes = self._album(rng, pictures, number)
            elif kind == "film":
                row, questions, scenes = self._film(rng, frames, number)
            elif kind == "later":
                row, questions, scenes = self._later(rng, rng.randint(2, 3), number)
            else:
                row, questions, scenes = self._single(rng, kind, number)
            made.append((row, questions))
            for scene in scenes:
                picture = draw(scene)
                if kind == "split":
                    pixels += eye.split(picture)[0]
                else:
                    pixels.append(eye.whole(picture))
                    maps.append(class_maps(scene))
        self.last_kinds = [[question.kind for question in questions] for _, questions in made]
        batch = stack([row for row, _ in made], self._encoder.pad)
        batch["pixels"] = np.stack([np.asarray(picture) for picture in pixels])
        batch["mapped"] = np.array([bool(maps)])
        count = len(pixels) if maps else 0
        batch["maps"] = np.frombuffer(b"".join(maps), np.uint8).reshape(count, 3, MAP_SIDE, MAP_SIDE).copy()
        return batch

    def _prefix(self, pictures: int) -> list[int]:
        encoder = self._encoder
        return [encoder.bos, *encoder.text("User:"), *encoder.picture() * pictures]

    def _single(self, rng: Random, kind: str, number: int) -> tuple[Row, list[Question], list[Scene]]:
        encoder = self._encoder
        scene = random_scene(rng, size=picture_size(rng, longest=LONGEST))
        questions = ask(scene, rng, number)
        if kind == "split":
            tiles = 2  # every picture up to 1 : 2 becomes 2 x 2 tiles at the processor's own size
            picture = encoder.picture(tiles, tiles)
            if rng.random() < 0.5:
                prefix = [encoder.bos, *encoder.text("User:"), *picture]
                return first_turns(encoder, prefix, questions), questions, [scene]
            turns = [(picture if k == 0 else [], question) for k, question in enumerate(questions)]
            return conversation(encoder, turns), questions, [scene]
        if kind == "single":
            return first_turns(encoder, self._prefix(1), questions), questions, [scene]
        if rng.random() < 0.12:
            return text_first(encoder, encoder.picture(), questions[0]), questions[:1], [scene]
        turns = [(encoder.picture() if k == 0 else [], question) for k, question in enumerate(questions)]
        return conversation(encoder, turns), questions, [scene]

    def _later(self, rng: Random, pictures: int, number: int) -> tuple[Row, list[Question], list[Scene]]:
        """A conversation in which each new picture is asked about before the next one comes."""
        turns, asked, scenes = [], [], []
        for _ in range(pictures):
            scene = random_scene(rng, size=picture_size(rng, longest=LONGEST))
            scenes.append(scene)
            for k, question in enumerate(ask(scene, rng, number)):
                turns.append((self._encoder.picture() if k == 0 else [], question))
                asked.append(question)
        return conversation(self._encoder, turns), asked, scenes

    def _album(self, rng: Random, pictures: int, number: int) -> tuple[Row, list[Question], list[Scene]]:
        encoder = self._encoder
        album = random_album(rng, pictures)
        questions = ask_album(album, rng, number)
        scenes = list(album.scenes)
        roll = rng.random()
        if roll < 0.7:
            return first_turns(encoder, self._prefix(pictures), questions), questions, scenes
        if roll < 0.78:
            return text_first(encoder, encoder.picture() * pictures, questions[0]), questions[:1], scenes
        turns = [(encoder.picture() * pictures if k == 0 else [], question) for k, question in enumerate(questions)]
        return conversation(encoder, turns), questions, scenes

    def _film(self, rng: Random, frames: int, number: int) -> tuple[Row, list[Question], list[Scene]]:
        encoder = self._encoder
        film = random_film(rng, frames, picture_size(rng, longest=160))
        questions = ask_film(film, rng, number)
        as_video = rng.random() < 0.55
        if as_video:
            step = rng.choice((0.25, 0.5, 1.0, 1.0, 1.0, 2.0))
            before = video_prefix(encoder, frames, step, int((frames - 1) * step + rng.choice((0.0, step))))
        else:
            before = film_prefix(encoder, frames, introduced=rng.random() < 0.75)
        # after the frames of a video the processor puts an empty line, which belongs to the question's text
        first = [replace(q, prompt="\n\n" + q.prompt) for q in questions] if as_video else questions
        if rng.random() < 0.75:
            return first_turns(encoder, before, first), questions, list(film.frames)
        skip = 1 + len(encoder.text("User:"))
        turns = [(before[skip:] if k == 0 else [], first[k] if k == 0 else q) for k, q in enumerate(questions)]
        return conversation(encoder, turns), questions, list(film.frames)
