"""The preview with the real media child: zoom, pan, steps, tiles, metadata and animations."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.ui.test_preview import SPLIT, Bench, colours, until
from tests.unit.media.made import scene
from tests.unit.media.test_animation import animation
from tests.unit.media.test_metadata import photograph
from vlmtui.ui.widgets.preview import Preview
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas


class Stepping(Bench):
    """A preview over a list of pictures."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__(paths[0])
        self.paths = paths

    def on_mount(self) -> None:
        self.preview.sibling = self.sibling
        super().on_mount()
        self.preview.focus()

    def sibling(self, path: Path, by: int) -> Path | None:
        at = self.paths.index(path) + by
        return self.paths[at] if 0 <= at < len(self.paths) else None

    def on_preview_step_requested(self, message: Preview.StepRequested) -> None:
        other = self.sibling(message.path, message.by)
        if other is not None:
            self.preview.path = other


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.png"
    image = Image.new("RGB", (1000, 800), (10, 10, 200))
    image.paste((200, 10, 10), (0, 0, 500, 400))
    image.save(path)
    return path


async def test_zoom_pan_and_back(large: Path) -> None:
    app = Stepping([large])
    async with app.run_test(size=(80, 30)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        await pilot.press("1")
        assert app.text("facts").startswith("100 % · x 460–540, y 373–427 of 1000x800")
        canvas = app.query_one(PreviewCanvas)
        await until(pilot, lambda: canvas.drawn is not None and canvas.drawn.columns == 80)
        assert colours(app, 5, 3)[0] == (200, 10, 10) and colours(app, 75, 3)[0] == (10, 10, 200)
        await pilot.press("left", "left", "k")
        await until(pilot, lambda: colours(app, 75, 3)[0] == (200, 10, 10))
        assert app.text("facts").startswith("100 % · x 420–500, ")
        await pilot.press("plus")
        assert app.text("facts").startswith("141 % · ")
        await pilot.press("f")
        assert app.text("facts").startswith("1000x800 · RGB")
        await until(pilot, lambda: colours(app, 70, 20)[0] == (10, 10, 200))


async def test_steps_show_each_picture_and_end_at_the_last(tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (400, 300), (number * 50, 0, 0)).save(path)
        paths.append(path)
    app = Stepping(paths)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        for number, key in ((1, "n"), (2, "pagedown"), (3, "right"), (2, "p"), (1, "pageup"), (2, "n"), (3, "n")):
            await pilot.press(key)
            await until(pilot, lambda number=number: app.text("name") == f"{number}.png")
            assert colours(app, 30, 10)[0] == (number * 50, 0, 0)
        await pilot.press("n", "n", "n", "n")
        await until(pilot, lambda: app.text("name") == "4.png")
        assert app.preview.path == paths[4]


async def test_what_changed_meanwhile_is_not_shown_as_it_was(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path in paths:
        Image.new("RGB", (40, 30), (200, 0, 0)).save(path)
    app = Stepping(paths)
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        await pilot.pause(0.3)  # the second one has been drawn by now
        Image.new("RGB", (40, 30), (0, 200, 0)).save(paths[1])
        await pilot.press("n")
        await until(pilot, lambda: colours(app, 30, 10)[0] == (0, 200, 0))


async def test_as_the_model_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "scene.png"
    scene(640, 480).save(path)
    app = Stepping([path])
    async with app.run_test(size=(100, 36), notifications=True) as pilot:
        await until(pilot, lambda: bool(app.shown))
        await pilot.press("m")
        await until(pilot, lambda: "No model is loaded yet" in app.screen_text())
        app.preview.processor = SPLIT
        await pilot.press("m")
        await until(pilot, lambda: "global view" in app.screen_text().replace("tiles + global view", ""))
        seen = app.screen_text()
        for row in (1, 2, 3):
            for column in (1, 2, 3, 4):
                assert any(words in seen for words in (f"r{row}c{column} 64", f"row {row} col {column} · 64"))
        said = app.text("facts")  # a notification lies over it
        assert said == "As the model sees it: 3 x 4 tiles + global view, 512 px each\n13 tiles · 832 tokens"
        await pilot.press("m")
        await until(pilot, lambda: "640x480 · RGB" in app.text("facts"))


@pytest.mark.parametrize("size", [(120, 30), (60, 30)])
async def test_metadata_beside_or_below(tmp_path: Path, size: tuple[int, int]) -> None:
    app = Stepping([photograph(tmp_path / "a\x1b[31m.jpg")])
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: bool(app.shown))
        await pilot.press("i")
        await until(pilot, lambda: "Camera" in app.screen_text())
        seen = app.screen_text()
        assert "▀" in seen and "\x1b" not in seen
        await pilot.press("i")
        await until(pilot, lambda: "Camera" not in app.screen_text())


async def test_an_animation_plays_pauses_and_rests_in_the_background(tmp_path: Path) -> None:
    app = Stepping([animation(tmp_path / "a.gif", [60] * 5)])
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown))
        assert "animated" in app.text("facts")
        await pilot.press("space")
        seen = set()
        await until(pilot, lambda: seen.add(app.text("facts")[-7:]) or len(seen) >= 4)  # type: ignore[func-returns-value]
        await pilot.press("space")
        await pilot.pause(0.1)
        rests = app.text("facts")
        await pilot.pause(0.3)
        assert app.text("facts") == rests
        await pilot.press("space")
        await until(pilot, lambda: app.text("facts") != rests)
        app.app_focus = False
        await pilot.pause(0.2)
        rests = app.text("facts")
        await pilot.pause(0.3)
        assert app.text("facts") == rests
        app.app_focus = True
        await until(pilot, lambda: app.text("facts") != rests)


async def test_a_broken_animation_is_a_line(tmp_path: Path) -> None:
    path = animation(tmp_path / "a.gif", [60] * 5, (300, 300))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    app = Stepping([path])
    async with app.run_test(size=(60, 24)) as pilot:
        await until(pilot, lambda: bool(app.shown or app.failed))
        await pilot.press("space")
        await pilot.pause(0.5)
        assert app.is_running and (app.shown or app.failed[0].line)
