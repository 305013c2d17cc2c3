"""A video in the real workbench: the frames that the model is sent are those that the strip shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ui.conftest import MakeApp, ready, type_text, until
from tests.unit.media.made import number_of, write_numbered
from vlmtui.engine.protocol import VideoPart
from vlmtui.media.videos import sample_frames
from vlmtui.models.sampling import FrameSampling
from vlmtui.ui.session import turns_of
from vlmtui.ui.widgets.film_strip import FilmStrip
from vlmtui.ui.widgets.video_view import VideoView


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ([], FrameSampling()),
        (["minus", "minus"], FrameSampling(frames=4)),
        (["m"], FrameSampling(mode="fps")),
        (["5", "left_square_bracket", "minus"], FrameSampling(frames=6, start_s=3.0)),
    ],
)
async def test_what_the_strip_shows_is_what_the_model_is_sent(
    make_app: MakeApp, workspace: Path, keys: list[str], wanted: FrameSampling
) -> None:
    video = write_numbered(workspace / "a-film.mp4")
    async with make_app().run_test(size=(200, 44)) as pilot:
        app = await ready(pilot)
        explorer = app.workbench.part("explorer")
        await until(pilot, lambda: any(row.name == video.name for row in explorer.rows))  # type: ignore[attr-defined]
        for _ in explorer.rows:  # type: ignore[attr-defined]
            if explorer.selected.name == video.name:  # type: ignore[attr-defined]
                break
            await pilot.press("down")
        await until(pilot, lambda: isinstance(app.workbench.viewer, VideoView) and app.workbench.viewer.info)
        view: VideoView = app.workbench.viewer
        strip = view.query_one(FilmStrip)
        await until(pilot, lambda: strip.choices)
        await pilot.press("f6")
        assert view.has_focus
        for key in keys:
            await pilot.press(key)
            if key == "5":
                await until(pilot, lambda: view.frame is not None and view.frame.index == 30)
        assert view.sampling == wanted
        sampled = sample_frames(video, wanted)
        await until(pilot, lambda: [choice.index for choice in strip.choices] == sampled.indices)
        await pilot.press("f6")
        await type_text(pilot, "what")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2)
        await until(pilot, lambda: app.workbench.conversation.messages[-1].stats.tiles)
        assert app.workbench.conversation.messages[-1].stats.tiles == len(strip.choices)
        (part,) = [p for p in turns_of(app.workbench.conversation)[0].parts if isinstance(p, VideoPart)]
        assert part == VideoPart(path=str(video), sampling=wanted)
        drawn = strip.drawn
        assert drawn is not None
        sheet = np.frombuffer(drawn.parts[0], np.uint8).reshape(drawn.rows * 2, drawn.columns, 3)
        wide = strip.columns
        page = sampled.frames[strip.first :][: strip.count]
        seen = [number_of(sheet[:, place * wide : (place + 1) * wide - 1]) for place in range(len(page))]
        assert seen == [number_of(frame) for frame in page]
