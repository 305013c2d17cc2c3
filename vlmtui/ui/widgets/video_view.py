"""The viewer of a video: any frame of it, played or sought, and the strip of the frames that the model is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic
from typing import ClassVar

import msgspec
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from vlmtui.media.client import MediaClient
from vlmtui.media.errors import shown_name
from vlmtui.media.protocol import FrameDrawn, MediaFailure, MediaInfo, Paper
from vlmtui.models.processor import ProcessorSettings
from vlmtui.models.sampling import FrameSampling, Timeline, frames_in_all
from vlmtui.safetext import safe_line, sentence
from vlmtui.ui.actions import bindings
from vlmtui.ui.graphics import detect
from vlmtui.ui.graphics.kitty import MOST_CELLS
from vlmtui.ui.graphics.probe import Probe
from vlmtui.ui.widgets.film_strip import FilmStrip
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas
from vlmtui.ui.widgets.scrub_bar import ScrubBar
from vlmtui.ui.widgets.video_info import sampling_line, stepped, switched, video_facts

_EMPTY = "Select a video in the explorer to see it here."
_LOOK_EVERY_S = 1.0
_MOST_STEP_S = 0.5  # a decoder that is slower than the video shows it slower, rather than less and less of it
_PLAYING_PIXELS = 150_000  # of a picture that is gone in a moment
_STRIP_ROWS = ((12, 0), (20, 2), (32, 4), (1 << 30, 6))


class VideoView(Widget):
    """Shows the video at `path`.

    One frame is under way at a time and the next is asked for when it has been painted; what was wanted meanwhile and
    is no longer is left out. It pauses when it cannot be seen.
    """

    DEFAULT_CSS: ClassVar[str] = (Path(__file__).with_suffix(".tcss")).read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("video")]

    can_focus = True

    path: reactive[Path | None] = reactive(None, init=False)
    """The video to show; None for none."""
    processor: reactive[ProcessorSettings | None] = reactive(None, init=False)
    """The model's processor: with it the last line says what the frames cost."""
    sampling: reactive[FrameSampling] = reactive(FrameSampling(), init=False)
    """Which frames the model is sent."""

    class Shown(Message):
        """The video at `path` is on the screen."""

        def __init__(self, view: VideoView, path: Path, info: MediaInfo) -> None:
            super().__init__()
            self.view, self.path, self.info = view, path, info

        @property
        def control(self) -> VideoView:
            """The viewer that posted this."""
            return self.view

    class Failed(Message):
        """The video at `path` cannot be shown; `line` says why."""

        def __init__(self, view: VideoView, path: Path, line: str) -> None:
            super().__init__()
            self.view, self.path, self.line = view, path, line

        @property
        def control(self) -> VideoView:
            """The viewer that posted this."""
            return self.view

    class SamplingChanged(Message):
        """The user chose which frames of the video at `path` the model is sent."""

        def __init__(self, view: VideoView, path: Path, sampling: FrameSampling) -> None:
            super().__init__()
            self.view, self.path, self.sampling = view, path, sampling

        @property
        def control(self) -> VideoView:
            """The viewer that posted this."""
            return self.view

    def __init__(self, media: MediaClient, *, graphics: str = "auto", id: str | None = None) -> None:
        """Args:
        media: Decodes; started by the first video if it is not running.
        graphics: `auto`, `half-block`, `kitty` or `sixel`.
        id: The widget's.
        """
        super().__init__(id=id)
        self._media = media
        self._probe = Probe(self, graphics, self._draw_again)
        self._frame: FrameDrawn | None = None
        self._failed = False
        self._playing = False
        self._from = (0.0, 0.0)  # playing: at which time of the clock which time of the video was on show
        self._wanted: tuple[int, float, bool] | None = None  # number or -1, seconds, quick
        self._wake = asyncio.Event()
        self._then: float | None = None  # where to go when the video is there
        self._sent: int | None = None
        self._drawn_for = (0, 0)
        self.samplings: dict[Path, FrameSampling] = {}
        """What was chosen for videos that were shown before."""

    @property
    def info(self) -> MediaInfo | None:
        """What is shown now; None while nothing is."""
        return self._frame.picture.info if self._frame is not None else None

    @property
    def frame(self) -> FrameDrawn | None:
        """The frame that is on show."""
        return self._frame

    @property
    def playing(self) -> bool:
        """Whether the video plays."""
        return self._playing

    def compose(self) -> ComposeResult:
        """Make the canvas, the scrub bar, the strip and the lines underneath."""
        yield PreviewCanvas(id="video-canvas")
        yield Static(_EMPTY, id="video-message", markup=False)
        yield ScrubBar(id="video-bar")
        yield FilmStrip(id="video-strip")
        yield Static("", id="video-facts", markup=False)
        yield Static("", id="video-cost", markup=False)

    def on_mount(self) -> None:
        """Find out how pictures are shown here."""
        self._show_parts(False)
        self._probe.guess()
        self.set_interval(_LOOK_EVERY_S, self._look_again)
        self.call_after_refresh(self._after_first_paint)

    async def _after_first_paint(self) -> None:
        await self._media.start()
        await self._probe.look_closer()

    # ---- another video, another place -----------------------------------------------------------

    def watch_path(self, path: Path | None) -> None:
        """Show another video from its start."""
        self.workers.cancel_node(self)
        self._frame, self._failed, self._playing, self._sent, self._then = None, False, False, None, None
        self.query_one(FilmStrip).clear()
        chosen = self.samplings.get(path) if path is not None else None
        self.set_reactive(VideoView.sampling, chosen or FrameSampling())
        if path is None:
            self._message(_EMPTY)
            return
        self._message(f"Loading {safe_line(path.name, 60)} …")
        self._wanted = (0, 0.0, True)
        self._wake.set()
        self._serve(path)

    def watch_processor(self) -> None:
        """Say what the frames cost this processor."""
        self._say_cost()

    def watch_sampling(self) -> None:
        """Show the frames that are sent now."""
        self.query_one(FilmStrip).first = 0
        self._refill()
        self._say_cost()

    def on_resize(self) -> None:
        """Draw everything anew for its new size."""
        self.call_after_refresh(self._draw_again)

    def on_hide(self) -> None:
        """Stop playing: nobody sees it."""
        self._pause()

    def on_show(self) -> None:
        """Draw what was on show for the size there is now."""
        self.call_after_refresh(self._draw_again)

    def reload(self) -> None:
        """Read the video anew."""
        self.watch_path(self.path)

    def seek(self, *, index: int = -1, time: float = 0.0) -> None:
        """Show frame `index`, or the one that is on show at `time` (in seconds)."""
        if self._frame is None:
            return
        self._wanted = (min(index, self._frame.total - 1), max(0.0, min(time, self._frame.duration)), False)
        self._wake.set()

    def show_at(self, seconds: float) -> None:
        """Show the frame at `seconds`, as soon as the video is there."""
        if self._frame is not None:
            self.seek(time=seconds)
        else:
            self._then = seconds

    def _draw_again(self) -> None:
        if self._frame is not None and self.is_mounted and self._wanted is None:
            self.seek(index=self._frame.index)
            self._refill()
        self._wake.set()

    def _check_size(self) -> None:
        """Draw the frame anew when the strip has left it more room, or less."""
        paper = self._paper() if self._frame is not None and self._wanted is None else None
        if paper is not None and (paper.columns, paper.rows) != self._drawn_for and self._frame is not None:
            self.seek(index=self._frame.index)

    # ---- the one loop that asks for frames ------------------------------------------------------

    @work(exclusive=True, group="video", exit_on_error=False)
    async def _serve(self, path: Path) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while (wanted := self._wanted) is not None and self._paper() is not None:
                self._wanted = None
                if not await self._show(path, *wanted):
                    return
                self._from = (monotonic(), self._frame.time if self._frame else 0.0)
                if wanted[2]:  # the first frame is there: now what the whole file says
                    self._show_parts(True)
                    await self._painted()  # laid out, that is
                    self._wanted = self._wanted or (0, 0.0, False)
                    self._refill()
            if self._playing and not await self._play_on(path):
                return

    async def _play_on(self, path: Path) -> bool:
        """Play until something else is wanted; return whether the video can still be read."""
        while self._playing and self._wanted is None:
            frame = self._frame
            assert frame is not None
            if not self._seen or frame.next_time <= 0:
                self._pause()
                break
            due = self._from[1] + monotonic() - self._from[0]
            if due < frame.next_time:
                try:
                    async with asyncio.timeout(min(0.25, frame.next_time - due)):
                        await self._wake.wait()
                    self._wake.clear()
                except TimeoutError:
                    pass
                continue
            latest = max(frame.next_time, frame.time + _MOST_STEP_S)
            if due > latest:
                due = latest
                self._from = (monotonic(), due)
            if not await self._show(path, -1, due, False):
                return False
        if not self._playing and self._frame is not None and self._wanted is None:
            self._wanted = (self._frame.index, 0.0, False)  # once more, as fine as it can be
            self._refill()
        if self._wanted is not None:
            self._wake.set()
        return True

    async def _show(self, path: Path, index: int, time: float, quick: bool) -> bool:
        """Show one frame and wait until it is painted; return whether it could be."""
        paper = self._paper()
        if paper is None:
            self._pause()
            return True
        reply = await self._media.frame(path, paper, index=index, time=time, quick=quick)
        if path != self.path:
            return False
        if isinstance(reply, MediaFailure):
            if self._frame is None or reply.code in ("missing", "media_died", "timeout"):
                self._fail(path, reply)
                return False
            self._playing = False  # this frame is damaged; the others are still there
            self.query_one("#video-facts", Static).update(safe_line(reply.line))
            self._say_place()
            return True
        first, self._frame = self._frame is None, reply
        self._drawn_for = (paper.columns, paper.rows)
        self.query_one("#video-canvas", PreviewCanvas).draw(reply.picture, tmux=self._probe.terminal.tmux)
        self._say_place()
        self.query_one("#video-facts", Static).update(video_facts(reply))
        if self.query_one(FilmStrip).follow(reply.index) and not self._playing:
            self._refill()
        if first:
            self.post_message(self.Shown(self, path, reply.picture.info))
            if self._then is not None:
                self.seek(time=self._then)
                self._then = None
        await self._painted()
        return True

    async def _painted(self) -> None:
        """Wait until the frame is on its way to the terminal, and the terminal has taken it."""
        done = asyncio.Event()
        self.call_after_refresh(done.set)
        try:
            async with asyncio.timeout(1.0):
                await done.wait()
        except TimeoutError:
            return
        writer = getattr(self.app._driver, "_writer_thread", None)
        # Textual's writer thread tells nobody when it is done.
        while writer is not None and writer.is_alive() and not writer._queue.empty():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    def _paper(self) -> Paper | None:
        """Return what a frame is drawn on; None while it is not laid out or hidden: it is drawn when it is seen."""
        canvas = self.query_one("#video-canvas", PreviewCanvas)
        columns, rows = canvas.size if canvas.display else (0, 0)
        if not canvas.display:  # the message stands in its place
            columns, rows = self.query_one("#video-message").size
        if columns < 1 or rows < 1 or not self.is_on_screen:
            return None
        return self._paper_of(columns, rows)

    def _paper_of(self, columns: int, rows: int) -> Paper:
        terminal = self._probe.terminal
        most = terminal.max_pixels
        if terminal.form == "kitty":
            columns, rows = min(columns, MOST_CELLS), min(rows, MOST_CELLS)
            most = min(most, _PLAYING_PIXELS) if self._playing else most
        return Paper(
            columns, rows, detect.cell_pixels(terminal), terminal.form, terminal.depth, terminal.colours, most,
            terminal.fine and not self._playing,
        )  # fmt: skip

    @property
    def _seen(self) -> bool:
        return self.is_on_screen and self.app.app_focus and self.screen is self.app.screen

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say that a defect of ours kept a video from being shown; the workbench goes on."""
        if event.state is WorkerState.ERROR and event.worker.node is self and self.path is not None:
            event.stop()
            cause = f"{self.path.name} cannot be shown: {event.worker.error!r}"
            self._fail(self.path, MediaFailure(id=0, code="internal", cause=cause, remedy="please report this"))

    # ---- the strip ------------------------------------------------------------------------------

    def _refill(self) -> None:
        if self.path is not None and self._frame is not None:
            self._fill_strip(self.path, self.sampling)

    @work(exclusive=True, group="strip", exit_on_error=False)
    async def _fill_strip(self, path: Path, sampling: FrameSampling) -> None:
        strip = self.query_one(FilmStrip)
        while self._frame is not None:
            if not self.is_on_screen or strip.size.width < 1:
                return  # it is filled when it is seen
            cell = detect.cell_pixels(self._probe.terminal)
            info = self._frame.picture.info
            rows = next(rows for below, rows in _STRIP_ROWS if self.size.height < below)
            strip.lay_out(rows, info.width / max(1, info.height), cell)
            paper = self._paper_of(strip.columns, max(1, rows))
            ground = self.background_colors[1]
            reply = await self._media.strip(
                path, paper, sampling, first=strip.first, count=strip.count if rows else 0,
                ground=ground.r << 16 | ground.g << 8 | ground.b,
            )  # fmt: skip
            if path != self.path or sampling != self.sampling:
                return
            if isinstance(reply, MediaFailure):
                self.query_one("#video-cost", Static).update(safe_line(reply.line))
                return
            strip.show(reply, tmux=self._probe.terminal.tmux)
            self.call_after_refresh(self._check_size)
            self._sent = len(reply.choices) - len(reply.failed)
            if sampling.in_parts:  # the strip shows the frames of one look
                self._sent = frames_in_all(sampling, Timeline(self._frame.total, self._frame.fps))
            times = [choice.time for choice in reply.choices]
            self.query_one(ScrubBar).mark(times, sampling.start_s, sampling.end_s)
            self._say_cost()
            if strip.follow(self._frame.index) and not self._playing:
                continue
            if not reply.missing or self._playing:  # the strip can wait until it pauses
                return

    # ---- what is said ---------------------------------------------------------------------------

    def _say_place(self) -> None:
        frame = self._frame
        if frame is not None:
            self.query_one(ScrubBar).show(frame.time, frame.duration, playing=self._playing)

    def _say_cost(self) -> None:
        if self._frame is not None:
            width = self.content_size.width - 2
            line = sampling_line(self.sampling, self._sent, self.processor, width)
            self.query_one("#video-cost", Static).update(line)

    def _fail(self, path: Path, failure: MediaFailure) -> None:
        self._frame, self._playing, self._failed = None, False, True
        line = safe_line(failure.line)
        said = (failure.cause, failure.remedy)
        self._message("\n".join(sentence(text, shown_name(path)) for text in said if text))
        self.post_message(self.Failed(self, path, line))

    def _message(self, text: str) -> None:
        self.query_one("#video-message", Static).update(text)
        self.query_one("#video-canvas", PreviewCanvas).draw(None)
        self.query_one("#video-facts", Static).update("")
        self.query_one("#video-cost", Static).update("")
        self._show_parts(False)

    def _show_parts(self, shown: bool) -> None:
        for id in ("video-canvas", "video-bar", "video-strip"):
            self.query_one(f"#{id}").display = shown
        self.query_one("#video-message").display = not shown

    async def _look_again(self) -> None:
        """Notice that the video has changed or gone."""
        path, frame = self.path, self._frame
        if self._wanted is not None:
            self._wake.set()
        self._check_size()
        if path is None or frame is None or self._playing or not self.is_on_screen:
            return
        stamp = await self._media.stamp(path)
        if stamp is not None and stamp != frame.picture.info.stamp and self.path == path and self._frame is not None:
            self.reload()

    # ---- what the user does ---------------------------------------------------------------------

    def action_play(self) -> None:
        """Play, or pause; at the end, play from the start."""
        frame = self._frame
        if self._playing or frame is None:
            self._pause()
            return
        self._playing = True
        if frame.next_time <= 0:
            self.seek(time=self.sampling.start_s)
        self._from = (monotonic(), frame.time)
        self._say_place()
        self._wake.set()

    def _pause(self) -> None:
        self._playing = False
        if self.is_attached:
            self._say_place()
        self._wake.set()

    def action_step(self, frames: int) -> None:
        """Go some frames on or back."""
        self._pause()
        if self._frame is not None:
            base = self._wanted[0] if self._wanted is not None and self._wanted[0] >= 0 else self._frame.index
            self.seek(index=max(0, base + frames))

    def action_skip(self, seconds: float) -> None:
        """Go some seconds on or back."""
        if self._frame is not None:
            waiting = self._wanted if self._wanted is not None and self._wanted[0] < 0 else None
            self.seek(time=(waiting[1] if waiting else self._frame.time) + seconds)

    def action_go(self, share: float) -> None:
        """Go to a share of the duration; 1 is the last frame."""
        if self._frame is not None:
            last = self._frame.total - 1
            self.seek(index=last) if share >= 1 else self.seek(time=share * self._frame.duration)

    def action_mark(self, end: bool) -> None:
        """Begin or end the range that frames are chosen from at the frame on show."""
        if self._frame is None:
            return
        now, old = self._frame.time, self.sampling
        start, last = (old.start_s, now) if end else (now, old.end_s)
        if last is not None and last < start:
            start, last = (0.0, now) if end else (now, None)
        self._choose(msgspec.structs.replace(old, start_s=start, end_s=last))

    def action_clear_range(self) -> None:
        """Choose frames from the whole video again."""
        self._choose(msgspec.structs.replace(self.sampling, start_s=0.0, end_s=None))

    def action_switch_sampling(self) -> None:
        """Choose frames by their number, by a rate, or by a rate in parts."""
        if self._frame is not None:
            self._choose(switched(self.sampling, Timeline(self._frame.total, self._frame.fps)))

    def action_more_frames(self) -> None:
        """Send more frames."""
        self._choose(stepped(self.sampling, 1))

    def action_fewer_frames(self) -> None:
        """Send fewer frames."""
        self._choose(stepped(self.sampling, -1))

    def action_turn_strip(self, pages: int) -> None:
        """Show another page of the strip."""
        if self.query_one(FilmStrip).turn(pages):
            choices = self.query_one(FilmStrip).choices
            self.seek(index=choices[self.query_one(FilmStrip).first].index)
            self._refill()

    def _choose(self, sampling: FrameSampling) -> None:
        if self.path is not None and self._frame is not None and sampling != self.sampling:
            self.samplings[self.path] = sampling
            self.sampling = sampling
            self.post_message(self.SamplingChanged(self, self.path, sampling))

    @on(ScrubBar.Sought)
    def _sought(self, message: ScrubBar.Sought) -> None:
        message.stop()
        self.action_go(message.share)

    @on(ScrubBar.Toggled)
    def _toggled(self, message: ScrubBar.Toggled) -> None:
        message.stop()
        self.action_play()

    @on(FilmStrip.Chosen)
    def _chosen(self, message: FilmStrip.Chosen) -> None:
        message.stop()
        self._pause()
        self.seek(index=message.choice.index)

    def action_tenth(self, tenth: int) -> None:
        """Go to a tenth of the video, counted from its start."""
        self.action_go(tenth / 10)

    def on_key(self, event: events.Key) -> None:
        """Take digits for tenths of the video."""
        if event.character is not None and event.character in "0123456789":
            event.stop()
            self.action_tenth(int(event.character))

    async def on_click(self, event: events.Click) -> None:
        """Do what the words say that were clicked."""
        if action := event.style.meta.get("video"):
            event.stop()
            await self.run_action(action)
