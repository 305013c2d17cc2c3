"""What a recipe would do, before anything runs: `python -m vlmtui.training.preflight DEVICE [--json]` < recipe."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from vlmtui.safetext import safe_line
from vlmtui.training.recipe import Recipe, Stage

_MEASURED = 200
_BARS = 8
_NAMED = 10


def main(arguments: list[str]) -> int:
    """Print what the recipe on stdin would do; return 0 when it can run, else 1."""
    device = arguments[0]
    os.environ["CUDA_VISIBLE_DEVICES"] = device.partition(":")[2] if device.startswith("cuda") else ""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    recipe = msgspec.json.decode(sys.stdin.buffer.read(), type=Recipe)
    try:
        report = examine(recipe)
    except Exception as error:
        from vlmtui.training.failures import understand

        failure = understand(error)
        if os.environ.get("VLMTUI_DEBUG"):
            traceback.print_exc()
        print(f"{failure.cause}\n   do: {failure.remedy}", file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    if "--json" in arguments:
        print(json.dumps(report))  # noqa: T201
    else:
        for line in as_lines(report):
            print(safe_line(line, 240))  # noqa: T201
    return 0 if report["can_run"] else 1


def examine(recipe: Recipe) -> dict[str, Any]:
    """Return everything that is known before a training: rows, tokens, labels, parameters, memory.

    Raises:
        Exception: what `failures.understand` knows.
    """
    import torch
    import transformers

    from vlmtui.training.loading import load_processor
    from vlmtui.training.memory import estimate
    from vlmtui.training.outline import outline

    transformers.utils.logging.set_verbosity_error()
    on_cpu = not torch.cuda.is_available() and not torch.backends.mps.is_available()
    processor = load_processor(recipe, on_cpu=on_cpu)
    with TemporaryDirectory(prefix="vlmtui-") as spill:
        stages = [_stage(stage, processor, Path(spill)) for stage in recipe.stages]
    towers, shape = outline(recipe)
    longest = max(stage["tokens"]["longest"] for stage in stages)
    tiles = max(stage["tokens"]["tiles"] for stage in stages)
    trl = recipe.stages[-1].trl
    memory = estimate(
        recipe, shape, towers,
        batch=int(trl.get("per_device_train_batch_size", 8)), tokens=longest, tiles=tiles, on_cpu=on_cpu,
    )  # fmt: skip
    return {
        "model": recipe.model["model_name_or_path"],
        "output_dir": recipe.output_dir,
        "stages": stages,
        "towers": {name: {"trainable": one[0], "parameters": one[1]} for name, one in towers.items()},
        "trainable": sum(one[0] for one in towers.values()),
        "parameters": sum(one[1] for one in towers.values()),
        "memory": memory,
        "splitting": bool(processor.image_processor.do_image_splitting),
        "can_run": all(stage["can_run"] for stage in stages),
    }


def _stage(stage: Stage, processor: Any, spill: Path) -> dict[str, Any]:
    from vlmtui.training.labels import inspect, leave_out_long, lengths
    from vlmtui.training.reading import read_examples
    from vlmtui.training.stage import SEED
    from vlmtui.training.storing import plain_words

    found = read_examples(stage.data, stage.method, stage.trl.get("seed", SEED), spill)
    leave_out_long(found, stage.data.max_length, processor)
    plain = plain_words(processor)
    step = max(1, len(found.train) // _MEASURED)
    measured = [lengths(example, processor, plain) for example in found.train[::step][:_MEASURED]]
    totals = [one.text + one.image for one in measured]
    window = int(processor.tokenizer.model_max_length)
    too_long = sum(total > window for total in totals)
    shown = inspect(found.train[0], processor, plain)
    return {
        "method": stage.method,
        "data": stage.data.dataset_name,
        "kind": found.schema.title,
        "rows": found.rows,
        "train": len(found.train),
        "evaluation": len(found.evaluation),
        "notes": found.notes,
        "bad_rows": len(found.bad),
        "bad": [{"row": one.row, "reason": one.reason} for one in found.bad[:_NAMED]],
        "tokens": {
            "measured": len(measured),
            "longest": max(totals),
            "median": median(totals),
            "text": median(one.text for one in measured),
            "image": median(one.image for one in measured),
            "tiles": max(one.tiles for one in measured),
            "histogram": _histogram(totals),
            "too_long": too_long / len(totals),
        },
        "labels": shown,
        "can_run": not found.bad or stage.data.bad_rows == "skip",
    }


def _histogram(totals: list[int]) -> list[tuple[int, int, int]]:
    """Return how many examples lie from and up to a length, in equal parts."""
    low, high = min(totals), max(totals)
    width = max(1, -(-(high - low + 1) // _BARS))
    bars = range(low, high + 1, width)
    return [(start, start + width - 1, sum(start <= total < start + width for total in totals)) for start in bars]


def as_lines(report: dict[str, Any]) -> list[str]:
    """Return the report for people."""
    lines: list[str] = []
    for stage in report["stages"]:
        lines += _stage_lines(stage)
    lines.append("")
    lines.append(f"{report['model']}: {report['trainable']:,} of {report['parameters']:,} parameters are trained")
    for name, one in report["towers"].items():
        lines.append(f"  {name:<10} {one['trainable']:>14,} of {one['parameters']:>14,}")
    lines.append(f"pictures are {'cut into tiles' if report['splitting'] else 'sent whole, as one tile'}")
    lines.append("memory, estimated:")
    lines += [f"  {name:<14} {size / 1e9:8.2f} GB" for name, size in report["memory"].items()]
    lines.append(f"the result goes to {report['output_dir']}")
    return lines


def _stage_lines(stage: dict[str, Any]) -> list[str]:
    tokens = stage["tokens"]
    lines = [
        f"{stage['method'].upper()} on {stage['data']}",
        f"  {stage['kind']}: {stage['rows']} rows, {stage['train']} examples to train on, "
        f"{stage['evaluation']} to evaluate on",
    ]
    lines += [f"  {note}" for note in stage["notes"]]
    if stage["bad_rows"]:
        lines.append(f"  {stage['bad_rows']} rows cannot be used" + ("" if stage["can_run"] else ": refused"))
        lines += [f"    row {one['row']}: {one['reason']}" for one in stage["bad"]]
    lines.append(
        f"  tokens an example: median {tokens['median']:.0f} (text {tokens['text']:.0f}, image {tokens['image']:.0f}), "
        f"longest {tokens['longest']}, beyond the model's context {tokens['too_long']:.1%}"
    )
    most = max(count for _, _, count in tokens["histogram"])
    for start, end, count in tokens["histogram"]:
        lines.append(f"    {start:>6}-{end:<6} {'█' * round(30 * count / most)} {count}")
    labels = stage["labels"]
    lines.append(f"  labels of the first example: {labels['learned']} of {labels['tokens']} tokens, none of them image")
    lines.append("    " + labels["shown"])
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
