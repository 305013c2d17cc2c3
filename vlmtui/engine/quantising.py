"""Smaller weights: by bitsandbytes on a GPU or the CPU, or by `int8` on the CPU; checked before anything is read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch

from vlmtui.engine.failures import EngineFailure
from vlmtui.models import files
from vlmtui.models.estimate import memory_needed
from vlmtui.models.hardware import Dtype, Quantize

_BLOCK = (32, 64)


def check(quantize: Quantize, device: str) -> None:
    """Refuse what this device cannot do.

    Raises:
        EngineFailure: `bad_device`, with the kind of weights to choose instead.
    """
    if quantize == "int8" and device != "cpu":
        raise EngineFailure("bad_device", "int8 weights are for the CPU", "choose 8bit or 4bit on a GPU")
    if quantize in ("8bit", "4bit"):
        if device == "mps":
            raise EngineFailure("bad_device", f"{quantize} weights do not run on an Apple GPU", "choose none")
        if importlib.util.find_spec("bitsandbytes") is None:
            raise EngineFailure(
                "bad_device",
                f"{quantize} weights need bitsandbytes, which is not installed here",
                "install it (`pip install bitsandbytes`), or choose none or int8",
            )


def placement(quantize: Quantize, device: str, dtype: Dtype, folder: Path) -> dict[str, Any]:
    """Return the arguments of `from_pretrained` for the device and the kind of weights.

    4-bit weights are nf4 with double quantisation, as in the published recipes; they are unpacked to `dtype`.
    """
    if quantize in ("none", "int8"):
        return {"device_map": {"": device} if device != "cpu" else None}
    from transformers import BitsAndBytesConfig

    if quantize == "8bit":
        settings = BitsAndBytesConfig(load_in_8bit=True)
    else:
        settings = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
            llm_int8_skip_modules=["lm_head", *_not_in_blocks(folder)] if device == "cpu" else None,
        )
    return {"device_map": {"": device}, "quantization_config": settings}


def _not_in_blocks(folder: Path) -> list[str]:
    """Return the layers that bitsandbytes cannot pack for a CPU, by 32 rows and 64 columns: they stay as they are.

    Of SmolVLM 2.2B that is half of the vision tower's feed-forward layers (4304 wide); of the smaller ones, none.
    """
    return [
        name.removeprefix("model.").removesuffix(".weight")
        for path in files.safetensors_files(folder)
        for name, shape in files.shapes_in(path).items()
        if len(shape) == 2 and (shape[0] % _BLOCK[0] or shape[1] % _BLOCK[1]) and "embed" not in name
    ]


def bytes_to_load(quantize: Quantize, folder: Path, parameters: int, each: int) -> int:
    """Return the memory that loading takes at most; `int8` weights are made from whole ones.

    Raises:
        OSError: a file of weights cannot be read.
        ValueError: one is damaged.
    """
    if quantize in ("8bit", "4bit"):
        return memory_needed(parameters, files.count_quantisable(folder), quantize)
    return parameters * each
