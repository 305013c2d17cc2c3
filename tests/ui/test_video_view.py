"""The viewer of videos with the real media child: the frame that is meant, the frames that are sent, and no hang."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Static

from tests.unit.media.made import number_of, only_sound, turn_video, vary_rate, write_numbered
from vlmtui.media.client import MediaClient
from vlmtui.media.protocol import Rendered
from vlmtui.media.videos import sample_frames
from vlmtui.models.processor import ProcessorSettings
from vlmtui.models.sampling import FrameSampling
from vlmtui.ui.widgets.film_strip import FilmStrip
from vlmtui.ui.widgets.scrub_bar import ScrubBar, clock
from vlmtui.ui.widgets.video_view import VideoView

PROCESSOR = ProcessorSettings(tile_px=512, longest_edge=2048, tokens_per_tile=64)


class Bench(App[None]):
    """A viewer and what it posts."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.media = MediaClient()
        self.first = path
        self.shown: list[VideoView.Shown] = []
        self.failed: list[VideoView.Failed] = []
        self.chosen: list[VideoView.SamplingChanged] = []

    def compose(self) -> ComposeResult:
        yield VideoView(self.media)

    def on_mount(self) -> None:
        self.view.processor = PROCESSOR
        self.view.path = self.first
        self.view.focus()

    @property
    def view(self) -> VideoView:
        return self.query_one(VideoView)

    @property
    def strip(self) -> FilmStrip:
        return self.query_one(FilmStrip)

    def on_video_view_shown(self, message: VideoView.Shown) -> None:
        self.shown.append(message)

    def on_video_view_failed(self, message: VideoView.Failed) -> None:
        self.failed.append(message)

    def on_video_view_sampling_changed(self, message: VideoView.SamplingChanged) -> None:
        self.chosen.append(message)

    async def on_unmount(self) -> None:
        await self.media.close()

    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    def cost(self) -> str:
        return str(self.query_one("#video-cost", Static).content)


def pixels(drawn: Rendered | None) -> np.ndarray:
    assert drawn is not None and drawn.form == "half-block"
    return np.frombuffer(drawn.parts[0], np.uint8).reshape(drawn.rows * 2, drawn.columns, 3)


def on_show(app: Bench) -> int:
    """Return the number that the frame on the screen says itself."""
    frame = app.view.frame
    assert frame is not None
    return number_of(pixels(frame.picture))


def in_strip(app: Bench) -> list[int]:
    """Return the numbers that the frames of the strip say themselves."""
    sheet = pixels(app.strip.drawn)
    wide = app.strip.columns
    count = min(app.strip.count, len(app.strip.choices) - app.strip.first)
    return [number_of(sheet[:, place * wide : (place + 1) * wide - 1]) for place in range(count)]


