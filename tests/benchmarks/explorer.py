"""The explorer over a folder of 100,000 pictures: `python -m tests.benchmarks.explorer [figures.json]`.

Beside it, in the same run, what the system alone needs to list the folder. The first rows are timed from the wish to
read to the moment that they are laid out; the longest stop of the event loop is what a user would feel as a freeze.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from time import perf_counter

from textual.app import App, ComposeResult

from tests.benchmarks.table import Figure, report
from vlmtui.ui.widgets.explorer import Explorer

_FILES = 100_000
_BEAT_S = 0.002


class _ExplorerApp(App[None]):
    """An explorer alone, which waits to be told to read."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.explorer = Explorer(folder, id="explorer")

    def compose(self) -> ComposeResult:
        yield self.explorer

    def on_mount(self) -> None:
        self.explorer.focus()


async def _measure(folder: Path) -> tuple[float, float, float, float]:
    """Return seconds: to the first rows, to all, the longest stop of the loop, and from a key to the last row."""
    app = _ExplorerApp(folder)
    async with app.run_test(size=(60, 40)) as pilot:
        longest = first = 0.0
        began = before = perf_counter()
        app.explorer.begin()
        while app.explorer.files.root.reading or len(app.explorer.rows) < _FILES:
            await asyncio.sleep(_BEAT_S)
            now = perf_counter()
            longest, before = max(longest, now - before - _BEAT_S), now
            if not first and len(app.explorer.rows) >= 40:
                first = now - began
        whole = before - began
        pressed = perf_counter()
        await pilot.press("end")
        assert app.explorer.selected is not None
        assert app.explorer.selected.name == f"img_{_FILES - 1}.jpg"
        return first, whole, longest, perf_counter() - pressed


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number in range(_FILES):
            os.close(os.open(folder / f"img_{number}.jpg", os.O_CREAT | os.O_WRONLY))
        began = perf_counter()
        with os.scandir(folder) as found:
            bare = sum(not item.is_dir() for item in found)
        listing = perf_counter() - began
        assert bare == _FILES
        first, whole, longest, end = asyncio.run(_measure(folder))
    beside = f"os.scandir alone lists all in {listing * 1000:.0f} ms"
    report(
        f"The explorer over {_FILES:,} files",
        [
            Figure("first rows", first * 1000, 200, unit="ms", detail=beside),
            Figure("longest stop of the event loop", longest * 1000, 200, unit="ms", detail="while it reads"),
            Figure("all rows in natural order", whole * 1000, 3000, unit="ms", detail=beside),
            Figure("to the last row by key", end * 1000, 200, unit="ms", detail="once"),
        ],
    )


if __name__ == "__main__":
    main()
