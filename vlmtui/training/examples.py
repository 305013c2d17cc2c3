"""From the rows of a data set to the examples of a training: each row is one, or is named with its fault."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.datasets.conversation import Turn, as_conversation, problems_of, right_answers
from vlmtui.datasets.pictures import Picture, resolve
from vlmtui.datasets.rows import Row
from vlmtui.datasets.schema import Schema, detect
from vlmtui.media.errors import MediaError
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line
from vlmtui.training.recipe import PREFERENCES, Data, Method

DESCRIBE = "Describe this image."
"""What is asked about a picture that has a caption and no question."""
FRAMES_INTRO = "Following are the frames of a video in temporal order."
"""What the smol-course says before a video's frames."""

_ROLES = ("system", "user", "assistant")
_FRAMES = 8
_FRAME_EDGE = 512


class Message(msgspec.Struct, frozen=True):
    """What one side says: its pictures, then its text."""

    role: str
    text: str
    pictures: int = 0


@dataclass(slots=True)
class Example:
    """Something to learn from.

    Attributes:
        row: its row in the data set.
        pictures: with an absolute path, or their bytes; in the order of the messages.
        prompt: what comes before the answer.
        answer: what is learned; of a preference the better one.
        rejected: the worse one.
        references: all right answers; `answer` is the first.
        good: whether the answer is a good one; KTO learns from bad ones, too.
    """

    row: int
    pictures: list[Picture]
    prompt: list[Message]
    answer: str
    rejected: str = ""
    references: list[str] = field(default_factory=list)
    good: bool = True


class BadRow(msgspec.Struct, frozen=True):
    """A row that cannot be used, and why, in one line that is safe to show."""

    row: int
    reason: str


class UnfitData(Exception):
    """A data set that the method cannot use; one line."""


def schema_for(columns: list[str], sample: list[dict[str, Any]], data: Data, method: Method) -> Schema:
    """Return what the rows are, by the recipe's `columns` and by what is found out.

    Raises:
        UnfitData: `method` cannot use such rows.
    """
    found = detect(columns, sample)
    names = set(columns) | {name for row in sample for name in row}
    if data.columns:
        for part, name in data.columns.items():
            if name not in names:
                raise UnfitData(f"columns: {part}: there is no column {name!r}, but {', '.join(sorted(names)[:12])}")
        parts: dict[str, str] = {part: name for part, name in data.columns.items() if part != "images"}
        pictures = [data.columns["images"]] if "images" in data.columns else found.pictures
        # An answer without a question is a caption, under whatever name.
        called = {"completion": "caption"} if pictures and not {"prompt", "messages", "chosen"} & set(parts) else {}
        given = {called.get(part, part): name for part, name in parts.items()} | (
            {"images": pictures[0]} if pictures else {}
        )
        renamed = [{part: row.get(name) for part, name in given.items()} for row in sample]
        again = detect(list(given), renamed)
        found = msgspec.structs.replace(
            again, columns={part: given[name] for part, name in again.columns.items()}, pictures=pictures
        )
    # TRL's own names for those of the schema's kinds that give a better and a worse answer, or one answer.
    preference = "chosen" in found.columns and "rejected" in found.columns
    usable = found.kind not in ("unknown", "prompt")
    if method in PREFERENCES or method == "kto":
        usable = preference or (method == "kto" and found.kind == "kto")
    if not usable:
        like = "dpo" if method == "mpo" else method
        lacking = [line for line in found.missing if line.lower().startswith((like, "any method"))]
        what = lacking[0] if lacking else f"{method.upper()}: an answer to each prompt"
        raise UnfitData(
            f"{found.title.lower()}: {what}; columns are {', '.join(sorted(names)[:12]) or 'none'}: "
            "name them in the recipe, e.g. columns: {prompt: question, completion: answer, images: image}"
        )
    return found


def examples_of(
    rows: Iterable[tuple[int, Row]],
    schema: Schema,
    root: Path,
    method: Method,
    *,
    look: bool = True,
    spill: Path | None = None,
) -> Iterator[Example | BadRow]:
    """Yield the examples of `rows`, and the rows that are none.

    A conversation with several answers gives an example for each of them, with all that came before.

    Args:
        root: the folder that pictures must lie in.
        look: whether pictures are decoded to see that they can be.
        spill: where pictures that come as bytes are laid down: tens of thousands do not fit in memory.
    """
    for number, row in rows:
        try:
            for example in _examples(number, row, schema, root, method, look):
                if spill is not None:
                    example.pictures = [_laid_down(one, spill) for one in example.pictures]
                yield example
        except _BadRowError as error:
            yield BadRow(number, safe_line(str(error), 200))


class _BadRowError(Exception):
    pass


