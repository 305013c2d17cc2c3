"""Finds runs below folders, a little at a time: a folder of a million files must not keep anybody waiting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from vlmtui.monitor.protocol import Kind
from vlmtui.monitor.sources.event_files import is_event_file
from vlmtui.monitor.sources.source import CHECKPOINT
from vlmtui.monitor.sources.trackio import databases_in

_DEEPEST = 7
_MOST_FOLDERS = 20_000
_MOST_ENTRIES = 5_000
_NEVER = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})


def walk(folder: Path) -> Iterator[tuple[Kind, str] | None]:
    """Go through the folders below `folder`, near ones first; hidden ones and links are left out.

    Yields:
        What a folder is and its path where it holds a run; None for one that holds none.
    """
    waiting = [(str(folder), 0)]
    seen = 0
    for place, depth in waiting:  # it grows meanwhile
        names: set[str] = set()
        below: list[str] = []
        try:
            with os.scandir(place) as entries:
                for number, entry in enumerate(entries):
                    if number >= _MOST_ENTRIES:
                        break  # pictures by the thousand: no run has so many files
                    names.add(entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        below.append(entry.name)
        except OSError:
            yield None
            continue
        if "job.json" in names and "status.json" in names:
            yield "run", place
            continue  # what lies in a job belongs to it
        if any(is_event_file(name) for name in names):
            yield "events", place
        elif "trainer_state.json" in names or any(CHECKPOINT.fullmatch(name) for name in below):
            yield "trainer", place
        for name in names:
            if name.endswith(".db"):
                for run in databases_in(Path(place) / name):
                    yield "trackio", run
        for name in sorted(below):
            if name[0] in "._" or name in _NEVER or CHECKPOINT.fullmatch(name):
                continue
            seen += 1
            if depth < _DEEPEST and seen < _MOST_FOLDERS:
                waiting.append((os.path.join(place, name), depth + 1))  # noqa: PTH118
        yield None
