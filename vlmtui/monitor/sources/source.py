"""What all readers of runs have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from vlmtui.monitor.protocol import Checkpoint, Example, Kind, RunState
from vlmtui.monitor.table import Table

LATELY_S = 300.0
"""Files of somebody else's run that changed so lately are being written."""
CHECKPOINT = re.compile(r"checkpoint-(\d+)")


class Source:
    """Reads one run. A file that is missing, cut off, replaced or garbage is "not yet", never an error.

    Attributes:
        path: the run's folder.
        table: what was read.
        preview: while a long file is read: the same from some of its points. None when it is not needed.
        share: how much was read, 0..1.
        size: bytes of its files, where that decides whether they are read in passing.
        last_loss: what is known of it while the curves are not.
        step, steps, stage, epoch, epochs: how far the run is, as it says itself; 0 where it does not.
    """

    kind: Kind

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table = Table()
        self.preview: Table | None = None
        self.share = 0.0
        self.step = self.steps = 0
        self.stage = ""
        self.epoch = self.epochs = 0.0
        self.created = self.updated = 0.0
        self.size = 0
        self.last_loss: float | None = None
        self.title = path.name
        self.device = self.note = self.output = self.cause = self.remedy = self.cloned_from = ""
        self.tags: list[str] = []
        self.archived = False

    def read(self, seconds: float) -> bool:
        """Read on for about so long; return whether there is more to read now."""
        raise NotImplementedError

    def glance(self) -> None:
        """Bring what the list says up to date, cheaply: without the curves where they lie elsewhere."""
        raise NotImplementedError

    @property
    def shown(self) -> Table:
        """The table to draw from now."""
        return self.preview if self.preview is not None else self.table

    def state(self, now: float) -> RunState:
        """Return the run's state."""
        if self.steps and self.step >= self.steps:
            return "finished"
        return "writing" if now - self.updated < LATELY_S else "quiet"

    def loss(self) -> float | None:
        """Return the newest loss."""
        last = self.shown.last("loss")
        return last if last is not None else self.last_loss

    def eta_s(self) -> float:
        """Return the seconds that the run says that it will still take; 0 where it does not."""
        return 0.0

    def checkpoints(self) -> list[Checkpoint]:
        """Return the checkpoints on the disk, the oldest first."""
        return checkpoints_in(self.path, self.path)

    def examples(self) -> list[Example]:
        """Return the fixed examples and their answers."""
        return []

    def answered_at(self) -> list[int]:
        """Return the steps at which they were answered."""
        return []

    def recipe(self) -> str:
        """Return what the run was told to do, as text."""
        return ""

    def settings(self) -> dict[str, Any]:
        """Return the keys of what it was told to do, as they are compared with another run's."""
        from vlmtui.monitor.comparing import keys_in

        return keys_in(self.recipe())

    def log(self) -> Path | None:
        """Return where its log lies."""
        return None


def checkpoints_in(folder: Path, root: Path) -> list[Checkpoint]:
    """Return the checkpoints that lie right in `folder`, named from `root` on."""
    found: list[Checkpoint] = []
    try:
        entries = list(folder.iterdir())
    except OSError:
        return []
    for entry in entries:
        match = CHECKPOINT.fullmatch(entry.name)
        if match is None:
            continue
        size = 0
        try:
            for file in entry.rglob("*"):
                if not file.is_symlink() and file.is_file():
                    size += file.stat().st_size
        except OSError:
            continue  # it is being removed
        found.append(Checkpoint(name=str(entry.relative_to(root)), step=int(match[1]), size=size))
    return sorted(found, key=lambda one: one.step)
