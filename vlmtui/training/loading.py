"""The model and its processor, made ready to be trained: quantised, with adapters, or with frozen towers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
import transformers

from vlmtui.demo import DEMO_MODEL_ID, weights_path
from vlmtui.models import files
from vlmtui.training.failures import TrainingFailure
from vlmtui.training.recipe import Recipe

TOWERS = {"text": "text_model", "connector": "connector", "vision": "vision_model"}
"""The parts of a SmolVLM by the names of their modules."""

_LINEAR = {
    "text": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    "connector": ("proj",),
    "vision": ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"),
}


def on_cpu_only() -> bool:
    """Return whether torch sees no accelerator."""
    return not torch.cuda.is_available() and not torch.backends.mps.is_available()


def model_name(recipe: Recipe) -> str:
    """Return where the base checkpoint is: a folder, or a hub id."""
    name = str(recipe.model["model_name_or_path"])
    return str(weights_path()) if name == DEMO_MODEL_ID else name


def model_config(recipe: Recipe) -> Any:
    """Return TRL's `ModelConfig` for the recipe."""
    from trl import ModelConfig

    return ModelConfig(**recipe.model | {"model_name_or_path": model_name(recipe)})


def load_processor(recipe: Recipe, *, on_cpu: bool) -> Any:
    """Return the processor, pictures cut as when the model answers: on a CPU not at all, unless the recipe says so."""
    processor = transformers.AutoProcessor.from_pretrained(
        model_name(recipe), revision=recipe.model.get("model_revision", "main"), trust_remote_code=False
    )
    pictures = getattr(processor, "image_processor", None)
    if pictures is None:
        raise TrainingFailure(
            f"{recipe.model['model_name_or_path']} has no processor for pictures", "choose a vision-language model"
        )
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    splitting = recipe.looks.image_splitting
    if splitting is None:
        splitting = bool(getattr(pictures, "do_image_splitting", False)) and not on_cpu
    pictures.do_image_splitting = splitting
    if recipe.looks.image_longest_edge is not None:
        pictures.size = {"longest_edge": recipe.looks.image_longest_edge}
    return processor


def load_model(recipe: Recipe, folder: Path | None = None, *, device: str) -> Any:
    """Return the model with the recipe's precision and quantisation, without adapters.

    Args:
        folder: another place of the weights: an earlier stage's result.
        device: `cpu`, `cuda`, `mps`.
    """
    from trl import get_quantization_config

    config = model_config(recipe)
    place = str(folder) if folder is not None else model_name(recipe)
    if Path(place).is_dir() and not files.safetensors_files(Path(place)):
        raise TrainingFailure(f"{place} has no weights (*.safetensors)", "download or copy the checkpoint again")
    dtype = config.dtype if config.dtype in ("auto", None) else getattr(torch, config.dtype)
    options: dict[str, Any] = {}
    quantised = get_quantization_config(config)
    if quantised is not None:
        options = {"quantization_config": quantised, "device_map": {"": device}}
    if config.attn_implementation:
        options["attn_implementation"] = config.attn_implementation
    model = transformers.AutoModelForImageTextToText.from_pretrained(
        place,
        revision=config.model_revision if folder is None else "main",
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        **options,
    )
    if device == "cpu":
        _stay_unpacked(model)
    if not config.use_peft:
        freeze(model, recipe)
    return model


def lora_config(recipe: Recipe) -> Any:
    """Return PEFT's configuration of the adapters; None for a training of all weights."""
    from trl import get_peft_config

    config = get_peft_config(model_config(recipe))
    if config is None:
        return None
    towers = recipe.looks.lora_towers
    named = recipe.model.get("lora_target_modules")
    if named is None or towers:
        config.target_modules = target_pattern(list(towers) or ["text"], named)
    return config


def target_pattern(towers: list[str], names: list[str] | None = None) -> str:
    """Return the pattern of the linear layers in `towers`; of `names` only, where given."""
    parts = []
    for tower in towers:
        layers = [name for name in names or _LINEAR[tower] if names is None or name in _LINEAR[tower]]
        if layers:
            parts.append(rf"(?:.*\.)?{TOWERS[tower]}\.(?:.*\.)?(?:{'|'.join(map(re.escape, layers))})")
    if not parts:
        raise TrainingFailure(
            f"none of {', '.join(names or [])} is in {', '.join(towers)}", "correct lora_target_modules or lora_towers"
        )
    return "|".join(parts)


def tower_of(name: str) -> str:
    """Return the tower that the parameter `name` lies in; `other` for none: the language head."""
    return next((tower for tower, module in TOWERS.items() if f".{module}." in f".{name}."), "other")


def count_by_tower(model: Any) -> dict[str, tuple[int, int]]:
    """Return trainable and all parameters by tower; `other` is what lies in none (the language head)."""
    counts: dict[str, list[int]] = {name: [0, 0] for name in (*TOWERS, "other")}
    for name, weight in model.named_parameters():
        tower = tower_of(name)
        size = weight.numel()
        if hasattr(weight, "quant_state") and weight.quant_state is not None:
            size = weight.quant_state.shape.numel()  # two 4-bit weights lie in one byte
        counts[tower][1] += size
        counts[tower][0] += size if weight.requires_grad else 0
    return {name: (one[0], one[1]) for name, one in counts.items() if one[1]}


def _stay_unpacked(model: Any) -> None:
    """Keep 4-bit weights in the form that can be trained through.

    On CPUs with AVX512-BF16, bitsandbytes repacks them at the first evaluation, which fails for layers whose inputs are
    no multiple of its block, and cannot be undone for the steps that follow.
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def freeze(model: Any, recipe: Recipe) -> None:
    """Take the towers that the recipe freezes out of the training."""
    for name, weight in model.named_parameters():
        if any(f".{TOWERS[tower]}." in f".{name}." for tower in recipe.looks.freeze):
            weight.requires_grad_(False)
