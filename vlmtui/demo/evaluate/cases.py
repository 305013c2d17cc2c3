"""What the demo model is asked in an evaluation: freshly drawn pictures with questions and right answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from PIL import Image

from vlmtui.demo.asking import SINGLE, TOO_SMALL, ask, ask_blind, finish
from vlmtui.demo.draw import draw
from vlmtui.demo.frames import FRAMES, INTRO, random_film
from vlmtui.demo.questions import read
from vlmtui.demo.scene import Scene, random_scene
from vlmtui.demo.several import SEVERAL, random_album
from vlmtui.demo.wording import Question

Painter = Callable[[Scene], Image.Image]
Restyle = Callable[[Scene, Random], Scene | None]
Message = dict[str, object]


@dataclass(frozen=True)
class Case:
    """One prompt with its right answer.

    `row` is the row of the table; `as_video` sends the pictures as one video; `split_answer` is the right answer
    with picture splitting on, where it is another one.
    """

    row: str
    messages: list[Message]
    pictures: list[Image.Image] = field(repr=False)
    answer: str
    as_video: bool = False
    split_answer: str | None = None

    def right(self, splitting: bool) -> str:
        """The right answer, which for fine print depends on picture splitting."""
        return self.split_answer if splitting and self.split_answer else self.answer


def keep(scene: Scene, _: Random) -> Scene:
    """The scene as it is, for the drawing code of training."""
    return scene


def message(role: str, *parts: str) -> Message:
    """A message of typed parts; `"<image>"` and `"<video>"` stand for a picture and a video."""
    kinds = {"<image>": {"type": "image"}, "<video>": {"type": "video"}}
    return {"role": role, "content": [kinds.get(part) or {"type": "text", "text": part} for part in parts]}


def single(rng: Random, number: int, paint: Painter, restyle: Restyle) -> Iterator[Case]:
    """`number` pictures, each asked one question of every kind that it allows, as a first turn; one follow-up,
    one question about fine print, one without a picture, and one about a second picture that comes later."""
    drawn = 0
    before: tuple[Image.Image, Question] | None = None
    while drawn < number:
        scene = restyle(random_scene(rng), rng)
        if scene is None:
            continue
        drawn += 1
        picture = paint(scene)
        for maker, _ in SINGLE.values():
            question = maker(scene, rng)
            if question is not None:
                question = finish(question, rng, splitting=True)
                yield Case(question.kind, [message("user", "<image>", question.prompt)], [picture], question.answer)
        turns = ask(scene, rng, 4)
        messages = []
        for k, turn in enumerate(turns):
            messages.append(message("user", *(("<image>",) if k == 0 else ()), turn.prompt))
            messages.append(message("assistant", turn.answer))
        yield Case("as a follow-up", messages[:-1], [picture], turns[-1].answer)
        yield from _fine_print(rng, paint, restyle)
        blind = ask_blind(scene, rng, 1)[0]
        yield Case(blind.kind, [message("user", blind.prompt)], [], blind.answer)
        if before is not None:
            earlier, said = before
            messages = [message("user", "<image>", said.prompt), message("assistant", said.answer),
                        message("user", "<image>", turns[0].prompt)]  # fmt: skip
            yield Case("about a later picture", messages, [earlier, picture], turns[0].answer)
        before = (picture, turns[0])


def _fine_print(rng: Random, paint: Painter, restyle: Restyle) -> Iterator[Case]:
    """One picture with print that is read only with picture splitting on."""
    while True:
        scene = restyle(random_scene(rng, with_print=True, fine=True), rng)
        question = read(scene, rng) if scene is not None else None
        if scene is not None and question is not None and question.kind == "fine print":
            said = finish(question, rng, splitting=True)
            yield Case(said.kind, [message("user", "<image>", said.prompt)], [paint(scene)], TOO_SMALL,
                       split_answer=said.answer)  # fmt: skip
            return


def several(rng: Random, number: int, paint: Painter, restyle: Restyle) -> Iterator[Case]:
    """`number` albums of two to four pictures, each asked one question of every kind that it allows."""
    drawn = 0
    while drawn < number:
        album = random_album(rng, 2 + drawn % 3, pair=drawn % 6 == 0 or None)
        style = rng.getrandbits(32)  # every picture of an album in the same shades
        scenes = [restyle(scene, Random(style)) for scene in album.scenes]
        if not all(scenes):
            continue
        drawn += 1
        pictures = [paint(scene) for scene in scenes if scene is not None]
        for maker, _ in SEVERAL.values():
            question = maker(album, rng)
            if question is not None:
                question = finish(question, rng, splitting=True)
                prompt = message("user", *["<image>"] * len(pictures), question.prompt)
                yield Case(question.kind, [prompt], pictures, question.answer)


def films(rng: Random, number: int, paint: Painter, restyle: Restyle, as_video: bool) -> Iterator[Case]:
    """`number` films of four to eight frames, each asked one question of every kind that it allows; the frames are
    sent as pictures with an introduction, or as one video."""
    drawn = 0
    while drawn < number:
        film = random_film(rng, 4 + drawn % 5)
        style = rng.getrandbits(32)
        scenes = [restyle(scene, Random(style)) for scene in film.frames]
        if not all(scenes):
            continue
        drawn += 1
        pictures = [paint(scene) for scene in scenes if scene is not None]
        for maker, _ in FRAMES.values():
            question = maker(film, rng)
            if question is None:
                continue
            question = finish(question, rng, splitting=True)
            if as_video:
                prompt = message("user", "<video>", question.prompt)
            else:
                prompt = message("user", INTRO, *["<image>"] * len(pictures), question.prompt)
            yield Case(question.kind, [prompt], pictures, question.answer, as_video)


TRAINED: tuple[Painter, Restyle] = (draw, keep)
"""The drawing code of training."""
