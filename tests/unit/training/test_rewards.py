"""What GRPO rewards, as TRL hands the answers over."""

from __future__ import annotations

import pytest

from vlmtui.training.recipe import Reward
from vlmtui.training.rewards import reward


@pytest.mark.parametrize(
    ("name", "answer", "wanted"),
    [
        ("exact_match", "Red", 1.0),
        ("exact_match", "blue", 0.0),
        ("anls", "redd", 0.75),
        ("short", "x" * 50, 0.75),
        ("short", "x" * 900, 0.0),
        ("json", '{"a": [1]}', 1.0),
        ("json", "{'a'}", 0.0),
        ("json", "[" * 100_000, 0.0),
    ],
)
def test_points(name: Reward, answer: str, wanted: float) -> None:
    asked = reward(name)
    assert asked.__name__ == name
    said = [{"role": "assistant", "content": answer}]
    typed = [{"role": "assistant", "content": [{"type": "text", "text": answer}]}]
    found = asked(prompts=[], completions=[said, typed], references=[["red"], ["red"]], trainer_state=None)
    assert found == pytest.approx([wanted, wanted])
