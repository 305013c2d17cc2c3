"""What a recipe trains, counted on a model without weights: the same layers on the meta device, in a second."""

from __future__ import annotations

from typing import Any

import torch
import transformers

from vlmtui.training.loading import count_by_tower, lora_config, model_name
from vlmtui.training.recipe import Recipe


def outline(recipe: Recipe, config: Any = None) -> tuple[dict[str, tuple[int, int]], Any]:
    """Return trainable and all parameters by tower, and the model's configuration.

    Args:
        config: the model's configuration; the recipe's checkpoint's by default.
    """
    config = config or transformers.AutoConfig.from_pretrained(
        model_name(recipe), revision=recipe.model.get("model_revision", "main"), trust_remote_code=False
    )
    with torch.device("meta"):
        model = transformers.AutoModelForImageTextToText.from_config(config)
        adapters = lora_config(recipe)
        if adapters is not None:
            from peft import get_peft_model

            model = get_peft_model(model, adapters)
        else:
            from vlmtui.training.loading import freeze

            freeze(model, recipe)
    return count_by_tower(model), config
