"""The same held-out examples, answered at each evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from vlmtui.training.examples import Example, decoded
from vlmtui.training.storing import messages_of

_LONGEST = 2_000


def answer(
    model: Any,
    processor: Any,
    examples: list[Example],
    *,
    plain: Callable[[str], str],
    longest: int,
    batch: int,
    stopped: Callable[[], bool],
) -> list[str]:
    """Return the model's greedy answers to `examples`; fewer where it was stopped meanwhile.

    Batches are padded on the left: padding on the right silently changes answers.

    Args:
        longest: tokens of an answer.
        batch: how many are answered at a time.
    """
    was_training = model.training
    model.eval()
    found: list[str] = []
    cache = getattr(model.config, "use_cache", None)
    try:
        for start in range(0, len(examples), batch):
            if stopped():
                break
            found += _answered(model, processor, examples[start : start + batch], plain, longest)
    finally:
        if cache is not None:
            model.config.use_cache = cache
        model.train(was_training)
    return found


def _answered(
    model: Any, processor: Any, examples: list[Example], plain: Callable[[str], str], longest: int
) -> list[str]:
    texts = [
        processor.apply_chat_template(messages_of(one.prompt, plain), add_generation_prompt=True) for one in examples
    ]
    images = [[decoded(picture) for picture in one.pictures] for one in examples]
    inputs = processor(
        text=texts,
        images=images if any(images) else None,
        padding=True,
        padding_side="left",
        return_tensors="pt",
        add_special_tokens=False,
    ).to(model.device)
    with torch.no_grad():
        made = model.generate(
            **inputs, max_new_tokens=longest, do_sample=False, temperature=None, top_p=None, top_k=None, use_cache=True
        )
    new = made[:, inputs["input_ids"].shape[1] :]
    return [text.strip()[:_LONGEST] for text in processor.batch_decode(new, skip_special_tokens=True)]
