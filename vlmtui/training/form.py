"""The fields of a recipe as a form shows them: those that people change first, each with its help and its default."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import msgspec

from vlmtui.training.contradictions import NEVER
from vlmtui.training.fields import Field, model_fields, training_fields
from vlmtui.training.recipe import METHODS, Data, Looks, Method

_GROUPS: dict[str, tuple[str, ...]] = {
    "WHAT": ("method", "model_name_or_path", "dataset_name", "output_dir"),
    "WHAT IS TRAINED": (
        "use_peft", "lora_r", "lora_alpha", "lora_dropout", "lora_towers", "lora_target_modules", "use_dora",
        "use_rslora", "load_in_4bit", "load_in_8bit", "freeze",
    ),
    "STEPS": (
        "learning_rate", "tower_learning_rates", "lr_scheduler_type", "warmup_steps", "num_train_epochs", "max_steps",
        "per_device_train_batch_size", "gradient_accumulation_steps", "gradient_checkpointing", "optim",
        "weight_decay", "max_grad_norm", "seed",
    ),
    "OF THE METHOD": (
        "beta", "loss_type", "loss_weights", "rewards", "num_generations", "max_completion_length", "temperature",
        "desirable_weight", "undesirable_weight",
    ),
    "PICTURES": ("image_splitting", "image_longest_edge", "cache_features"),
    "DATA": (
        "dataset_config", "dataset_train_split", "dataset_test_split", "columns", "data_root", "bad_rows", "max_rows",
        "max_length", "eval_fraction",
    ),
    "WHILE IT RUNS": (
        "eval_strategy", "eval_steps", "eval_examples", "eval_max_new_tokens", "logging_steps", "save_strategy",
        "save_steps", "save_total_limit", "report_to", "device", "dtype", "bf16", "fp16", "on_out_of_memory",
    ),
}  # fmt: skip
REST = "ALL OTHERS"
_METHOD_HELP = "SFT learns answers, DPO and MPO from a better and a worse one, KTO from judged ones, GRPO from rewards."
_OURS: dict[str, tuple[str, str]] = {
    # What is right for pictures and for this hardware goes before TRL's own default; see `stage.trainer_arguments`.
    "max_length": ("none", "Longer examples count as bad rows: cutting would lose image tokens."),
    "eval_strategy": ("epoch, where rows are held out", ""),
    "save_steps": ("0.1", ""),
    "save_total_limit": ("2", ""),
    "report_to": ("tensorboard", ""),
    "bf16": ("by the hardware", ""),
    "fp16": ("by the hardware", ""),
    "lora_target_modules": ("all linear layers", ""),
}
_NOT_SHOWN = {"push_to_hub", "trust_remote_code", "output_dir", *NEVER}
_WHEN = ("no", "steps", "epoch")
_CHOICES: dict[str, tuple[str, ...]] = {
    "eval_strategy": _WHEN,
    "save_strategy": (*_WHEN, "best"),
    "lr_scheduler_type": ("linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"),
    "optim": ("adamw_torch", "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"),
}


class FormField(msgspec.Struct, frozen=True):
    """A key that a recipe may have.

    Attributes:
        name: as it is written.
        group: under which heading it stands.
        help: one paragraph.
        default: what holds where it is not given, in words.
        types: `str`, `int`, `float`, `bool`, `list`, `dict`, `None`.
        choices: what it may be; () for any.
    """

    name: str
    group: str
    help: str
    default: str
    types: tuple[str, ...]
    choices: tuple[str, ...] = ()


def form_fields(methods: tuple[Method, ...]) -> list[FormField]:
    """Return the fields of a recipe for `methods`, in the order of the form; raises `fields.FieldsMissing`."""
    trl: dict[str, Field] = {}
    for method in methods:
        trl |= training_fields(method)
    trl |= model_fields()
    known = {name: _of_trl(field) for name, field in trl.items() if name not in _NOT_SHOWN}
    for kind in (Data, Looks):
        known |= {field.name: _of_ours(field) for field in msgspec.structs.fields(kind)}
    known["method"] = FormField("method", "", _METHOD_HELP, "", ("str", "list"), METHODS)
    known["output_dir"] = FormField("output_dir", "", "The folder that the result goes to.", "", ("str",))
    if "grpo" not in methods:
        known.pop("rewards", None)
    found: list[FormField] = []
    for group, names in _GROUPS.items():
        found += [msgspec.structs.replace(known.pop(name), group=group) for name in names if name in known]
    return found + [msgspec.structs.replace(known[name], group=REST) for name in sorted(known)]


def _of_trl(field: Field) -> FormField:
    default, help = _OURS.get(field.name, ("", ""))
    choices = _CHOICES.get(field.name) or tuple("null" if one is None else str(one) for one in field.choices)
    written = "none" if field.default in ("None", "") else field.default.strip("'\"")
    written = {"True": "true", "False": "false", "default_optim": "adamw_torch_fused"}.get(written, written)
    if "bool" in field.types:
        choices = ("true", "false")
    return FormField(field.name, "", help or field.help, default or written, field.types, choices)


def _of_ours(field: Any) -> FormField:
    default, help = _OURS.get(field.name, ("", ""))
    told, kind = "", field.type
    while hasattr(kind, "__metadata__"):
        told = told or next((one.description for one in kind.__metadata__ if getattr(one, "description", None)), "")
        kind = get_args(kind)[0]
    types, choices = _shape(kind)
    value = "none" if field.default in (None, "", msgspec.NODEFAULT) else str(field.default).lower()
    told = help or (told[:1].upper() + told[1:] + ("" if told.endswith(".") else "."))
    return FormField(field.name, "", told, default or value, types, choices)


def _shape(kind: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if hasattr(kind, "__metadata__"):
        return _shape(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return ("str",), tuple(str(one) for one in get_args(kind))
    if kind is bool:
        return ("bool",), ("true", "false")
    origin = get_origin(kind)
    if origin in (list, dict):
        return (origin.__name__,), ()
    if origin is not None:  # `X | None`
        parts = [_shape(one) for one in get_args(kind) if one is not type(None)]
        return (*(name for types, _ in parts for name in types), "None"), parts[0][1]
    return (getattr(kind, "__name__", "str"),), ()
