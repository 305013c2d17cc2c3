"""What every test stands on: a home of its own, and no hub."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

# Before any import of huggingface_hub, here and in every child: no test may ask a hub that it does not run itself.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

# Hundreds of programs are started here: each would compile all of vlmtui's modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A suite started in the background (`nohup`, a shell's `&`) is told to ignore these, and so is every program that a
# test starts: Ctrl+C would not stop it and the end of its terminal would not end it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own: nobody's settings are read, nothing is left behind."""
    directory = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(directory))
    for name, place in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "HF_HOME": ".cache/huggingface",
    }.items():
        monkeypatch.setenv(name, str(directory / place))
    for name in ("HF_HUB_CACHE", "HF_TOKEN", "NO_COLOR", "TMUX", "KITTY_WINDOW_ID", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    return directory
