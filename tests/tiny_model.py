"""Checkpoints with random weights in the layout in which the SmolVLM family is published, for tests without a network.

    python -m tests.tiny_model FOLDER smolvlm|idefics3 tiny|256M instruct|base [--no-template] [--pickle]

`tiny` is loaded in a blink; `256M` has the exact shape of SmolVLM-256M (v1) and SmolVLM2-256M. Tests get them through
`checkpoint`, which builds each once, in a process of its own (the tests' process imports no torch), into a cache folder
that is keyed by this file's text.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Literal

Family = Literal["smolvlm", "idefics3"]
Size = Literal["tiny", "256M"]
Kind = Literal["instruct", "base"]

_END = {"instruct": "<end_of_utterance>", "base": "<|endoftext|>"}
_VIDEO_SAMPLING = {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": 512}}


def checkpoint(
    family: Family = "smolvlm",
    size: Size = "tiny",
    kind: Kind = "instruct",
    *,
    template: bool = True,
    pickle: bool = False,
) -> Path:
    """Return the folder of such a checkpoint, built if it is not in the cache yet."""
    name = f"{family}-{size}-{kind}{'' if template else '-plain'}{'-pickle' if pickle else ''}"
    folder = _cache() / name
    if not folder.exists():
        aside = _cache() / f".{name}-{os.getpid()}"
        build(aside, family, size, kind, template=template, pickle=pickle)
        try:
            aside.rename(folder)
        except OSError:  # another test process was faster
            shutil.rmtree(aside)
    return folder


def build(folder: Path, family: Family, size: Size, kind: Kind, *, template: bool = True, pickle: bool = False) -> None:
    """Write such a checkpoint into `folder`, in a process of its own."""
    command = [sys.executable, "-m", "tests.tiny_model", str(folder), family, size, kind]
    command += [] if template else ["--no-template"]
    command += ["--pickle"] if pickle else []
    subprocess.run(command, check=True, cwd=Path(__file__).parent.parent, stdout=subprocess.DEVNULL)


@cache
def _cache() -> Path:
    """Return where checkpoints are kept between runs; another text of this file is another folder."""
    key = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    folder = (
        Path(os.environ.get("VLMTUI_TEST_CACHE", tempfile.gettempdir())) / f"vlmtui-checkpoints-{os.getuid()}-{key}"
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


# ---- building, in a process of its own ----------------------------------------------------------


def write_checkpoint(folder: Path, family: Family, size: Size, kind: Kind, *, template: bool, pickle: bool) -> None:
    """Write the checkpoint's files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = write_tokenizer(folder, family, size, kind)
    _write_processor(folder, family, size, kind, template=template)
    _write_model(folder, family, size, kind, tokens, pickle=pickle)


def write_tokenizer(folder: Path, family: Family, size: Size, kind: Kind) -> dict[str, int]:
    """Write a byte-level tokenizer with the family's special tokens; return the ids of some.

    Any text goes through it unharmed. Its longer tokens are pairs of bytes, halves of characters among them: what
    random weights say is a hard test for a detokenizer. At the full size the ids are the published ones.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    plain = 49152 if size == "256M" else 1024
    vocabulary = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    for letter in letters:
        vocabulary[letter] = len(vocabulary)
    merges: list[tuple[str, str]] = []
    pairs = ((a, b) for a in letters for b in letters)
    if size == "tiny":  # some of everything: steps that are coprime to the number of letters reach all kinds of pairs
        pairs = ((letters[(7 * i) % 256], letters[(11 * i + i // 256) % 256]) for i in range(2000))
    for a, b in pairs:
        if len(vocabulary) == plain:
            break
        if a + b not in vocabulary:
            vocabulary[a + b] = len(vocabulary)
            merges.append((a, b))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<global-img>"]
    special += [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
    special += ["<fake_token_around_image>", "<image>"]
    special += [f"<|reserved_special_token_{i}|>" for i in range(88 if size == "256M" else 1)]
    special += ["<end_of_utterance>"]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.save(str(folder / "tokenizer.json"))
    end = _END[kind]
    names = {
        "end_of_utterance_token": "<end_of_utterance>",
        "fake_image_token": "<fake_token_around_image>",
        "global_image_token": "<global-img>",
        "image_token": "<image>",
    }
    settings: dict[str, Any] = {
        "additional_special_tokens": ["<fake_token_around_image>", "<image>", "<end_of_utterance>"],
        "bos_token": "<|im_start|>",
        "clean_up_tokenization_spaces": False,
        "eos_token": end,
        "model_max_length": 8192 if size == "256M" else 1024,
        "pad_token": "<|im_end|>",
        "processor_class": "SmolVLMProcessor" if family == "smolvlm" else "Idefics3Processor",
        "tokenizer_class": "GPT2Tokenizer",
        "truncation_side": "left",
        "unk_token": "<|endoftext|>",
    }
    if family == "smolvlm":
        settings |= names | {"extra_special_tokens": names}
    _json(folder / "tokenizer_config.json", settings)
    ids = {token: tokenizer.token_to_id(token) for token in ("<image>", "<|im_end|>", "<|im_start|>", end)}
    return ids | {"size": tokenizer.get_vocab_size(), "end": ids[end]}


def _write_processor(folder: Path, family: Family, size: Size, kind: Kind, *, template: bool) -> None:
    tile, longest, tokens = (512, 2048, 64) if size == "256M" else (32, 128, 16)
    name = "SmolVLM" if family == "smolvlm" else "Idefics3"
    pictures: dict[str, Any] = {
        "do_convert_rgb": True,
        "do_image_splitting": True,
        "do_normalize": True,
        "do_pad": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": f"{name}ImageProcessor",
        "image_std": [0.5, 0.5, 0.5],
        "max_image_size": {"longest_edge": tile},
        "processor_class": f"{name}Processor",
        "resample": 1,
        "rescale_factor": 0.00392156862745098,
        "size": {"longest_edge": longest},
    }
    if family == "smolvlm":
        pictures["video_sampling"] = _VIDEO_SAMPLING
    _json(folder / "preprocessor_config.json", pictures)
    _json(folder / "processor_config.json", {"image_seq_len": tokens, "processor_class": f"{name}Processor"})
    if template:
        _json(folder / "chat_template.json", {"chat_template": _template(_END[kind])})


def _template(end: str) -> str:
    """Return the family's chat template (its text is what the checkpoints were trained with)."""
    parts = (
        "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
        "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}"
    )
    colon = "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    return (
        "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
        + colon
        + parts
        + end
        + "\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
    )


