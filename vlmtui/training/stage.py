"""One stage of a run: its examples, its model, its trainer, from the last checkpoint on where there is one."""

from __future__ import annotations

import json
import os
import re
import shutil
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import torch

from vlmtui.models import files
from vlmtui.models.hardware import Gpu, Hardware, choose_dtype, threads_for, usable_cores
from vlmtui.runs.events import Attempt, Checkpointed
from vlmtui.runs.events import Stage as StageBegan
from vlmtui.training import ranks
from vlmtui.training.buckets import count_tiles
from vlmtui.training.callback import ReportCallback
from vlmtui.training.examples import Example
from vlmtui.training.failures import TrainingFailure
from vlmtui.training.features import RememberingProcessor, can_remember, store_for
from vlmtui.training.labels import leave_out_long
from vlmtui.training.loading import count_by_tower, load_model, load_processor, lora_config, on_cpu_only
from vlmtui.training.reading import read_examples
from vlmtui.training.recipe import PREFERENCES, Recipe, Stage
from vlmtui.training.reporting import Reporter
from vlmtui.training.rewards import reward
from vlmtui.training.storing import open_examples, plain_words, read_example, tiles_in, write_examples
from vlmtui.training.trainers import CheckedLabels, restore_window, trainer_for

_NAMED = 10
_CONFIGS = {"sft": "SFTConfig", "dpo": "DPOConfig", "mpo": "DPOConfig", "kto": "KTOConfig", "grpo": "GRPOConfig"}
_BUCKETED = ("sft", *PREFERENCES)
SEED = 42


def run_stage(recipe: Recipe, stage: Stage, reporter: Reporter, before: Path | None) -> bool:
    """Train `stage`; its result goes into the run's `results/METHOD`, made in one piece.

    Args:
        before: the result of the stage before, to go on from.

    Returns:
        Whether it was finished; else it was stopped, with a checkpoint.

    Raises:
        Exception: what `failures.understand` knows.
    """
    run = reporter.run
    checkpoint = run.last_checkpoint(stage.method)
    begun = int(checkpoint.name.rpartition("-")[2]) if checkpoint is not None else 0
    owner = reporter.status.process.pid if reporter.status is not None else 0
    reporter.say(Attempt(pid=owner, stage=stage.method, step=begun))
    reporter.set("starting", stage=stage.method, step=begun, loss=None)
    leave_a_core()
    on_cpu = on_cpu_only()
    processor = load_processor(recipe, on_cpu=on_cpu)
    plain = plain_words(processor)
    if ranks.is_first():
        place = store_examples(stage, run.path / "data", reporter, processor)
    ranks.wait_for_all()
    place = _places(stage, run.path / "data")
    model, adapters = _model(recipe, before)
    remembers = stage.method == "sft" and recipe.looks.cache_features and can_remember(model, adapters)
    store = store_for(run.path / "features", model, processor, _rows(place)) if remembers else None
    train = open_examples(place["train"], stage.method, plain, decode=store is None)
    evaluation: Any = None
    if place["evaluation"].exists():
        evaluation = open_examples(place["evaluation"], stage.method, plain, decode=store is None)
    held_out = _held_out(place["evaluation"], recipe.looks.eval_examples)
    arguments = trainer_arguments(stage, run.checkpoints(stage.method), evaluates=evaluation is not None, on_cpu=on_cpu)
    if evaluation is None or checkpoint is not None:
        arguments.eval_on_start = False  # what was found before the first step is known by now
    callback = ReportCallback(
        reporter, stage.method, recipe.looks, held_out, processor, plain, arguments.per_device_eval_batch_size
    )
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(run.path / "tensorboard" / stage.method)
    trainer = trainer_for(stage.method)(
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=evaluation,
        processing_class=processor,
        peft_config=adapters,
        callbacks=[callback],
        **({"reward_funcs": [reward(name) for name in recipe.looks.rewards]} if stage.method == "grpo" else {}),
    )
    if store is not None:
        trainer.features = store
        trainer.data_collator.processor = RememberingProcessor(processor, store)
    if stage.method == "sft":
        trainer.data_collator = CheckedLabels(trainer.data_collator, trainer.model.config.image_token_id)
    trainer.tiles = tiles_in(place["train"])
    trainer.tower_rates = dict(recipe.looks.tower_learning_rates)
    trainer.keep = stage.trl.get("save_total_limit", 2)

    def saved(step: int, path: Path) -> None:
        within = str(path.relative_to(run.path))
        reporter.set(checkpoint=within)
        reporter.say(Checkpointed(stage=stage.method, step=step, path=within))

    trainer.saved = saved
    if checkpoint is not None:
        _check_owner(checkpoint)
        restore_window(trainer, checkpoint)
        reporter.set(checkpoint=str(checkpoint.relative_to(run.path)))
    towers = count_by_tower(trainer.model).values()
    began = StageBegan(
        stage=stage.method,
        steps=_steps(trainer, arguments),
        train=len(train),
        evaluation=len(evaluation) if evaluation is not None else 0,
        trainable=sum(trainable for trainable, _ in towers),
        parameters=sum(all_ for _, all_ in towers),
    )
    reporter.say(began)
    if ranks.any_says(reporter.stopped):
        return False
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
    if trainer.state.global_step < trainer.state.max_steps:
        return False
    if evaluation is not None and trainer.state.global_step not in callback.scores:
        trainer.evaluate()
    _keep_result(trainer, recipe, run.results, stage.method)
    if ranks.is_first():
        _keep_scores(run.path, stage.method, callback.scores)
        shutil.rmtree(run.path / "features", ignore_errors=True)
    return True


