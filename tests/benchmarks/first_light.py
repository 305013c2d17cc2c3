"""The figures of the main job: start, memory, speed of answers, and how the terminal feels while it answers.

    python -m tests.benchmarks.first_light [FILE.json]

Every ratio has both of its sides measured in this run, in turn. The program is the installed one, in a real pty.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PIL import Image, ImageDraw

from tests.benchmarks.table import Figure, median, percentile, report
from tests.e2e.terminal import VLMTUI, Terminal
from tests.tiny_model import checkpoint
from vlmtui.demo import weights_path

_ROOT = Path(__file__).parent.parent.parent
_THREADS = max(1, (os.cpu_count() or 1) - 1)  # as the engine takes them: a core is left to the terminal
_PROMPT = "Describe the picture."
# Characters that nothing else on the screen shows: each typed one is looked for in what the program writes.
_PROBES = [chr(0x0250 + i) for i in range(64)]


class Bench:
    """A home and a workspace of the benchmark's own, and the two models."""

    def __init__(self, directory: Path) -> None:
        self.workspace = directory / "workspace"
        self.workspace.mkdir()
        picture = Image.new("RGB", (640, 480), "#203850")
        draw = ImageDraw.Draw(picture)
        draw.ellipse((60, 80, 260, 280), fill="#d03030")
        draw.rectangle((340, 200, 580, 420), fill="#e0b020")
        self.picture = self.workspace / "two-shapes.png"
        picture.save(self.picture)
        self.environment = {"HOME": str(directory), "HF_HUB_OFFLINE": "1"}
        for name in ("CONFIG", "CACHE", "DATA", "STATE"):
            self.environment[f"XDG_{name}_HOME"] = str(directory / name.lower())
        self.small = _without_end(weights_path(), directory / "demo-without-end")
        self.large = _without_end(checkpoint("smolvlm", "256M"), directory / "256M-without-end")

    def settings(self, **values: int) -> None:
        """Write the user's settings."""
        file = Path(self.environment["XDG_CONFIG_HOME"]) / "vlmtui" / "settings.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{key} = {value}\n" for key, value in values.items()))

    def open(self, model: Path | str = "demo", *, columns: int = 120, rows: int = 40) -> Terminal:
        """Open the workbench on the picture; return when the picture is shown and the model is ready."""
        terminal = Terminal(
            [VLMTUI, str(self.picture), "--model", str(model)],
            columns=columns,
            rows=rows,
            environment=self.environment,
        )
        terminal.wait_for("640", 60)
        terminal.wait_for("ready", 180)
        terminal.settle()
        return terminal


def _without_end(source: Path, target: Path) -> Path:
    """Return a copy of a checkpoint that never ends its turn: the answers' length is ours to choose."""
    shutil.copytree(source, target)
    file = target / "generation_config.json"
    values = json.loads(file.read_text())
    ends = values.pop("eos_token_id")
    # The same for both sides of a comparison: these tokens are never chosen.
    values["suppress_tokens"] = [ends] if isinstance(ends, int) else ends
    file.write_text(json.dumps(values))
    return target


def start(bench: Bench) -> Figure:
    """Seconds from the start of the process to its first text on the screen, against a bare Textual app."""

    def first_paint(arguments: list[str]) -> float:
        with Terminal(arguments, environment=bench.environment, directory=_ROOT) as terminal:
            terminal.wait(lambda: any(terminal.lines), 30, "the first paint")
            return terminal.last_output - terminal.started

    ours, bare = [], []
    for _ in range(15):
        ours.append(first_paint([VLMTUI, str(bench.workspace)]))
        bare.append(first_paint([sys.executable, "-m", "tests.benchmarks.bare_textual"]))
    mine, other = median(ours), median(bare)
    return Figure(
        "start to first paint", mine / other, 1.5, detail=f"{mine * 1000:.0f} ms against {other * 1000:.0f} ms"
    )


def memory(bench: Bench) -> Figure:
    """Resident memory of the terminal's process with a picture open, its children left out."""
    with bench.open(bench.small) as terminal:
        resident = psutil.Process(terminal.pid).memory_info().rss / 1e6
    return Figure("resident memory, picture open", resident, 120, unit="MB")


def speed(bench: Bench, name: str, model: Path, tokens: int) -> Figure:
    """Tokens a second through the app, as its status bar says, against `generate` alone with as many threads."""

    def bare() -> float:
        command = [sys.executable, "-m", "tests.benchmarks.bare_generate", str(model), str(bench.picture), _PROMPT]
        output = subprocess.run(
            [*command, str(tokens), str(_THREADS)], cwd=_ROOT, capture_output=True, text=True, check=True
        ).stdout
        return float(json.loads(output.splitlines()[-1])["tokens_per_s"])

    bench.settings(max_new_tokens=tokens)
    ours, alone = [], []
    with bench.open(model, columns=200, rows=60) as terminal:  # wide: the answer's figures stand in one line
        terminal.press("f6", "f6")
        for turn in range(3):
            # The engine sleeps while the other side is measured.
            alone.append(bare())
            terminal.press("ctrl+n")
            terminal.settle()
            terminal.press("backspace") if turn else None
            ours.append(_ask_and_read_rate(terminal, tokens))
    mine, other = median(ours), median(alone)
    return Figure(
        f"tokens/s, {name}",
        mine / other,
        0.95,
        at_most=False,
        detail=f"{mine:.1f} against {other:.1f} ({_THREADS} threads)",
    )


