"""What a column of a data set can be for each method, in the recipe's words. Light: the form stands on it."""

from __future__ import annotations

import msgspec

from vlmtui.training.recipe import Method, Recipe

PARTS: dict[str, str] = {
    "images": "the picture or pictures",
    "prompt": "the question",
    "completion": "the answer",
    "chosen": "the better answer",
    "rejected": "the worse answer",
    "label": "whether the answer is good",
    "messages": "the whole conversation",
}
"""What a column can be, by the recipe's word for it."""

_OF_METHOD: dict[Method, tuple[str, ...]] = {
    "sft": ("images", "prompt", "completion", "messages"),
    "dpo": ("images", "prompt", "chosen", "rejected"),
    "mpo": ("images", "prompt", "chosen", "rejected"),
    "kto": ("images", "prompt", "completion", "label", "chosen", "rejected"),
    "grpo": ("images", "prompt", "completion"),
}


def parts_of(method: Method) -> tuple[str, ...]:
    """Return what a column can be for `method`."""
    return _OF_METHOD[method]


def with_columns(recipe: Recipe, stage: int, columns: dict[str, str]) -> Recipe:
    """Return `recipe` with other `columns` in its stage."""
    one = recipe.stages[stage]
    changed = msgspec.structs.replace(one, data=msgspec.structs.replace(one.data, columns=columns))
    return msgspec.structs.replace(recipe, stages=[*recipe.stages[:stage], changed, *recipe.stages[stage + 1 :]])
