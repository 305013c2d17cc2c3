"""bitsandbytes is left out of a training's process where nothing of it is packed, and never else."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from vlmtui.training.imports import leave_out_unneeded
from vlmtui.training.recipe import parse_recipe

RECIPE = "method: sft\nmodel_name_or_path: demo\ndataset_name: a.jsonl\noutput_dir: out\nuse_peft: true\n"


@pytest.mark.parametrize(
    ("lines", "model", "needed"),
    [
        ("", "demo", False),
        ("optim: adafactor\n", "demo", False),
        ("load_in_4bit: true\n", "demo", True),
        ("load_in_8bit: true\n", "demo", True),
        ("optim: paged_adamw_8bit\n", "demo", True),
        ("", "whole", False),
        ("", "packed", True),
        ("", "HuggingFaceTB/not-here-yet", True),
    ],
)
def test_it_is_left_out_where_nothing_needs_it(lines: str, model: str, needed: bool, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    for name, more in (("whole", {}), ("packed", {"quantization_config": {"load_in_4bit": True}})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps({"model_type": "smolvlm"} | more))
    recipe = parse_recipe(RECIPE.replace("demo", model) + lines, tmp_path / "recipe.yaml")
    with patch.dict(sys.modules):
        sys.modules.pop("bitsandbytes", None)
        leave_out_unneeded(recipe)
        assert (importlib.util.find_spec("bitsandbytes") is not None) == needed
