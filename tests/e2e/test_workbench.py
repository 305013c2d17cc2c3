"""The installed program in a real pty, driven by its keys alone: what a person types, and what they then see."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from .terminal import VLMTUI, Terminal, run

Open = Callable[..., Terminal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens the workbench in a terminal; every terminal is closed at the end."""
    terminals: list[Terminal] = []

    def opening(*arguments: str | Path, columns: int = 120, rows: int = 40, **environment: str) -> Terminal:
        terminal = Terminal(
            [VLMTUI, *map(str, arguments)], columns=columns, rows=rows, environment=environment, directory=tmp_path
        )
        terminals.append(terminal)
        return terminal

    yield opening
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def demo(opened: Open) -> Terminal:
    """The demo workspace, open, with its model ready and the picture of three shapes on show."""
    terminal = opened("demo", "shapes-to-ask")
    terminal.wait_for("● ready", 120)
    select(terminal, "three-shapes.png")
    return terminal


@pytest.fixture
def unloaded(home: Path) -> None:
    """Let the model be loaded with the first question only: for what asks none."""
    settings = home / ".config" / "vlmtui" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('load_model = "question"\n', encoding="utf-8")


@pytest.fixture
def looking(unloaded: None, opened: Open) -> Terminal:
    """As `demo`, without a model."""
    terminal = opened("demo", "shapes-to-ask")
    terminal.wait_for("words", 120)
    select(terminal, "three-shapes.png")
    return terminal


def select(terminal: Terminal, name: str) -> None:
    """Go down the explorer, opening folders, until the preview shows `name`."""
    for _ in range(40):
        terminal.settle(0.3)
        if any(name in line[30:] for line in terminal.lines):
            return
        row = next((line for line in terminal.lines if "▸" in line[:30]), None)
        terminal.press("right") if row is not None and _cursor_is_on(terminal, row) else terminal.press("down")
    raise AssertionError(f"{name} was not found:\n{terminal.text}")


def _cursor_is_on(terminal: Terminal, row: str) -> bool:
    """Whether the explorer's highlighted row is `row`: its background is another than its neighbours'."""
    number = terminal.lines.index(row)
    cells = terminal.screen.buffer
    return cells[number][1].bg != cells[terminal.screen.lines - 4][1].bg


def engines(terminal: Terminal) -> list[psutil.Process]:
    """The engine's processes below the program."""
    children = psutil.Process(terminal.pid).children(recursive=True)
    alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if "vlmtui.engine.host" in child.cmdline()]


def go_to_the_chat(terminal: Terminal) -> None:
    """Attach the file under the explorer's cursor; the prompt has the focus when its own keys are shown."""
    terminal.press("enter")
    terminal.wait_for("Enter Send", 20)


def ask(terminal: Terminal, question: str) -> None:
    terminal.type(question)
    terminal.press("enter")


def test_the_main_job(demo: Terminal) -> None:
    """Open a folder, look at a picture, ask about it, leave: and torch was never in the terminal's process."""
    go_to_the_chat(demo)
    ask(demo, "How many shapes are there?")
    demo.wait_for("ttft", 60)
    answer = _after(demo, "How many shapes are there?")
    assert "3" in answer or "three" in answer.lower(), answer
    loaded = {Path(entry.path).name for entry in psutil.Process(demo.pid).memory_maps()}
    assert not [name for name in loaded if "torch" in name or "cv2" in name]
    assert engines(demo)
    engine = engines(demo)[0]
    demo.press("f1")  # the same once more, side by side with itself
    demo.type("compare side")
    demo.wait_for("Compare side by side", 20)
    demo.press("enter")
    demo.wait_for("SIDE BY SIDE", 20)
    demo.press("enter")
    demo.wait_for("both the same", 60)
    demo.press("esc")
    demo.wait(lambda: "SIDE BY SIDE" not in demo.text, 20, "the workbench")
    demo.press("ctrl+q")
    assert demo.wait_for_end() == 0
    psutil.wait_procs([engine], timeout=10)
    assert not engine.is_running()
    assert b"\x1b[?1049l" in demo.received, "the terminal was not given back as it was"


def _after(terminal: Terminal, question: str) -> str:
    """The chat's rows below `question`."""
    rows = terminal.lines
    at = max(number for number, row in enumerate(rows) if question in row)
    column = rows[at].index(question)
    return " ".join(row[column - 2 :].strip() for row in rows[at + 1 : at + 6])


