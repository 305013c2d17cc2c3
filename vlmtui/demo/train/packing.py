"""Turns pictures and questions into token rows: the chat template's text, with a loss on the answers only.

A row holds one prompt prefix (the pictures) and several questions about it. In an independent row every question
sees the prefix and itself but no other question, and its positions follow the prefix directly: several first
turns for the price of one. In a row that is not independent the questions are the turns of one conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from tokenizers import Tokenizer

from vlmtui.demo.draw import MAP_SIDE
from vlmtui.demo.scene import Item
from vlmtui.demo.train.tokenizer import BOS, END_OF_UTTERANCE, FAKE, GLOBAL, IMAGE, PAD
from vlmtui.demo.vocabulary import COLOUR_NAMES, SHAPES, SIZES
from vlmtui.demo.wording import Question

IMAGE_TOKENS = 16


class Encoder:
    """Encodes the pieces of text between special tokens, remembering those seen before."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._seen: dict[str, list[int]] = {}
        token = self._token
        self.bos, self.end, self.pad = token(BOS), token(END_OF_UTTERANCE), token(PAD)
        self._fake, self._image, self._global = token(FAKE), token(IMAGE), token(GLOBAL)
        self._shapes = {token("Ġ" + name) for name in SHAPES}
        self._colours = {token("Ġ" + name) for name in COLOUR_NAMES}

    def _token(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(f"the tokenizer has no {name}")
        return int(token)

    def text(self, text: str) -> list[int]:
        """Token ids of a text that borders on special tokens or on a pre-token boundary at both ends."""
        ids = self._seen.get(text)
        if ids is None:
            if len(self._seen) > 200_000:
                self._seen.clear()
            ids = self._seen[text] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def named(self, ids: list[int], number: int) -> list[int]:
        """Where in a prompt's tokens its `number` shapes are named: at their shape words, or at their colour words
        where it has no shape words; empty where that is in doubt."""
        for words in (self._shapes, self._colours):
            places = [place for place, token in enumerate(ids) if token in words]
            if len(places) == number:
                return places
        return []

    def picture(self, rows: int = 0, columns: int = 0) -> list[int]:
        """Token ids of one picture, split into `rows` x `columns` tiles or whole."""
        ids: list[int] = []
        for row in range(rows):
            for column in range(columns):
                tile = self._token(f"<row_{row + 1}_col_{column + 1}>")
                ids += [self._fake, tile, *[self._image] * IMAGE_TOKENS]
            ids += self.text("\n") if row < rows - 1 else self.text("\n\n")
        return [*ids, self._fake, self._global, *[self._image] * IMAGE_TOKENS, self._fake]


@dataclass
class Row:
    """One row of a batch: parallel lists, one entry a token.

    `parts` is 0 in the prefix and the question's number in independent rows; `weights` is the loss's weight of
    PREDICTING this token (0: no loss); `owners` is the index of the question whose answer the token belongs to,
    or -1. `kinds` are the kinds of the `questions` that found room; `named` are the
    tokens that name a shape, with that shape and the number of its picture, and `coming` the tokens after which a
    shape or a glyph is named, with its column and row in a grid of `MAP_SIDE`.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    named: list[tuple[int, Item, int]] = field(default_factory=list)
    coming: list[tuple[int, int, int]] = field(default_factory=list)
    questions: int = 0

    def add_prompt(self, encoder: Encoder, question: Question, start: int, part: int = 0) -> int:
        """Appends a prompt's tokens; returns the position after them."""
        ids = encoder.text(question.prompt)
        for place, item in zip(encoder.named(ids, len(question.about)), question.about, strict=False):
            self.named.append((len(self.ids) + place, item, question.picture))
        return self.add(ids, start, part)

    def add(self, ids: list[int], start: int, part: int = 0, weight: float = 0.0, owner: int = -1) -> int:
        """Appends tokens at positions from `start`; returns the position after them."""
        self.ids += ids
        self.positions += range(start, start + len(ids))
        self.parts += [part] * len(ids)
        self.weights += [weight] * len(ids)
        self.owners += [owner] * len(ids)
        return start + len(ids)


def _cell(value: float) -> int:
    return max(0, min(MAP_SIDE - 1, int(value * MAP_SIDE)))


def _add_answer(row: Row, encoder: Encoder, question: Question, start: int, part: int, owner: int) -> int:
    at = row.add([encoder.end, *encoder.text("\nAssistant:")], start, part)
    ids = [*encoder.text(" " + question.answer), encoder.end]
    here = len(row.ids)
    for place, (item, picture) in zip(encoder.named(ids, len(question.told)), question.told, strict=False):
        row.named.append((here + place, item, picture))
        row.coming.append((here + place - 2, _cell(item.x), _cell(item.y)))  # before its colour
    first = here + len(ids) - 1 - len(question.spelled)  # every glyph is one token, then comes the end
    for number, (x, y) in enumerate(question.spelled):
        row.coming.append((first + number - 1, _cell(x), _cell(y)))
    at = row.add(ids, at, part, weight=len(ids) ** -0.25, owner=owner)
    return row.add(encoder.text("\n"), at, part) if part == 0 else at


def first_turns(encoder: Encoder, prefix: list[int], questions: list[Question], room: int = 100_000) -> Row:
    """A row in which every question is a first turn of its own after `prefix`; questions that would make it longer
    than `room` tokens are left out (never the first)."""
    row = Row()
    start = row.add(prefix, 0)
    for question in questions:
        prompt = encoder.text(question.prompt)
        cost = len(prompt) + len(encoder.text(" " + question.answer)) + 5
        if row.questions and len(row.ids) + cost > room:
            continue
        at = row.add_prompt(encoder, question, start, row.questions + 1)
        _add_answer(row, encoder, question, at, row.questions + 1, row.questions)
        row.kinds.append(question.kind)
        row.questions += 1
    return row


def conversation(encoder: Encoder, turns: list[tuple[list[int], Question]], room: int = 100_000) -> Row:
    """A row in which the questions follow each other; each turn is what is put before its question (the pictures
    that it brings, or nothing) and the question. It ends before the turn that would make it longer than `room`."""
    row = Row()
    at = row.add([encoder.bos], 0)
    for number, (before, question) in enumerate(turns):
        cost = len(before) + len(encoder.text(" " + question.prompt)) + len(encoder.text(" " + question.answer)) + 8
        if number and len(row.ids) + cost > room:
            break
        at = row.add(encoder.text("User:"), at)
        at = row.add(before, at)
        said = question if before else replace(question, prompt=" " + question.prompt)
        at = row.add_prompt(encoder, said, at)
        at = _add_answer(row, encoder, question, at, 0, number)
        row.kinds.append(question.kind)
        row.questions += 1
    return row


def text_first(encoder: Encoder, pictures: list[int], question: Question) -> Row:
    """A row of one turn in which the question comes before the pictures."""
    row = Row()
    at = row.add([encoder.bos, *encoder.text("User: " + question.prompt)], 0)
    at = row.add(pictures, at)
    _add_answer(row, encoder, question, at, 0, 0)
    row.kinds.append(question.kind)
    row.questions = 1
    return row


MOST_PICTURES = 16
"""Pictures of one prompt that are told apart while training."""
FACTS: tuple[int, ...] = (MAP_SIDE, MAP_SIDE, len(SHAPES), len(COLOUR_NAMES), len(SIZES), MOST_PICTURES)
"""Classes of what is known of a named shape: column and row of its centre, shape, colour, size, picture."""


def _facts(item: Item, picture: int) -> tuple[int, ...]:
    column, row = _cell(item.x), _cell(item.y)
    shape, colour, size = SHAPES.index(item.shape), COLOUR_NAMES.index(item.colour), SIZES.index(item.size)
    return column, row, shape, colour, size, min(picture, MOST_PICTURES - 1)


def stack(rows: list[Row], pad: int) -> dict[str, np.ndarray]:
    """Rows padded on the right, each array (rows, length): `ids`, `positions`, `parts` (-1 in padding), `weights`,
    `owners`."""
    length = -(-max(len(row.ids) for row in rows) // 8) * 8
    shape = (len(rows), length)
    batch: dict[str, np.ndarray] = {
        "ids": np.full(shape, pad, np.int64),
        "positions": np.zeros(shape, np.int64),
        "parts": np.full(shape, -1, np.int64),
        "weights": np.zeros(shape, np.float32),
        "owners": np.full(shape, -1, np.int64),
    }
    names = [
        (index, place, *_facts(item, picture)) for index, row in enumerate(rows) for place, item, picture in row.named
    ]
    named = np.array(names, np.int64).reshape(-1, 2 + len(FACTS))
    for index, row in enumerate(rows):
        for name, array in batch.items():
            array[index, : len(row.ids)] = getattr(row, name)
    coming = [(index, *one) for index, row in enumerate(rows) for one in row.coming]
    return {**batch, "named": named, "coming": np.array(coming, np.int64).reshape(-1, 4)}
