"""How fast pictures come: an arrow key held over a thousand, a 50-megapixel photograph, and the memory afterwards.

    python -m tests.benchmarks.pictures [FILE.json]

The program is the installed one, in a real pty, in half-cell mode, with a key repeating 30 times a second. Each picture
bears its number as two colours in its upper edge, so that what is on the screen is known from the cells themselves.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from tests.benchmarks.table import Figure, median, percentile, report
from tests.e2e.terminal import VLMTUI, Terminal

_COUNT = 1000
_REPEAT_S = 1 / 30
_COLUMNS, _ROWS = 140, 40
_LEVELS = 6  # of each channel: 6 ** 3 = 216 colours, two of them number 46,656 pictures
_STEP = 50
_CELL = re.compile(rb"\x1b\[38;2;(\d+);(\d+);(\d+)(?:;48;2;\d+;\d+;\d+)?m\xe2\x96\x80")
_PIECE = re.compile(rb"\x1b\[(\d+);(\d+)H")


def _colour(number: int) -> tuple[int, int, int]:
    return tuple(number // _LEVELS**place % _LEVELS * _STEP for place in range(3))  # type: ignore[return-value]


def _number(colour: tuple[int, ...]) -> int:
    return sum(min(_LEVELS - 1, round(value / _STEP)) * _LEVELS**place for place, value in enumerate(colour))


def _pictures(folder: Path) -> None:
    """Write photographs of 1600 x 1200 pixels with noise and gradients, as JPEGs of some 300 KB."""
    random = np.random.default_rng(5)
    ground = np.linspace(20, 220, 1600, dtype=np.float32)[None, :, None] * np.ones((1200, 1, 3), np.float32)
    small = random.normal(0, 60, (150, 200, 3)).astype(np.float32)
    texture = np.asarray(Image.fromarray(np.clip(128 + small, 0, 255).astype(np.uint8)).resize((1600, 1200)))
    body = Image.fromarray(np.clip(ground * 0.6 + texture * 0.4, 0, 255).astype(np.uint8))
    for number in range(_COUNT):
        image = body.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if number % 2 else body.copy()
        image.paste(_colour(number // 216), (0, 0, 800, 200))
        image.paste(_colour(number % 216), (800, 0, 1600, 200))
        image.save(folder / f"p{number:04}.jpg", quality=85)


class Seen:
    """What came from the program, piece by piece with its time; understood afterwards, which costs the run nothing."""

    def __init__(self) -> None:
        self.pieces: list[tuple[float, bytes]] = []

    def painted(self) -> list[tuple[float, int]]:
        """Return each picture that was painted whole: when its upper edge came, and its number."""
        found: list[tuple[float, int]] = []
        data = b"".join(piece for _, piece in self.pieces)
        ends, times, at = [], [], 0
        for when, piece in self.pieces:
            at += len(piece)
            ends.append(at)
            times.append(when)
        places = list(_PIECE.finditer(data))
        chunk = 0
        for place, following in zip(places, [*places[1:], None], strict=True):
            body = data[place.end() : following.start() if following else len(data)]
            cells = list(_CELL.finditer(body))
            if len(cells) < 2 or body.count(b"\xe2\x96\x80") < 20:
                continue
            row = int(place[1])
            first = tuple(int(value) for value in cells[0].groups())
            last = tuple(int(value) for value in cells[-1].groups())
            number = _number(first) * 216 + _number(last)
            while ends[chunk] < place.end():
                chunk += 1
            if row == self.edge:
                found.append((times[chunk], number))
        return found

    edge = 0
    """The terminal's row, from 1, of the upper edge of the pictures."""


