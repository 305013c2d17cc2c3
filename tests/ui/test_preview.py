"""The preview with the real media child: what a user sees of good, bad, changing and vanishing files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static

from tests.unit.media.made import MODES, quarters, scene, write_video
from vlmtui.media.client import MediaClient
from vlmtui.models.processor import ProcessorSettings
from vlmtui.ui.widgets.preview import Preview
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas

SPLIT = ProcessorSettings(tile_px=512, longest_edge=2048, tokens_per_tile=64, splitting=True)
UNSPLIT = ProcessorSettings(tile_px=512, longest_edge=2048, tokens_per_tile=64, splitting=False)


class Bench(App[None]):
    """A preview and what it posts."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.media = MediaClient()
        self.first = path
        self.shown: list[Preview.Shown] = []
        self.failed: list[Preview.Failed] = []

    def compose(self) -> ComposeResult:
        yield Preview(self.media)

    def on_mount(self) -> None:
        self.preview.path = self.first

    @property
    def preview(self) -> Preview:
        return self.query_one(Preview)

    def on_preview_shown(self, message: Preview.Shown) -> None:
        self.shown.append(message)

    def on_preview_failed(self, message: Preview.Failed) -> None:
        self.failed.append(message)

    async def on_unmount(self) -> None:
        await self.media.close()

    def text(self, part: str) -> str:
        return str(self.query_one(f"#preview-{part}", Static).content)

    def screen_text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


