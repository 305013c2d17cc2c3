"""Recipes: TRL's own names, mistakes with their line, traps of pictures refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from vlmtui.training.command import PRESETS, choose_device
from vlmtui.training.commands import trl_commands
from vlmtui.training.fields import model_fields, training_fields
from vlmtui.training.recipe import Recipe, RecipeError, parse_recipe

SMALLEST = """\
method: sft
model_name_or_path: demo
dataset_name: train.jsonl
output_dir: out
use_peft: true
lora_r: 16
learning_rate: 2.0e-3
num_train_epochs: 12
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "train.jsonl").write_text("{}\n")
    return tmp_path / "recipe.yaml"


def mistakes(text: str, place: Path) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, place)
    return [line.removeprefix(f"{place}") for line in caught.value.mistakes]


def test_the_smallest_recipe(place: Path) -> None:
    recipe = parse_recipe(SMALLEST, place)
    assert recipe.output_dir == str(place.parent / "out")
    (stage,) = recipe.stages
    assert stage.method == "sft"
    assert stage.data.dataset_name == str(place.parent / "train.jsonl")
    assert stage.trl == {"learning_rate": 2e-3, "num_train_epochs": 12}
    assert recipe.model == {"model_name_or_path": "demo", "use_peft": True, "lora_r": 16}


def test_a_number_that_yaml_takes_for_a_text(place: Path) -> None:
    recipe = parse_recipe(SMALLEST.replace("2.0e-3", "2e-3"), place)
    assert recipe.stages[0].trl["learning_rate"] == 2e-3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lora_rnk: 4", "unknown key; did you mean 'lora_r'?"),
        ("warmup_ratio: 0.1", "warmup_steps takes a share below 1"),
        ("max_seq_length: 9", "max_length"),
        ("lora_r: 4", "lora_r' stands in line 6 already"),
        ("logging_steps: often", "'often' is no number"),
        ("use_dora: perhaps", "'perhaps' is not bool"),
        ("packing: true", "cannot be packed"),
        ("padding_free: true", "need padding"),
        ("truncation_mode: keep_end", "cut image tokens"),
        ("completion_only_loss: false", "image tokens"),
        ("assistant_only_loss: true", "on the answers always"),
        ("trust_remote_code: true", "never run"),
        ("push_to_hub: true", "nothing is pushed"),
        ("hub_token: hf_x", "no secret"),
        ("max_steps: 5", "contradicts num_train_epochs"),
        ("freeze: [vision]", "lora_towers"),
        ("lora_towers: [ears]", "Invalid enum value 'ears'"),
        ("max_rows: 0", "Expected `int` >= 1"),
        ("bad_rows: drop", "Invalid enum value 'drop'"),
        ("columns: {question: q}", "Invalid enum value 'question'"),
        ("device: tpu", "device: "),
        ("beta: 0.1", "unknown key"),
        ("rewards: [exact_match]", "GRPO only"),
        ("stages: {dpo: {beta: 0.1}}", "unknown stage"),
        ("stages: {sft: {lora_r: 3}}", "unknown key of the stage sft"),
    ],
)
def test_a_mistake_is_named_with_its_line(place: Path, line: str, said: str) -> None:
    (found,) = mistakes(f"{SMALLEST}{line}\n", place)
    assert said in found
    if "stages" not in line:
        assert found.startswith(":9: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SMALLEST.replace("use_peft: true", "load_in_4bit: true"), ["load_in_4bit", "lora_r"]),
        (SMALLEST.replace("lora_r: 16", "load_in_4bit: true\nload_in_8bit: true"), ["load_in_8bit"]),
        (SMALLEST.replace("train.jsonl", "missing.jsonl"), ["dataset_name"]),
        (SMALLEST.replace("demo", "./nowhere"), ["model_name_or_path"]),
        (SMALLEST.replace("method: sft", "method: rlhf"), ["method"]),
        (SMALLEST.replace("method: sft", "method: [dpo, sft]"), ["method"]),
        (SMALLEST.replace("method: sft", "method: [dpo, kto]"), ["method"]),
        ("", ["is empty"]),
        ("- a\n- b\n", ["key: value"]),
        ("method: [sft\n", ["recipe.yaml:2"]),
        ("method: !!python/object/apply:os.system [id]\n", ["recipe.yaml:1"]),
        ("output_dir: out\n", ["method", "model_name_or_path", "dataset_name"]),
    ],
)
def test_what_cannot_be(place: Path, text: str, said: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, place)
    assert len(caught.value.mistakes) == len(said)
    for word in said:
        assert any(word in line for line in caught.value.mistakes), caught.value.mistakes


