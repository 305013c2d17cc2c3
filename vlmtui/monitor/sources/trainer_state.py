"""Folders that Hugging Face's trainer writes: `trainer_state.json`, in the folder or in its newest checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeGuard

from vlmtui.monitor.naming import canonical
from vlmtui.monitor.sources.source import CHECKPOINT, Source
from vlmtui.monitor.table import Table

_FILE = "trainer_state.json"
_LONGEST = 512 * 1024 * 1024


class TrainerFolder(Source):
    """Reads the newest `trainer_state.json` again whenever it changes; it is small, and written in one go."""

    kind = "trainer"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen: tuple[str, int, int] | None = None
        self._version = 0

    def glance(self) -> None:
        self.read(0)

    def read(self, seconds: float) -> bool:
        newest = newest_state(self.path)
        if newest is None:
            return False
        try:
            status = newest.stat()
            stamp = (str(newest), status.st_mtime_ns, status.st_size)
            if stamp == self._seen or status.st_size > _LONGEST:
                return False
            # Python's own reader: the trainer writes NaN as it is, which is no JSON.
            state = json.loads(newest.read_bytes())
        except (OSError, ValueError, RecursionError):
            return False  # half-written: not yet
        if not isinstance(state, dict):
            return False
        self._seen = stamp
        self.updated = status.st_mtime
        self.created = self.created or status.st_mtime
        self._take(state)
        self.share = 1.0
        return False

    def _take(self, state: dict[str, Any]) -> None:
        table = Table()
        for entry in state.get("log_history") or []:
            if not isinstance(entry, dict) or not _is_number(entry.get("step")):
                continue
            values = {
                canonical(str(name)): float(value)
                for name, value in entry.items()
                if name not in ("step", "epoch") and _is_number(value)
            }
            epoch, tokens = entry.get("epoch"), entry.get("num_tokens", entry.get("num_input_tokens_seen"))
            table.add(
                float(entry["step"]),
                values,
                epoch=float(epoch) if _is_number(epoch) else float("nan"),
                tokens=float(tokens) if _is_number(tokens) else float("nan"),
            )
        self._version += 1
        table.version += self._version * 1_000_000  # another one than before, whatever came
        self.table = table
        self.step, self.steps = _whole(state.get("global_step")), _whole(state.get("max_steps"))
        self.epoch = float(state["epoch"]) if _is_number(state.get("epoch")) else 0.0
        epochs = state.get("num_train_epochs")
        self.epochs = float(epochs) if _is_number(epochs) else 0.0

    def recipe(self) -> str:
        for name in ("training_args.yaml", "config.yaml", "README.md"):
            try:
                return (self.path / name).read_text(encoding="utf-8", errors="replace")[:100_000]
            except OSError:
                continue
        return ""


def newest_state(folder: Path) -> Path | None:
    """Return the `trainer_state.json` of `folder` that was written last."""
    found: list[tuple[float, Path]] = []
    try:
        for entry in folder.iterdir():
            if entry.name == _FILE:
                found.append((entry.stat().st_mtime, entry))
            elif CHECKPOINT.fullmatch(entry.name) and (entry / _FILE).is_file():
                found.append(((entry / _FILE).stat().st_mtime, entry / _FILE))
    except OSError:
        pass
    return max(found)[1] if found else None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int | float) and value == value and abs(value) < 1e15 else 0
