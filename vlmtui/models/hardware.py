"""Which device and which precision a checkpoint runs in. Pure choices: what hardware there is, is handed in.

Why not bfloat16 everywhere: on a CPU without AMX or AVX512-BF16 its matrix products run at 1 GFLOP/s against 64 in
float32; NVIDIA GPUs before compute capability 8.0 emulate it and have float16 in hardware.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Literal

import msgspec

Dtype = Literal["float32", "bfloat16", "float16"]
DTYPES: tuple[Dtype, ...] = ("float32", "bfloat16", "float16")
BYTES_PER_PARAMETER: dict[Dtype, int] = {"float32": 4, "bfloat16": 2, "float16": 2}

Quantize = Literal["none", "8bit", "4bit", "int8"]
QUANTIZE: tuple[Quantize, ...] = ("none", "8bit", "4bit", "int8")
"""Kinds of weights: as stored, bitsandbytes' two, and whole numbers of one byte for the CPU."""
WORTH_INT8 = 50_000_000
"""Parameters from which int8 weights pay on a CPU: smaller ones are not bound by reading them."""

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


class Gpu(msgspec.Struct, frozen=True):
    """An NVIDIA GPU: `capability` is its compute capability, memory in bytes."""

    name: str
    capability: tuple[int, int]
    memory: int = 0
    free: int = 0


class Hardware(msgspec.Struct, frozen=True):
    """What a machine has to run a model on."""

    gpus: tuple[Gpu, ...] = ()
    mps: bool = False


class HardwareError(ValueError):
    """A device or precision that this machine does not have, with what to do about it."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


def choose_device(wanted: str, hardware: Hardware) -> str:
    """Return the device to run on: `cpu`, `mps` or `cuda:N`.

    `auto` takes the GPU with the most free memory, else Apple's, else the CPU; `cuda` the first of these.

    Raises:
        HardwareError: `wanted` is no device, or not one that is here.
    """
    if not _DEVICE.fullmatch(wanted):
        raise HardwareError(f"{wanted!r} is not a device", "choose auto, cpu, cuda, cuda:N or mps")
    if wanted == "cpu":
        return "cpu"
    if wanted == "mps" or (wanted == "auto" and not hardware.gpus and hardware.mps):
        if not hardware.mps:
            raise HardwareError("there is no Apple GPU (mps) here", "choose the device auto or cpu")
        return "mps"
    if not hardware.gpus:
        if wanted == "auto":
            return "cpu"
        raise HardwareError(
            "there is no usable NVIDIA GPU here",
            "choose the device auto or cpu; `vlmtui doctor` says what torch sees",
        )
    if ":" in wanted:
        index = int(wanted.partition(":")[2])
        if index >= len(hardware.gpus):
            there = ", ".join(f"cuda:{i}" for i in range(len(hardware.gpus)))
            raise HardwareError(f"there is no GPU {wanted} here", f"choose one of {there}")
        return wanted
    roomiest = max(range(len(hardware.gpus)), key=lambda i: (hardware.gpus[i].free, -i))
    return f"cuda:{roomiest}"


def choose_dtype(wanted: str, device: str, hardware: Hardware) -> Dtype:
    """Return the precision for `device` (as from `choose_device`): as asked for, else what the hardware is good at.

    Raises:
        HardwareError: `wanted` is no precision of ours.
    """
    if wanted != "auto":
        for dtype in DTYPES:
            if wanted == dtype:
                return dtype
        raise HardwareError(f"{wanted!r} is not a precision", "choose auto, float32, bfloat16 or float16")
    if device.startswith("cuda"):
        index = int(device.partition(":")[2] or 0)
        return "bfloat16" if hardware.gpus[index].capability >= (8, 0) else "float16"
    return "float16" if device == "mps" else "float32"


def why_dtype(dtype: Dtype, device: str, hardware: Hardware) -> str:
    """Return the reason for an automatic choice, as `vlmtui doctor` shows it."""
    if device.startswith("cuda"):
        gpu = hardware.gpus[int(device.partition(":")[2] or 0)]
        major, minor = gpu.capability
        has = "has" if dtype == "bfloat16" else "lacks"
        return f"compute capability {major}.{minor} {has} bfloat16 in hardware"
    if device == "mps":
        return "Apple GPUs are fastest in float16"
    return "CPUs without AMX or AVX512-BF16 run bfloat16 many times slower"


def int8_pays(device: str, quantize: Quantize, parameters: int) -> bool:
    """Return whether int8 weights would make answers faster: on a CPU, for what is large enough to be read slowly."""
    return device == "cpu" and quantize == "none" and parameters >= WORTH_INT8


def usable_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many cores this process may use: what it is pinned to, and what a container's quota allows.

    A pod with two cores on a machine of 64 would otherwise run 63 threads, many times slower than one.

    Args:
        quota: the control group's limit, microseconds of each period (https://docs.kernel.org/admin-guide/cgroup-v2.html).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text().split()
        cores = min(cores, max(1, math.ceil(int(share) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no control groups, or "max": no limit
        pass
    return cores


def threads_for(cores: int, default: int) -> int:
    """Return how many threads inference may use on the CPU: the library's `default`, a core left to the terminal."""
    return max(1, min(default, cores - 1))
