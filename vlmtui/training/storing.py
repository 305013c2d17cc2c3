"""Examples on the disk, as TRL's trainers read them: memory-mapped, pictures decoded when their turn comes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from vlmtui.datasets.pictures import Picture
from vlmtui.media.errors import MediaError
from vlmtui.training.examples import Example, Message, decoded
from vlmtui.training.failures import TrainingFailure
from vlmtui.training.recipe import PREFERENCES, Method

_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("images", pa.list_(pa.struct([("path", pa.string()), ("bytes", pa.binary())]))),
        ("prompt", pa.string()),
        ("completion", pa.string()),
        ("chosen", pa.string()),
        ("rejected", pa.string()),
        ("references", pa.list_(pa.string())),
        ("label", pa.bool_()),
        ("tiles", pa.int32()),
    ]
)
_BATCH = 64


def write_examples(path: Path, examples: list[Example], tiles: list[int] | None = None) -> None:
    """Write `examples` into the Arrow file at `path`, aside first.

    Args:
        tiles: of the pictures of each, where that matters.

    Raises:
        OSError: the disk is full or may not be written.
    """
    aside = path.with_name(f".{path.name}.part")
    with pa.OSFile(str(aside), "wb") as sink, pa.ipc.new_stream(sink, _SCHEMA) as stream:
        for start in range(0, len(examples), _BATCH):
            part = examples[start : start + _BATCH]
            counts = tiles[start : start + _BATCH] if tiles else [None] * len(part)
            rows = [_row(example) | {"tiles": count} for example, count in zip(part, counts, strict=True)]
            stream.write_batch(pa.RecordBatch.from_pylist(rows, schema=_SCHEMA))
    aside.replace(path)


def _row(example: Example) -> dict[str, Any]:
    return {
        "row": example.row,
        "images": [{"path": one.path, "bytes": one.data} for one in example.pictures],
        "prompt": json.dumps([[one.role, one.text, one.pictures] for one in example.prompt]),
        "completion": example.answer,
        "chosen": example.answer,
        "rejected": example.rejected,
        "references": example.references,
        "label": example.good,
    }


def read_example(values: dict[str, Any]) -> Example:
    """Return the example in a row of such a file."""
    return Example(
        values["row"],
        [Picture(one["path"] or "", one["bytes"]) for one in values["images"]],
        _messages(values["prompt"]),
        values["completion"],
        values["rejected"],
        values["references"],
        values["label"],
    )


def tiles_in(path: Path) -> list[int]:
    """Return the tiles of each example in the file; [] where they were not counted."""
    import datasets

    found = datasets.Dataset.from_file(str(path))
    counts = found["tiles"][:] if "tiles" in found.column_names else []
    return counts if all(count is not None for count in counts) else []


def open_examples(path: Path, method: Method, plain: Callable[[str], str], *, decode: bool = True) -> Any:
    """Return the file as a `datasets.Dataset` with the columns that TRL's trainer for `method` takes.

    Each example is `images` (Pillow, RGB), `prompt` and, as messages of typed parts, its answers. Typed parts, because
    the family's chat template silently drops a message whose content is a plain text.

    Args:
        plain: makes the tokenizer's special words in a text harmless.
        decode: else `images` are left as `Picture`, for who may know them already.
    """
    import datasets

    wanted = ["chosen", "rejected"] if method in PREFERENCES else [] if method == "grpo" else ["completion"]
    flags = {"kto": ["label"], "grpo": ["references"]}.get(method, [])
    found = datasets.Dataset.from_file(str(path))

    def shown(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        made: dict[str, list[Any]] = {}
        if "images" in batch:
            shape = _decoded if decode else _named
            made["images"] = [[shape(one) for one in images] for images in batch["images"]]
        if "prompt" in batch:
            made["prompt"] = [messages_of(_messages(text), plain) for text in batch["prompt"]]
        for name in wanted:
            if name in batch:
                made[name] = [answer_of(text, plain) for text in batch[name]]
        return made | {name: batch[name] for name in flags if name in batch}

    return found.select_columns(["images", "prompt", *wanted, *flags]).with_transform(shown)


def messages_of(messages: list[Message], plain: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return messages as the chat template takes them: pictures first, then the text."""
    return [
        {
            "role": one.role,
            "content": [*({"type": "image"} for _ in range(one.pictures)), {"type": "text", "text": plain(one.text)}],
        }
        for one in messages
    ]


def answer_of(text: str, plain: Callable[[str], str]) -> list[dict[str, Any]]:
    """Return an answer as the chat template takes it."""
    return [{"role": "assistant", "content": [{"type": "text", "text": plain(text)}]}]


def plain_words(processor: Any) -> Callable[[str], str]:
    """Return what makes the processor's special words in a text harmless: in a data set they are text, not commands.

    `<image>` becomes `< image>`, as in questions to the engine; a row can then not break its example, and no image
    token comes among the labels.
    """
    tokenizer = processor.tokenizer
    words = {*tokenizer.all_special_tokens, "<image>", "<video>"}
    words |= {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if len(word) > 1))
    return lambda text: pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def _messages(text: str) -> list[Message]:
    return [Message(*one) for one in json.loads(text)]


def _named(image: dict[str, Any]) -> Picture:
    return Picture(image["path"] or "", image["bytes"])


def _decoded(image: dict[str, Any]) -> Any:
    try:
        return decoded(Picture(image["path"] or "", image["bytes"]))
    except MediaError as error:
        raise TrainingFailure(error.cause, f"{error.remedy}, and resume" if error.remedy else "resume") from None
