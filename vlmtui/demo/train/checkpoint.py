"""Builds the demo model and its processor, and stores them as a checkpoint like any published one."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import (
    PreTrainedTokenizerFast,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessor,
    SmolVLMProcessor,
    SmolVLMVideoProcessor,
)

from vlmtui.demo.eye import LONGEST_EDGE, TILE
from vlmtui.demo.train.tokenizer import BOS, END_OF_TEXT, END_OF_UTTERANCE, IMAGE, PAD

PATCH, SHUFFLE = 8, 2
IMAGE_TOKENS = (TILE // PATCH // SHUFFLE) ** 2
"""Tokens that one tile takes in the prompt."""
CONTEXT = 4096

# The chat template that SmolVLM2 is published with.
CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% elif line['type'] == 'video' %}{{ '<video>' }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def build_model(tokenizer: Tokenizer, vision_layers: int = 4, text_layers: int = 5) -> SmolVLMForConditionalGeneration:
    """The model with random weights, in float32."""
    config = SmolVLMConfig(
        vision_config={
            "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": vision_layers,
            "num_attention_heads": 4, "image_size": TILE, "patch_size": PATCH,
        },
        text_config={
            "model_type": "llama", "vocab_size": tokenizer.get_vocab_size(), "hidden_size": 128,
            "intermediate_size": 352, "num_hidden_layers": text_layers, "num_attention_heads": 4,
            "num_key_value_heads": 4, "head_dim": 32, "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5,
            "tie_word_embeddings": True, "initializer_range": 0.03,
            "bos_token_id": tokenizer.token_to_id(BOS), "eos_token_id": tokenizer.token_to_id(END_OF_UTTERANCE),
            "pad_token_id": tokenizer.token_to_id(PAD),
        },
        scale_factor=SHUFFLE,
        image_token_id=tokenizer.token_to_id(IMAGE),
        tie_word_embeddings=True,
        pad_token_id=tokenizer.token_to_id(PAD),
    )  # fmt: skip
    model = SmolVLMForConditionalGeneration(config)
    model.generation_config.bos_token_id = tokenizer.token_to_id(BOS)
    model.generation_config.eos_token_id = tokenizer.token_to_id(END_OF_UTTERANCE)
    model.generation_config.pad_token_id = tokenizer.token_to_id(PAD)
    return model


def build_processor(tokenizer: Tokenizer) -> SmolVLMProcessor:
    """The processor: splitting off by default, bilinear so that both of the library's backends agree."""
    text = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=END_OF_UTTERANCE, pad_token=PAD, unk_token=END_OF_TEXT,
        padding_side="left", model_max_length=CONTEXT, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    sizes = {"size": {"longest_edge": LONGEST_EDGE}, "max_image_size": {"longest_edge": TILE}, "resample": 2}
    images = SmolVLMImageProcessor(**sizes, do_image_splitting=False)
    videos = SmolVLMVideoProcessor(
        **sizes, num_frames=8, fps=1, do_sample_frames=True,
        video_sampling={"fps": 1, "max_frames": 8, "video_size": {"longest_edge": LONGEST_EDGE}},
    )  # fmt: skip
    return SmolVLMProcessor(images, text, videos, image_seq_len=IMAGE_TOKENS, chat_template=CHAT_TEMPLATE)


def store(model: SmolVLMForConditionalGeneration, processor: SmolVLMProcessor, folder: Path) -> None:
    """Writes weights (float16) and processor to `folder`; `from_pretrained(folder)` loads both."""
    folder.mkdir(parents=True, exist_ok=True)
    half = SmolVLMForConditionalGeneration(model.config)
    half.load_state_dict(model.state_dict())
    half.generation_config = model.generation_config
    half.to(torch.float16).save_pretrained(folder)
    processor.save_pretrained(folder)
    for file in folder.iterdir():
        file.chmod(0o644)
