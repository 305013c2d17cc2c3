"""The preview of the selected file: its picture, or why there is none, and what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from vlmtui.media.client import LANES, MediaClient
from vlmtui.media.errors import shown_name
from vlmtui.media.protocol import Form, Inspected, MediaFailure, MediaInfo, Rendered, View
from vlmtui.media.view import Window, inside, panned, window, within_pixels, zoomed
from vlmtui.models.processor import ProcessorSettings
from vlmtui.safetext import safe_line, safe_text, sentence
from vlmtui.ui.actions import bindings
from vlmtui.ui.graphics import detect
from vlmtui.ui.graphics.kitty import MOST_CELLS
from vlmtui.ui.graphics.probe import Probe
from vlmtui.ui.widgets.preview_ahead import Ahead, Key
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas
from vlmtui.ui.widgets.preview_info import cost_line, facts_line, name_line, tiles_line, view_line
from vlmtui.ui.widgets.preview_metadata import PreviewMetadata

_EMPTY = "Select a picture or a video in the explorer to see it here."
_LOADING_AFTER_S = 0.2
_LOOK_EVERY_S = 1.0
_REST_S = 0.08
_ZOOM_STEP = 2**0.5
_PAN_STEP = 0.25
_SHORTEST_FRAME_S = 1 / 30
_WHOLE = View()


class Preview(Widget):
    """Shows the file at `path`.

    While a file is loading the one before stays, under its own name; so what is shown and what is said about it always
    belong together. Of several files chosen in quick succession only the last is drawn. A file that changes or goes
    away while it is shown is noticed within a second.
    """

    DEFAULT_CSS: ClassVar[str] = (Path(__file__).with_suffix(".tcss")).read_text(encoding="utf-8")

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("preview"),
        Binding("left,h", "pan(-1,0)", show=False),
        Binding("right,l", "pan(1,0)", show=False),
        Binding("up,k", "pan(0,-1)", show=False),
        Binding("down,j", "pan(0,1)", show=False),
    ]

    can_focus = True

    path: reactive[Path | None] = reactive(None, init=False)
    """The file to show; None for none."""
    processor: reactive[ProcessorSettings | None] = reactive(None, init=False)
    """The model's processor: with it the line under the picture says what the picture will cost."""

    class Shown(Message):
        """The file at `path` is on the screen."""

        def __init__(self, preview: Preview, path: Path, info: MediaInfo) -> None:
            super().__init__()
            self.preview = preview
            self.path = path
            self.info = info

        @property
        def control(self) -> Preview:
            """The preview that posted this."""
            return self.preview

    class Failed(Message):
        """The file at `path` cannot be shown; `line` says why and stands where it would be."""

        def __init__(self, preview: Preview, path: Path, line: str) -> None:
            super().__init__()
            self.preview = preview
            self.path = path
            self.line = line

        @property
        def control(self) -> Preview:
            """The preview that posted this."""
            return self.preview

    class StepRequested(Message):
        """The user wants the picture `by` places after `path` in the same folder: select it where they are listed."""

        def __init__(self, preview: Preview, path: Path, by: int) -> None:
            super().__init__()
            self.preview = preview
            self.path = path
            self.by = by

        @property
        def control(self) -> Preview:
            """The preview that posted this."""
            return self.preview

    sibling: Callable[[Path, int], Path | None] | None = None
    """Returns the picture so many places after another, in the order that the user sees; set by who knows it."""

    def __init__(self, media: MediaClient, *, graphics: str = "auto", id: str | None = None) -> None:
        """Args:
        media: Decodes; started by the first file if it is not running.
        graphics: `auto`, `half-block`, `kitty` or `sixel`.
        id: The widget's.
        """
        super().__init__(id=id)
        self._media = media
        self._lane = next(LANES)
        self._probe = Probe(self, graphics, self._request)
        self._shown: MediaInfo | None = None
        self._failed: tuple[Path, str] | None = None
        self._drawn_for: Key = ()
        self._view = _WHOLE
        self._as_tiles = False
        self._playing = False
        self._played = 0.0
        self._frame = ""
        self._ahead = Ahead(self._draw_ahead, self._sibling_of, self._arrived)
        self._rest: Timer | None = None
        self._dragged: tuple[int, int] | None = None
        self._line = 0

    @property
    def info(self) -> MediaInfo | None:
        """What is shown now; None while nothing is."""
        return self._shown

    @property
    def terminal(self) -> detect.Terminal:
        """How pictures are shown here, and why."""
        return self._probe.terminal

    def compose(self) -> ComposeResult:
        """Make the canvas, the places for a text and for a message, and the lines underneath."""
        yield PreviewMetadata(id="preview-metadata")
        yield PreviewCanvas(id="preview-canvas")
        with VerticalScroll(id="preview-text"):
            yield Static("", id="preview-head", markup=False)
        yield Static(_EMPTY, id="preview-message", markup=False)
        yield Static("", id="preview-name", markup=False)
        yield Static("", id="preview-facts", markup=False)

    def on_mount(self) -> None:
        """Find out how pictures are shown here, without keeping the first paint waiting."""
        self._show_only("preview-message")
        self._probe.guess()
        self.set_interval(_LOOK_EVERY_S, self._look_again)
        self.app.app_resume_signal.subscribe(self, lambda _: self._request(force=True))
        self.watch(self.app, "app_focus", self._play_on, init=False)
        self.call_after_refresh(self._after_first_paint)

    def on_unmount(self) -> None:
        """Ask for nothing more."""
        self._ahead.close()

    def watch_path(self, path: Path | None) -> None:
        """Show another file."""
        self._drawn_for = ()
        self._failed = None
        self._view = _WHOLE
        self._line = 0
        self._playing, self._played = False, 0.0
        self.workers.cancel_group(self, "preview-play")
        self._stop_rest()
        if path is None:
            self.workers.cancel_node(self)
            self._clear(_EMPTY)
            return
        self._ahead.moved(path)
        key = self._key(path)
        if (ready := self._ahead.take(key)) is not None:
            self.workers.cancel_group(self, "preview")
            self._drawn_for = key
            self._show(path, ready)
        elif self._ahead.fast and self.sibling is not None:
            # It is on its way, or will have been passed before it could be drawn; when the user rests, it is.
            self.workers.cancel_group(self, "preview")
            self._rest = self.set_timer(_REST_S, self._request)
        else:
            self._request()
            return  # what comes next is looked for when this one is there
        self._look_ahead()

    def watch_processor(self) -> None:
        """Say what the picture costs this processor."""
        if self._shown is not None:
            self._say(self._shown)
        if self._as_tiles:
            self._request()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw the picture anew for its new size."""
        self._ahead.forget()
        if self._shown is not None:
            self._say(self._shown)
        self._request()

    def on_show(self) -> None:
        """Go on playing."""
        self._play_on()

    def go_to_line(self, line: int) -> None:
        """Show the text from near its line `line` on, counted from 1, as soon as it is there, and let it stand out."""
        self._line = line
        shown = self._shown
        if shown is not None and shown.path == str(self.path) and shown.head:
            self._show_text(shown.head)

    def reload(self) -> None:
        """Draw the file anew, whatever is known about it."""
        self._request(force=True)

    # ---- loading --------------------------------------------------------------------------------

    def _request(self, *, force: bool = False) -> None:
        if self.is_mounted and self.path is not None:
            self._load(self.path, force)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _load(self, path: Path, force: bool) -> None:
        self._stop_rest()
        wanted = self._key(path)
        if min(self._space()) < 1:
            return  # not laid out yet, or hidden: a resize comes before it is seen
        if wanted == self._drawn_for and not force:
            return
        late = self.set_timer(_LOADING_AFTER_S, lambda: self._say_loading(path))
        try:
            reply = await self._draw(path)
        finally:
            late.stop()
        if path != self.path or (isinstance(reply, MediaFailure) and reply.code == "superseded"):
            return  # what is wanted now is on its way
        self._drawn_for = wanted
        if isinstance(reply, MediaFailure):
            self._fail(path, reply)
        else:
            self._show(path, reply)
            self._look_ahead()

    async def _draw(self, path: Path, *, time: float = -1.0, ahead: bool = False) -> Rendered | MediaFailure:
        columns, rows = self._space()
        terminal = self.terminal
        if terminal.form == "sixel" and self._view != _WHOLE:
            columns, rows = within_pixels(columns, rows, detect.cell_pixels(terminal), terminal.max_pixels)
        tiles = self.processor if self._as_tiles else None
        return await self._media.render(
            path, columns, rows, cell=detect.cell_pixels(terminal), form=terminal.form, depth=terminal.depth,
            colours=terminal.colours, max_pixels=terminal.max_pixels, fine=terminal.fine,
            view=None if ahead or self._view == _WHOLE else self._view, tiles=tiles,
            ground=self._ground() if tiles else 0, time=time, ahead=ahead, lane=self._lane,
        )  # fmt: skip

    def _key(self, path: Path) -> Key:
        tiles = (self.processor, self._ground()) if self._as_tiles else None
        return (path, *self._space(), detect.cell_pixels(self.terminal), self.terminal, self._view, tiles)

    def _ground(self) -> int:
        """Return the colour behind the picture, 0xRRGGBB."""
        try:
            colour = Color.parse(self.app.theme_variables.get("background", "#000000"))
        except ColorParseError:
            return 0
        return colour.r << 16 | colour.g << 8 | colour.b

    # ---- ahead of the user ----------------------------------------------------------------------

    async def _draw_ahead(self, path: Path) -> Rendered | MediaFailure:
        return await self._draw(path, ahead=True)

    def _sibling_of(self, path: Path, by: int) -> Path | None:
        return self.sibling(path, by) if self.sibling is not None else None

    def _look_ahead(self) -> None:
        if self.path is not None and self.is_mounted and self._view == _WHOLE and not self._as_tiles:
            self._ahead.look(self.path, self._key)

    def _arrived(self, key: Key, rendered: Rendered | None) -> None:
        """Show what was drawn ahead if it is what is wanted by now; have the next one drawn."""
        if not self.is_attached or self.path is None:
            return
        if rendered is not None and key == self._key(self.path) and self._drawn_for != key:
            self._stop_rest()
            self._ahead.take(key)
            self._drawn_for = key
            self._show(self.path, rendered)
        if rendered is not None:
            self._look_ahead()

    def _stop_rest(self) -> None:
        if self._rest is not None:
            self._rest.stop()
            self._rest = None

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say that a defect of ours kept a file from being shown; the workbench goes on."""
        if event.state is WorkerState.ERROR and event.worker.group == "preview" and self.path is not None:
            event.stop()
            cause = f"{self.path.name} cannot be shown: {event.worker.error!r}"
            self._fail(self.path, MediaFailure(id=0, code="internal", cause=cause, remedy="please report this"))

    def _show(self, path: Path, rendered: Rendered) -> None:
        info = rendered.info
        again = self._shown is not None and self._shown == info
        self._shown, self._failed = info, None
        self._frame = f"frame {rendered.frame + 1}" if rendered.wait else ""
        if rendered.damaged:
            self._frame += f", damaged from frame {rendered.damaged + 1} on"
        if rendered.columns:
            self.query_one(PreviewCanvas).draw(rendered, tmux=self.terminal.tmux)
            self._show_only("preview-canvas")
        elif info.head:
            self._show_text(info.head)
        else:
            kind = "dataset" if info.kind == "dataset" else "file"
            self._message(f"This {kind} has no preview. Pictures, videos and texts have one.")
        self._say(info)
        if not again:
            self.post_message(self.Shown(self, path, info))
            if self.query_one(PreviewMetadata).display:
                self._inspect(path)

    def _show_text(self, head: str) -> None:
        """Show the beginning of a text, at the line that is wanted."""
        text, scroll = Content(safe_text(head)), self.query_one("#preview-text")
        above = 0
        if self._line:
            lines = text.plain.split("\n")
            start = sum(len(line) + 1 for line in lines[: self._line - 1])
            if self._line <= len(lines):
                text = text.stylize("bold $text-warning", start, start + len(lines[self._line - 1]))
            room = max(1, scroll.scrollable_content_region.width)
            above = Content(text.plain[:start]).get_height({}, room) - 1
        self.query_one("#preview-head", Static).update(text)
        self._show_only("preview-text")
        wanted = max(0, above - scroll.size.height // 3)
        self.call_after_refresh(scroll.scroll_to, y=wanted, animate=False)

    def _fail(self, path: Path, failure: MediaFailure) -> None:
        line = safe_line(failure.line)
        again = (path, line) == self._failed
        self._shown, self._failed = None, (path, line)
        self._message("\n".join(sentence(text, shown_name(path)) for text in (failure.cause, failure.remedy) if text))
        self.query_one("#preview-name", Static).update(safe_line(path.name, 200), layout=False)
        self.query_one("#preview-facts", Static).update("", layout=False)
        if not again:
            self.post_message(self.Failed(self, path, line))

    async def _look_again(self) -> None:
        """Notice that the file which is shown has changed or gone."""
        path, shown = self.path, self._shown
        if path is None or shown is None or str(path) != shown.path or not self.is_on_screen:
            return
        stamp = await self._media.stamp(path)
        if stamp is not None and stamp != shown.stamp and self.path == path:
            self._request(force=True)

    def _space(self) -> tuple[int, int]:
        """Return the cells that a picture may take: all but the lines underneath, whether or not they are there yet."""
        width, height = self.content_size
        beside, below = self.query_one(PreviewMetadata).fit(width)
        width, height = width - beside, height - below
        if self.terminal.form == "kitty":
            width, height = min(width, MOST_CELLS), min(height, MOST_CELLS)
        return width, height - self.query_one("#preview-name").outer_size.height - _FACTS_ROWS

    # ---- what is said ---------------------------------------------------------------------------

    def _say(self, info: MediaInfo) -> None:
        room = max(1, self.content_size.width - 2)
        lines = [self._first_line(info), cost_line(info, self.processor, room)]
        self.query_one("#preview-name", Static).update(name_line(info), layout=False)
        self.query_one("#preview-facts", Static).update("\n".join(filter(None, lines)), layout=False)

    def _first_line(self, info: MediaInfo) -> str:
        if self._as_tiles and self.processor is not None and info.kind == "picture":
            return tiles_line(info, self.processor, max(1, self.content_size.width - 2))
        if self._view != _WHOLE:
            return view_line(info, self._window(info))
        return " · ".join(filter(None, [facts_line(info), self._frame]))

    def _say_loading(self, path: Path) -> None:
        if path != self.path:
            return
        name = safe_line(path.name, 60)
        if self._shown is None:
            self._message(f"Loading {name} …")
        else:
            self.query_one("#preview-facts", Static).update(f"Loading {name} …", layout=False)

    def _clear(self, message: str) -> None:
        self._shown = None
        self._message(message)
        self.query_one("#preview-name", Static).update("", layout=False)
        self.query_one("#preview-facts", Static).update("", layout=False)

    def _message(self, text: str) -> None:
        self.query_one("#preview-message", Static).update(text)
        self.query_one(PreviewCanvas).draw(None)
        self._show_only("preview-message")

    def _show_only(self, id: str) -> None:
        for child in ("preview-canvas", "preview-text", "preview-message"):
            self.query_one(f"#{child}").display = child == id

    # ---- looking closely ------------------------------------------------------------------------

    def action_fit(self) -> None:
        """Show the whole picture."""
        self._as_tiles = False
        self._look(_WHOLE)

    def action_actual(self) -> None:
        """Show a pixel as a dot of the terminal."""
        self._zoom(0.0)

    def action_zoom(self, steps: int, at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Show the picture larger, or with negative `steps` smaller."""
        self._zoom(_ZOOM_STEP**steps, at)

    def action_pan(self, right: int, down: int) -> None:
        """Look at what lies beside; where all is seen, go to the next or the previous picture."""
        if self._view == _WHOLE:
            self.action_step(right or down)
        else:
            self._pan(right * _PAN_STEP, down * _PAN_STEP)

    def action_step(self, by: int) -> None:
        """Ask for the picture `by` places further in the folder."""
        if self.path is not None:
            self.post_message(self.StepRequested(self, self.path, by))

    def action_tiles(self) -> None:
        """Show what the model is given of the picture, or the picture again."""
        if self._shown is None or self._shown.kind != "picture":
            return
        if self.processor is None:
            self.notify("No model is loaded yet: what it would be given is not known.", severity="warning")
            return
        self._as_tiles = not self._as_tiles
        self._look(_WHOLE)

    def action_metadata(self) -> None:
        """Show or hide what is written in the file."""
        panel = self.query_one(PreviewMetadata)
        panel.display = not panel.display
        self._ahead.forget()
        self._request()
        if panel.display and self._shown is not None:
            self._inspect(Path(self._shown.path))

    @work(exclusive=True, group="preview-metadata", exit_on_error=False)
    async def _inspect(self, path: Path) -> None:
        reply = await self._media.inspect(path)
        if path == self.path:
            facts = reply.facts if isinstance(reply, Inspected) else [("Unknown", reply.line)]
            self.query_one(PreviewMetadata).show(facts)

    def _zoom(self, factor: float, at: tuple[float, float] = (0.5, 0.5)) -> None:
        info = self._zoomable()
        if info is None:
            return
        size, room, cell, form = self._frame_of(info)
        if not factor:
            view = inside(size, room, cell, form, View(zoom=1.0, x=self._view.x, y=self._view.y))
        else:
            view = zoomed(size, room, cell, form, self._view, factor, at)
        whole = window(size, room, cell, form, None)
        self._as_tiles = False
        self._look(_WHOLE if factor and factor < 1 and view.zoom <= whole.zoom < 1 else view)

    def _pan(self, right: float, down: float) -> None:
        if self._shown is not None and self._view != _WHOLE:
            self._look(panned(*self._frame_of(self._shown), self._view, right, down))

    def _look(self, view: View) -> None:
        self._view = view
        if self._shown is not None:
            self._say(self._shown)
        self._request()

    def _zoomable(self) -> MediaInfo | None:
        """Return what is shown if it is the picture that is wanted; the zoom of another would be meaningless."""
        info = self._shown
        return info if info is not None and info.width and str(self.path) == info.path else None

    def _frame_of(self, info: MediaInfo) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], Form]:
        """Return the picture's size, the room for it, the size of a cell and the form: what a window is made of."""
        columns, rows = (max(1, cells) for cells in self._space())
        cell = detect.cell_pixels(self.terminal)
        if self.terminal.form == "sixel":  # kept within what the line to the terminal bears
            columns, rows = within_pixels(columns, rows, cell, self.terminal.max_pixels)
        return (info.width, info.height), (columns, rows), cell, self.terminal.form

    def _window(self, info: MediaInfo) -> Window:
        return window(*self._frame_of(info), self._view)

    # ---- the mouse ----

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look closer at what is under the pointer."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look from further away."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, steps: int) -> None:
        canvas = self.query_one(PreviewCanvas)
        drawn = canvas.drawn
        if not canvas.display or drawn is None or not drawn.columns or self._zoomable() is None:
            return
        event.stop()
        spot = event.screen_offset - canvas.region.offset
        left, top = (canvas.size.width - drawn.columns) // 2, (canvas.size.height - drawn.rows) // 2
        at = ((spot.x - left + 0.5) / drawn.columns, (spot.y - top + 0.5) / drawn.rows)
        self.action_zoom(steps, (max(0.0, min(1.0, at[0])), max(0.0, min(1.0, at[1]))))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the picture."""
        if self._view != _WHOLE and event.button == 1:
            self._dragged = (event.screen_x, event.screen_y)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Draw the picture along."""
        drawn = self.query_one(PreviewCanvas).drawn
        if self._dragged is None or drawn is None or not drawn.columns:
            return
        right, down = self._dragged[0] - event.screen_x, self._dragged[1] - event.screen_y
        self._dragged = (event.screen_x, event.screen_y)
        self._pan(right / drawn.columns, down / drawn.rows)

    def on_mouse_up(self) -> None:
        """Let go."""
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()

    # ---- animations -----------------------------------------------------------------------------

    def action_play(self) -> None:
        """Play an animated picture, or pause it."""
        if self._shown is None or not self._shown.animated:
            return
        self._playing = not self._playing
        self._as_tiles = False
        if self._playing:
            self._play_on()
        else:
            self.workers.cancel_group(self, "preview-play")

    def _play_on(self) -> None:
        if self._playing and self.path is not None and self.is_mounted and self._seen:
            self._play(self.path)

    @property
    def _seen(self) -> bool:
        """Whether anybody can see this: it is on the screen, and the terminal has the focus (or never said)."""
        return self.is_on_screen and self.app.app_focus

    @work(exclusive=True, group="preview-play", exit_on_error=False)
    async def _play(self, path: Path) -> None:
        """Show frame after frame: each is asked for when the one before is on the screen, so none wait in a queue."""
        started = monotonic() - self._played
        while self._playing and path == self.path and self._seen:
            self._played = monotonic() - started
            reply = await self._draw(path, time=self._played)
            if path != self.path or not self._playing:
                return
            if isinstance(reply, MediaFailure):
                if reply.code == "superseded":  # it was zoomed or the window changed
                    continue
                self._playing = False
                self.notify(safe_line(reply.line), severity="error", markup=False)
                return
            self._show(path, reply)
            late = monotonic() - started - self._played
            await asyncio.sleep(max(_SHORTEST_FRAME_S, reply.wait - late))

    async def _after_first_paint(self) -> None:
        await self._media.start()
        await self._probe.look_closer()


_FACTS_ROWS = 2