def leave_a_core() -> None:
    """Let torch use one thread less than there are cores, without a GPU.

    Two threads on two cores that others use too wait for each other at every layer, many times longer than one.
    """
    if not torch.cuda.is_available():
        torch.set_num_threads(threads_for(usable_cores(), torch.get_num_threads()))


def store_examples(stage: Stage, folder: Path, reporter: Reporter, processor: Any) -> dict[str, Path]:
    """Write the stage's examples into `folder`, once for all attempts; return where they are.

    Raises:
        TrainingFailure: rows are bad, and the recipe does not say to skip them.
    """
    folder.mkdir(exist_ok=True)
    place = _places(stage, folder)
    if place["train"].exists():
        return place
    found = read_examples(stage.data, stage.method, stage.trl.get("seed", SEED), folder / "pictures")
    leave_out_long(found, stage.data.max_length, processor)
    for note in found.notes:
        reporter.note(note)
    if found.bad:
        with (folder / f"{stage.method}-bad-rows.jsonl").open("wb") as stream:
            stream.writelines(msgspec.json.encode(one) + b"\n" for one in found.bad)
        for one in found.bad[:_NAMED]:
            reporter.note(f"row {one.row}: {one.reason}", "warning")
        first = found.bad[0]
        what = f"{len(found.bad)} of {found.rows} rows cannot be used, e.g. row {first.row}: {first.reason}"
        if stage.data.bad_rows == "refuse":
            raise TrainingFailure(what, "correct them, or set bad_rows: skip")
        reporter.note(f"skipped: {what}", "warning")
    if found.evaluation:
        write_examples(place["evaluation"], found.evaluation)
    write_examples(place["train"], found.train, _tiles(stage, found.train, processor))
    return place


def _tiles(stage: Stage, examples: list[Example], processor: Any) -> list[int] | None:
    """Return the tiles of each example, where batches of as many are to be made."""
    several = int(stage.trl.get("per_device_train_batch_size", 8)) > 1
    if not several or stage.method not in _BUCKETED or not processor.image_processor.do_image_splitting:
        return None
    return count_tiles(examples, processor)


def _places(stage: Stage, folder: Path) -> dict[str, Path]:
    return {name: folder / f"{stage.method}-{name}.arrow" for name in ("train", "evaluation")}


def trainer_arguments(stage: Stage, output: Path, *, evaluates: bool, on_cpu: bool) -> Any:
    """Return TRL's configuration: what the recipe gives, else what is right for pictures and this hardware.

    `max_length` is None always: cutting a sequence would lose image tokens. The recipe's own is a limit on examples.
    """
    import trl

    given = dict(stage.trl)
    given.pop("save_total_limit", None)
    reports = given.pop("report_to", None) or []
    reports = [reports] if isinstance(reports, str) else list(reports)
    reports = ["tensorboard", *(name for name in reports if name not in ("none", "all", "tensorboard"))]
    defaults: dict[str, Any] = {"save_steps": 0.1, "dataloader_pin_memory": not on_cpu, "use_cpu": on_cpu}
    if "save_strategy" in given:
        defaults.pop("save_steps")
    if evaluates:
        defaults["eval_strategy"] = "steps" if "eval_steps" in given else "epoch"
        defaults["eval_on_start"] = True
        defaults["per_device_eval_batch_size"] = given.get("per_device_train_batch_size", 8)
    else:
        given["eval_strategy"] = "no"
    if not given.get("bf16") and not given.get("fp16"):
        dtype = precision(on_cpu)
        defaults |= {"bf16": dtype == "bfloat16", "fp16": dtype == "float16"}
    fixed: dict[str, Any] = {
        "output_dir": str(output),
        "report_to": reports,
        "disable_tqdm": True,
        "push_to_hub": False,
    }
    if stage.method != "grpo":
        fixed["max_length"] = None
    try:
        return getattr(trl, _CONFIGS[stage.method])(**defaults | given | fixed)
    except (ValueError, TypeError) as error:
        raise TrainingFailure(f"TRL refuses the recipe: {error}", "correct it and start again") from None


