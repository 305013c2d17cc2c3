"""The figures of opening a file by its letters, in a folder with 100,000 files.

    python -m tests.benchmarks.quick_open [FILE.json]

The files are made, empty, in a temporary folder and deleted. The program runs in a pty: from a key to its paint.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from tests.benchmarks.table import Figure, percentile, report
from tests.e2e.terminal import VLMTUI, Terminal

_WORDS = ("data", "train", "image", "photo", "chart", "model", "scan", "page", "figure", "sample")
_TYPED = ("photo_0123", "trnimg 99", "chartmodel", "figure 04 7", "smplpng 42", "scan/page0", "dtphoto_00", "img 3 8 1")


def write(folder: Path, count: int) -> None:
    """Make `count` empty files in folders three deep."""
    choose = random.Random(1)
    for number in range(count):
        if number % 200 == 0:
            place = folder.joinpath(*(f"{choose.choice(_WORDS)}{choose.randrange(20)}" for _ in range(3)))
            place.mkdir(parents=True, exist_ok=True)
        (place / f"{choose.choice(_WORDS)}_{number:06}.png").touch()


def measure(folder: Path, count: int) -> list[Figure]:
    """Type, and see when what was typed and its answer are on the screen."""
    keys: list[float] = []
    answers: list[float] = []
    with Terminal([VLMTUI, "open", str(folder), "--model", "demo"], columns=120, rows=40) as terminal:
        terminal.wait_for("ready", 120)
        terminal.settle(1)
        began = time.perf_counter()
        terminal.press("\x10")
        terminal.wait_for("Open a file")
        opened = time.perf_counter() - began
        terminal.wait_for(f"{count:,} files", 120)
        walked = time.perf_counter() - began
        for text in _TYPED:
            for letter in text:
                terminal.settle(0.15)
                key, answer = _answered(terminal, letter)
                keys.append(key)
                answers.append(answer)
            terminal.press(*"\x7f" * len(text))
            terminal.settle(0.3)
    return [
        Figure("from the key to the open field", opened * 1000, 150, unit="ms"),
        Figure(f"{count:,} files walked and listed", walked, 5, unit="s", detail="the child's start included"),
        Figure(
            "from a letter to its paint, p95", percentile(keys, 0.95) * 1000, 50, unit="ms", detail=f"{len(keys)} keys"
        ),
        Figure("from a letter to the last of its answer, p95", percentile(answers, 0.95) * 1000, 50, unit="ms"),
    ]


def _answered(terminal: Terminal, letter: str) -> tuple[float, float]:
    """Press `letter`; return the seconds until its paint, and until the last paint that changed what is to be read.

    The terminal's screen is brought up to date only afterwards: the program must not wait for a slow emulator.
    """
    began = time.perf_counter()
    terminal.press(letter)
    came: list[tuple[float, int]] = []
    before = len(terminal.received)
    while terminal.read_raw(0.25):
        came.append((terminal.last_output - began, len(terminal.received) - before))
        before = len(terminal.received)
    answer, shown = came[0][0], terminal.text
    for when, length in came:
        terminal.catch_up(length)
        if terminal.text != shown:  # the cursor blinks: only what changes the text counts
            answer, shown = when, terminal.text
    return came[0][0], answer


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory(prefix="vlmtui-bench-") as directory:
        write(Path(directory), 100_000)
        figures = measure(Path(directory), 100_000)
    report("Quick open", figures)


if __name__ == "__main__":
    main()
