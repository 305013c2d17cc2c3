"""What a recipe would do, before anything runs: `python -m vlmtui.training.preflight DEVICE` and options < recipe."""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from vlmtui.safetext import safe_line
from vlmtui.training.imports import leave_out_unneeded
from vlmtui.training.recipe import Recipe, Stage

if TYPE_CHECKING:
    from vlmtui.training.labels import Lengths

_MEASURED = 200
_BARS = 8
_NAMED = 10
_BAR_CELLS = 30


def main(arguments: list[str]) -> int:
    """Print what the recipe on stdin would do; return 0 when it can run, else 1."""
    device = arguments[0]
    os.environ["CUDA_VISIBLE_DEVICES"] = device.partition(":")[2] if device.startswith("cuda") else ""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    recipe = msgspec.json.decode(sys.stdin.buffer.read(), type=Recipe)
    leave_out_unneeded(recipe)
    try:
        report = examine(recipe)
    except Exception as error:
        return _failed(error)
    if "--probe" in arguments:
        from vlmtui.training.probing import probe

        try:
            report["probe"] = probe(recipe)
        except Exception as error:
            return _failed(error)
    if "--json" in arguments:
        print(json.dumps(report))  # noqa: T201
    else:
        for line in as_lines(report):
            print(safe_line(line, 800))  # noqa: T201
    return 0 if report["can_run"] else 1


def _failed(error: Exception) -> int:
    from vlmtui.training.failures import understand

    failure = understand(error)
    if os.environ.get("VLMTUI_DEBUG"):
        traceback.print_exc()
    print(f"{failure.cause}\n   do: {failure.remedy}", file=sys.stderr)  # noqa: T201 - what the command is for
    return 1


def examine(recipe: Recipe, keep: list[Any] | None = None, spill: Path | None = None) -> dict[str, Any]:
    """Return everything that is known before a training: rows, tokens, labels, parameters, memory.

    Args:
        keep: takes, for each stage, its examples, the processor and `plain_words`, to look at more of them.
        spill: where pictures that come as bytes are laid down; None for a folder that goes at the end.

    Raises:
        Exception: what `failures.understand` knows.
    """
    import transformers

    from vlmtui.training.loading import load_processor, on_cpu_only
    from vlmtui.training.memory import estimate
    from vlmtui.training.outline import outline

    transformers.utils.logging.set_verbosity_error()
    on_cpu = on_cpu_only()
    processor = load_processor(recipe, on_cpu=on_cpu)
    with TemporaryDirectory(prefix="vlmtui-") as own:
        stages = [_stage(stage, processor, spill or Path(own), keep) for stage in recipe.stages]
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


def _stage(stage: Stage, processor: Any, spill: Path, keep: list[Any] | None) -> dict[str, Any]:
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
    if keep is not None:
        keep.append((found, processor, plain))
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
            "histogram": _histogram(measured),
            "too_long": too_long / len(totals),
            "unlabelled": sum(not one.learned for one in measured),
        },
        "labels": shown,
        "can_run": not found.bad or stage.data.bad_rows == "skip",
    }


def _histogram(measured: list[Lengths]) -> list[tuple[int, int, int, float]]:
    """Return how many examples lie from and up to a length, in equal parts, and what share of them is image tokens."""
    totals = [one.text + one.image for one in measured]
    low, high = min(totals), max(totals)
    width = max(1, -(-(high - low + 1) // _BARS))
    bars = range(low, high + 1, width)
    found = []
    for start in bars:
        within = [one for one in measured if start <= one.text + one.image < start + width]
        tokens = sum(one.text + one.image for one in within)
        image = sum(one.image for one in within) / tokens if tokens else 0.0
        found.append((start, start + width - 1, len(within), image))
    return found


def as_lines(report: dict[str, Any], *, labels: bool = True) -> list[str]:
    """Return the report for people; without `labels`, who shows them apart."""
    lines: list[str] = []
    for stage in report["stages"]:
        lines += _stage_lines(stage)
        if labels:
            lines += _label_lines(stage["labels"])
    lines.append("")
    lines.append(f"{report['model']}: {report['trainable']:,} of {report['parameters']:,} parameters are trained")
    for name, one in report["towers"].items():
        lines.append(f"  {name:<10} {one['trainable']:>14,} of {one['parameters']:>14,}")
    lines.append(f"pictures are {'cut into tiles' if report['splitting'] else 'sent whole, as one tile'}")
    lines.append("memory, estimated:")
    lines += [f"  {name:<14} {size / 1e9:8.2f} GB" for name, size in report["memory"].items()]
    if "probe" in report:
        from vlmtui.training.probing import probe_line

        lines.append(probe_line(report["probe"]))
    lines.append(f"the result goes to {report['output_dir']}")
    return lines


def bar(part: float, image: float) -> str:
    """Return a bar, `part` of the full width long, of which the share `image` is drawn as image tokens."""
    cells = round(_BAR_CELLS * part)
    of_image = round(cells * image)
    return "▒" * of_image + "█" * (cells - of_image)


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
    if tokens["unlabelled"]:
        lines.append(f"  {tokens['unlabelled']} of {tokens['measured']} measured examples have no answer to learn")
    most = max(count for _, _, count, _ in tokens["histogram"])
    for start, end, count, image in tokens["histogram"]:
        lines.append(f"    {start:>6}-{end:<6} {bar(count / most, image)} {count}")
    lines.append("    ▒ image tokens, █ text tokens")
    return lines


def _label_lines(labels: dict[str, Any]) -> list[str]:
    learned = f"{labels['learned']} of {labels['tokens']} tokens, none of them image"
    return [f"  labels of the first example: {learned}", "    " + labels["shown"]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
