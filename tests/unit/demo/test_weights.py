"""The bundled checkpoint: small, in the published form, and right about what it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from vlmtui.demo import DEMO_MODEL_ID, weights_path
from vlmtui.demo.evaluate import cases

torch = pytest.importorskip("torch")

from transformers import AutoModelForImageTextToText, SmolVLMForConditionalGeneration, SmolVLMProcessor  # noqa: E402

from vlmtui.demo.evaluate.answers import Checkpoint  # noqa: E402
from vlmtui.demo.faces import GLYPHS  # noqa: E402
from vlmtui.demo.vocabulary import COLOUR_NAMES, PLACES, SHAPES  # noqa: E402


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return Checkpoint(weights_path())


def test_the_weights_take_at_most_8_megabytes_and_are_safetensors():
    files = list(weights_path().iterdir())
    assert sum(file.stat().st_size for file in files if file.suffix == ".safetensors") <= 8_000_000
    assert not [file.name for file in files if file.suffix in (".bin", ".pt", ".pth", ".pkl")]
    assert DEMO_MODEL_ID == "demo"


def test_it_loads_like_any_checkpoint_of_the_family(checkpoint):
    assert isinstance(checkpoint.model, SmolVLMForConditionalGeneration)
    assert isinstance(checkpoint.processor, SmolVLMProcessor)
    assert checkpoint.model.config.text_config.max_position_embeddings >= 2048
    _, report = AutoModelForImageTextToText.from_pretrained(weights_path(), output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]


def test_any_text_can_be_encoded_and_words_of_the_world_are_single_tokens(checkpoint):
    tokenizer = checkpoint.processor.tokenizer
    for text in ("Übung: 漢字 🙂 naïve\ttab\n", "plain English, never seen before; 3.14159"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    places = {word for row in PLACES for place in row for word in place.split()}
    for word in (*SHAPES, *COLOUR_NAMES, *places, "yes", "no"):
        assert len(tokenizer.encode(" " + word)) == 1, word
    for glyph in GLYPHS:
        assert len(tokenizer.encode(glyph)) == 1
    assert tokenizer.encode("SESSION")[0] == tokenizer.encode("S")[0]  # printed words are read letter by letter


def test_the_curve_of_its_training_is_kept():
    lines = [json.loads(line) for line in (weights_path() / "curve.jsonl").read_text().splitlines()]
    assert len(lines) > 10 and lines[-1]["step"] > lines[0]["step"]
    assert lines[-1]["exact"]["count"] > lines[0]["exact"]["count"]


# What the weights must not fall below. They are floors under what was measured when the weights were made (the model
# card has the tables).
SINGLE, SINGLE_SPLIT, SEVERAL, FRAMES = 0.96, 0.94, 0.95, 0.9


def _share_right(checkpoint: Checkpoint, asked: list[cases.Case], splitting: bool = False) -> float:
    torch.set_num_threads(1)
    given = [(case.right(splitting), said) for case, said in checkpoint.answers(asked, splitting)]
    return sum(right == said for right, said in given) / len(given)


@pytest.mark.parametrize("splitting", [False, True])
def test_it_is_right_about_single_pictures(checkpoint, splitting):
    asked = list(cases.single(Random("unit single"), 24, *cases.TRAINED))
    assert len(asked) > 250
    assert _share_right(checkpoint, asked, splitting) >= (SINGLE_SPLIT if splitting else SINGLE)


def test_it_is_right_about_several_pictures(checkpoint):
    asked = list(cases.several(Random("unit several"), 30, *cases.TRAINED))
    assert _share_right(checkpoint, asked) >= SEVERAL


@pytest.mark.parametrize("as_video", [False, True])
def test_it_is_right_about_frames(checkpoint, as_video):
    asked = list(cases.films(Random("unit films"), 24, *cases.TRAINED, as_video))
    assert _share_right(checkpoint, asked) >= FRAMES


def test_the_check_fails_for_weights_that_know_nothing(tmp_path: Path):
    from tokenizers import Tokenizer

    from vlmtui.demo.train.checkpoint import build_model, build_processor, store

    tokenizer = Tokenizer.from_file(str(weights_path() / "tokenizer.json"))
    store(build_model(tokenizer), build_processor(tokenizer), tmp_path)
    asked = list(cases.single(Random("unit single"), 3, *cases.TRAINED))
    assert _share_right(Checkpoint(tmp_path), asked) < 0.2