def test_an_engine_that_is_killed_loses_nothing(demo: Terminal) -> None:
    go_to_the_chat(demo)
    ask(demo, "How many shapes are there?")
    demo.wait_for("ttft", 60)
    engines(demo)[0].send_signal(signal.SIGKILL)
    demo.wait(lambda: not engines(demo) or "ready" not in demo.text, 20, "the death to be noticed")
    ask(demo, "Describe the picture.")
    demo.wait(lambda: demo.text.count("ttft") >= 2 or "Retry" in demo.text, 90, "an answer")
    if "Retry" in demo.text:
        demo.press("f5")
        demo.wait_until_gone("Retry", 90)
    demo.wait_for("● ready", 60)
    assert "How many shapes are there?" in demo.text
    assert "Describe the picture." in demo.text


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGKILL])
def test_no_child_outlives_the_terminal(demo: Terminal, number: signal.Signals) -> None:
    """SSH drops: the engine and the media process go with the workbench, however it ends."""
    children = psutil.Process(demo.pid).children(recursive=True)
    assert children
    demo.kill(number)
    demo.wait_for_end()
    _, alive = psutil.wait_procs(children, timeout=15)
    assert not alive


def test_a_tiny_terminal_and_back(looking: Terminal) -> None:
    for size in ((20, 5), (200, 60), (80, 24), (120, 40)):
        looking.resize(*size)
        looking.settle(1.0)  # until the paint for this size has come: what comes late would land on the next one
        if size != (20, 5):
            looking.wait(
                lambda: any("three-shapes.png" in row[30:] for row in looking.lines), 30, f"the picture at {size}"
            )
    looking.press("ctrl+q")
    assert looking.wait_for_end() == 0


def test_hostile_names_and_broken_pictures(unloaded: None, opened: Open, tmp_path: Path) -> None:
    """Names that steer terminals and files that are not what they say: shown inertly, as one clear line each."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    names = ["\x1b]52;c;aGFja2Vk\x07.png", "[red]markup[bold].png", "two\nlines.png", "\u202egnp.exe.png", "cut.png"]
    for name in names:
        (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n truncated \x1b]52;c;aGFja2Vk\x07")
    (folder / "empty.jpg").touch()
    terminal = opened(folder, "--model", "demo")
    terminal.wait_for("[red]markup[bold].png", 60)
    for _ in range(len(names) + 2):
        terminal.press("down")
        terminal.settle(0.4)
    terminal.wait_for("cut.png", 10)
    assert b"\x1b]52;c;aGFja2Vk" not in terminal.received
    terminal.press("ctrl+q")
    assert terminal.wait_for_end() == 0


def test_a_picture_deleted_while_it_is_shown(demo: Terminal, tmp_path: Path) -> None:
    shown = next((tmp_path / "shapes-to-ask").rglob("three-shapes.png"))
    content = shown.read_bytes()
    shown.unlink()
    go_to_the_chat(demo)
    ask(demo, "How many shapes are there?")
    demo.wait_for("three-shapes.png is not there any", 60)
    assert "How many shapes are there?" in demo.text  # what was typed stays
    shown.write_bytes(content)
    demo.press("enter")
    demo.wait_for("ttft", 60)
    answer = _after(demo, "How many shapes are there?")
    assert "3" in answer or "three" in answer.lower(), answer
    demo.press("ctrl+q")
    assert demo.wait_for_end() == 0


def test_no_color(unloaded: None, opened: Open) -> None:
    terminal = opened("demo", "plain", NO_COLOR="1")
    terminal.wait_for("words", 120)
    select(terminal, "three-shapes.png")
    terminal.settle()
    colours = {cell.fg for row in terminal.screen.buffer.values() for cell in row.values()} - {"default"}
    assert all(_is_grey(colour) for colour in colours), colours


def _is_grey(colour: str) -> bool:
    if len(colour) != 6:
        return colour in {"black", "white", "brightblack", "brightwhite"}
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    return max(red, green, blue) - min(red, green, blue) <= 2


def test_ctrl_c_twice_leaves(looking: Terminal) -> None:
    looking.press("ctrl+c")
    looking.settle()
    assert psutil.pid_exists(looking.pid)
    looking.press("ctrl+c")
    assert looking.wait_for_end() == 0


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    result = run(str(tmp_path))
    assert result.returncode == 2
    assert result.stderr.startswith("vlmtui: the workbench needs a terminal")
    assert len(result.stderr.splitlines()) == 1
