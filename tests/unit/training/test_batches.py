"""Batches of examples with as many tiles, made ahead of the step: the same ones in every attempt of a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.unit.training.running import curve
from tests.unit.training.test_stage import attempt, run_of
from vlmtui.training.ahead import Ahead
from vlmtui.training.buckets import TileBuckets
from vlmtui.training.recipe import Recipe, parse_recipe
from vlmtui.training.storing import tiles_in

pytestmark = pytest.mark.timeout(300)

RECIPE = """\
method: sft
model_name_or_path: demo
dataset_name: wide.jsonl
output_dir: out
use_peft: true
lora_r: 4
lora_dropout: 0.1
learning_rate: 1.0e-3
num_train_epochs: 2
per_device_train_batch_size: 2
gradient_checkpointing: false
logging_steps: 1
save_strategy: "no"
eval_fraction: 0.0
image_splitting: true
"""


def test_a_batch_has_examples_with_as_many_tiles() -> None:
    tiles = [1, 5, 17] * 40 + [1]
    epoch = 0
    buckets = TileBuckets(tiles, 4, seed=7, epoch=lambda: epoch)
    first = list(buckets)
    assert sorted(first) == list(range(len(tiles))) and len(buckets) == len(tiles)
    batches = [first[at : at + 4] for at in range(0, len(first), 4)]
    mixed = [batch for batch in batches if len({tiles[number] for number in batch}) > 1]
    assert len(mixed) <= 2  # where one kind ends
    assert len({tiles[batch[0]] for batch in batches[:8]}) > 1  # the kinds come mixed
    assert list(buckets) == first
    epoch = 1
    assert list(buckets) != first


def test_the_next_batch_is_made_meanwhile_and_in_order() -> None:
    made: list[int] = []
    second = threading.Event()

    def batches() -> Iterator[int]:
        for number in range(3):
            made.append(number)
            if number == 1:
                second.set()
            yield number
        raise ValueError("damaged")

    ahead = Ahead(batches())
    assert next(ahead) == 0
    assert second.wait(60)  # made though nobody has asked for it
    assert [next(ahead), next(ahead)] == [1, 2] and made == [0, 1, 2]
    with pytest.raises(ValueError, match="damaged"):
        next(ahead)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert list(Ahead(iter([1, 2]))) == [1, 2]
        assert torch.get_num_threads() == threads + 1  # the step's own stay what they are
    finally:
        torch.set_num_threads(threads)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    rows = []
    for number in range(9):
        size = [(64, 64), (400, 100), (300, 300)][number % 3]
        Image.linear_gradient("L").resize(size).rotate(40 * number).convert("RGB").save(tmp_path / f"{number}.png")
        rows.append({"image": f"{number}.png", "question": "Which one?", "answer": f"number {number}"})
    (tmp_path / "wide.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return parse_recipe(RECIPE, tmp_path / "recipe.yaml")


def test_a_run_in_buckets_that_was_stopped_ends_like_one_that_was_not(recipe: Recipe, tmp_path: Path) -> None:
    whole, broken = run_of(recipe, tmp_path / "whole"), run_of(recipe, tmp_path / "broken")
    assert attempt(whole, recipe)
    assert len(set(tiles_in(whole.path / "data" / "sft-train.arrow"))) > 1
    assert not attempt(broken, recipe, after=2)  # within the first epoch
    assert not attempt(broken, recipe, after=7)  # and within the second
    assert attempt(broken, recipe)
    assert list(curve(whole)) == list(range(1, 11))
    assert curve(broken) == pytest.approx(curve(whole), rel=1e-5)
