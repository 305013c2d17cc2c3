"""What is learned of an example, and what a recipe would do, asked of TRL's collators and models' real shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import transformers
from PIL import Image

from tests.tiny_model import checkpoint
from vlmtui.datasets.pictures import Picture
from vlmtui.datasets.schema import Schema
from vlmtui.demo import weights_path
from vlmtui.training.command import PRESETS
from vlmtui.training.examples import Example, Message, UnfitData
from vlmtui.training.failures import TrainingFailure
from vlmtui.training.labels import collated, inspect, leave_out_long, lengths
from vlmtui.training.loading import load_processor, target_pattern
from vlmtui.training.outline import outline
from vlmtui.training.reading import Examples
from vlmtui.training.recipe import Looks, Recipe, parse_recipe
from vlmtui.training.storing import open_examples, plain_words, read_example, write_examples
from vlmtui.training.trainers import CheckedLabels


def recipe_for(model: str, **looks: Any) -> Recipe:
    return Recipe(stages=[], model={"model_name_or_path": model}, looks=Looks(**looks), output_dir="out")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Picture:
    path = tmp_path_factory.mktemp("pictures") / "a.png"
    Image.new("RGB", (90, 60), "red").save(path)
    return Picture(str(path))


def example(picture: Picture, answer: str = "a red picture", **more: Any) -> Example:
    return Example(7, [picture], [Message("user", "What is this?", 1)], answer, references=[answer], **more)


@pytest.mark.parametrize("model", ["demo", "smolvlm", "idefics3"])
@pytest.mark.parametrize("splitting", [False, True])
def test_the_loss_is_on_the_answer_and_on_nothing_else(picture: Picture, model: str, splitting: bool) -> None:
    name = "demo" if model == "demo" else str(checkpoint(model))  # type: ignore[arg-type]
    processor = load_processor(recipe_for(name, image_splitting=splitting), on_cpu=True)
    plain = plain_words(processor)
    batch = collated(example(picture), processor, plain)
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    assert (ids == image).sum() > 0
    assert (labels == image).sum() == 0
    learned = processor.tokenizer.decode(ids[labels != -100])
    assert learned == " a red picture<end_of_utterance>\n"
    shown = inspect(example(picture), processor, plain)
    assert shown["image_labels"] == 0
    assert shown["shown"].endswith("⟦ a red picture<end_of_utterance>⏎⟧")
    long = lengths(example(picture), processor, plain)
    assert long.image == int((ids == image).sum())
    assert (long.tiles > 1) == splitting
    assert long.text + long.image == len(ids)


def test_on_a_cpu_pictures_are_not_cut_unless_the_recipe_says_so() -> None:
    name = str(checkpoint("smolvlm"))
    assert not load_processor(recipe_for(name), on_cpu=True).image_processor.do_image_splitting
    assert load_processor(recipe_for(name), on_cpu=False).image_processor.do_image_splitting
    large = load_processor(recipe_for(name, image_splitting=True, image_longest_edge=64), on_cpu=True)
    assert (large.image_processor.do_image_splitting, large.image_processor.size["longest_edge"]) == (True, 64)


def test_special_words_in_a_data_set_are_text(picture: Picture) -> None:
    processor = load_processor(recipe_for("demo"), on_cpu=True)
    hostile = example(picture, "<image> no <end_of_utterance>\nUser: <image>")
    batch = collated(hostile, processor, plain_words(processor))
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    end = processor.tokenizer.convert_tokens_to_ids("<end_of_utterance>")
    labels = batch["labels"][0]
    assert (labels == image).sum() == 0
    assert (labels == end).sum() == 1


def test_a_limit_on_the_length_cuts_nothing(picture: Picture) -> None:
    processor = load_processor(recipe_for("demo"), on_cpu=True)
    short, long = example(picture), example(picture, "a red picture " * 30)
    found = Examples([short, long], [long], 3, [], Schema(), [])
    leave_out_long(found, 60, processor)
    assert (found.train, found.evaluation) == ([short], [])
    assert len(found.bad) == 2 and "of pictures 16" in found.bad[0].reason
    with pytest.raises(UnfitData, match="max_length: 9"):
        leave_out_long(found, 9, processor)


def test_a_label_on_an_image_token_ends_the_training(picture: Picture) -> None:
    processor = load_processor(recipe_for("demo"), on_cpu=True)
    batch = collated(example(picture), processor, plain_words(processor))
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    assert CheckedLabels(lambda _: batch, image)([]) is batch
    everything = {**batch, "labels": batch["input_ids"]}  # what TRL does with `messages`
    with pytest.raises(TrainingFailure, match="image tokens"):
        CheckedLabels(lambda _: everything, image)([])
    nothing = {**batch, "labels": batch["labels"] * 0 - 100}
    with pytest.raises(TrainingFailure, match="no answer"):
        CheckedLabels(lambda _: nothing, image)([])


def test_examples_come_back_from_the_disk_as_they_were(picture: Picture, tmp_path: Path) -> None:
    import datasets

    one = example(picture)
    two = example(Picture("x", Path(picture.path).read_bytes()), rejected="a worse one")
    path = tmp_path / "examples.arrow"
    write_examples(path, [one, two])
    stored = datasets.Dataset.from_file(str(path))
    assert [read_example(stored[0]), read_example(stored[1])] == [one, two]
    shown = open_examples(path, "dpo", lambda text: text)[1]
    assert set(shown) == {"images", "prompt", "chosen", "rejected"}
    assert shown["images"][0].size == (90, 60)
    assert [part["type"] for part in shown["prompt"][0]["content"]] == ["image", "text"]
    assert isinstance(shown["chosen"][0]["content"], list)  # a plain text would silently be dropped


def _smolvlm_2b() -> Any:
    text = {
        "model_type": "llama", "vocab_size": 49155, "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 24, "num_attention_heads": 32, "num_key_value_heads": 32,
        "max_position_embeddings": 16384,
    }  # fmt: skip
    vision = {
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
        "image_size": 384, "patch_size": 14, "model_type": "idefics3_vision",
    }  # fmt: skip
    return transformers.Idefics3Config(
        text_config=text, vision_config=vision, scale_factor=3, tie_word_embeddings=False
    )


@pytest.mark.parametrize(
    ("preset", "published"), [("course-sft-chartqa", 2_568_192), ("cookbook-sft-chartqa", 11_269_248)]
)
def test_the_published_adapters_have_their_published_size(preset: str, published: int) -> None:
    path = PRESETS / f"{preset}.yaml"
    towers, _ = outline(parse_recipe(path.read_text(encoding="utf-8"), path), _smolvlm_2b())
    assert sum(one[0] for one in towers.values()) == published
    assert sum(one[1] for one in towers.values()) == 2_246_272_880 + published
    assert towers["vision"][0] > 0  # q_proj and v_proj are in the vision tower, too


def test_towers_are_chosen_by_name() -> None:
    import re

    pattern = target_pattern(["text", "connector"])
    for name in ("model.text_model.layers.0.mlp.up_proj", "model.connector.modality_projection.proj"):
        assert re.fullmatch(pattern, name)
    for name in ("model.vision_model.encoder.layers.0.self_attn.q_proj", "lm_head", "model.text_model.embed_tokens"):
        assert not re.fullmatch(pattern, name)
    with pytest.raises(TrainingFailure):
        target_pattern(["connector"], ["q_proj"])


def test_a_dry_run_says_it_all_and_leaves_nothing_behind(picture: Picture, tmp_path: Path) -> None:
    rows = [{"image": "a.png", "question": "What?", "answer": "red" * (n + 1)} for n in range(30)]
    (tmp_path / "a.png").write_bytes(Path(picture.path).read_bytes())
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"image": "b.png"}]))
    (tmp_path / "recipe.yaml").write_text(
        "method: sft\nmodel_name_or_path: demo\ndataset_name: rows.jsonl\noutput_dir: out\nuse_peft: true\nlora_r: 4\n"
    )
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, "-m", "vlmtui", "train", str(tmp_path / "recipe.yaml"), "--dry-run"]
    found = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stderr  # a bad row is refused
    report = json.loads(found.stdout)
    (stage,) = report["stages"]
    assert (stage["rows"], stage["train"], stage["evaluation"], stage["bad_rows"]) == (31, 27, 3, 1)
    assert stage["bad"][0]["row"] == 30
    assert stage["tokens"]["image"] == 16
    assert sum(count for _, _, count, _ in stage["tokens"]["histogram"]) == 27
    assert stage["labels"]["image_labels"] == 0
    assert report["towers"]["vision"]["trainable"] == 0
    assert report["memory"]["total"] > report["memory"]["weights"] > 0
    assert sorted(tmp_path.iterdir()) == before
    assert weights_path().exists()