async def until(pilot: Pilot[None], done: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, pilot.app.text()  # type: ignore[attr-defined]
        await pilot.pause(0.02)
    await pilot.pause()


async def whole(pilot: Pilot[None], app: Bench) -> None:
    """Wait until the first frame and the strip are there."""
    await until(pilot, lambda: app.shown and app.strip.choices and app.strip.drawn is not None)


def at(app: Bench, index: int) -> bool:
    return app.view.frame is not None and app.view.frame.index == index


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_numbered(tmp_path / "film.mp4")


async def test_the_first_frame_and_what_the_model_is_sent(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(120, 40)) as pilot:
        await whole(pilot, app)
        assert (on_show(app), app.shown[0].path, app.shown[0].info.duration) == (0, video, 6.0)
        assert "frame 1 of 60 · 160x64 · 10 fps" in app.text()
        assert "the model is sent 8 frames · 8 tiles · 512 tokens" in app.cost()
        assert "0:00.0" in app.text() and "0:06.0" in app.text()


async def test_keys_go_where_they_say(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(100, 30)) as pilot:
        await whole(pilot, app)
        for key, index in [
            ("right", 10), ("right", 20), ("left", 10), ("full_stop", 11), ("comma", 10), ("end", 59),
            ("full_stop", 59), ("5", 30), ("9", 54), ("0", 0), ("comma", 0), ("left", 0), ("home", 0),
        ]:  # fmt: skip
            await pilot.press(key)
            await until(pilot, lambda index=index: at(app, index))
            assert on_show(app) == index


async def test_steps_that_are_pressed_fast_all_count(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(100, 30)) as pilot:
        await whole(pilot, app)
        await pilot.press(*["full_stop"] * 7, *["right"] * 3)
        await until(pilot, lambda: at(app, 37))
        assert on_show(app) == 37


async def test_the_mouse_scrubs(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(100, 30)) as pilot:
        await whole(pilot, app)
        bar = app.query_one(ScrubBar)
        left, wide, _ = bar._parts()
        await pilot.click(ScrubBar, offset=(len(left) + wide // 2, 0))
        await until(pilot, lambda: app.view.frame is not None and 28 <= app.view.frame.index <= 32)
        await pilot.mouse_down(ScrubBar, offset=(len(left) + 2, 0))
        await pilot.hover(ScrubBar, offset=(len(left) + wide - 1, 0))
        await until(pilot, lambda: at(app, 59))
        await pilot.mouse_up(ScrubBar, offset=(len(left) + wide - 1, 0))
        await pilot.hover(ScrubBar, offset=(len(left) + 3, 0))
        await pilot.pause(0.1)
        assert on_show(app) == 59
        place = app.strip.choices[app.strip.first + 1]
        await pilot.click(FilmStrip, offset=(app.strip.columns + 2, 1))
        await until(pilot, lambda: at(app, place.index))


@pytest.mark.parametrize("keys", [[], ["plus"], ["m"], ["m", "plus"], ["3", "left_square_bracket", "7"]])
async def test_the_strip_shows_exactly_what_is_sampled(video: Path, keys: list[str]) -> None:
    app = Bench(video)
    async with app.run_test(size=(200, 40)) as pilot:
        await whole(pilot, app)
        for key in [*keys, "right_square_bracket"] if "3" in keys else keys:
            before = app.view.sampling
            await pilot.press(key)
            if key in "37":  # the range begins and ends at the frame on show
                await until(pilot, lambda key=key: at(app, {"3": 18, "7": 42}[key]))
            else:
                await until(pilot, lambda before=before: app.view.sampling != before)
        if "3" in keys:
            assert app.view.sampling == FrameSampling(start_s=1.8, end_s=4.2)
        sampled = sample_frames(video, app.view.sampling)
        await until(pilot, lambda: [c.index for c in app.strip.choices] == sampled.indices)
        await until(pilot, lambda: in_strip(app) == sampled.indices[app.strip.first :][: app.strip.count])
        assert [choice.time for choice in app.strip.choices] == sampled.times
        assert f"{len(sampled.frames)} frames" in app.cost()
        if app.strip.count >= len(sampled.times):
            assert all(clock(seconds) in app.text() for seconds in sampled.times)
        assert (app.chosen[-1].sampling if app.chosen else FrameSampling()) == app.view.sampling


async def test_a_range_is_chosen_and_cleared_by_clicks_too(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(120, 30)) as pilot:
        await whole(pilot, app)
        await pilot.press("5")
        await until(pilot, lambda: at(app, 30))
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "0:03.0 to end" in app.cost())
        await pilot.click("#video-cost", offset=(1 + app.cost().index("✕"), 0))
        await until(pilot, lambda: not app.view.sampling.ranged)
        await pilot.click("#video-cost", offset=(1 + app.cost().index("+"), 0))
        await until(pilot, lambda: app.view.sampling.frames == 10)
        await pilot.click("#video-cost", offset=(3, 0))
        await until(pilot, lambda: "1 fps, at most 64" in app.cost())


async def test_playing_follows_the_clock_and_ends(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(80, 24)) as pilot:
        await whole(pilot, app)
        began = time.monotonic()
        await pilot.press("space")
        seen = set()
        while time.monotonic() - began < 1.5:
            await pilot.pause(0.02)
            seen.add(on_show(app))
        assert app.view.playing and len(seen) >= 5
        frame = app.view.frame
        assert frame is not None and abs(frame.time - (time.monotonic() - began)) < 0.7
        await pilot.press("space")
        await until(pilot, lambda: not app.view.playing)
        await pilot.press("9")
        await until(pilot, lambda: at(app, 54))
        await pilot.press("space")
        await until(pilot, lambda: at(app, 59) and not app.view.playing)
        await pilot.press("space")  # from the start again
        await until(pilot, lambda: app.view.playing and app.view.frame is not None and app.view.frame.index < 20)


async def test_a_terminal_that_is_slow_is_shown_fewer_frames_at_the_right_time(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    app = Bench(video)
    async with app.run_test(size=(80, 24)) as pilot:
        await whole(pilot, app)
        painted = app.view._painted

        async def slowly() -> None:
            await painted()
            await asyncio.sleep(0.3)

        monkeypatch.setattr(app.view, "_painted", slowly)
        began = time.monotonic()
        await pilot.press("space")
        shown: list[int] = []
        while time.monotonic() - began < 2.0:
            await pilot.pause(0.01)
            if not shown or shown[-1] != on_show(app):
                shown.append(on_show(app))
        assert len(shown) <= 8  # dropped, not queued
        frame = app.view.frame
        assert frame is not None and 1.2 <= frame.time <= 2.3


async def test_it_pauses_when_it_cannot_be_seen(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(80, 24)) as pilot:
        await whole(pilot, app)
        for hide, show in (
            (lambda: setattr(app.view, "display", False), lambda: setattr(app.view, "display", True)),
            (lambda: setattr(app, "app_focus", False), lambda: setattr(app, "app_focus", True)),
            (lambda: app.push_screen(ModalScreen()), lambda: app.pop_screen()),
        ):
            await pilot.press("home")
            await until(pilot, lambda: at(app, 0))
            app.view.action_play()
            await until(pilot, lambda: not at(app, 0))
            hide()
            await until(pilot, lambda: not app.view.playing)
            show()
            await pilot.pause()
            app.view.focus()
            await pilot.pause()


async def test_another_video_is_shown_in_its_place_and_keeps_its_sampling(video: Path, tmp_path: Path) -> None:
    other = write_numbered(tmp_path / "other.mkv", 33)
    app = Bench(video)
    async with app.run_test(size=(100, 30)) as pilot:
        await whole(pilot, app)
        await pilot.press("plus", "end")
        await until(pilot, lambda: at(app, 59))
        app.view.path = other
        await until(pilot, lambda: app.shown[-1].path == other and len(app.strip.choices) == 8)
        assert app.view.sampling == FrameSampling() and app.strip.choices[-1].index == 32
        app.view.path = video
        await until(pilot, lambda: app.shown[-1].path == video and len(app.strip.choices) == 10)
        app.view.path = None
        await until(pilot, lambda: "Select a video" in app.text())


async def test_of_many_only_the_last_is_shown(tmp_path: Path) -> None:
    paths = [write_numbered(tmp_path / f"{number}.mp4", 5 + number) for number in range(8)]
    app = Bench(paths[0])
    async with app.run_test(size=(80, 24)) as pilot:
        for path in paths:
            app.view.path = path
            await pilot.pause(0.01)
        await until(pilot, lambda: app.shown and app.shown[-1].path == paths[-1])
        await until(pilot, lambda: app.view.frame is not None and app.view.frame.total == 12)
        assert "7.mp4" in app.text()


async def test_bad_files_are_one_clear_line_and_the_next_one_is_shown(video: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("words")
    (tmp_path / "cut.mp4").write_bytes(video.read_bytes()[:3000])
    only_sound(write_numbered(tmp_path / "song.mp4"))
    app = Bench()
    async with app.run_test(size=(90, 24)) as pilot:
        for name, words in (
            ("empty.mp4", "empty (0 bytes)"), ("text.mp4", "no video that can be read"),
            ("cut.mp4", "cut off"), ("song.mp4", "sound and no pictures"), ("gone.mp4", "no longer there"),
        ):  # fmt: skip
            app.view.path = tmp_path / name
            await until(pilot, lambda name=name: app.failed and app.failed[-1].path == tmp_path / name)
            assert words in app.failed[-1].line and words in app.text(), name
        app.view.path = video
        await whole(pilot, app)


async def test_variable_turned_and_one_frame(tmp_path: Path) -> None:
    slow = write_numbered(tmp_path / "slow.mp4")
    vary_rate(slow, [(10, 1.0), (50, 10.0)])
    turned = write_numbered(tmp_path / "turned.mp4")
    turn_video(turned)
    app = Bench(slow)
    async with app.run_test(size=(100, 30)) as pilot:
        await whole(pilot, app)
        await until(pilot, lambda: "on average" in app.text())
        assert "0:50.8" in app.text()  # by the container's times; 6 s by number and rate
        await pilot.press("right", "right", "right")
        await until(pilot, lambda: at(app, 12))
        app.view.path = turned
        await until(pilot, lambda: "64x160" in app.text())
        frame = app.view.frame
        assert frame is not None and frame.picture.rows > frame.picture.columns // 2
        app.view.path = write_numbered(tmp_path / "one.mp4", 1)
        await until(pilot, lambda: "the model is sent 1 frame · 1 tile · 64 tokens" in app.cost())
        await pilot.press("space", "right", "full_stop", "9")
        await pilot.pause(0.2)
        assert at(app, 0) and not app.view.playing


async def test_a_killed_decoder_is_one_line_and_replaced(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(90, 24)) as pilot:
        await whole(pilot, app)
        assert app.media.pid is not None
        os.kill(app.media.pid, signal.SIGSTOP)
        await pilot.press("right")
        await pilot.pause(0.1)
        os.kill(app.media.pid, signal.SIGKILL)
        await until(pilot, lambda: app.failed)
        assert "decoder ended" in app.failed[0].line
        app.view.path = None
        app.view.path = video
        await until(pilot, lambda: len(app.shown) == 2)


async def test_a_video_that_changes_is_read_anew(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(90, 24)) as pilot:
        await whole(pilot, app)
        video.unlink()
        write_numbered(video, 21)
        await until(pilot, lambda: "of 21" in app.text())


async def test_a_resize_draws_it_anew(video: Path) -> None:
    app = Bench(video)
    async with app.run_test(size=(120, 40)) as pilot:
        await whole(pilot, app)
        await pilot.press("5")
        await until(pilot, lambda: at(app, 30))
        for size, rows in (((50, 16), 2), ((40, 10), 0), ((100, 30), 4)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda rows=rows: app.strip.rows == rows)
            await until(pilot, lambda: app.view.frame is not None and app.view.frame.picture.columns <= app.size.width)
            assert on_show(app) == 30
            assert "▶ 0:03.0" in app.text()
