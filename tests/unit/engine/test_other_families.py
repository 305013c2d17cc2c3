"""A checkpoint that is no SmolVLM: prompted through its own processor and template."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.tiny_model import write_tokenizer
from vlmtui.engine import generation
from vlmtui.engine.protocol import Event, Generate, Sampling

from .asking import finished, started, text_of, turn
from .checkpoints import load

_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {% for part in message.content %}"
    "{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }}{% endif %}{% endfor %}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaVA with random weights: 16 image tokens a picture."""
    import transformers

    folder = tmp_path_factory.mktemp("llava")
    tokens = write_tokenizer(folder, "smolvlm", "tiny", "instruct")
    vision = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8
    )
    text = transformers.LlamaConfig(
        vocab_size=tokens["size"],
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=3,
        max_position_embeddings=512,
        eos_token_id=tokens["end"],
        pad_token_id=2,
    )
    config = transformers.LlavaConfig(vision_config=vision, text_config=text, image_token_index=tokens["<image>"])
    transformers.LlavaForConditionalGeneration(config).save_pretrained(folder)
    transformers.LlavaProcessor(
        image_processor=transformers.CLIPImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
        ),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder),
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_TEMPLATE,
    ).save_pretrained(folder)
    return folder


def test_pictures_and_frames_through_its_own_processor(llava: Path, media: Path) -> None:
    made = load(llava)
    assert (made.loaded.family, made.loaded.kind, made.loaded.context) == ("llava", "instruct", 512)
    events: list[Event] = []
    generation.generate(
        made,
        Generate(
            id=1,
            turns=(turn("Is <image> one?", media / "wide.png", media / "clip.mp4"),),
            sampling=Sampling(max_new_tokens=9),
        ),
        send=events.append,
        stopped=lambda: False,
        asked_at=time.perf_counter(),
    )
    assert (started(events).tiles, started(events).image_tokens) == (1 + 8, 9 * 16)
    assert finished(events).completion_tokens == 9
    assert text_of(events)
