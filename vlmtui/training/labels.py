"""Which tokens of an example are learned, and how long it is: asked of TRL's own collators, not guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vlmtui.training.examples import BadRow, Example, UnfitData, decoded
from vlmtui.training.reading import Examples
from vlmtui.training.storing import answer_of, messages_of, plain_words

_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of an example: of its text, of its pictures, those that are learned, and the tiles of its pictures."""

    text: int
    image: int
    tiles: int
    learned: int


def collated(example: Example, processor: Any, plain: Callable[[str], str]) -> dict[str, Any]:
    """Return the example as SFT sees it: `input_ids` and `labels` of 1 x length, `pixel_values` of 1 x tiles x …."""
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    collate = DataCollatorForVisionLanguageModeling(processor=processor, max_length=None, completion_only_loss=True)
    row = {
        "images": [decoded(picture) for picture in example.pictures],
        "prompt": messages_of(example.prompt, plain),
        "completion": answer_of(example.answer, plain),
    }
    return dict(collate([row]))


def lengths(example: Example, processor: Any, plain: Callable[[str], str]) -> Lengths:
    """Return how long the example is; of a preference with the longer of its answers."""
    batch = collated(example, processor, plain)
    ids = batch["input_ids"][0]
    image = int((ids == processor.tokenizer.convert_tokens_to_ids(processor.image_token)).sum())
    more = 0
    if example.rejected:
        words = processor.tokenizer
        more = max(0, len(words(plain(example.rejected)).input_ids) - len(words(plain(example.answer)).input_ids))
    pixels = batch.get("pixel_values")
    learned = int((batch["labels"][0] != -100).sum())
    return Lengths(len(ids) - image + more, image, int(pixels.shape[1]) if pixels is not None else 0, learned)


def leave_out_long(found: Examples, limit: int | None, processor: Any) -> None:
    """Move the examples that have more tokens than `limit` to the bad rows: cut, they would lose image tokens.

    Raises:
        UnfitData: none is left to train on.
    """
    if limit is None:
        return
    plain = plain_words(processor)
    for examples in (found.train, found.evaluation):
        kept: list[Example] = []
        for example in examples:
            long = lengths(example, processor, plain)
            if long.text + long.image <= limit:
                kept.append(example)
            else:
                reason = f"{long.text + long.image} tokens (of pictures {long.image}), more than max_length: {limit}"
                found.bad.append(BadRow(example.row, reason))
        examples[:] = kept
    if not found.train:
        raise UnfitData(f"no row can be trained on: {found.bad[-1].reason}")


def inspect(example: Example, processor: Any, plain: Callable[[str], str]) -> dict[str, Any]:
    """Return which tokens carry loss: their number, and the example with them in brackets ⟦ ⟧.

    Of a preference it is the better answer that is shown.
    """
    batch = collated(example, processor, plain)
    ids, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    pieces: list[str] = []
    run: list[int] = []
    learned = False

    def close() -> None:
        text = processor.tokenizer.decode(run).replace("\n", "⏎")
        if run:
            pieces.append(f"⟦{text}⟧" if learned else text)
        run.clear()

    images = 0
    for token, label in zip(ids, labels, strict=True):
        if token == image:
            images += 1
            continue
        if images:
            close()
            pieces.append(f"<image> x {images} ")
            images = 0
        if (label != -100) != learned:
            close()
            learned = label != -100
        run.append(token)
    close()
    shown = "".join(pieces)
    return {
        "row": example.row,
        "tokens": len(ids),
        "learned": sum(label != -100 for label in labels),
        "image_labels": sum(label == image for label in labels),
        "shown": shown if len(shown) <= _LONGEST else "…" + shown[-_LONGEST:],
        "answer": example.answer,
    }
