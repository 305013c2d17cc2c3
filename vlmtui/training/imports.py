"""What a training does not need is not imported: it would wait for it before its first step."""

from __future__ import annotations

import sys
from pathlib import Path

from vlmtui.demo import DEMO_MODEL_ID
from vlmtui.models import files
from vlmtui.models.cache import snapshot
from vlmtui.training.recipe import Recipe

_PLAIN_OPTIMIZERS = ("adamw_torch", "adamw_torch_fused", "sgd", "adafactor", "adagrad", "rmsprop")


def leave_out_unneeded(recipe: Recipe) -> None:
    """Let `bitsandbytes` count as not installed in this process, unless `recipe` needs it; before PEFT is imported.

    PEFT imports it wherever it is installed, and it compiles functions when it is imported: 1.5 of 14 s to the first
    step of a 256M model on a CPU.
    """
    if not _packs(recipe):
        # As the reference of the import system has it: a module that is None is not found, by nobody.
        sys.modules.setdefault("bitsandbytes", None)  # type: ignore[arg-type]


def _packs(recipe: Recipe) -> bool:
    """Return whether the recipe's weights or optimizer states are packed, or may be."""
    if recipe.model.get("load_in_4bit") or recipe.model.get("load_in_8bit"):
        return True
    if any(str(stage.trl.get("optim", _PLAIN_OPTIMIZERS[0])) not in _PLAIN_OPTIMIZERS for stage in recipe.stages):
        return True
    name = str(recipe.model["model_name_or_path"])
    if name == DEMO_MODEL_ID:
        return False
    place = Path(name) if Path(name).is_dir() else snapshot(name, str(recipe.model.get("model_revision") or "main"))
    try:
        return place is None or "quantization_config" in files.read_json(place / "config.json")
    except (OSError, ValueError):  # whoever loads it says what is wrong
        return True
