"""Cached vision features: the same text, the same loss, and the vision tower runs once a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from peft import LoraConfig
from PIL import Image
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from tests.tiny_model import checkpoint
from vlmtui.datasets.pictures import Picture
from vlmtui.demo import weights_path
from vlmtui.training.examples import Example, Message, decoded
from vlmtui.training.features import RememberingProcessor, can_remember, store_for, with_features
from vlmtui.training.loading import target_pattern
from vlmtui.training.storing import answer_of, messages_of

EPOCHS = 3


def rows(examples: list[Example], *, decode: bool) -> list[dict[str, Any]]:
    return [
        {
            "images": [decoded(one) if decode else one for one in example.pictures],
            "prompt": messages_of(example.prompt, str),
            "completion": answer_of(example.answer, str),
        }
        for example in examples
    ]


@pytest.mark.parametrize("family", ["demo", "smolvlm", "idefics3"])
def test_the_loss_is_the_same_and_the_tower_runs_once(family: str, tmp_path: Path) -> None:
    folder = weights_path() if family == "demo" else checkpoint(family)  # type: ignore[arg-type]
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder)
    processor.image_processor.do_image_splitting = True
    for number, size in enumerate([(90, 60), (60, 90), (200, 40)]):
        Image.linear_gradient("L").resize(size).rotate(90 * number).convert("RGB").save(tmp_path / f"{number}.png")
    wide, high, long = (Picture(str(tmp_path / f"{number}.png")) for number in range(3))
    high = Picture(data=Path(high.path).read_bytes())
    examples = [
        Example(0, [wide], [Message("user", "What?", 1)], "one"),
        Example(1, [high, wide], [Message("user", "Compare", 2)], "a longer answer"),
        Example(2, [], [Message("user", "Hello", 0)], "three"),
        Example(3, [long], [Message("user", "And?", 1)], "four"),
    ]
    store = store_for(tmp_path / "features", model, processor, len(examples))
    assert store is not None
    plain = DataCollatorForVisionLanguageModeling(processor=processor, completion_only_loss=True)
    cached = DataCollatorForVisionLanguageModeling(
        processor=RememberingProcessor(processor, store), completion_only_loss=True
    )
    looks: list[int] = []
    vision = model.model.vision_model
    hook = vision.register_forward_pre_hook(lambda *_: looks.append(1))
    wanted = plain(rows(examples, decode=True))
    with torch.no_grad():
        loss = model(**wanted).loss
        looks.clear()
        for _ in range(EPOCHS):
            batch = dict(cached(rows(examples, decode=False)))
            for name in ("input_ids", "attention_mask", "labels"):
                assert torch.equal(batch[name], wanted[name])
            assert "pixel_values" not in batch
            found = model(**with_features(batch, model, store)).loss
            assert found.item() == pytest.approx(loss.item(), rel=1e-5)
    hook.remove()
    assert len(looks) == 3  # once for each distinct picture, in all epochs together


def test_text_alone_goes_its_usual_way(tmp_path: Path) -> None:
    processor = transformers.AutoProcessor.from_pretrained(weights_path())
    model = transformers.AutoModelForImageTextToText.from_pretrained(weights_path())
    store = store_for(tmp_path, model, processor, 1)
    assert store is not None
    collate = DataCollatorForVisionLanguageModeling(
        processor=RememberingProcessor(processor, store), completion_only_loss=True
    )
    example = Example(2, [], [Message("user", "Hello", 0)], "three")
    batch = with_features(dict(collate(rows([example], decode=False))), model, store)
    assert "mm_encoder_outputs" not in batch
    assert store_for(tmp_path, model, processor, 10**12) is None  # no disk has room for that


def test_only_what_is_frozen_is_remembered() -> None:
    model = transformers.AutoModelForImageTextToText.from_pretrained(weights_path())

    def adapters(**given: Any) -> LoraConfig:
        return LoraConfig(r=2, **given)

    assert can_remember(model, adapters(target_modules=target_pattern(["text"])))
    assert not can_remember(model, adapters(target_modules=target_pattern(["text", "vision"])))
    assert not can_remember(model, adapters(target_modules=target_pattern(["connector"])))
    assert not can_remember(model, adapters(target_modules=["q_proj", "v_proj"]))  # they are in the vision tower, too
    assert can_remember(model, adapters(target_modules=["gate_proj"]))
    assert not can_remember(model, adapters(target_modules="all-linear"))
    assert not can_remember(model)  # all weights are trained
    for name, weight in model.named_parameters():
        weight.requires_grad_("text_model" in name)
    assert can_remember(model)
    model.config.vision_config.attention_dropout = 0.1
    assert not can_remember(model)
