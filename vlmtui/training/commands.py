"""A recipe as commands of TRL's own: for who trains without vlmtui, or on a cluster."""

from __future__ import annotations

import json
import shlex
from typing import Any

from vlmtui.demo import DEMO_MODEL_ID, weights_path
from vlmtui.training.launch import launch_words
from vlmtui.training.recipe import Recipe, Stage


def trl_commands(recipe: Recipe) -> list[str]:
    """Return the stages as commands of TRL's own command line, as one would type them.

    What TRL has no name for (our own keys) is not in them.
    """
    return [shlex.join(["trl", _script(stage), *_words(recipe, stage)]) for stage in recipe.stages]


def accelerate_commands(recipe: Recipe) -> list[str]:
    """Return the stages as `accelerate launch` of TRL's own scripts: the same, on as many processes as one likes."""
    options = launch_words(recipe.launch) if recipe.launch is not None else []
    start = ["accelerate", "launch", *options, "-m"]
    return [shlex.join([*start, f"trl.scripts.{_script(stage)}", *_words(recipe, stage)]) for stage in recipe.stages]


def _script(stage: Stage) -> str:
    return "dpo" if stage.method == "mpo" else stage.method


def _words(recipe: Recipe, stage: Stage) -> list[str]:
    model = dict(recipe.model)
    if model["model_name_or_path"] == DEMO_MODEL_ID:
        model["model_name_or_path"] = str(weights_path())
    data = {"dataset_name": stage.data.dataset_name}
    for name in ("dataset_config", "dataset_train_split", "dataset_test_split"):
        if value := getattr(stage.data, name):
            data[name] = value
    given = {**model, **data, "output_dir": recipe.output_dir, **stage.trl}
    if stage.method != "grpo":  # whose configuration has no such field
        given["max_length"] = None  # the default cuts image tokens away
    words: list[str] = []
    for name, value in given.items():
        words += [f"--{name}", *_written(value)]
    return words


def _written(value: Any) -> list[str]:
    match value:
        case None:
            return ["None"]
        case bool():
            return ["true" if value else "false"]
        case list():
            return [str(one) for one in value]
        case dict():
            return [json.dumps(value)]
    return [str(value)]
