"""Smaller weights: loaded and answering on a CPU in every kind, and int8 held against float32 on the demo model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import torch
import transformers

from vlmtui.demo import weights_path
from vlmtui.engine import int8
from vlmtui.engine.client import EngineClient
from vlmtui.models.hardware import Quantize, int8_pays

from .asking import at_most, everything, failed, finished, loaded, text_of, turn

on_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EngineClient]:
    client = EngineClient(log=tmp_path_factory.mktemp("log") / "engine.log")
    yield client
    await client.close()


@on_one_loop
@pytest.mark.parametrize("quantize", ["int8", "8bit", "4bit"])
async def test_each_kind_answers_about_a_picture(
    engine: EngineClient, smolvlm2: Path, media: Path, quantize: Quantize
) -> None:
    if quantize != "int8":
        pytest.importorskip("bitsandbytes")
    model = loaded(await everything(engine.load(str(smolvlm2), device="cpu", quantize=quantize)))
    assert (model.quantize, model.device, model.parameters) == (quantize, "cpu", 189_392)
    events = await everything(engine.generate([turn("What is it?", media / "wide.png")], sampling=at_most(6)))
    assert finished(events).completion_tokens == 6 or finished(events).reason == "end"


@on_one_loop
async def test_int8_answers_as_float32_does(engine: EngineClient, tmp_path: Path) -> None:
    said = []
    for quantize in ("none", "int8"):
        loaded(await everything(engine.load("demo", device="cpu", quantize=quantize)))
        events = await everything(engine.generate([turn("What can you see?")], sampling=at_most(40)))
        said.append(text_of(events))
    assert said[0] == said[1] != ""


@on_one_loop
async def test_what_a_device_cannot_do(engine: EngineClient, smolvlm2: Path) -> None:
    failure = failed(await everything(engine.load(str(smolvlm2), device="cuda:99", quantize="int8")))
    assert failure.code == "bad_device"


def test_top_1_agreement_with_float32() -> None:
    """Of the next token after each of 200 tokens of text; the outer layers keep their type for adapters."""
    folder = weights_path()
    load = transformers.AutoModelForImageTextToText.from_pretrained
    plain, small = load(folder, dtype=torch.float32).eval(), load(folder, dtype=torch.float32).eval()
    count = int8.quantise(small)
    text = "How many shapes are there? There are three shapes: a red circle, a blue square, a green triangle. " * 12
    ids = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids[:, :200]
    with torch.inference_mode():
        same = plain(input_ids=ids).logits.argmax(-1) == small(input_ids=ids).logits.argmax(-1)
    assert same.numel() == 200
    assert same.float().mean().item() >= 0.97
    layers = [module for module in small.modules() if isinstance(module, int8.Int8Linear)]
    assert count == len(layers) > 10
    assert all(isinstance(layer, torch.nn.Linear) and layer.weight.dtype == torch.int8 for layer in layers)
    assert not any(isinstance(module, int8.Int8Linear) for module in small.model.vision_model.modules())


def test_when_int8_is_offered() -> None:
    assert int8_pays("cpu", "none", 256_000_000)
    assert not int8_pays("cpu", "int8", 256_000_000)
    assert not int8_pays("cpu", "none", 1_900_000)
    assert not int8_pays("cuda:0", "none", 2_200_000_000)
