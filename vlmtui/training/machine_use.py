"""How much of the machine a training uses: processor, memory, GPU; read when the trainer logs."""

from __future__ import annotations

import contextlib
from typing import Any

import psutil
import torch


class MachineUse:
    """Reads since it was last read. What cannot be read is left out."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()  # begins to count
        self._gpu: Any = None
        if torch.cuda.is_available():
            with contextlib.suppress(Exception):  # no driver's library
                import pynvml

                pynvml.nvmlInit()
                identity = torch.cuda.get_device_properties(torch.cuda.current_device()).uuid
                self._gpu = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{identity}")

    def read(self) -> dict[str, float]:
        """Return `cpu_use` (processors kept busy, 1.0 for one), `cpu_memory` (bytes), and of a GPU, where there is
        one, `gpu_use` (0 to 1) and `gpu_memory` (bytes that this process held at most)."""
        found: dict[str, float] = {}
        with contextlib.suppress(psutil.Error):
            found["cpu_use"] = self._process.cpu_percent() / 100
            found["cpu_memory"] = float(self._process.memory_info().rss)
        if torch.cuda.is_available():
            found["gpu_memory"] = float(torch.cuda.max_memory_allocated())
        if self._gpu is not None:
            with contextlib.suppress(Exception):
                import pynvml

                found["gpu_use"] = pynvml.nvmlDeviceGetUtilizationRates(self._gpu).gpu / 100
        return found
