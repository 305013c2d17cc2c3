"""Where things are kept, by each system's own rules (XDG on Linux)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from platformdirs import PlatformDirs


@cache
def _dirs() -> PlatformDirs:
    return PlatformDirs("vlmtui", appauthor=False)


def settings_file() -> Path:
    """The user's settings; may not exist."""
    return Path(_dirs().user_config_dir) / "settings.toml"


def log_directory() -> Path:
    """Logs of the child processes, made on first use, for the user alone (0700)."""
    return _private(Path(_dirs().user_log_dir))


def cache_directory() -> Path:
    """What can be made again, made on first use, for the user alone (0700)."""
    return _private(Path(_dirs().user_cache_dir))


def runs_directory() -> Path:
    """The folders of trainings; `VLMTUI_RUNS` names another place. Not made here."""
    if explicit := os.environ.get("VLMTUI_RUNS"):
        return Path(explicit).expanduser().resolve()
    return Path(_dirs().user_data_dir) / "runs"


def layouts_directory() -> Path:
    """How the workbench of each folder was left. Not made here."""
    return Path(_dirs().user_data_dir) / "layouts"


def chats_file() -> Path:
    """The database of conversations. Not made here."""
    return Path(_dirs().user_data_dir) / "chats" / "chats.db"


def pasted_directory() -> Path:
    """Pictures that were attached from the clipboard. Not made here."""
    return Path(_dirs().user_data_dir) / "pasted"


def recently_used_file() -> Path:
    """Which commands and files were used last; may not exist."""
    return Path(_dirs().user_data_dir) / "used.json"


def hub_cache() -> Path:
    """Hugging Face's own cache of checkpoints, by its own variables, without importing its library."""
    if explicit := os.environ.get("HF_HUB_CACHE"):
        return Path(explicit).expanduser()
    home = os.environ.get("HF_HOME")
    if home is None:
        home = str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    return Path(home).expanduser() / "hub"


def _private(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory
