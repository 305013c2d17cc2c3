"""How much memory a checkpoint takes, by precision, from its size alone; and what this machine has for it.

The figures are for a question about one picture. What lies beside the weights (features, keys and values, buffers) is
fitted to the GPU memory that the family's authors publish: 5.02 GB for 2.2B, 1.23 GB for 500M.
"""

from __future__ import annotations

import contextlib
from typing import Literal

import msgspec
import psutil

from vlmtui.models.hardware import Gpu

Precision = Literal["float32", "bf16", "8bit", "4bit"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16", "8bit", "4bit")

# Bytes of a parameter of a quantised layer: a byte and a scale for each row; nf4 in blocks of 64 with one 8-bit
# constant each and a float32 for 256 of these (double quantisation; Dettmers et al. 2023, section 3).
_QUANTISED: dict[Precision, float] = {"8bit": 1.005, "4bit": 0.5 + (1 + 4 / 256) / 64}
_PLAIN: dict[Precision, float] = {"float32": 4.0, "bf16": 2.0, "8bit": 2.0, "4bit": 2.0}
_BESIDE_BYTES = 100_000_000
_BESIDE_A_PARAMETER = 0.19


class Room(msgspec.Struct, frozen=True):
    """The memory of the device that would run a checkpoint, in bytes.

    Attributes:
        device: `cpu` or `cuda:N`.
        name: the GPU's name, or `memory`.
    """

    device: str
    name: str
    total: int
    free: int


def memory_needed(parameters: int, quantisable: int, precision: Precision) -> int:
    """Return the bytes for a question about one picture.

    Args:
        parameters: all of them.
        quantisable: those of linear layers, which 8-bit and 4-bit weights make smaller; embeddings and `lm_head` stay.
        precision: of the weights; the rest of a quantised checkpoint is bfloat16.
    """
    small = quantisable if precision in _QUANTISED else 0
    weights = small * _QUANTISED.get(precision, 0.0) + (parameters - small) * _PLAIN[precision]
    return round(weights + _BESIDE_BYTES + _BESIDE_A_PARAMETER * parameters)


def estimates(parameters: int, quantisable: int) -> dict[Precision, int]:
    """Return `memory_needed` for every precision; nothing where the number of parameters is not known."""
    if not parameters:
        return {}
    return {precision: memory_needed(parameters, quantisable, precision) for precision in PRECISIONS}


def fitting(needed: dict[Precision, int], room: Room) -> list[Precision]:
    """Return the precisions that fit the device's free memory, the finest first."""
    return [precision for precision, size in needed.items() if size <= room.free]


def room_here() -> Room:
    """Return the memory of the GPU with the most free, asked of the driver without torch; else the machine's."""
    gpus = _gpus()
    if gpus:
        best = max(range(len(gpus)), key=lambda index: gpus[index].free)
        return Room(f"cuda:{best}", gpus[best].name, gpus[best].memory, gpus[best].free)
    memory = psutil.virtual_memory()
    return Room("cpu", "memory", memory.total, memory.available)


def _gpus() -> list[Gpu]:
    found: list[Gpu] = []
    with contextlib.suppress(Exception):  # no driver, or one that answers nothing: no GPU
        import pynvml

        pynvml.nvmlInit()
        try:
            for index in range(pynvml.nvmlDeviceGetCount()):
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                capability = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
                name = str(pynvml.nvmlDeviceGetName(handle))
                found.append(Gpu(name, (int(capability[0]), int(capability[1])), int(memory.total), int(memory.free)))
        finally:
            pynvml.nvmlShutdown()
    return found
