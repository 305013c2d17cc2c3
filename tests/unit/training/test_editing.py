"""A recipe's text is changed key by key, and everything else in it stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from vlmtui.training.beginning import free_name, method_for, presets, recipes_in, small_recipe
from vlmtui.training.commands import accelerate_commands
from vlmtui.training.editing import NoMapping, as_yaml, given, line_of, shown, with_key, without_key
from vlmtui.training.form import form_fields
from vlmtui.training.recipe import parse_recipe

TEXT = """\
# first
method: sft  # why
lora_towers:
  - text
  - vision
beta:
lora_r: 8 # eight
stages:
  dpo:
    beta: 1
"""


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("method", "dpo", "method: dpo  # why"),
        ("lora_towers", "[text]", "lora_towers: [text]"),
        ("beta", "0.2", "beta: 0.2"),
        ("lora_r", "4", "lora_r: 4 # eight"),
        ("seed", "1", "seed: 1"),
    ],
)
def test_one_key_is_set_and_the_rest_stays(key: str, value: str, line: str) -> None:
    new = with_key(TEXT, key, value)
    assert line in new.splitlines()
    assert new.startswith("# first\n") and new.endswith("stages:\n  dpo:\n    beta: 1\n")
    before, after = yaml.safe_load(TEXT), yaml.safe_load(new)
    assert after == before | {key: yaml.safe_load(value)}


@pytest.mark.parametrize("key", ["method", "lora_towers", "beta", "lora_r", "stages"])
def test_one_key_is_taken_out(key: str) -> None:
    before = yaml.safe_load(TEXT)
    before.pop(key)
    assert yaml.safe_load(without_key(TEXT, key)) == before
    assert "# first" in without_key(TEXT, key)


def test_what_is_typed_becomes_the_value_that_is_meant() -> None:
    for typed, types, value in [
        ("no", ("IntervalStrategy", "str"), "no"),  # else YAML takes it for false
        ("2e-4", ("float",), "2e-4"),
        ("true", ("bool",), True),
        ("text, vision", ("list",), ["text", "vision"]),
        ("a: b # c", ("str",), "a: b # c"),
        ("pictures/rows.jsonl", ("str",), "pictures/rows.jsonl"),
        ('say "x"', ("str",), 'say "x"'),
    ]:
        assert yaml.safe_load(f"k: {as_yaml(typed, types)}") == {"k": value}, typed
    assert shown('"no"') == "no"
    assert line_of(TEXT, "beta") == 5
    with pytest.raises(NoMapping, match="line"):
        given("method: [sft\n")


def test_every_field_of_the_form_has_its_help() -> None:
    fields = {field.name: field for field in form_fields(("sft", "dpo"))}
    assert all(field.help for field in fields.values())
    assert list(fields)[:4] == ["method", "model_name_or_path", "dataset_name", "output_dir"]
    assert fields["beta"].group == "OF THE METHOD"
    assert fields["use_peft"].choices == ("true", "false")
    assert fields["bad_rows"].choices == ("refuse", "skip")
    assert "rewards" not in fields
    assert "assistant_only_loss" not in fields  # is refused always
    assert "beta" not in {field.name for field in form_fields(("sft",))}


def test_small_recipes_are_recipes(tmp_path: Path) -> None:
    (tmp_path / "rows: #1.jsonl").write_text("{}\n")
    for method in ("sft", "dpo", "kto", "grpo"):
        text = small_recipe("demo", "rows: #1.jsonl", method)  # type: ignore[arg-type]
        recipe = parse_recipe(text, tmp_path / "recipe.yaml")
        assert recipe.stages[0].method == method
        (command,) = accelerate_commands(recipe)
        assert command.startswith(f"accelerate launch -m trl.scripts.{method} ")
        assert ("--max_length" in command) == (method != "grpo")
    assert method_for(["SFT", "DPO", "MPO", "KTO"]) == "dpo"
    assert method_for(["SFT"]) == "sft"
    (tmp_path / "a.yaml").write_text("method: sft\n")
    (tmp_path / "b.yaml").write_text("other: 1\n")
    assert recipes_in(tmp_path) == [tmp_path / "a.yaml"]
    assert free_name(tmp_path, "a") == tmp_path / "a-2.yaml"
    assert {name for name, _, _ in presets()} >= {"demo-sft", "demo-dpo", "course-sft-chartqa"}
