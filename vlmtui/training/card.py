"""The card of a result: what it was made from, how, and what it reaches."""

from __future__ import annotations

import json
from typing import Any

from vlmtui.runs.folder import Job
from vlmtui.safetext import safe_line

_SHOWN = (
    "eval_loss",
    "exact_match",
    "relaxed_accuracy",
    "anls",
    "bleu",
    "chrf",
    "eval_rewards/accuracies",
    "answer_length",
)


def model_card(job: Job, scores: dict[str, dict[str, dict[str, float]]], *, merged: bool = False) -> str:
    """Return the README of a result: model card metadata, recipe, metrics before and after.

    Args:
        scores: by stage, by step.
        merged: the adapter is laid into the weights that the card goes with.
    """
    base = str(job.recipe["model"]["model_name_or_path"])
    adapter = bool(job.recipe["model"].get("use_peft")) and not merged
    lines = ["---", "library_name: " + ("peft" if adapter else "transformers"), "pipeline_tag: image-text-to-text"]
    if base != "demo" and not base.startswith("/"):
        lines.append(f"base_model: {json.dumps(base)}")
    lines += ["tags: [trl, vlmtui]", "---", "", f"# {safe_line(job.title)}", ""]
    kind = "An adapter for" if adapter else "An adapter laid into the weights of" if merged else "All weights of"
    methods = " and then ".join(stage["method"].upper() for stage in job.recipe["stages"])
    names = ", ".join(dict.fromkeys(safe_line(_last(stage["data"]["dataset_name"])) for stage in job.recipe["stages"]))
    lines += [f"{kind} `{safe_line(_last(base))}`, trained with {methods} on `{names}`.", ""]
    if adapter:
        lines += ['Try it: `vlmtui ask --adapter THIS_FOLDER "…" PICTURE`', ""]
    for stage, by_step in scores.items():
        steps = sorted(by_step, key=int)
        if not steps:
            continue
        lines += [f"## Metrics of {stage.upper()}", "", "| metric | before | after |", "| --- | --- | --- |"]
        first, last = by_step[steps[0]], by_step[steps[-1]]
        for name in _SHOWN:
            if name in last:
                before = f"{first[name]:.4f}" if name in first and len(steps) > 1 and steps[0] == "0" else "-"
                lines.append(f"| {name} | {before} | {last[name]:.4f} |")
        lines.append("")
    lines += ["## Recipe", "", "```json", json.dumps(_public(job.recipe), indent=2), "```", ""]
    return "\n".join(lines)


def _public(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe with the names of files without the folders of this machine."""
    return {
        key: _public(value)
        if isinstance(value, dict)
        else [_public(one) if isinstance(one, dict) else one for one in value]
        if isinstance(value, list)
        else _last(value)
        for key, value in recipe.items()
    }


def _last(value: Any) -> Any:
    return value.rstrip("/").rpartition("/")[2] if isinstance(value, str) and value.startswith("/") else value