def test_precompute_is_refused_for_dpo(place: Path) -> None:
    text = SMALLEST.replace("method: sft", "method: dpo") + "precompute_ref_log_probs: true\n"
    assert "ahead" in mistakes(text, place)[0]


def test_two_stages_with_keys_of_their_own(place: Path) -> None:
    (place.parent / "pairs.jsonl").write_text("{}\n")
    text = SMALLEST.replace("method: sft", "method: [sft, dpo]")
    text += "stages:\n  dpo:\n    dataset_name: pairs.jsonl\n    beta: 0.2\n    learning_rate: 1e-5\n"
    sft, dpo = parse_recipe(text, place).stages
    assert (sft.trl["learning_rate"], "beta" in sft.trl) == (2e-3, False)
    assert (dpo.trl["learning_rate"], dpo.trl["beta"], dpo.trl["num_train_epochs"]) == (1e-5, 0.2, 12)
    assert dpo.data.dataset_name.endswith("pairs.jsonl")


def test_mpo_is_dpo_with_three_losses(place: Path) -> None:
    recipe = parse_recipe(SMALLEST.replace("method: sft", "method: mpo"), place)
    assert recipe.stages[0].trl["loss_type"] == ["sigmoid", "bco_pair", "sft"]
    assert recipe.stages[0].trl["loss_weights"] == [0.8, 0.2, 1.0]
    assert trl_commands(recipe)[0].startswith("trl dpo ")


def test_grpo_needs_rewards_by_name(place: Path) -> None:
    text = SMALLEST.replace("method: sft", "method: grpo")
    assert "rewards: is needed" in mistakes(text, place)[0]
    assert "Invalid enum value 'os.system'" in mistakes(text + "rewards: [os.system]\n", place)[0]
    recipe = parse_recipe(text + "rewards: [exact_match, short]\nnum_generations: 4\n", place)
    assert recipe.looks.rewards == ["exact_match", "short"]


def test_kto_compares_within_the_batch(place: Path) -> None:
    text = SMALLEST.replace("method: sft", "method: kto") + "per_device_train_batch_size: 1\n"
    assert mistakes(text, place)[0].startswith(":9: ")


def test_the_same_training_as_a_command_of_trl(place: Path) -> None:
    (command,) = trl_commands(parse_recipe(SMALLEST + "eval_examples: 4\nreport_to: [wandb, trackio]\n", place))
    assert command.startswith("trl sft --model_name_or_path ")
    for words in ("--lora_r 16", "--use_peft true", "--learning_rate 0.002", "--max_length None"):
        assert words in command
    assert "--report_to wandb trackio" in command
    assert "eval_examples" not in command


def test_every_key_of_trl_is_known_with_its_help() -> None:
    sft, dpo = training_fields("sft"), training_fields("dpo")
    assert {"beta", "learning_rate", "max_length"} <= set(dpo)
    assert "beta" not in sft
    assert len(sft) > 100
    assert sft["max_length"].default == "1024"  # why it is None always here
    assert all(field.help for field in model_fields().values())


def test_the_presets_are_recipes_with_a_source(tmp_path: Path) -> None:
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits" / "pairs.jsonl").write_text("{}\n")
    found = sorted(PRESETS.glob("*.yaml"))
    assert len(found) >= 5
    for preset in found:
        text = preset.read_text(encoding="utf-8")
        recipe = parse_recipe(text, tmp_path / preset.name)
        assert isinstance(recipe, Recipe)
        assert text.startswith("# ")
        assert "Source: " in text
        assert choose_device(recipe)


def test_reading_a_recipe_imports_nothing_heavy() -> None:
    code = "import sys, vlmtui.training.command, vlmtui.runs.command; print(sorted(sys.modules))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "transformers", "trl", "peft", "datasets", "numpy", "PIL", "pyarrow", "textual"):
        assert f"'{heavy}'" not in names