def _ask_and_read_rate(terminal: Terminal, tokens: int) -> float:
    terminal.type(_PROMPT)
    terminal.press("enter")
    pattern = re.compile(rf"\b{tokens} tokens · ([\d.]+) tok/s")
    # A terminal costs little; the emulated screen would take the core that the program paints on. It looks at the end.
    from_here = len(terminal.received)
    deadline = time.perf_counter() + 600
    while f"{tokens} tokens · ".encode() not in terminal.received[max(from_here, len(terminal.received) - 100_000) :]:
        assert time.perf_counter() < deadline, "the answer's figures never came"
        terminal.read_raw(0.5)
    terminal.settle(0.5)
    found = pattern.findall(terminal.text)
    return float(found[-1])


def keys(bench: Bench) -> list[Figure]:
    """Milliseconds from a key press to the paint that shows it, idle and while an answer streams."""
    bench.settings(max_new_tokens=4000)
    with bench.open(bench.large) as terminal:
        terminal.press("f6", "f6")
        idle = _key_times(terminal)
        terminal.press("ctrl+u")
        terminal.settle()
        terminal.type(_PROMPT)
        terminal.press("enter")
        terminal.wait_for("answering", 120)
        busy = _key_times(terminal)
        assert "answering" in terminal.text, "the answer ended before the keys did"
    quiet, loaded = percentile(idle, 0.95) * 1000, percentile(busy, 0.95) * 1000
    return [
        Figure("key to paint while generating, p95", loaded, 50, unit="ms", detail=f"{len(busy)} keys"),
        Figure("the same against idle", loaded / quiet, 2, detail=f"{loaded:.1f} ms against {quiet:.1f} ms"),
    ]


def _key_times(terminal: Terminal) -> list[float]:
    times: list[float] = []
    for probe in _PROBES:
        # At no fixed rhythm with the paints: read for a while first, as a person takes time between keys.
        pause = time.perf_counter() + 0.05 + 0.001 * (ord(probe) % 37)
        while (left := pause - time.perf_counter()) > 0:
            terminal.read_raw(left)
        seen = len(terminal.received)
        before = time.perf_counter()
        terminal.type(probe)
        mark = probe.encode()
        deadline = before + 5
        while mark not in terminal.received[seen:]:
            assert time.perf_counter() < deadline, f"{probe!r} never came"
            terminal.read_raw(0.5)
        times.append(terminal.last_output - before)
    terminal.catch_up()
    return times


def long_chat(bench: Bench) -> list[Figure]:
    """Focus change and resize with 100 finished messages: until the screen is complete and still."""
    bench.settings(max_new_tokens=24)
    with bench.open("demo") as terminal:
        terminal.press("f6", "f6")
        for number in range(50):
            terminal.type(f"How many shapes are there? {number}")
            terminal.press("enter")
            terminal.wait(lambda n=number: f"there? {n}" in terminal.text and "ready" in terminal.text, 60, "an answer")
            terminal.settle(0.05)
        terminal.settle(1.0)
        focus = [_until_still(terminal, lambda: terminal.press("f6")) for _ in range(6)]
        sizes = [(100, 34), (120, 40)] * 3
        resize = [_until_still(terminal, lambda s=size: terminal.resize(*s)) for size in sizes]
    return [
        Figure("focus change, 100 messages", median(focus) * 1000, 150, unit="ms", detail="median of 6"),
        Figure("resize, 100 messages", median(resize) * 1000, 600, unit="ms", detail="median of 6"),
    ]


def _until_still(terminal: Terminal, act) -> float:  # type: ignore[no-untyped-def]
    terminal.settle(0.3)
    before = time.perf_counter()
    act()
    terminal.settle(0.3)
    return max(0.0, terminal.last_output - before)


def stop(bench: Bench) -> Figure:
    """Milliseconds from `stop` to the end of the answer, less the time of one token."""
    from vlmtui.engine.client import EngineClient
    from vlmtui.engine.protocol import Finished, ImagePart, Sampling, TextPart, Tokens, Turn

    async def measure() -> tuple[float, float]:
        client = EngineClient(log=bench.workspace.parent / "engine.log")
        async for _ in client.load(str(bench.large)):
            pass
        turn = Turn(role="user", parts=(ImagePart(path=str(bench.picture)), TextPart(text=_PROMPT)))
        over: list[float] = []
        token_s = 0.0
        for attempt in range(8):
            count, asked = 0, 0.0
            async for event in client.generate((turn,), sampling=Sampling(max_new_tokens=2000)):
                if isinstance(event, Tokens):
                    count += event.count
                    if count >= 8 + attempt and not asked:
                        asked = time.perf_counter()
                        await client.stop()
                elif isinstance(event, Finished):
                    token_s = 1 / event.tokens_per_s
                    over.append(time.perf_counter() - asked - token_s)
        await client.close()
        return max(over), token_s

    worst, token_s = asyncio.run(measure())
    return Figure(
        "stop to the last token, beyond one token's time",
        worst * 1000,
        50,
        unit="ms",
        detail=f"worst of 8; a token takes {token_s * 1000:.0f} ms",
    )


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory(prefix="vlmtui-bench-") as directory:
        bench = Bench(Path(directory))
        figures = [start(bench), memory(bench)]
        figures.append(speed(bench, "demo model", bench.small, 400))
        figures.append(speed(bench, "256M-shaped", bench.large, 96))
        figures += keys(bench)
        figures += long_chat(bench)
        figures.append(stop(bench))
    report("First light", figures)


if __name__ == "__main__":
    main()
