"""Recipes to begin with: the presets, those in a folder, and a small one for a model and a data set."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from vlmtui.demo import DEMO_MODEL_ID
from vlmtui.training.recipe import Method

PRESETS = Path(__file__).parent / "presets"
_METHOD = re.compile(r"^method:", re.MULTILINE)
_MOST_LOOKED_AT = 200
_HEAD = 8192
_RATES: dict[str, str] = {"sft": "2.0e-4", "dpo": "5.0e-6", "mpo": "5.0e-6", "kto": "5.0e-6", "grpo": "1.0e-5"}
_BEST_FOR: tuple[tuple[str, Method], ...] = (("SFT", "sft"), ("DPO", "dpo"), ("KTO", "kto"))


def presets() -> list[tuple[str, str, str]]:
    """Return name, first line and text of each preset."""
    found = []
    for path in sorted(PRESETS.glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        found.append((path.stem, text.partition("\n")[0].lstrip("# "), text))
    return found


def recipes_in(folder: Path) -> list[Path]:
    """Return the files directly in `folder` that look like recipes, by name; [] where it cannot be read."""
    found: list[Path] = []
    try:
        candidates = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])[:_MOST_LOOKED_AT]
    except OSError:
        return []
    for path in candidates:
        try:
            with path.open("rb") as stream:
                if _METHOD.search(stream.read(_HEAD).decode("utf-8", "replace")):
                    found.append(path)
        except OSError:
            continue
    return found


def small_recipe(model: str, dataset: str, method: Method = "sft", output: str = "") -> str:
    """Return a recipe of a few lines for `model` on `dataset`; where a key is left empty it is asked for."""
    demo = model == DEMO_MODEL_ID
    name = Path(dataset.rstrip("/")).stem or "tuned"
    values = {
        "method": method,
        "model_name_or_path": model,
        "dataset_name": dataset,
        "output_dir": output or f"{name}-adapter",
    }
    lines = [f"{key}: {_written(value)}" if value else f"{key}:" for key, value in values.items()]
    lines += ["use_peft: true", "lora_r: 16", f"learning_rate: {'2.0e-3' if demo else _RATES[method]}"]
    lines += [f"num_train_epochs: {12 if demo else 3}"]
    if method == "grpo":
        lines.append("rewards: [exact_match]")
    return "\n".join(lines) + "\n"


def method_for(fits: list[str]) -> Method:
    """Return the method for a data set that these methods of TRL's can train."""
    preference = "DPO" in fits
    return "dpo" if preference else next((method for name, method in _BEST_FOR if name in fits), "sft")


def free_name(folder: Path, stem: str) -> Path:
    """Return a file in `folder` that is not there yet."""
    path, number = folder / f"{stem}.yaml", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}.yaml", number + 1
    return path


def _written(text: str) -> str:
    return str(yaml.safe_dump(text, allow_unicode=True, width=10_000)).removesuffix("...\n").strip()
