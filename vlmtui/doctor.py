"""`vlmtui doctor`: what is here, what the engine would choose, and what is wrong with what to do about it.

torch is asked in a process of its own: a broken installation of it is a finding, not a crash.
"""

from __future__ import annotations

import argparse
import json
import locale
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import psutil

from vlmtui import __version__
from vlmtui.demo import weights_path
from vlmtui.models.cache import cached_models
from vlmtui.models.hardware import Gpu, Hardware, HardwareError, choose_device, choose_dtype, usable_cores, why_dtype
from vlmtui.paths import hub_cache, settings_file
from vlmtui.safetext import safe_line
from vlmtui.settings import Settings, read_settings
from vlmtui.ui.graphics.detect import protocol_line

_PACKAGES = (
    "torch",
    "torchvision",
    "transformers",
    "safetensors",
    "huggingface-hub",
    "accelerate",
    "peft",
    "trl",
    "datasets",
    "bitsandbytes",
    "num2words",
    "textual",
    "pillow",
    "numpy",
    "opencv-python-headless",
    "msgspec",
)
_NEEDED = frozenset(_PACKAGES) - {"bitsandbytes"}  # which is there on Linux only
_PROBE_S = 120
_ROOM_GB = 5
_PROBE = """
import json, os, sys
found = {}
out = os.dup(1)
os.dup2(2, 1)
try:
    import torch
    found["cuda_build"] = torch.version.cuda
    found["threads"] = torch.get_num_threads()
    found["mps"] = torch.backends.mps.is_available()
    found["gpus"] = []
    try:
        for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
            it = torch.cuda.get_device_properties(index)
            free = torch.cuda.mem_get_info(index)[0]
            found["gpus"].append([it.name, it.major, it.minor, it.total_memory, free])
    except Exception as error:
        found["cuda_error"] = str(error)
    import torchvision
    import transformers
except BaseException as error:
    found["error"] = f"{type(error).__name__}: {error}"
os.write(out, json.dumps(found).encode())
"""


class Problem(msgspec.Struct, frozen=True):
    """Something that is wrong, and what to do about it."""

    what: str
    remedy: str


class Report(msgspec.Struct):
    """What was found: facts in the order in which they are shown, then what is wrong."""

    facts: dict[str, str] = {}
    problems: list[Problem] = []


def doctor(options: argparse.Namespace) -> int:
    """Print what is here and what is wrong; return 0 when nothing is, else 1."""
    report = examine()
    if options.json:
        text = json.dumps(
            {"facts": report.facts, "problems": [msgspec.structs.asdict(problem) for problem in report.problems]}
        )
        print(text)  # noqa: T201 - what the command is for
    else:
        _print(report)
    return 1 if report.problems else 0


def examine() -> Report:
    """Return everything that can be found out without a network."""
    report = Report()
    _versions(report)
    settings = _settings(report)
    torch_says = _probe(report)
    _devices(report, settings, torch_says, _nvidia(report))
    _memory(report)
    _terminal(report, settings)
    _hub(report)
    _demo(report)
    return report


def _print(report: Report) -> None:
    width = max(len(name) for name in report.facts)
    for name, fact in report.facts.items():
        print(f"{name:<{width}}  {safe_line(fact)}")  # noqa: T201 - what the command is for
    print()  # noqa: T201
    for problem in report.problems:
        print(f"wrong: {safe_line(problem.what)}\n   do: {safe_line(problem.remedy)}")  # noqa: T201
    if not report.problems:
        print("Nothing is wrong.")  # noqa: T201


def _versions(report: Report) -> None:
    report.facts["vlmtui"] = __version__
    report.facts["python"] = f"{platform.python_version()} ({sys.executable})"
    report.facts["system"] = platform.platform()
    found: list[str] = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            if name in _NEEDED and not _other_opencv(name):
                report.problems.append(Problem(f"the package {name} is missing", "install vlmtui again with pip"))
    report.facts["packages"] = ", ".join(found)


def _other_opencv(name: str) -> bool:
    """Return whether `name` is OpenCV and another build of it is there."""
    if not name.startswith("opencv"):
        return False
    from importlib.util import find_spec

    return find_spec("cv2") is not None


def _settings(report: Report) -> Settings:
    path = settings_file()
    settings, mistakes = read_settings(path)
    report.facts["settings"] = str(path) if path.exists() else f"defaults ({path} does not exist)"
    for mistake in mistakes:
        report.problems.append(Problem(mistake, f"correct the line in {path}"))
    return settings


def _probe(report: Report) -> dict[str, Any]:
    """Return what torch says about this machine, from a process of its own."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE],
            capture_output=True,
            timeout=_PROBE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        found = json.loads(child.stdout)
        assert isinstance(found, dict)
    except (OSError, subprocess.TimeoutExpired, ValueError, AssertionError) as error:
        report.problems.append(
            Problem(f"torch cannot be asked: {error}", "install vlmtui again: torch does not start here")
        )
        return {}
    if "error" in found:
        report.problems.append(
            Problem(
                f"the engine's libraries cannot be imported: {found['error']}",
                "install torch and torchvision of matching versions: `pip install --upgrade torch torchvision`",
            )
        )
    return found


def _nvidia(report: Report) -> list[str]:
    """Return the NVIDIA GPUs that the driver sees, a line each; asked without torch."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no driver, no library: most machines
        report.facts["NVIDIA driver"] = "none"
        return []
    lines: list[str] = []
    try:
        report.facts["NVIDIA driver"] = str(pynvml.nvmlSystemGetDriverVersion())
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            lines.append(
                f"{pynvml.nvmlDeviceGetName(handle)}: {memory.free / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
            )
            report.facts[f"GPU {index}"] = lines[-1]
    except Exception as error:
        report.problems.append(Problem(f"the NVIDIA driver answers with an error: {error}", "look at `nvidia-smi`"))
    finally:
        pynvml.nvmlShutdown()
    return lines


