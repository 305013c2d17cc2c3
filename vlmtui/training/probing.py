"""A measured probe: one real step on the longest examples. For a process that is thrown away afterwards."""

from __future__ import annotations

import resource
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import psutil
import torch
import transformers

from vlmtui.training.recipe import Recipe, Stage

_LOOKED_AT = 500


def probe(recipe: Recipe) -> dict[str, Any]:
    """Return what one step of the recipe's first stage takes: seconds, and the most memory that it held.

    The batch is made of the longest among its first 500 rows. Nothing is written but in a folder that goes.

    Returns:
        `seconds`, `memory` (bytes at most), `free` (bytes that there were), `device`, `batch`, `tokens` of the longest,
        `advice`: the keys of a batch that may fit where this one did not, else {}; then there are no seconds.
    """
    from vlmtui.training.failures import is_out_of_memory
    from vlmtui.training.halving import halved

    stage = recipe.stages[0]
    on_gpu = torch.cuda.is_available()
    free = torch.cuda.mem_get_info()[0] if on_gpu else psutil.virtual_memory().available
    found: dict[str, Any] = {"free": int(free), "device": "GPU" if on_gpu else "CPU"}
    with TemporaryDirectory(prefix="vlmtui-") as name:
        try:
            return found | _one_step(recipe, stage, Path(name)) | {"advice": {}}
        except Exception as error:
            smaller = halved(stage) if is_out_of_memory(error) else None
            if smaller is None:
                raise
            return found | {"advice": {key: value for key, value in smaller.trl.items() if stage.trl.get(key) != value}}


def _one_step(recipe: Recipe, stage: Stage, folder: Path) -> dict[str, Any]:
    from vlmtui.training.labels import leave_out_long, lengths
    from vlmtui.training.loading import load_processor, on_cpu_only
    from vlmtui.training.reading import read_examples
    from vlmtui.training.stage import SEED, first_model, leave_a_core, trainer_arguments
    from vlmtui.training.storing import open_examples, plain_words, write_examples
    from vlmtui.training.trainers import trainer_for

    on_cpu = on_cpu_only()
    leave_a_core()
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)
    processor = load_processor(recipe, on_cpu=on_cpu)
    plain = plain_words(processor)
    rows = min(stage.data.max_rows or _LOOKED_AT, _LOOKED_AT)
    data = msgspec.structs.replace(stage.data, max_rows=rows, bad_rows="skip")
    found = read_examples(data, stage.method, stage.trl.get("seed", SEED), folder / "pictures")
    leave_out_long(found, data.max_length, processor)
    by_length = sorted(found.train, key=lambda one: _total(lengths(one, processor, plain)), reverse=True)
    batch = int(stage.trl.get("per_device_train_batch_size", 8))
    longest = [by_length[number % len(by_length)] for number in range(batch)]
    write_examples(folder / "longest.arrow", longest)
    once = {"max_steps": 1, "save_strategy": "no", "gradient_accumulation_steps": 1, "report_to": []}
    kept = {name: value for name, value in stage.trl.items() if name not in ("num_train_epochs", "eval_strategy")}
    arguments = trainer_arguments(
        msgspec.structs.replace(stage, trl=kept | once), folder / "out", evaluates=False, on_cpu=on_cpu
    )
    arguments.report_to = []
    model, adapters = first_model(recipe)
    trainer = trainer_for(stage.method)(
        model=model,
        args=arguments,
        train_dataset=open_examples(folder / "longest.arrow", stage.method, plain),
        processing_class=processor,
        peft_config=adapters,
    )
    began = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - began
    if torch.cuda.is_available():
        peak = int(torch.cuda.max_memory_reserved())
    else:
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return {"seconds": seconds, "memory": peak, "batch": batch, "tokens": _total(lengths(longest[0], processor, plain))}


def _total(one: Any) -> int:
    return int(one.text + one.image)


def probe_line(found: dict[str, Any]) -> str:
    """Return what was found, in a line."""
    free = f"{found['free'] / 1e9:.1f} GB were free"
    if found["advice"]:
        keys = ", ".join(f"{name}: {value}" for name, value in found["advice"].items())
        return f"measured: out of memory on the {found['device']} ({free}); set {keys}"
    what = f"one step on the {found['batch']} longest examples ({found['tokens']} tokens)"
    return f"measured: {what}: {found['seconds']:.1f} s, {found['memory'] / 1e9:.2f} GB at most ({free})"