async def until(pilot: Pilot[None], done: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, pilot.app.screen._compositor.render_strips()
        await pilot.pause(0.02)
    await pilot.pause()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    scene(640, 480).save(path)
    return path


def colours(app: Bench, x: int, y: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the upper and the lower colour of the cell at `x`, `y` of the screen."""
    strip = app.screen._compositor.render_strips()[y].crop(x, x + 1)
    style = next(iter(strip)).style
    assert style is not None and style.color is not None and style.bgcolor is not None
    return tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor())  # type: ignore[return-value]


async def test_with_no_file_it_says_what_to_do() -> None:
    app = Bench()
    async with app.run_test(size=(80, 24)):
        assert "Select a picture" in app.screen_text()
        assert app.preview.terminal.form == "half-block"


async def test_a_picture_is_drawn_and_described(picture: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(80, 30)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        assert (app.shown[0].path, app.shown[0].info.width) == (picture, 640)
        drawn = app.query_one(PreviewCanvas).drawn
        assert drawn is not None and (drawn.columns, drawn.rows) == (72, 27)
        red = colours(app, 4 + 72 * 2 // 10, 27 * 3 // 10)[0]
        assert red[0] > 200 and red[1] < 80
        blue = colours(app, 4 + 72 * 75 // 100, 27 * 75 // 100)[0]
        assert blue[2] > 200 and blue[0] < 80
        assert app.text("name") == "scene.png"
        assert app.text("facts").startswith("640x480 · RGB · PNG · ")
        app.preview.processor = SPLIT
        assert app.text("facts").endswith("\n13 tiles · 832 tokens")
        app.preview.processor = UNSPLIT
        assert app.text("facts").endswith("1 tile · 64 tokens (not split; 13 tiles · 832 tokens at full resolution)")


async def test_in_a_narrow_pane_the_cost_is_said_in_fewer_words(picture: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(44, 20)) as pilot:
        app.preview.processor = UNSPLIT
        await until(pilot, lambda: bool(app.shown))
        assert app.text("facts").endswith("1 tile · 64 tokens (full: 13 tiles · 832)")


@pytest.mark.parametrize("mode", MODES)
async def test_every_mode_is_drawn(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.png"
    quarters(mode).save(path)
    app = Bench(path)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        dark, light = colours(app, 10, 10)[0], colours(app, 50, 10)[0]
        assert (max(dark) <= 70 and min(light) >= 185) if mode != "1" else (dark, light) == ((0,) * 3, (255,) * 3)
        assert f" · {mode} · " in app.text("facts")


async def test_only_the_last_of_many_is_shown_and_never_under_another_name(tmp_path: Path) -> None:
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (900, 600), (number * 20, 0, 0)).save(path)
        paths.append(path)
    app = Bench(paths[0])
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        for path in paths[1:]:
            app.preview.path = path
            await pilot.pause(0.01)
            number = int(app.text("name").removesuffix(".png"))
            assert colours(app, 30, 10)[0] == (number * 20, 0, 0)
        await until(pilot, lambda: app.shown[-1].path == paths[-1])
        assert colours(app, 30, 10)[0] == (220, 0, 0)
        assert len(app.shown) < len(paths) or len({m.path for m in app.shown}) == len(app.shown)


async def test_a_resize_draws_it_anew(picture: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(80, 30)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        for size in ((30, 12), (50, 40), (100, 20)):
            await pilot.resize_terminal(*size)
        canvas = app.query_one(PreviewCanvas)
        await until(pilot, lambda: canvas.drawn is not None and canvas.drawn.rows == 17)
        assert canvas.drawn is not None and canvas.drawn.columns == 45
        assert len(app.shown) == 1


async def test_a_bad_file_is_a_clear_line_and_the_next_one_is_shown(picture: Path, tmp_path: Path) -> None:
    bad = tmp_path / "cut.png"
    bad.write_bytes(picture.read_bytes()[:2000])
    app = Bench(picture)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        app.preview.path = bad
        await until(pilot, lambda: bool(app.failed))
        assert app.failed[0].path == bad and "cut off" in app.failed[0].line
        assert "cut.png is cut off" in app.screen_text() and "▀" not in app.screen_text()
        assert app.text("name") == "cut.png" and app.text("facts") == ""
        await pilot.resize_terminal(70, 20)
        await pilot.pause(0.2)
        assert len(app.failed) == 1
        app.preview.path = picture
        await until(pilot, lambda: len(app.shown) == 2)
        assert "▀" in app.screen_text()


async def test_a_file_that_changes_or_goes_while_shown_is_noticed(picture: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        Image.new("RGB", (640, 480), (0, 255, 0)).save(picture)
        await until(pilot, lambda: colours(app, 30, 10)[0] == (0, 255, 0))
        picture.unlink()
        await until(pilot, lambda: bool(app.failed))
        assert "no longer there" in app.screen_text()


async def test_a_killed_decoder_is_replaced(picture: Path, tmp_path: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        assert app.media.pid is not None
        os.kill(app.media.pid, signal.SIGKILL)
        other = tmp_path / "other.png"
        scene().save(other)
        await pilot.pause(0.1)
        app.preview.path = other
        await until(pilot, lambda: app.shown[-1].path == other)


async def test_a_decoder_killed_at_work_is_one_line(picture: Path, tmp_path: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        assert app.media.pid is not None
        os.kill(app.media.pid, signal.SIGSTOP)
        other = tmp_path / "other.png"
        scene().save(other)
        app.preview.path = other
        await until(pilot, lambda: "Loading other.png" in app.text("facts"))
        assert app.text("name") == "scene.png"  # the picture that is there is still the one that is named
        os.kill(app.media.pid, signal.SIGKILL)
        await until(pilot, lambda: bool(app.failed))
        assert "decoder ended" in app.failed[0].line
        app.preview.path = picture
        await until(pilot, lambda: len(app.shown) == 2)


async def test_hostile_names_and_texts_are_harmless(tmp_path: Path) -> None:
    picture = tmp_path / "a\x1b]52;c;aGk=\x07\n[bold]b\u202egnp.png"
    scene().save(picture)
    text = tmp_path / "notes.txt"
    text.write_text("[red]markup[/red] \x1b[31mred\x1b]0;title\x07\n" + "x" * 300)
    app = Bench(picture)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        assert "[bold]b" in app.screen_text()
        app.preview.path = text
        await until(pilot, lambda: len(app.shown) == 2)
        seen = app.screen_text()
        assert "[red]markup[/red]" in seen
        bad = tmp_path / "\x1b[31m[x].png"
        bad.write_bytes(b"no picture")
        app.preview.path = bad
        await until(pilot, lambda: bool(app.failed))
        for part in (seen, app.screen_text(), app.failed[0].line):
            assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e" for c in part)


async def test_videos_datasets_and_unknown_files(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4")
    app = Bench(video)
    async with app.run_test(size=(80, 24)) as pilot:
        app.preview.processor = SPLIT
        await until(pilot, lambda: bool(app.shown))
        assert "64x48 · 2.0 s · 20 frames · 10 fps" in app.text("facts")
        assert "8 frames · 512 tokens (1 tile a frame)" in app.text("facts")
        assert "▀" in app.screen_text()
        rows = tmp_path / "rows.jsonl"
        rows.write_text('{"image": "a.png", "question": "what?"}\n' * 3)
        app.preview.path = rows
        await until(pilot, lambda: len(app.shown) == 2)
        assert '"question": "what?"' in app.screen_text() and "dataset · 120 B" in app.text("facts")
        blob = tmp_path / "weights.bin"
        blob.write_bytes(b"\x00" * 2_500_000)
        app.preview.path = blob
        await until(pilot, lambda: len(app.shown) == 3)
        assert "no preview" in app.screen_text() and "2.5 MB" in app.text("facts")
        app.preview.path = None
        await until(pilot, lambda: "Select a picture" in app.screen_text())
        assert app.text("name") == ""


async def test_under_a_dialogue_the_picture_is_dimmed(picture: Path) -> None:
    app = Bench(picture)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        before = sum(colours(app, 20, 5)[0])
        await app.push_screen(ModalScreen())
        await pilot.pause()
        assert sum(colours(app, 20, 5)[0]) < before
        app.pop_screen()
        await pilot.pause()
        assert sum(colours(app, 20, 5)[0]) == before


async def test_without_colour_there_are_shades(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Bench(picture)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        assert app.preview.terminal.form == "shade"
        assert len(set("░▒▓█") & set(app.screen_text())) >= 2


def test_the_terminal_s_process_stays_light(picture: Path) -> None:
    """After a picture is shown no decoder has been imported, and the process is small."""
    script = (
        "import asyncio, sys, psutil\n"
        "from pathlib import Path\n"
        "from textual.app import App\n"
        "from vlmtui.media.client import MediaClient\n"
        "from vlmtui.ui.widgets.preview import Preview\n"
        "class Bench(App):\n"
        "    shown = False\n"
        "    def compose(self):\n"
        "        self.media = MediaClient()\n"
        "        yield Preview(self.media)\n"
        "    def on_preview_shown(self):\n"
        "        self.shown = True\n"
        "    async def on_unmount(self):\n"
        "        await self.media.close()\n"
        "async def main():\n"
        "    app = Bench()\n"
        "    async with app.run_test(size=(120, 40)) as pilot:\n"
        f"        app.query_one(Preview).path = Path({str(picture)!r})\n"
        "        while not app.shown:\n"
        "            await pilot.pause(0.02)\n"
        "        await pilot.pause()\n"
        "        print(psutil.Process().memory_info().rss // 1_000_000)\n"
        "    print(sorted({n.split('.')[0] for n in sys.modules} & {'PIL', 'numpy', 'cv2', 'torch', 'transformers'}))\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    megabytes, heavy = ran.stdout.split("\n")[:2]
    assert heavy == "[]"
    assert int(megabytes) <= 120
