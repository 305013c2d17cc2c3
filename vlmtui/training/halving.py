"""When memory runs out: half the batch, twice the accumulation. The steps stay what they were, each in more pieces."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch

from vlmtui.training.failures import is_out_of_memory
from vlmtui.training.recipe import Stage
from vlmtui.training.reporting import Reporter

_BATCH = "per_device_train_batch_size"
_ACCUMULATION = "gradient_accumulation_steps"
_TRL_BATCH = 8


def halved(stage: Stage) -> Stage | None:
    """Return the stage with half the batch and twice the accumulation; None where the batch cannot be halved."""
    batch = int(stage.trl.get(_BATCH, _TRL_BATCH))
    least = 4 if stage.method == "kto" else 2  # KTO compares within the batch
    if batch % 2 or batch < least or stage.method == "grpo":  # whose batch is a group of answers
        return None
    smaller = {_BATCH: batch // 2, _ACCUMULATION: int(stage.trl.get(_ACCUMULATION, 1)) * 2}
    return msgspec.structs.replace(stage, trl=stage.trl | smaller)


def until_it_fits(stage: Stage, reporter: Reporter, train: Callable[[Stage], bool]) -> bool:
    """Return what `train` returns for `stage`; out of memory, try it again in halves, from the last checkpoint on.

    What was found to fit is kept in the run's folder for when it is resumed.

    Raises:
        Exception: what `train` raises; out of memory where there is nothing left to halve.
    """
    stage = as_before(stage, reporter.run.path)
    while True:
        try:
            return train(stage)
        except Exception as error:
            smaller = halved(stage) if is_out_of_memory(error) else None
            if smaller is None:
                raise
        # Out of the handler: the error held on to every tensor of the step that failed.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        stage = smaller
        keep_batch(stage, reporter)


def keep_batch(stage: Stage, reporter: Reporter) -> None:
    """Write down the stage's batch and accumulation, and say so: it goes on with them, also when it is resumed."""
    kept = {name: stage.trl[name] for name in (_BATCH, _ACCUMULATION)}
    (reporter.run.path / f"{stage.method}-batch.json").write_text(json.dumps(kept), encoding="utf-8")
    said = f"out of memory: goes on with {_BATCH}: {kept[_BATCH]}, {_ACCUMULATION}: {kept[_ACCUMULATION]}"
    reporter.note(said, "warning")


def as_before(stage: Stage, folder: Path) -> Stage:
    """Return the stage with the batch that was found to fit before, kept in the run's `folder`."""
    try:
        kept = msgspec.json.decode((folder / f"{stage.method}-batch.json").read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError):
        return stage
    return msgspec.structs.replace(stage, trl=stage.trl | kept)
