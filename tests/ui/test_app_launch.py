"""Opening the workbench from the command line, and what the terminal's process never loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal

_FORBIDDEN = ("torch", "transformers", "torchvision", "cv2", "PIL", "numpy", "huggingface_hub", "textual_image")

_SESSION = """
import asyncio, json, sys
from pathlib import Path

from tests.ui.conftest import ready, type_text, until
from vlmtui.settings import Settings
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.engine_state import ModelChoice

async def session(folder, model, aside):
    app = VlmtuiApp(
        Path(folder),
        settings=Settings(device="cpu", graphics="half-block", max_new_tokens=8),
        choice=ModelChoice(model, device="cpu"),
        settings_path=Path(aside) / "settings.toml",
        log=Path(aside) / "engine.log",
    )
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("down")
        await until(pilot, lambda: app.workbench.preview.info is not None)
        await pilot.press("enter")
        await type_text(pilot, "What is **this**?")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        await pilot.press("f4")
        await until(pilot, lambda: app.screen.id == "model-picker")
        await pilot.press("escape", "f1")
        await until(pilot, lambda: app.screen is not app.workbench)
        await pilot.press("escape", "ctrl+t", "escape", "ctrl+n")

asyncio.run(session(*sys.argv[1:4]))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_whole_session_loads_nothing_heavy(workspace: Path, tiny: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SESSION, str(workspace), str(tiny), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "vlmtui" in loaded
    assert not loaded & set(_FORBIDDEN)


@pytest.mark.parametrize("command", [[], ["demo"], ["open"]])
def test_without_a_terminal_it_says_so(command: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vlmtui", *command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr and "vlmtui ask" in done.stderr
    assert list(tmp_path.iterdir()) == []  # `demo` has written nothing


def open_in_terminal(*arguments: str | Path, **options: object) -> Terminal:
    return Terminal([sys.executable, "-m", "vlmtui", *map(str, arguments)], **options)  # type: ignore[arg-type]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with open_in_terminal(tmp_path / "nowhere") as terminal:
        assert terminal.wait_for_end() == 2
        assert "nowhere: no such folder" in terminal.text.replace("\n", "")


def test_a_wrong_dtype_is_one_line(tmp_path: Path) -> None:
    with open_in_terminal("--dtype", "float8", tmp_path) as terminal:
        assert terminal.wait_for_end() == 2
        assert "choose auto, float32, bfloat16 or float16" in terminal.text


def test_a_file_opens_its_folder_with_the_file_selected(workspace: Path, tiny: Path) -> None:
    with open_in_terminal("--model", tiny, "--device", "cpu", workspace / "picture2.png") as terminal:
        terminal.wait_for("CHAT")
        terminal.wait(lambda: "picture2.png" in terminal.lines[0], what="the picture's tab")
        terminal.wait_for("64x48")
        terminal.press("ctrl+q")
        assert terminal.wait_for_end() == 0


def test_ctrl_c_twice_ends_the_program_and_its_children(workspace: Path, tiny: Path) -> None:
    with open_in_terminal("--model", tiny, "--device", "cpu", workspace) as terminal:
        terminal.wait_for("● ready")
        children = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
        assert children
        terminal.press("ctrl+c")
        terminal.wait_for("Press Ctrl+C again to quit")
        terminal.press("ctrl+c")
        assert terminal.wait_for_end() == 0
        assert not [child for child in children if Path(f"/proc/{child}").exists()]


def test_no_color_paints_no_colour(workspace: Path, tiny: Path) -> None:
    plain = {"NO_COLOR": "1"}
    with open_in_terminal("--model", tiny, "--device", "cpu", workspace, environment=plain) as terminal:
        terminal.wait_for("● ready")
        terminal.press("down")
        terminal.wait_for("64x48")
        shades = {cell.fg for row in terminal.screen.buffer.values() for cell in row.values()}
        shades |= {cell.bg for row in terminal.screen.buffer.values() for cell in row.values()}
        for shade in shades - {"default", "black", "white"}:
            assert shade[0:2] == shade[2:4] == shade[4:6], f"{shade} is a colour"
        terminal.press("ctrl+q")
        assert terminal.wait_for_end() == 0
