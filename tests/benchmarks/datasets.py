"""The figures of data sets: a gigabyte of JSON Lines opens at once, and any place in it is near.

    python -m tests.benchmarks.datasets [FILE.json]

The file is written into a temporary folder and deleted. The widget runs without a terminal, with its real child.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.benchmarks.table import Figure, median, report
from vlmtui.media.client import MediaClient
from vlmtui.ui.widgets.dataset_view import DatasetView

_BYTES = 1_000_000_000


class Bench(App[None]):
    """A view of a data set, alone."""

    def compose(self) -> ComposeResult:
        self.media = MediaClient()
        yield DatasetView(self.media, graphics="half-block", id="dataset")

    async def on_unmount(self) -> None:
        await self.media.close()


def write(path: Path) -> int:
    """Write a gigabyte of conversations; return how many rows it has."""
    words = "the quick brown fox jumps over a lazy dog while nobody looks ".split()
    rows = []
    for number in range(4000):
        text = " ".join(words[(number * 7 + i) % len(words)] for i in range(40 + number % 120))
        rows.append(json.dumps({"image": f"{number}.png", "question": f"What is in picture {number}?", "answer": text}))
    block = ("\n".join(rows) + "\n").encode()
    times = _BYTES // len(block) + 1
    with path.open("wb") as file:
        for _ in range(times):
            file.write(block)
        file.write(b'{"image": "last.png", "question": "The very last?", "answer": "yes"}\n')
    return times * len(rows) + 1


async def _until(pilot: Pilot[None], done: Callable[[], object], seconds: float = 120) -> float:
    began = time.perf_counter()
    while not done():
        assert time.perf_counter() - began < seconds, "waited in vain"
        await asyncio.sleep(0.002)
    return time.perf_counter() - began


async def measure(path: Path, total: int) -> list[Figure]:
    """Open, jump, scroll and filter; see how large the processes are."""
    app = Bench()
    async with app.run_test(size=(140, 45)) as pilot:
        view = app.query_one(DatasetView)

        def on_row(number: int) -> bool:
            detail = view.row.detail
            return detail is not None and detail.row == number and view.table.line is not None

        before = psutil.Process().memory_info().rss
        view.path = path
        opened = await _until(pilot, lambda: on_row(0))
        indexed = opened + await _until(pilot, lambda: view.progress is not None and view.progress.complete)
        assert view.table.total == total, (view.table.total, total)
        jumps = []
        for number in (total // 2, total - 1, total // 3, 7, total - 2, total // 5 * 4):
            view._go_to(number)
            jumps.append(await _until(pilot, lambda n=number: on_row(n)))
        pages = []
        view.table.focus()
        for _ in range(20):
            target = view.table.cursor - 40
            view.table.cursor = target
            pages.append(await _until(pilot, lambda n=target: on_row(n)))
        view._set_filter("very last")
        filtered = await _until(
            pilot, lambda: view.progress is not None and view.progress.shown == 1 and view.progress.filtered >= 1.0
        )
        grown = (psutil.Process().memory_info().rss - before) / 1e6
        child = psutil.Process(view.child).memory_info().rss / 1e6
    size = path.stat().st_size / 1e9
    return [
        Figure(
            "1 GB .jsonl: open to first rows and conversation", opened, 1.0, unit="s", detail="reader's start included"
        ),
        Figure("1 GB .jsonl: all rows known", indexed, 15.0, unit="s", detail=f"{total:,} rows, in the background"),
        Figure(
            "jump to any row, until it is shown", max(jumps) * 1000, 250, unit="ms", detail=f"worst of {len(jumps)}"
        ),
        Figure("page up, until it is shown", median(pages) * 1000, 100, unit="ms", detail="median of 20"),
        Figure("filter of the whole file", filtered, 30.0, unit="s", detail=f"{size / filtered:.2f} GB/s"),
        Figure("memory that the terminal's process takes for it", grown, 30, unit="MB"),
        Figure("memory of the reader's process", child, 150, unit="MB"),
    ]


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory(prefix="vlmtui-bench-") as directory:
        path = Path(directory) / "rows.jsonl"
        total = write(path)
        figures = asyncio.run(measure(path, total))
    report("Data sets", figures)


if __name__ == "__main__":
    main()
