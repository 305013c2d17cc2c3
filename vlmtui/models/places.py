"""Where checkpoints and adapters are looked for beside the hub's cache."""

from __future__ import annotations

import os
from pathlib import Path

from vlmtui.runs.folder import RunError, every


def model_folders(named: str) -> list[Path]:
    """Return the folders that the settings name, and the one we are in."""
    return [*(Path(name).expanduser() for name in named.split(os.pathsep) if name), Path.cwd()]


def adapter_folders(named: str) -> list[Path]:
    """Return the same, and where trainings have put their results."""
    results: list[Path] = []
    for run in every():
        try:
            output = run.job().output
        except RunError:
            continue
        if output:
            results.append(Path(output))
    return [*model_folders(named), *results]
