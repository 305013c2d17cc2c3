"""What a folder with a PEFT adapter says about itself, read from its files alone: no torch, no peft."""

from __future__ import annotations

from pathlib import Path

from vlmtui.models import files

_SETTINGS = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


class AdapterError(ValueError):
    """A folder that holds no adapter that can be loaded, with what to do about it."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


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