def _pump(terminal: Terminal, seen: Seen, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        before = len(terminal.received)
        if terminal.read_raw(left):
            seen.pieces.append((time.perf_counter(), bytes(terminal.received[before:])))


def held(folder: Path, environment: dict[str, str]) -> list[Figure]:
    """Hold the arrow key over all pictures."""
    with Terminal(
        [VLMTUI, "open", str(folder / "p0000.jpg"), "--model", "demo"], columns=_COLUMNS, rows=_ROWS,
        environment=environment,
    ) as terminal:  # fmt: skip
        terminal.wait_for("1600x1200", 60)
        terminal.wait_for("ready", 120)
        terminal.settle()
        seen = Seen()
        seen.edge = next(row for row, line in enumerate(terminal.lines, 1) if "▀" in line) + 1
        sent: list[float] = []
        began = time.perf_counter()
        for press in range(_COUNT - 1):
            _pump(terminal, seen, max(0.0005, began + press * _REPEAT_S - time.perf_counter()))
            terminal.press("down")
            sent.append(time.perf_counter())
        took = time.perf_counter() - began
        _pump(terminal, seen, 1.5)
        memory = psutil.Process(terminal.pid).memory_info().rss / 1e6
    shown: list[tuple[float, int]] = []
    for when, number in seen.painted():
        if not shown or number != shown[-1][1]:
            shown.append((when, number))
    back = sum(1 for (_, one), (_, two) in itertools.pairwise(shown) if two < one)
    behind = [(when - sent[number - 1]) * 1000 for when, number in shown if number]
    last = shown[-1][1] if shown else -1
    moving = [when for when, _ in shown if when < began + took]
    return [
        Figure("pictures a second, arrow held", len(moving) / took, 15, at_most=False, unit="a second",
               detail=f"{len(moving)} of {_COUNT} in {took:.1f} s; key to paint p50 {median(behind):.0f} ms, "
               f"p95 {percentile(behind, 0.95):.0f} ms"),
        Figure("pictures shown after a later one, or not the last at rest", back + (last != _COUNT - 1), 0, unit="",
               detail=f"at rest: number {last}"),
        Figure("memory of the terminal's process after them", memory, 200, unit="MB"),
    ]  # fmt: skip


_ALONE = """
import sys, time
from PIL import Image
Image.preinit()
for path in sys.argv[3:]:
    began = time.perf_counter()
    with Image.open(path) as image:
        image.draft("RGB", (2 * int(sys.argv[1]), 2 * int(sys.argv[2])))
        image.load()
        image.resize((int(sys.argv[1]), int(sys.argv[2])), Image.Resampling.LANCZOS, reducing_gap=2.0).tobytes()
    print(time.perf_counter() - began)
"""


def large(folder: Path, environment: dict[str, str]) -> Figure:
    """Open 50-megapixel photographs that were not expected: from the click to the paint, against Pillow alone.

    They are clicked, with so many small pictures between them that none has been drawn ahead.
    """
    random = np.random.default_rng(2)
    rough = Image.fromarray(random.integers(0, 255, (600, 800, 3), dtype=np.uint8)).resize((8192, 6144))
    paths = []
    for number in range(6):
        image = rough.copy()
        image.paste(_colour(0), (0, 0, 4096, 1200))
        image.paste(_colour(number * 20 + 5), (4096, 0, 8192, 1200))
        paths.append(folder / f"q{number}a.jpg")
        image.save(paths[-1], quality=88)
        for between in range(4):
            Image.new("RGB", (8, 6), (90, 90, 90)).save(folder / f"q{number}b{between}.png")
    ours: list[float] = []
    alone: list[float] = []  # measured in between: both have the machine as it is then
    with Terminal(
        [VLMTUI, "open", str(paths[0]), "--model", "demo"], columns=_COLUMNS, rows=_ROWS, environment=environment,
    ) as terminal:  # fmt: skip
        terminal.wait_for("8192x6144", 60)
        terminal.wait_for("ready", 120)
        terminal.settle()
        seen = Seen()
        seen.edge = next(row for row, line in enumerate(terminal.lines, 1) if "▀" in line) + 1
        rows = [next(row for row, line in enumerate(terminal.lines, 1) if path.name in line) for path in paths]
        size = (70, 53)  # dots: what the pane has room for, as the program asks for it
        for number, row in enumerate(rows[1:], 1):
            _pump(terminal, seen, 1.5)
            alone += [_alone(path, size) for path in (paths[number], paths[0])]
            seen.pieces.clear()
            began = time.perf_counter()
            terminal.press(f"\x1b[<0;8;{row}M\x1b[<0;8;{row}m")
            _pump(terminal, seen, 1.5)
            when = next(when for when, found in seen.painted() if found == number * 20 + 5)
            ours.append(when - began)
    mine, other = median(ours), median(alone)
    return Figure(
        "opening a 50-megapixel JPEG, click to paint", mine / other, 1.2,
        detail=f"{mine * 1000:.0f} ms against {other * 1000:.0f} ms for Pillow alone with draft; {len(ours)} files",
    )  # fmt: skip


def _alone(path: Path, size: tuple[int, int]) -> float:
    """Return the seconds that Pillow alone needs for `path`, with draft mode."""
    command = [sys.executable, "-c", _ALONE, *map(str, size), str(path)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        environment = {"HOME": place, "HF_HUB_OFFLINE": "1"} | {
            f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "CACHE", "DATA", "STATE")
        }
        many, few = home / "many", home / "few"
        many.mkdir()
        few.mkdir()
        _pictures(many)
        report("Pictures", [*held(many, environment), large(few, environment)])


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    main()
