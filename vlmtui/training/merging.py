"""Lays a run's adapter into its base model: `python -m vlmtui.training.merging RUN FOLDER`.

Checked before anything is kept: the merged model must give the answers that base and adapter give together. Merged in
32 bits, also where the training was quantised: what is written has the checkpoint's own precision.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.runs.folder import RunError, RunFolder
from vlmtui.safetext import safe_line
from vlmtui.training.imports import leave_out_unneeded
from vlmtui.training.recipe import Recipe

_CHECKED = 4
_LONGEST = 48
_OFF = 1e-2
"""Logits of merged and unmerged weights may differ by so much, as a share of the largest."""


def main(arguments: list[str]) -> int:
    """Write the merged model of the run in the folder `arguments[0]` into the folder `arguments[1]`; return 0 or 1."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        found = merge(RunFolder(Path(arguments[0])), Path(arguments[1]))
    except RunError as error:
        print(safe_line(str(error)), file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    except Exception as error:
        from vlmtui.training.failures import understand

        failure = understand(error)
        print(f"{failure.cause}\n   do: {failure.remedy}", file=sys.stderr)  # noqa: T201
        return 1
    print(safe_line(found))  # noqa: T201
    return 0


def merge(run: RunFolder, output: Path) -> str:
    """Write the merged model, in one piece; return what was done, in a line.

    Raises:
        RunError: there is nothing to merge, or the answers do not agree.
        Exception: what `failures.understand` knows.
    """
    job = run.job()
    recipe = msgspec.convert(job.recipe, Recipe)
    stage = recipe.stages[-1].method
    adapter = run.results / stage
    if not (adapter / "adapter_config.json").is_file():
        raise RunError(f"{run.id} has no adapter", "it has not finished, or trained all weights: nothing to merge")
    if output.exists():
        raise RunError(f"{output} exists already", "choose another name")
    leave_out_unneeded(recipe)
    import torch
    import transformers
    from peft import PeftModel

    from vlmtui.training.card import model_card
    from vlmtui.training.loading import load_model, load_processor, on_cpu_only
    from vlmtui.training.stage import precision
    from vlmtui.training.storing import plain_words

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)
    processor = load_processor(recipe, on_cpu=on_cpu_only())
    whole = {key: value for key, value in recipe.model.items() if not key.startswith(("load_in_", "dtype"))}
    base = load_model(msgspec.structs.replace(recipe, model=whole | {"dtype": "auto"}), device="cpu")
    own = base.dtype
    model: Any = PeftModel.from_pretrained(base.to(torch.float32), str(adapter)).eval()
    device = "cpu" if on_cpu_only() or precision(on_cpu=False) == "float32" else "cuda"
    model.to(device)
    examples = _examples(run, stage)
    before = _looked_at(model, processor, examples, plain_words(processor))
    model = model.merge_and_unload(safe_merge=True)
    after = _looked_at(model, processor, examples, plain_words(processor))
    apart = max(float((a - b).abs().max() / a.abs().max()) for a, b in zip(before[1], after[1], strict=True))
    if before[0] != after[0] or apart > _OFF:
        raise RunError(
            "the merged model answers otherwise than base and adapter", "use the adapter itself: it is right"
        )
    aside = output.with_name(f".{output.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    model.to("cpu", own).save_pretrained(str(aside), safe_serialization=True)
    processor.save_pretrained(str(aside))
    (aside / "README.md").write_text(model_card(job, _scores(run), merged=True), encoding="utf-8")
    (aside / "vlmtui.json").write_text(json.dumps({"run": job.id, "merged": True}), encoding="utf-8")
    aside.rename(output)
    return f"{output}: {len(examples)} answers agree with base and adapter, logits within {apart:.1e}"


def _examples(run: RunFolder, stage: str) -> list[Any]:
    import datasets

    from vlmtui.training.storing import read_example

    places = [run.path / "data" / f"{stage}-{name}.arrow" for name in ("evaluation", "train")]
    place = next((place for place in places if place.is_file()), None)
    if place is None:
        raise RunError(f"the examples of {run.id} are gone", "merged weights could not be checked: train again")
    found = datasets.Dataset.from_file(str(place))
    return [read_example(found[number]) for number in range(min(_CHECKED, len(found)))]


def _looked_at(model: Any, processor: Any, examples: list[Any], plain: Any) -> tuple[list[str], list[Any]]:
    """Return the answers to `examples`, and the logits of their own answers."""
    import torch

    from vlmtui.training.answering import answer
    from vlmtui.training.labels import collated

    answers = answer(model, processor, examples, plain=plain, longest=_LONGEST, batch=1, stopped=lambda: False)
    logits = []
    with torch.no_grad():
        for example in examples:
            batch = {name: value.to(model.device) for name, value in collated(example, processor, plain).items()}
            batch.pop("labels", None)
            batch.pop("completion_mask", None)
            logits.append(model(**batch).logits.float().cpu())
    return answers, logits


def _scores(run: RunFolder) -> dict[str, Any]:
    return {
        path.name.removesuffix("-metrics.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(run.results.glob("*-metrics.json"))
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