def _examples(number: int, row: Row, schema: Schema, root: Path, method: Method, look: bool) -> Iterator[Example]:
    if row.error:
        raise _BadRowError(row.error)
    for problem in problems_of(row.values, schema):
        raise _BadRowError(problem)
    good = schema.kind != "kto" or _judged_good(row.values.get(schema.columns["label"]))
    if not good and method != "kto":
        raise _BadRowError("its answer is judged bad: SFT learns from good ones")
    turns = as_conversation(row.values, schema)
    answers = right_answers(row.values.get(schema.columns.get("completion", "")))
    opened: dict[int, list[Picture]] = {}

    def pictures_of(turn: Turn) -> list[Picture]:
        if id(turn) not in opened:
            opened[id(turn)] = [shown for one in turn.pictures for shown in _pictures(one, root, look)]
        return opened[id(turn)]

    shared = [turn for turn in turns if not turn.branch]
    if "chosen" in schema.columns:
        chosen = [turn.text for turn in turns if turn.branch == "chosen"]
        rejected = [turn.text for turn in turns if turn.branch == "rejected"]
        if len(chosen) != 1 or len(rejected) != 1:
            raise _BadRowError("chosen and rejected must be one answer each to the same prompt")
        if method in (*PREFERENCES, "kto") and chosen == rejected:
            raise _BadRowError("chosen and rejected are the same")
        if method == "kto":
            yield _example(number, shared, chosen[0], pictures_of)
            yield _example(number, shared, rejected[0], pictures_of, good=False)
        else:
            worse = rejected[0] if method in PREFERENCES else ""
            yield _example(number, shared, chosen[0], pictures_of, rejected=worse)
        return
    for place, turn in enumerate(shared):
        if turn.role == "assistant":
            given = answers or [turn.text]
            if not given[0].strip():
                raise _BadRowError("an answer is empty")
            yield _example(number, shared[:place], given[0], pictures_of, references=given, good=good)


def _example(number: int, before: list[Turn], answer: str, pictures_of: Any, *, rejected: str = "",
             references: list[str] | None = None, good: bool = True) -> Example:  # fmt: skip
    pictures: list[Picture] = []
    messages: list[Message] = []
    for turn in before:
        if turn.role not in _ROLES:
            raise _BadRowError(f"{turn.role!r} is no role: system, user and assistant are")
        own = pictures_of(turn)
        text = turn.text
        if not text.strip() and turn.role == "user":
            text = DESCRIBE
        if any(kind_of(Path(one.path)) == "video" for one in turn.pictures if one.path):
            text = f"{FRAMES_INTRO}\n{text}"
        pictures += own
        messages.append(Message(turn.role, text, len(own)))
    if not any(message.role == "user" for message in messages):
        raise _BadRowError("nothing is asked")
    return Example(number, pictures, messages, answer.strip(), rejected.strip(), references or [answer.strip()], good)


def _pictures(picture: Picture, root: Path, look: bool) -> list[Picture]:
    """Return the picture with its absolute path, of a video its frames; raises `_BadRowError`."""
    from vlmtui.media.pictures import describe

    if picture.data is not None:
        if not picture.data:
            raise _BadRowError("a picture has no bytes")
        if look:
            try:
                decoded(picture)
            except MediaError as error:
                raise _BadRowError(error.cause) from None
        return [picture]
    place = resolve(picture.path, root)
    if isinstance(place, str):
        raise _BadRowError(place)
    try:
        if kind_of(place) == "video":
            return _frames(place)
        found = Picture(str(place))
        if look:
            decoded(found)
        else:
            describe(place)
    except MediaError as error:
        raise _BadRowError(error.cause) from None
    return [found]


def _frames(place: Path) -> list[Picture]:
    from PIL import Image

    from vlmtui.media.videos import sample_frames
    from vlmtui.models.sampling import FrameSampling

    found: list[Picture] = []
    for frame in sample_frames(place, FrameSampling(frames=_FRAMES), longest_edge=_FRAME_EDGE).frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "PNG", compress_level=1)
        found.append(Picture(str(place), file.getvalue()))
    return found


def _laid_down(picture: Picture, folder: Path) -> Picture:
    """Return the picture as a file in `folder`, named by its content; one that is a file stays it."""
    if picture.data is None:
        return picture
    name = hashlib.sha256(picture.data).hexdigest()[:32]
    place = folder / name[:2] / name
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(".part")
        aside.write_bytes(picture.data)
        aside.replace(place)
    return Picture(str(place))


def decoded(picture: Picture) -> Any:
    """Return the picture's pixels as an RGB Pillow image, as a question to the model would show it.

    Raises:
        MediaError: it cannot be decoded.
    """
    from vlmtui.media.pictures import open_bytes, open_picture

    return open_picture(picture.path) if picture.data is None else open_bytes(picture.data, picture.path)


def _judged_good(value: Any) -> bool:
    return value is True or str(value).lower() in ("1", "true")
