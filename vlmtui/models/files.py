"""What a checkpoint's folder holds, read from its files alone: no torch, no transformers.

The header of a safetensors file is JSON behind eight bytes of length, so the number of parameters is known before any
weight is read (https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

_MOST_JSON = 16 * 1024 * 1024
_MOST_HEADER = 100 * 1024 * 1024
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in the file at `path`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON object, or larger than any configuration.
    """
    if path.stat().st_size > _MOST_JSON:
        raise ValueError(f"{path.name} is too large to be a configuration")
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no JSON object")
    return value


def safetensors_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a checkpoint, adapters left out."""
    return sorted(path for path in folder.glob("*.safetensors") if not path.name.startswith("adapter_"))


def pickle_files(folder: Path) -> list[Path]:
    """Return the files that look like pickled weights, which can run code when loaded."""
    return sorted(path for pattern in _PICKLES for path in folder.glob(pattern) if path.name != "training_args.bin")


def missing_shards(folder: Path) -> list[str]:
    """Return the names of the weight files that the checkpoint's index lists and the folder lacks.

    Raises:
        ValueError: the index is damaged.
    """
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return []
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict):
        raise ValueError(f"{index.name} has no weight_map")
    return sorted({name for name in shards.values() if not (folder / str(name)).is_file()})


def count_parameters(folder: Path) -> int:
    """Return how many parameters the checkpoint's safetensors files hold.

    Raises:
        ValueError: a file is damaged.
        OSError: a file cannot be read.
    """
    return sum(parameters_in(path) for path in safetensors_files(folder))


def parameters_in(path: Path) -> int:
    """Return how many parameters one safetensors file holds; raises as `count_parameters`."""
    return sum(math.prod(shape) for shape in shapes_in(path).values())


def count_quantisable(folder: Path) -> int:
    """Return how many of them belong to linear layers which 8-bit and 4-bit weights make smaller.

    These are the matrices but for embeddings and `lm_head`, which stay as they are.

    Raises:
        ValueError: a file is damaged.
        OSError: a file cannot be read.
    """
    return sum(
        math.prod(shape)
        for path in safetensors_files(folder)
        for name, shape in shapes_in(path).items()
        if len(shape) == 2 and "embed" not in name and "lm_head" not in name
    )


def shapes_in(path: Path) -> dict[str, list[int]]:
    """Return the shape of each tensor in a safetensors file, from its header; raises as `count_parameters`."""
    with path.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(_MOST_HEADER, path.stat().st_size - 8):
            raise ValueError(f"{path.name} is damaged: it is cut off, or not safetensors")
        try:
            header = json.loads(stream.read(length))
            header.pop("__metadata__", None)
            end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
            shapes = {name: [int(size) for size in entry["shape"]] for name, entry in header.items()}
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"{path.name} is damaged: its header cannot be read") from error
        if 8 + length + end > path.stat().st_size:
            raise ValueError(f"{path.name} is cut off: the file ends before its weights do")
    return shapes
