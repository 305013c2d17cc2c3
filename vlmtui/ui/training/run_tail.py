"""What happens in a run, as lines of the output: its events, read as they come."""

from __future__ import annotations

from pathlib import Path

from vlmtui.runs.events import EventReader
from vlmtui.runs.showing import event_lines


class RunTail:
    """Reads a run's event log; the same for who shows lines as a `LogTail`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = EventReader(path)

    def read(self) -> list[str]:
        """Return what happened since the last call, a line each, safe to show."""
        return [line for event in self._reader.read() for line in event_lines(event)]
