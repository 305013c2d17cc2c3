"""Makes the pictures in this folder: the installed program, in a real pty, with the real demo model.

.venv/bin/python screenshots/make.py [FOLDER]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.adapter_maker import make_adapters
from tests.e2e.svg import screen_as_svg
from tests.e2e.terminal import VLMTUI, Terminal
from vlmtui.demo import weights_path


def main(target: Path) -> None:
    """Write every picture into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for columns, rows in ((80, 24), (120, 40), (200, 60)):
            with _open(home, columns, rows) as terminal:
                _ask(terminal, "How many shapes are there?")
                _ask(terminal, "Where is the star?")
                _write(terminal, target / f"workbench-{columns}x{rows}.svg")
        with _open(home, 120, 40) as terminal:
            terminal.press("f4")
            terminal.wait_for("SmolVLM2-2.2B-Instruct", 20)
            _write(terminal, target / "models.svg")
        with _open(home, 120, 40) as terminal:
            terminal.press("f1")
            terminal.wait_for("Ctrl+P", 20)
            _write(terminal, target / "commands.svg")
        with _open(home, 120, 40) as terminal:
            terminal.press("t", "f8")
            terminal.wait_for("Nothing has gone wrong", 20)
            _write(terminal, target / "thumbnails.svg")
        with _open(home, 120, 40, adapter="random") as terminal:
            _compare(terminal, "What is in this picture?")
            _write(terminal, target / "side-by-side.svg")


def _open(homes: str, columns: int, rows: int, adapter: str = "") -> Terminal:
    home = tempfile.mkdtemp(dir=homes)  # a new one each time: conversations and layout would come back
    if adapter:
        make_adapters(weights_path(), Path(home) / "adapters", adapter, base="demo")
    environment = {"HOME": home, "HF_HUB_OFFLINE": "1"}
    for name in ("CONFIG", "CACHE", "DATA", "STATE"):
        environment[f"XDG_{name}_HOME"] = f"{home}/.{name.lower()}"
    terminal = Terminal([VLMTUI, "demo"], columns=columns, rows=rows, environment=environment, directory=Path(home))
    terminal.wait_for("ready", 120)
    terminal.wait_for("640x480", 20)  # it opens on the picture of three shapes
    return terminal


def _ask(terminal: Terminal, question: str) -> None:
    answers = terminal.text.count("ttft")
    if not answers:
        terminal.press("enter")
        terminal.wait_for("Enter Send", 20)
    terminal.type(question)
    terminal.press("enter")
    terminal.wait(lambda: terminal.text.count("ttft") > answers, 60, "the answer")


def _compare(terminal: Terminal, question: str) -> None:
    """Ask the demo model, without its adapter and with it."""
    terminal.press("f1")
    terminal.type("compare side")
    terminal.wait_for("Compare side by side", 20)
    terminal.press("enter")
    terminal.wait_for("SIDE BY SIDE", 20)
    terminal.type(question)
    terminal.press("tab", "tab", "enter")  # the second column: who answers there
    terminal.wait_for("random", 20)
    terminal.press("down", "enter")
    terminal.wait_for("demo + random", 20)
    terminal.press("f5")
    terminal.wait_for("differ", 60)


def _write(terminal: Terminal, path: Path) -> None:
    terminal.settle(1.0)
    path.write_text(screen_as_svg(terminal.screen), encoding="utf-8")
    print(path)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