def _devices(report: Report, settings: Settings, torch_says: dict[str, Any], driver_sees: list[str]) -> None:
    gpus = tuple(
        Gpu(name=name, capability=(major, minor), memory=memory, free=free)
        for name, major, minor, memory, free in torch_says.get("gpus", [])
    )
    hardware = Hardware(gpus=gpus, mps=bool(torch_says.get("mps")))
    if "cuda_error" in torch_says:
        report.problems.append(
            Problem(f"torch cannot use the GPU: {torch_says['cuda_error']}", "look at `nvidia-smi`; restart the driver")
        )
    elif driver_sees and not gpus and "error" not in torch_says:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        remedy = "install a build of torch for this driver (https://pytorch.org/get-started), or update the driver"
        if hidden is not None:
            remedy = f"CUDA_VISIBLE_DEVICES is {hidden!r}: unset it, or name a GPU"
        elif torch_says.get("cuda_build") is None:
            remedy = "this torch is built for the CPU only: install the CUDA build (https://pytorch.org/get-started)"
        report.problems.append(Problem("the driver sees a GPU and torch does not", remedy))
    try:
        device = choose_device(settings.device, hardware)
        dtype = choose_dtype(settings.dtype, device, hardware)
    except HardwareError as error:
        report.problems.append(Problem(f"settings: {error.cause}", error.remedy))
        device = choose_device("auto", hardware)
        dtype = choose_dtype("auto", device, hardware)
    report.facts["device"] = device if device != "cpu" else f"cpu, {platform.processor() or platform.machine()}"
    why = why_dtype(dtype, device, hardware) if settings.dtype == "auto" else "by setting"
    report.facts["precision"] = f"{dtype} ({why})"
    if torch_says.get("threads"):
        cores = usable_cores()
        report.facts["processor cores"] = f"{cores}, of which one is left to the terminal while a model runs on the CPU"


def _memory(report: Report) -> None:
    memory = psutil.virtual_memory()
    report.facts["memory"] = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    if memory.available < 2e9:
        report.problems.append(
            Problem(f"only {memory.available / 1e9:.1f} GB of memory are free", "close other programs: 256M needs 2 GB")
        )


def _terminal(report: Report, settings: Settings) -> None:
    report.facts["terminal"] = os.environ.get("TERM", "none")
    report.facts["pictures"] = protocol_line(setting=settings.graphics)
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") != "utf8":
        report.problems.append(
            Problem(f"the terminal's encoding is {encoding}", "set LANG to a UTF-8 locale, e.g. `export LANG=C.UTF-8`")
        )
    if os.environ.get("TERM", "") in ("", "dumb") and sys.stdout.isatty():
        report.problems.append(
            Problem("TERM does not name a terminal", "set it to what yours is, e.g. `export TERM=xterm-256color`")
        )


def _hub(report: Report) -> None:
    folder = hub_cache()
    models = cached_models()
    size = sum(model.size for model in models)
    report.facts["hub cache"] = f"{folder}: {len(models)} checkpoints, {size / 1e9:.1f} GB"
    for model in models:
        if not model.complete:
            report.problems.append(
                Problem(
                    f"{model.id} is not wholly downloaded",
                    "load it again with a network: what is there is kept; or delete its folder",
                )
            )
    there = _nearest_existing(folder)
    if not os.access(there, os.W_OK):
        report.problems.append(Problem(f"the hub cache {folder} cannot be written", "set HF_HOME to a folder of yours"))
    else:
        free = shutil.disk_usage(there).free
        report.facts["disk"] = f"{free / 1e9:.0f} GB free for checkpoints"
        if free < _ROOM_GB * 1e9:
            report.problems.append(
                Problem(
                    f"only {free / 1e9:.1f} GB of disk are free for checkpoints",
                    "free some, or set HF_HOME to a folder on a disk with room",
                )
            )
    report.facts["hub"] = _hub_variables()


def _hub_variables() -> str:
    """Return how the hub is reached; of the token only whether there is one."""
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}
    home = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    stored = Path(os.environ.get("HF_TOKEN_PATH", str(Path(home).expanduser() / "token")))
    token = "set by HF_TOKEN" if os.environ.get("HF_TOKEN") else "stored" if stored.is_file() else "none"
    where = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    return f"{where}, token: {token}" + (", offline (HF_HUB_OFFLINE)" if offline else "")


def _nearest_existing(folder: Path) -> Path:
    """Return `folder`, or the nearest one above it that exists."""
    return next((place for place in (folder, *folder.parents) if place.exists()), Path("/"))


def _demo(report: Report) -> None:
    folder = weights_path()
    weights = folder / "model.safetensors"
    if (folder / "config.json").is_file() and weights.is_file():
        report.facts["demo model"] = f"{weights.stat().st_size / 1e6:.1f} MB, embedded"
    else:
        report.facts["demo model"] = "missing"
        report.problems.append(Problem("the embedded demo model's weights are missing", "install vlmtui again"))