def precision(on_cpu: bool) -> str:
    """Return the precision that the hardware is best at: `float32`, `bfloat16` or `float16`."""
    if on_cpu or not torch.cuda.is_available():
        return "float32"
    properties = torch.cuda.get_device_properties(0)
    gpu = Gpu(properties.name, (properties.major, properties.minor))
    return choose_dtype("auto", "cuda:0", Hardware(gpus=(gpu,)))


def _held_out(place: Path, count: int) -> list[Example]:
    """Return the first examples for evaluation whose answer is a good one: the same ones at each."""
    if not count or not place.exists():
        return []
    import datasets

    found = datasets.Dataset.from_file(str(place))
    good = (number for number, label in enumerate(found["label"]) if label)
    return [read_example(found[number]) for number in islice(good, count)]


def first_model(recipe: Recipe) -> tuple[Any, Any]:
    """Return the recipe's model, and the configuration of the adapters that it is still to get."""
    return load_model(recipe, device="cuda" if torch.cuda.is_available() else "cpu"), lora_config(recipe)


def _model(recipe: Recipe, before: Path | None) -> tuple[Any, Any]:
    """Return the model as the stage before left it, and the configuration of adapters, where it has none yet."""
    if before is None:
        return first_model(recipe)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if lora_config(recipe) is None:
        return load_model(recipe, before, device=device), None
    from peft import PeftModel

    return PeftModel.from_pretrained(load_model(recipe, device=device), str(before), is_trainable=True), None


def _rows(place: dict[str, Path]) -> int:
    import datasets

    return sum(len(datasets.Dataset.from_file(str(one))) for one in place.values() if one.exists())


def _steps(trainer: Any, arguments: Any) -> int:
    if arguments.max_steps > 0:
        return int(arguments.max_steps)
    batches = len(trainer.get_train_dataloader())  # GRPO repeats prompts: only its own loader knows
    each = max(1, -(-batches // arguments.gradient_accumulation_steps))
    return int(-(-arguments.num_train_epochs * each // 1))


def _keep_result(trainer: Any, recipe: Recipe, results: Path, method: str) -> None:
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    if not ranks.is_first() and not sharded:
        return
    results.mkdir(exist_ok=True)
    aside = results / f".{method}.part"
    if sharded:  # gathered from all of them
        trainer.save_model(str(aside))
        if ranks.is_first():
            aside.rename(results / method)
        return
    shutil.rmtree(aside, ignore_errors=True)
    model = trainer.accelerator.unwrap_model(trainer.model)
    if hasattr(model, "peft_config"):
        model.save_pretrained(str(aside), selected_adapters=["default"], safe_serialization=True)
        settings = files.read_json(aside / "adapter_config.json")
        # As the recipe names it: a path into this installation would be right on this machine only.
        settings["base_model_name_or_path"] = recipe.model["model_name_or_path"]
        settings["revision"] = recipe.model.get("model_revision")
        (aside / "adapter_config.json").write_text(json.dumps(settings, indent=2), encoding="utf-8")
        (aside / "README.md").unlink(missing_ok=True)
    else:
        model.save_pretrained(str(aside), safe_serialization=True)
        trainer.processing_class.save_pretrained(str(aside))
    aside.rename(results / method)


def _keep_scores(folder: Path, method: str, scores: dict[int, dict[str, float]]) -> None:
    path = folder / "results" / f"{method}-metrics.json"
    earlier = files.read_json(path) if path.exists() else {}
    path.write_text(json.dumps(earlier | {str(step): values for step, values in scores.items()}, indent=2))


def _check_owner(checkpoint: Path) -> None:
    """Refuse a checkpoint that somebody else wrote: its optimiser state is a pickle."""
    for path in (checkpoint, *checkpoint.iterdir()):
        if path.stat().st_uid != os.getuid() or path.is_symlink():
            raise TrainingFailure(
                f"{re.sub(r'.*/', '', str(path))} of the checkpoint is not yours", "start the training again"
            )