def _write_model(folder: Path, family: Family, size: Size, kind: Kind, tokens: dict[str, int], *, pickle: bool) -> None:
    import torch
    import transformers

    torch.manual_seed(0)
    transformers.utils.logging.disable_progress_bar()
    full = size == "256M"
    text = {
        "model_type": "llama",
        "vocab_size": tokens["size"],
        "hidden_size": 576 if full else 48,
        "intermediate_size": 1536 if full else 96,
        "num_hidden_layers": 30 if full else 3,
        "num_attention_heads": 9 if full else 3,
        "num_key_value_heads": 3 if full else 1,
        "head_dim": 64 if full else 16,
        "max_position_embeddings": 8192 if full else 1024,
        "rms_norm_eps": 1e-5,
        "rope_theta": 100000,
        "pad_token_id": tokens["<|im_end|>"],
        "bos_token_id": tokens["<|im_start|>"],
        "eos_token_id": tokens["end"],
        "tie_word_embeddings": False,
    }
    vision = {
        "hidden_size": 768 if full else 32,
        "intermediate_size": 3072 if full else 64,
        "num_hidden_layers": 12 if full else 2,
        "num_attention_heads": 12 if full else 2,
        "image_size": 512 if full else 32,
        "patch_size": 16 if full else 4,
        "model_type": "smolvlm_vision" if family == "smolvlm" else "idefics3_vision",
    }
    config_class = transformers.SmolVLMConfig if family == "smolvlm" else transformers.Idefics3Config
    config = config_class(
        text_config=text,
        vision_config=vision,
        scale_factor=4 if full else 2,
        image_token_id=tokens["<image>"],
        pad_token_id=128002,
        tie_word_embeddings=False,
    )
    name = "SmolVLMForConditionalGeneration" if family == "smolvlm" else "Idefics3ForConditionalGeneration"
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():  # wider apart than fresh weights, so that what is said depends on what is asked
        model.lm_head.weight.mul_(20)
    model.generation_config = transformers.GenerationConfig(
        bos_token_id=tokens["<|im_start|>"], eos_token_id=tokens["end"], pad_token_id=tokens["<|im_end|>"]
    )
    if full:
        model = model.to(torch.bfloat16)  # as v1 was published; half a gigabyte
    if pickle:
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    else:
        model.save_pretrained(folder)


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def _main() -> int:
    parser = argparse.ArgumentParser(description="write a checkpoint with random weights")
    parser.add_argument("folder", type=Path)
    parser.add_argument("family", choices=["smolvlm", "idefics3"])
    parser.add_argument("size", choices=["tiny", "256M"])
    parser.add_argument("kind", choices=["instruct", "base"])
    parser.add_argument("--no-template", action="store_true")
    parser.add_argument("--pickle", action="store_true")
    options = parser.parse_args()
    write_checkpoint(
        options.folder,
        options.family,
        options.size,
        options.kind,
        template=not options.no_template,
        pickle=options.pickle,
    )
    return 0


if __name__ == "__main__":
    sys.exit(_main())
