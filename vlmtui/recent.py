"""The folders that were opened last, newest first: one of the lists of `vlmtui.recently_used`."""

from __future__ import annotations

import os
from pathlib import Path

from vlmtui.recently_used import recently_used, use

_FOLDERS = "folders"


def recent_folders(file: Path | None = None) -> list[Path]:
    """Return the folders that were opened last, newest first; none when the file is missing or damaged.

    Nothing is asked of the folders themselves: they may be gone, or on a share that does not answer.
    """
    return [Path(folder) for folder in recently_used(_FOLDERS, file) if os.path.isabs(folder)]  # noqa: PTH117


def remember_folder(folder: Path, file: Path | None = None) -> None:
    """Put `folder` first."""
    use(_FOLDERS, str(folder), file)
