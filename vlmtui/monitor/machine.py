"""How the computer is: its GPUs by NVIDIA's own library, the rest by psutil."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from vlmtui.monitor.protocol import Device, Machine
from vlmtui.safetext import safe_line

_AGAIN_S = 60.0
"""A driver that was not there may be loaded meanwhile."""


class Meter:
    """Measures; load and traffic are those since the last call."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._no_gpu = ""
        self._asked = -_AGAIN_S
        self._traffic: tuple[float, int, int] | None = None
        psutil.cpu_percent()

    def measure(self, folder: Path) -> Machine:
        """Return how the computer is now, and the disk that `folder` lies on."""
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        memory = psutil.virtual_memory()
        try:
            disk = psutil.disk_usage(str(folder))
            free, total = disk.free, disk.total
        except OSError:
            free = total = 0
        sent, received = self._network()
        devices = self._devices()
        return Machine(
            devices=devices,
            no_gpu="" if devices else self._no_gpu,
            cpu=psutil.cpu_percent() / 100,
            cores=os.cpu_count() or 1,
            used=memory.total - memory.available,
            total=memory.total,
            free=free,
            disk=total,
            sent=sent,
            received=received,
        )

    def _network(self) -> tuple[float, float]:
        try:
            counted = psutil.net_io_counters()
        except OSError:
            return 0.0, 0.0
        if counted is None:
            return 0.0, 0.0
        now, before = monotonic(), self._traffic
        self._traffic = (now, counted.bytes_sent, counted.bytes_recv)
        if before is None or now - before[0] < 0.05:
            return 0.0, 0.0
        since = now - before[0]
        return max(0, counted.bytes_sent - before[1]) / since, max(0, counted.bytes_recv - before[2]) / since

    def _devices(self) -> list[Device]:
        nvml = self._library()
        if nvml is None:
            return []
        found: list[Device] = []
        try:
            numbers = range(nvml.nvmlDeviceGetCount())
            found += [_device(nvml, nvml.nvmlDeviceGetHandleByIndex(number)) for number in numbers]
        except nvml.NVMLError as error:
            self._nvml, self._no_gpu = None, f"no GPU can be read: {safe_line(str(error), 80)}"
        return found

    def _library(self) -> Any:
        if self._nvml is not None or monotonic() - self._asked < _AGAIN_S:
            return self._nvml
        self._asked = monotonic()
        try:
            import pynvml

            pynvml.nvmlInit()
            if pynvml.nvmlDeviceGetCount():
                self._nvml = pynvml
            else:
                self._no_gpu = "no GPU"
        except Exception as error:  # the library is missing or broken: the rest is shown
            missing = type(error).__name__ in ("NVMLError_LibraryNotFound", "NVMLError_DriverNotLoaded", "ImportError")
            self._no_gpu = "no GPU" if missing else f"no GPU can be read: {safe_line(str(error), 80)}"
        return self._nvml


def _device(nvml: Any, handle: Any) -> Device:
    name = nvml.nvmlDeviceGetName(handle)
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    return Device(
        name=safe_line(name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name), 40),
        busy=(_asked(nvml, lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu) or 0) / 100,
        used=int(memory.used),
        total=int(memory.total),
        temperature=_asked(nvml, lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
        power=_asked(nvml, lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
        processes=[
            (int(one.pid), int(one.usedGpuMemory or 0))
            for one in _asked(nvml, lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle)) or []
        ],
    )


def _asked(nvml: Any, ask: Any) -> Any:
    """Return the answer; None where the device does not know (a virtual GPU has no power)."""
    try:
        return ask()
    except nvml.NVMLError:
        return None
