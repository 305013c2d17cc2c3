"""Metrics by the names that TRL and Hugging Face's trainer give them, whoever wrote them down."""

from __future__ import annotations

import re

_FIRST = (
    "loss", "eval_loss", "reward", "eval_reward", "grad_norm", "learning_rate", "exact_match", "eval_exact_match",
    "mean_token_accuracy", "eval_mean_token_accuracy", "rewards/accuracies", "eval_rewards/accuracies",
    "rewards/margins", "eval_rewards/margins", "samples_per_s",
)  # fmt: skip
_RISING = re.compile(
    r"(^|[/_])(acc(uracy|uracies)?|reward|rewards?/(?!rejected).*|margins|f1|bleu|rouge.*|anls|exact_match|cider|map|auc"
    r"|precision|recall|samples_per_s(econd)?|steps_per_second|tokens_per_s(econd)?)$|accuracy"
)
_FALLING = re.compile(r"loss|error|perplexity|(^|[/_])(wer|cer|kl)$")
_DULL = re.compile(r"runtime|_per_second|total_flos|^eval_.*(num_tokens)|train_runtime|^epoch$")


def canonical(name: str) -> str:
    """Return a metric's name as the trainer logs it: TensorBoard's `train/loss` is `loss`, `eval/loss` `eval_loss`."""
    if name.startswith("train/"):
        return name[len("train/") :]
    if name.startswith("eval/"):
        return "eval_" + name[len("eval/") :]
    return name


def in_order(names: list[str]) -> list[str]:
    """Return names, those that people look for first, those that say little last."""
    place = {name: number for number, name in enumerate(_FIRST)}

    def key(name: str) -> tuple[int, int, str]:
        bare = name.rpartition("/")[2] if name.partition("/")[0] in ("sft", "dpo", "mpo", "kto", "grpo") else name
        return (2 if _DULL.search(bare) else 0 if bare in place else 1, place.get(bare, 0), name)

    return sorted(names, key=key)


def rising(name: str) -> bool | None:
    """Return whether more of a metric is better; None where nothing says so."""
    if _FALLING.search(name):
        return False
    return True if _RISING.search(name) else None


def is_dull(name: str) -> bool:
    """Return whether a metric has no plot unless it is asked for."""
    return bool(_DULL.search(name))


def counterpart(name: str) -> str:
    """Return the name of the evaluation's metric beside the training's `name`."""
    stage, slash, bare = name.rpartition("/")
    if slash and stage in ("sft", "dpo", "mpo", "kto", "grpo"):
        return f"{stage}/eval_{bare}"
    return f"eval_{name}"
