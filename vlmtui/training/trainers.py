"""TRL's trainers, with checkpoints that are whole or not there, and labels that are looked at before training."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import TrainerCallback

from vlmtui.training import ranks
from vlmtui.training.ahead import Ahead
from vlmtui.training.buckets import TileBuckets
from vlmtui.training.failures import TrainingFailure
from vlmtui.training.features import FeatureStore, with_features
from vlmtui.training.recipe import Method
from vlmtui.training.tower_rates import split_by_tower

_TRAINERS: dict[Method, str] = {
    "sft": "SFTTrainer", "dpo": "DPOTrainer", "mpo": "DPOTrainer", "kto": "KTOTrainer", "grpo": "GRPOTrainer",
}  # fmt: skip
_WINDOW = "window.json"


def _window_file() -> str:
    return f"window-{ranks.number()}.json" if ranks.number() else _WINDOW


class WholeCheckpoints:
    """Mixed into a TRL trainer: a checkpoint is written aside and renamed, and old ones go only when it stands.

    The sums since the last log are kept with it too, so that a resumed run logs what an uninterrupted one would have.

    Attributes:
        keep: how many checkpoints stay; None for all.
        saved: called with the step and folder of each.
        features: what frozen vision has seen so far; None to let it look every time.
        tiles: of each example, to make batches of examples with as many; [] to draw them at random.
        tower_rates: learning rates of towers that have their own.
    """

    args: Any
    state: Any
    keep: int | None = None
    features: FeatureStore | None = None
    tiles: ClassVar[list[int]] = []
    tower_rates: ClassVar[dict[str, float]] = {}
    saved: Callable[[int, Path], None] = staticmethod(lambda step, path: None)
    _aside: Path | None = None
    _batches: Any = None
    _ahead: Ahead | None = None

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        mine: Any = self
        if len(set(self.tiles)) < 2 or self.args.train_sampling_strategy != "random":
            return super()._get_train_sampler(train_dataset)  # type: ignore[misc]
        batch = mine._train_batch_size * self.args.world_size
        seed = self.args.data_seed if self.args.data_seed is not None else self.args.seed
        return TileBuckets(self.tiles, batch, seed, lambda: int(self.state.epoch or 0))

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> Any:
        """Return the batches of a step as TRL does; those of the next one are made meanwhile."""
        if self._batches is not epoch_iterator:
            self._batches, self._ahead = epoch_iterator, Ahead(epoch_iterator)
        return super().get_batch_samples(self._ahead, num_batches, device)  # type: ignore[misc]

    def _prepare_inputs(self, inputs: dict[str, Any]) -> dict[str, Any]:
        mine: Any = self
        batch: dict[str, Any] = super()._prepare_inputs(inputs)  # type: ignore[misc]
        if self.features is None:
            return batch
        model = mine.accelerator.unwrap_model(mine.model)
        model = model.get_base_model() if hasattr(model, "peft_config") else model
        with mine.compute_loss_context_manager():  # in the precision of the training
            return with_features(batch, model, self.features)

    def create_optimizer(self, *given: Any, **named: Any) -> Any:
        """Make it as TRL does, then give towers their own learning rates."""
        mine: Any = self
        made = mine.optimizer is None
        optimizer = super().create_optimizer(*given, **named)  # type: ignore[misc]
        if made and self.tower_rates:
            split_by_tower(optimizer, mine.model, self.tower_rates)
        return optimizer

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Write none beside checkpoints; the result gets its own."""

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._aside) if self._aside is not None else str(self.args.output_dir)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir)
        name = f"checkpoint-{self.state.global_step}"
        final = folder / name
        if final.exists():
            return  # stopped right after a regular one
        aside = folder / f".writing-{name}"
        if ranks.is_first():
            shutil.rmtree(aside, ignore_errors=True)
        ranks.wait_for_all()
        self._aside = aside
        best = self.state.best_model_checkpoint
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
            made = aside / name
            (made / _window_file()).write_text(json.dumps(self._window()), encoding="utf-8")
            ranks.wait_for_all()  # what each of them keeps is written
            if not ranks.is_first():
                return
            if self.state.best_model_checkpoint not in (None, best):
                self.state.best_model_checkpoint = str(folder / Path(self.state.best_model_checkpoint).name)
                self.state.save_to_json(str(made / "trainer_state.json"))
            elif best is not None and self.state.best_global_step:
                self.state.best_model_checkpoint = str(folder / f"checkpoint-{self.state.best_global_step}")
            made.rename(final)
        finally:
            self._aside = None
            if ranks.is_first():
                shutil.rmtree(aside, ignore_errors=True)
            ranks.wait_for_all()
        self._rotate(folder)
        self.saved(self.state.global_step, final)

    def _rotate(self, folder: Path) -> None:
        if self.keep is None:
            return
        found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
        for path in found[: -max(1, self.keep)]:
            if str(path) != self.state.best_model_checkpoint:
                shutil.rmtree(path, ignore_errors=True)

    def _window(self) -> dict[str, Any]:
        mine: Any = self
        return {
            "loss": float(mine._tr_loss),
            "logged": mine._globalstep_last_logged,
            "metrics": {name: list(map(float, values)) for name, values in mine._metrics["train"].items()},
            "tokens": int(mine._total_train_tokens),
        }


class _Restore(TrainerCallback):
    """Puts back, at the beginning of a resumed run, what `WholeCheckpoints` kept beside the checkpoint."""

    def __init__(self, trainer: Any, checkpoint: Path) -> None:
        self._trainer = trainer
        self._checkpoint = checkpoint

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        own = self._checkpoint / _window_file()  # missing where it was written by fewer processes
        kept = json.loads((own if own.is_file() else self._checkpoint / _WINDOW).read_text(encoding="utf-8"))
        trainer = self._trainer
        trainer._tr_loss += torch.tensor(kept["loss"], device=trainer._tr_loss.device)
        trainer._globalstep_last_logged = kept["logged"]
        trainer._metrics["train"] = defaultdict(list, kept["metrics"])
        trainer._total_train_tokens = kept["tokens"]


@cache
def trainer_for(method: Method) -> Any:
    """Return TRL's trainer for `method`, with whole checkpoints; the others are not imported."""
    import trl

    name = _TRAINERS[method]
    return type(name, (WholeCheckpoints, getattr(trl, name)), {"__doc__": f"TRL's `{name}`."})


def restore_window(trainer: Any, checkpoint: Path) -> None:
    """Let `trainer` go on with the sums that belong to `checkpoint`."""
    if (checkpoint / _WINDOW).is_file():
        trainer.add_callback(_Restore(trainer, checkpoint))


class CheckedLabels:
    """A collator that looks at what its inner one makes: an image token among the labels would be learned as a word."""

    def __init__(self, inner: Callable[[list[dict[str, Any]]], Any], image_token: int) -> None:
        self._inner = inner
        self._image_token = image_token

    def __call__(self, examples: list[dict[str, Any]]) -> Any:
        """Return the batch.

        Raises:
            TrainingFailure: a label is an image token, or an example has no label.
        """
        batch = self._inner(examples)
        labels = batch.get("labels")
        if labels is not None:
            if bool((labels == self._image_token).any()):
                raise TrainingFailure(
                    "image tokens came among the labels", "report this: the examples have prompt and completion"
                )
            if bool((labels != -100).sum(dim=1).eq(0).any()):
                raise TrainingFailure("an example has no answer to learn", "`--dry-run` names the rows")
        return batch
