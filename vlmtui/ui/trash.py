"""Moving files to the trash, and only there: where there is none, nothing is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vlmtui.media.errors import shown_name


@dataclass(slots=True)
class Trashed:
    """What became of files that were to go to the trash.

    Attributes:
        gone: those that are in the trash now.
        problem: one line about the first that is not; empty when all are.
        kept: how many are still in their place.
    """

    gone: list[Path] = field(default_factory=list)
    problem: str = ""
    kept: int = 0


def move_to_trash(paths: Sequence[Path]) -> Trashed:
    """Move files and folders to the trash of their file system. Blocks: call it in a thread. Never raises."""
    from send2trash import TrashPermissionError, send2trash

    done = Trashed()
    for path in paths:
        try:
            send2trash(str(path))
        except TrashPermissionError:
            line = f"there is no trash for {shown_name(path)} on its file system; it was left where it is"
        except OSError as error:
            line = f"{shown_name(path)} was left where it is: {error.strerror or error}"
        except Exception as error:  # the platforms' own ways of failing
            line = f"{shown_name(path)} was left where it is: {type(error).__name__}: {error}"
        else:
            done.gone.append(path)
            continue
        done.kept += 1
        done.problem = done.problem or line
    return done
