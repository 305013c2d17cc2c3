"""What GRPO rewards an answer for: named in the recipe, never code from a data file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from vlmtui.training.metrics import METRICS
from vlmtui.training.recipe import Reward

_LONG = 200


def reward(name: Reward) -> Callable[..., list[float]]:
    """Return the reward as TRL calls it: with `completions` as messages and the data set's `references`."""

    def rewarded(completions: list[Any], references: list[list[str]], **_: Any) -> list[float]:
        texts = [_text(one) for one in completions]
        return [_points(name, text, wanted) for text, wanted in zip(texts, references, strict=True)]

    rewarded.__name__ = name  # under which TRL logs it
    return rewarded


def _points(name: Reward, answer: str, references: list[str]) -> float:
    """Return 0 to 1."""
    if name == "short":
        return max(0.0, 1 - len(answer) / _LONG)
    if name == "json":
        try:
            json.loads(answer)
        except (ValueError, RecursionError):
            return 0.0
        return 1.0
    return METRICS[name](answer, references)


def _text(completion: Any) -> str:
    """Return what was said: TRL hands over messages, whose content is a text or typed parts."""
    if isinstance(completion, str):
        return completion.strip()
    content = completion[-1]["content"] if completion else ""
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    return str(content).strip()
