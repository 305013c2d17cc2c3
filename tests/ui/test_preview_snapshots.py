"""What the tiles and the metadata look like, in a wide and a narrow pane."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.test_preview import SPLIT, until
from tests.ui.test_preview_closer import Stepping
from tests.unit.media.made import scene
from tests.unit.media.test_metadata import photograph

SIZES = [(120, 34), (56, 30)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_tiles(snap_compare, tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "scene.png"
    scene(640, 480).save(path)
    app = Stepping([path])

    async def run(pilot: Pilot[object]) -> None:
        await until(pilot, lambda: bool(app.shown))  # type: ignore[arg-type]
        app.preview.processor = SPLIT
        await pilot.press("m")
        await until(pilot, lambda: "global" in app.screen_text().split("As the")[0].split("Model's")[0])  # type: ignore[arg-type]

    assert snap_compare(app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_metadata(snap_compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    path = photograph(tmp_path / "photograph.jpg")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    app = Stepping([path])

    async def run(pilot: Pilot[object]) -> None:
        await until(pilot, lambda: bool(app.shown))  # type: ignore[arg-type]
        await pilot.press("i")
        await until(pilot, lambda: "Camera" in app.screen_text() and "▀" in app.screen_text())  # type: ignore[arg-type]
        await pilot.pause(0.3)

    assert snap_compare(app, terminal_size=size, run_before=run)
