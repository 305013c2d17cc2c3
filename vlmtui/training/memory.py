"""How much memory a training takes, by parts: an estimate from shapes, before anything is loaded."""

from __future__ import annotations

from typing import Any

from vlmtui.training.recipe import PREFERENCES, Recipe

_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "auto": 4.0}
_ADAM = 8  # two moments in float32
_OPTIMIZERS = {"adamw_8bit": 2, "adamw_bnb_8bit": 2, "paged_adamw_8bit": 2, "sgd": 0, "adafactor": 1}
_PER_LAYER = 34  # bytes an activation keeps per hidden unit and token at 16 bit (Korthikanti et al. 2022, eq. 2)


def estimate(
    recipe: Recipe,
    config: Any,
    towers: dict[str, tuple[int, int]],
    *,
    batch: int,
    tokens: int,
    tiles: int,
    on_cpu: bool,
) -> dict[str, float]:
    """Return bytes by part: weights, reference model, gradients, optimizer, activations, and their total.

    Args:
        config: the model's configuration.
        towers: trainable and all parameters by tower.
        batch: examples a step.
        tokens: of the longest of them.
        tiles: the most of an example.
    """
    trl = recipe.stages[-1].trl
    trained = sum(one[0] for one in towers.values())
    total = sum(one[1] for one in towers.values())
    each = _BYTES.get(str(recipe.model.get("dtype", "float32")), 4.0)
    if recipe.model.get("load_in_4bit"):
        each = 0.55  # half a byte, and the scales of the blocks
    elif recipe.model.get("load_in_8bit"):
        each = 1.05
    adapters = bool(recipe.model.get("use_peft"))
    weights = (total - trained) * each + trained * (4.0 if adapters else each)
    preferences = any(stage.method not in ("sft", "grpo") for stage in recipe.stages)
    width = 4 if on_cpu else 2
    sequences = batch * (2 if recipe.stages[-1].method in PREFERENCES else 1)
    parts = {
        "weights": weights,
        # Under adapters the model without them is the reference; else it is a second model.
        "reference": total * each if preferences and not adapters else 0.0,
        "gradients": trained * (4.0 if adapters else each),
        "optimizer": float(trained * _OPTIMIZERS.get(str(trl.get("optim", "")), _ADAM)),
        "activations": _activations(config, trl, sequences, tokens, tiles, width),
    }
    return parts | {"total": sum(parts.values())}


def _activations(config: Any, trl: dict[str, Any], batch: int, tokens: int, tiles: int, width: int) -> float:
    text, vision = config.get_text_config(), config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2
    in_text = batch * tokens * text.hidden_size * _PER_LAYER * width / 2
    in_vision = batch * tiles * patches * vision.hidden_size * _PER_LAYER * width / 2
    logits = batch * tokens * text.vocab_size * (width + 4)
    if trl.get("gradient_checkpointing", True):
        kept = batch * tokens * text.hidden_size * text.num_hidden_layers * width
        kept += batch * tiles * patches * vision.hidden_size * vision.num_hidden_layers * width
        return float(kept + max(in_text, in_vision) + logits)
    return float(in_text * text.num_hidden_layers + in_vision * vision.num_hidden_layers + logits)
