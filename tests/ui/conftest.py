"""The real app over a small workspace, with the real engine child and a tiny checkpoint."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import msgspec
import pytest
from textual.pilot import Pilot

import tests.engine_nursery
from tests.adapter_maker import make_adapters
from tests.tiny_model import checkpoint
from vlmtui.settings import Settings
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.engine_state import ModelChoice

MakeApp = Callable[..., VlmtuiApp]

_START = asyncio.create_subprocess_exec
_SETTINGS = Settings(device="cpu", dtype="float32", graphics="half-block", max_new_tokens=16)


def png(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> bytes:
    """Return a PNG of one colour, made without Pillow: this process decodes no pictures."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder with pictures, a data set, a text and a folder; its name is always the same."""
    place = tmp_path / "workspace"
    (place / "more").mkdir(parents=True)
    for number, colour in enumerate([(200, 40, 40), (40, 160, 60), (40, 90, 210)], start=1):
        (place / f"picture{number}.png").write_bytes(png(colour))
    (place / "picture10.png").write_bytes(png((240, 220, 40), 48, 64))
    (place / "more" / "inside.png").write_bytes(png((20, 20, 20)))
    (place / "questions.jsonl").write_text('{"question": "How many?"}\n', encoding="utf-8")
    (place / "README.md").write_text("# A workspace\n", encoding="utf-8")
    (place / ".hidden.png").write_bytes(png((1, 2, 3)))
    return place


@pytest.fixture(scope="session")
def tiny() -> Path:
    """The folder of a tiny checkpoint with random weights."""
    return checkpoint()


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where engines are to be had that need not import torch: the address for `tests.engine_nursery`."""
    address = str(tmp_path_factory.mktemp("nursery") / "engines")
    command = [sys.executable, "-P", "-m", "tests.engine_nursery", address]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=root) as process:
        while not Path(address).exists():
            assert process.poll() is None, "the nursery of engines ended"
            sleep(0.05)
        yield address
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def quick_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take engines from the nursery, but those that are to ask a hub."""

    async def quickly(*command: str, **options: object) -> asyncio.subprocess.Process:
        if "vlmtui.engine.host" in command and os.environ.get("HF_HUB_OFFLINE") == "1":
            address = request.getfixturevalue("nursery")
            command = (sys.executable, "-IS", str(Path(tests.engine_nursery.__file__)), address)
        return await _START(*command, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", quickly)


@pytest.fixture
def own_engine(quick_engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the engine as the program does, after all: the test deals with its process."""
    monkeypatch.setattr(asyncio, "create_subprocess_exec", _START)


@pytest.fixture(scope="session")
def demo_adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two adapters for the demo model, `first` and `second`."""
    from vlmtui.demo import weights_path

    place = tmp_path_factory.mktemp("adapters")
    make_adapters(weights_path(), place, "first", "second", base="demo")
    return place


@pytest.fixture
def make_app(workspace: Path, tiny: Path, tmp_path: Path, quick_engine: None) -> MakeApp:
    """Make the app over the workspace, with the tiny checkpoint on the CPU unless told otherwise."""

    def make(**changes: object) -> VlmtuiApp:
        options: dict[str, object] = {
            "settings": _SETTINGS,
            "choice": ModelChoice(str(tiny), device="cpu", dtype="float32"),
            "settings_path": tmp_path / "settings.toml",
            "log": tmp_path / "engine.log",
        }
        return VlmtuiApp(workspace, **{**options, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_shell(make_app: MakeApp) -> MakeApp:
    """As `make_app`, but the model is loaded with the first question only: for what needs none. It starts at once."""

    def make(**changes: object) -> VlmtuiApp:
        settings = changes.pop("settings", _SETTINGS)
        assert isinstance(settings, Settings)
        return make_app(settings=msgspec.structs.replace(settings, load_model="question"), **changes)

    return make


async def until(pilot: Pilot[object], condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `condition` holds; fail, saying what was on the screen, when it does not in `seconds`."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f"waited {seconds} s in vain\n{screen_text(pilot)}"
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)


async def ready(pilot: Pilot[object]) -> VlmtuiApp:
    """Wait until the workbench is whole, its folder read and its model loaded, if it loads at the start."""
    app = pilot.app
    assert isinstance(app, VlmtuiApp)
    await until(pilot, lambda: app.workbench.complete)
    if app.settings.load_model == "start":
        await until(pilot, lambda: app.session.state.phase == "ready")
    await until(pilot, lambda: app.workbench.part("explorer").rows)  # type: ignore[attr-defined]
    await pilot.pause()  # all is laid out: a click meets what it is meant for
    return app


async def type_text(pilot: Pilot[object], text: str) -> None:
    """Press the keys that write `text`."""
    names = {" ": "space", "?": "question_mark", ".": "full_stop", ",": "comma", "/": "slash", "-": "minus"}
    names |= {"_": "underscore", "~": "tilde"}
    await pilot.press(*[names.get(letter, letter) for letter in text])


def screen_text(pilot: Pilot[object]) -> str:
    """Return what is on the screen, as lines of text."""
    screen = pilot.app.screen
    width, height = screen.size
    strips = screen._compositor.render_strips(screen.size)
    return "\n".join(strip.text[:width] for strip in strips[:height])
