"""What a folder with a PEFT adapter says about itself, read from its files alone: no torch, no peft."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from vlmtui.models import files

_SETTINGS = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


class AdapterError(ValueError):
    """A folder that holds no adapter that can be loaded, with what to do about it."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


class AdapterUse(msgspec.Struct, frozen=True):
    """An adapter that lies over a checkpoint: its folder, and how much of it; 1 is as it was trained."""

    folder: str
    weight: float = 1.0

    def __str__(self) -> str:
        return self.folder if self.weight == 1 else f"{self.folder}:{self.weight:g}"


_MOST_WEIGHT = 10.0


def parse(text: str) -> AdapterUse:
    """Return the adapter that `text` names, as `--adapter` takes it: a folder, and perhaps `:` and a weight.

    Raises:
        AdapterError: the folder holds none, or the weight is none.
    """
    name, colon, weight = text.rpartition(":")
    if colon and not Path(text).expanduser().exists():
        try:
            number = float(weight)
        except ValueError:
            raise AdapterError(f"{text}: {weight!r} is no weight", "write it as in DIR:0.5") from None
        if not -_MOST_WEIGHT <= number <= _MOST_WEIGHT:
            raise AdapterError(f"{text}: the weight {weight} is out of range", "1 is as it was trained, 0.5 half of it")
        return AdapterUse(str(check(Path(name).expanduser())), number)
    return AdapterUse(str(check(Path(text).expanduser())))


def made_for(base: str, model: str, folder: Path) -> bool:
    """Return whether an adapter whose configuration names `base` was made for this checkpoint.

    Args:
        base: as the adapter's configuration names it: a hub id, a folder, or nothing.
        model: the checkpoint as it was asked for: `demo`, a hub id, or the name of a folder.
        folder: where its files are.
    """
    if not base or base == model or _is_folder(base, folder):
        return True
    if (at := _CACHED.search(base)) is not None:  # a folder of the hub's cache, perhaps of another machine
        base = at[1].replace("--", "/")
        if base == model:
            return True
    # A copy in a folder keeps the name; two repositories of the hub with the same name are two checkpoints.
    here, there = _is_hub_id(model), _is_hub_id(base)
    return not (here and there) and base.rstrip("/").rsplit("/", 1)[-1] == model.rsplit("/", 1)[-1]


_CACHED = re.compile(r"models--([\w.-]+?--[\w.-]+)/snapshots/")


def _is_hub_id(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~"))


def _is_folder(name: str, folder: Path) -> bool:
    try:
        return Path(name).expanduser().resolve() == folder.resolve()
    except (OSError, RuntimeError, ValueError):
        return False


def check(folder: Path) -> Path:
    """Return the adapter's folder, absolute.

    Raises:
        AdapterError: it holds none, or one of pickled weights, which can run code when they are loaded.
    """
    if not folder.is_dir():
        raise AdapterError(f"there is no folder {folder}", "give the folder that a training made (its output_dir)")
    if not (folder / _SETTINGS).is_file():
        if (folder / "config.json").is_file():
            raise AdapterError(f"{folder} is a whole checkpoint", "load it with --model")
        raise AdapterError(f"{folder} holds no adapter", "give a folder with an adapter_config.json")
    if not (folder / _WEIGHTS).is_file():
        raise AdapterError(f"{folder} has no {_WEIGHTS}", "save the adapter as safetensors, or train it again")
    return folder.resolve()


def base_of(folder: Path) -> str:
    """Return the checkpoint that the adapter was trained on, as it names it; empty where it does not say."""
    try:
        return str(files.read_json(folder / _SETTINGS).get("base_model_name_or_path") or "")
    except (OSError, ValueError):
        return ""


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter's files say.

    Attributes:
        folder: where it is.
        base: the checkpoint it was made for, as it names it; empty where it does not say.
        kind: e.g. `LoRA r 8 alpha 16`, `DoRA r 8`.
        targets: the layers that it changes.
        parameters: of its own.
        disk: bytes.
        note: why it cannot be loaded; empty where it can.
    """

    folder: str
    base: str = ""
    kind: str = ""
    targets: tuple[str, ...] = ()
    parameters: int = 0
    disk: int = 0
    note: str = ""


def describe(folder: Path) -> Adapter:
    """Return what the adapter in `folder` is; what is wrong with it is said in the note."""
    base, kind, parameters, disk, note = base_of(folder), "", 0, 0, ""
    targets: tuple[str, ...] = ()
    try:
        check(folder)
        settings = files.read_json(folder / _SETTINGS)
        name = "DoRA" if settings.get("use_dora") else "rsLoRA" if settings.get("use_rslora") else "LoRA"
        if settings.get("peft_type") != "LORA":
            name = str(settings.get("peft_type") or "adapter")
        kind = f"{name} r {settings['r']} alpha {settings.get('lora_alpha')}" if "r" in settings else name
        wanted = settings.get("target_modules") or ()
        targets = (wanted,) if isinstance(wanted, str) else tuple(sorted(str(target) for target in wanted))
        parameters = files.parameters_in(folder / _WEIGHTS)
        disk = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except AdapterError as error:
        note = error.cause
    except (OSError, ValueError, TypeError) as error:
        note = str(error)
    return Adapter(
        folder=str(folder), base=base, kind=kind, targets=targets, parameters=parameters, disk=disk, note=note
    )
