"""What TRL would take and a vision-language training cannot mean: found before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_REFUSED: dict[str, tuple[Any, str]] = {
    "packing": (True, "pictures cannot be packed: leave it out"),
    "padding_free": (True, "pictures need padding: leave it out"),
    "precompute_ref_log_probs": (True, "cannot be computed ahead for pictures: leave it out"),
    "trust_remote_code": (True, "code from a checkpoint is never run here: leave it out"),
    "completion_only_loss": (False, "the loss would be on the image tokens too: leave it out"),
    "push_to_hub": (True, "nothing is pushed by itself: `hf upload` pushes the result when you have looked at it"),
    "group_by_length": (True, "the length is not known before a picture is cut: leave it out"),
}
NEVER = {
    "resume_from_checkpoint": "`vlmtui runs resume` goes on from the last checkpoint",
    "deepspeed": "name a config file of accelerate's under launch: config_file",
    "fsdp": "name a config file of accelerate's under launch: config_file",
    "assistant_only_loss": "the loss is on the answers always",
    "model_init_kwargs": "use the keys dtype, attn_implementation and model_revision",
    "formatting_func": "use the key columns",
    "dataset_text_field": "use the key columns",
    "remove_unused_columns": "the examples hold what is needed and nothing else",
    "do_train": "it is done",
    "do_predict": "nothing is predicted",
    "hub_token": "no secret belongs in a recipe: set HF_TOKEN",
    "auto_find_batch_size": "it begins again with another batch behind the log's back: halve the batch yourself",
}


def refused(trl: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the keys among TRL's that cannot be used here, each with the reason."""
    for name, value in trl.items():
        if name in NEVER and value not in (None, ""):
            yield name, NEVER[name]
        elif name in _REFUSED and value is _REFUSED[name][0]:
            yield name, _REFUSED[name][1]
        elif name == "truncation_mode" and value == "keep_end":
            yield name, "would cut image tokens away: leave it out"


def contradictions(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield keys that contradict another one, each with what is wrong."""
    peft = bool(given.get("use_peft"))
    if given.get("load_in_4bit") and given.get("load_in_8bit"):
        yield "load_in_8bit", "contradicts load_in_4bit: choose one"
    for name in ("load_in_4bit", "load_in_8bit"):
        if given.get(name) and not peft:
            yield name, "quantised weights cannot be trained themselves: add use_peft: true"
    if not peft:
        for name in given:
            if name.startswith("lora_") or (name in ("use_dora", "use_rslora") and given[name]):
                yield name, "has no effect without use_peft: true"
    elif given.get("freeze"):
        yield "freeze", "has no effect with use_peft: true, which trains adapters only: use lora_towers"
    if given.get("lora_towers") and isinstance(given.get("lora_target_modules"), str):
        yield "lora_towers", "contradicts a pattern in lora_target_modules: choose one"
    if given.get("bf16") and given.get("fp16"):
        yield "fp16", "contradicts bf16: choose one"
    if "bnb_4bit_quant_type" in given and not given.get("load_in_4bit"):
        yield "bnb_4bit_quant_type", "has no effect without load_in_4bit: true"
    if given.get("use_bnb_nested_quant") and not given.get("load_in_4bit"):
        yield "use_bnb_nested_quant", "has no effect without load_in_4bit: true"
    steps = given.get("max_steps")
    if isinstance(steps, int) and steps > 0 and "num_train_epochs" in given:
        yield "max_steps", "contradicts num_train_epochs: choose one"
    if given.get("eval_fraction") and given.get("dataset_test_split"):
        yield "eval_fraction", "contradicts dataset_test_split: choose one"
    if (
        given.get("eval_fraction") == 0
        and not given.get("dataset_test_split")
        and given.get("eval_strategy")
        in (
            "steps",
            "epoch",
        )
    ):
        yield "eval_strategy", "there is nothing to evaluate on: raise eval_fraction, or name dataset_test_split"
