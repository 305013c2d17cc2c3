"""TensorBoard's event files, read with its own reader and followed while they are written."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from vlmtui.monitor.naming import canonical
from vlmtui.monitor.sources.source import Source

MARK = "tfevents"
_LOOK_EVERY_S = 2.0


class EventFiles(Source):
    """Reads the event files of one folder, the oldest first: TensorBoard takes those for one run, too."""

    kind = "events"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._loaders: dict[str, _File] = {}
        self._looked = -math.inf
        self._row_of = -math.inf  # the step of the last row
        self._steps: dict[str, float] = {}

    def glance(self) -> None:
        """Look which files there are, and when they changed."""
        names = event_files(self.path)
        times, size = [], 0
        for name in names:
            try:
                status = (self.path / name).stat()
            except OSError:
                continue
            times.append(status.st_mtime)
            size += status.st_size
        self.size = size
        if times:
            self.updated = max(times)
            self.created = self.created or min(times)

    def read(self, seconds: float) -> bool:
        end = monotonic() + seconds
        if monotonic() - self._looked > _LOOK_EVERY_S:
            self._looked = monotonic()
            self.glance()
            for name in event_files(self.path):
                self._loaders.setdefault(name, _File(self.path / name))
        more = False
        for file in self._loaders.values():
            more = file.read(self._take, end) or more
            if monotonic() > end:
                break
        size = sum(file.size for file in self._loaders.values())
        self.share = min(1.0, sum(file.read_bytes for file in self._loaders.values()) / size) if more and size else 1.0
        return more

    def _take(self, event: Any) -> None:
        step = float(event.step)
        row = None
        values: list[tuple[str, float]] = []
        epoch = tokens = math.nan
        for value in event.summary.value:
            number = _number(value)
            if number is None:
                continue
            name = canonical(value.tag)
            if name == "epoch":
                epoch = number
                continue
            if name in ("num_tokens", "num_input_tokens_seen"):
                tokens = number
            before = self._steps.get(name)
            if before is not None and step <= before and name in self.table.metrics:
                # Written again from an earlier step on: the run was resumed from a checkpoint.
                self.table.cut_metric(name, step)
            self._steps[name] = step
            values.append((name, number))
        if not values and math.isnan(epoch):
            return
        self.step = max(self.step, int(step))
        if step == self._row_of:
            row = len(self.table) - 1
            if not math.isnan(epoch):
                self.table.epoch.cut(row)
                self.table.epoch.append(epoch)
            if not math.isnan(tokens):
                self.table.tokens.cut(row)
                self.table.tokens.append(tokens)
            self.table.put(row, values)
        else:
            self._row_of = step
            self.table.add(step, values, epoch=epoch, tokens=tokens, time=event.wall_time or math.nan)
        if not math.isnan(epoch):
            self.epoch = epoch


class _File:
    """One event file, read on from where it ended last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loader: Any = None
        self._events: Iterator[Any] | None = None
        self._read_at = -1
        self.size = 0
        self.read_bytes = 0

    def read(self, take: Any, end: float) -> bool:
        """Hand whole events on until there is none, or it is `end`; return whether there is more now."""
        try:
            status = self._path.stat()
        except OSError:
            return False  # deleted: what was read stays
        if status.st_size < self.size:  # cut off or replaced
            self._loader = self._events = None
            self.read_bytes = 0
        grown, self.size = status.st_size != self._read_at, status.st_size
        if self._events is None:
            if not grown:
                return False
            self._events = self._open()
        for number, event in enumerate(self._events):
            self.read_bytes += event.ByteSize() + 16
            take(event)
            if number % 32 == 31 and monotonic() > end:
                return True
        self._events, self._read_at = None, self.size
        self.read_bytes = self.size
        return False

    def _open(self) -> Iterator[Any]:
        from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
        from tensorboard.compat.proto.event_pb2 import Event

        try:
            if self._loader is None:
                self._loader = RawEventFileLoader(str(self._path))
            for record in self._loader.Load():
                try:
                    yield Event.FromString(record)
                except Exception:  # a record that is none: its checksum was right, its content is not
                    continue
        except Exception:  # garbage is nothing to read yet; the reader raises whatever it meets
            self._loader = None


def event_files(folder: Path) -> list[str]:
    """Return the names of the event files right in `folder`, the oldest first: their names hold the time."""
    try:
        return sorted(entry.name for entry in folder.iterdir() if is_event_file(entry.name))
    except OSError:
        return []


def is_event_file(name: str) -> bool:
    """Return whether a name is an event file's."""
    return MARK in name and not name.endswith((".gz", ".zip", ".tar")) and ".profile-empty" not in name


def _number(value: Any) -> float | None:
    """Return the scalar that a summary value holds; None for pictures, texts and histograms."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind != "tensor" or value.metadata.plugin_data.plugin_name not in ("scalars", ""):
        return None
    from tensorboard.util.tensor_util import make_ndarray

    try:
        array = make_ndarray(value.tensor)
        return float(array.item()) if array.size == 1 and array.dtype.kind in "fiu" else None
    except (TypeError, ValueError):
        return None
