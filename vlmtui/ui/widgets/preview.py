"""The preview of the selected file: its picture, or why there is none, and what it is."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from vlmtui.media.client import MediaClient
from vlmtui.media.protocol import MediaFailure, MediaInfo, Rendered
from vlmtui.models.processor import ProcessorSettings
from vlmtui.safetext import safe_line, safe_text
from vlmtui.ui.graphics import detect
from vlmtui.ui.graphics.kitty import MOST_CELLS
from vlmtui.ui.graphics.probe import Probe
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas
from vlmtui.ui.widgets.preview_info import cost_line, facts_line, name_line

_EMPTY = "Select a picture or a video in the explorer to see it here."
_LOADING_AFTER_S = 0.2
_LOOK_EVERY_S = 1.0


class Preview(Widget):
    """Shows the file at `path`.

    While a file is loading the one before stays, under its own name; so what is shown and what is said about it always
    belong together. Of several files chosen in quick succession only the last is drawn. A file that changes or goes
    away while it is shown is noticed within a second.
    """

    DEFAULT_CSS: ClassVar[str] = (Path(__file__).with_suffix(".tcss")).read_text(encoding="utf-8")

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

    def __init__(self, media: MediaClient, *, graphics: str = "auto", id: str | None = None) -> None:
        """Args:
        media: Decodes; started by the first file if it is not running.
        graphics: `auto`, `half-block`, `kitty` or `sixel`.
        id: The widget's.
        """
        super().__init__(id=id)
        self._media = media
        self._probe = Probe(self, graphics, self._request)
        self._shown: MediaInfo | None = None
        self._failed: tuple[Path, str] | None = None
        self._drawn_for: tuple[object, ...] = ()

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
        self.call_after_refresh(self._after_first_paint)

    def watch_path(self, path: Path | None) -> None:
        """Show another file."""
        self._drawn_for = ()
        self._failed = None
        if path is None:
            self.workers.cancel_node(self)
            self._clear(_EMPTY)
        else:
            self._request()

    def watch_processor(self) -> None:
        """Say what the picture costs this processor."""
        if self._shown is not None:
            self._say(self._shown)

    def on_resize(self, _event: Resize) -> None:
        """Draw the picture anew for its new size."""
        if self._shown is not None:
            self._say(self._shown)
        self._request()

    def reload(self) -> None:
        """Draw the file anew, whatever is known about it."""
        self._request(force=True)

    # ---- loading --------------------------------------------------------------------------------

    def _request(self, *, force: bool = False) -> None:
        if self.is_mounted and self.path is not None:
            self._load(self.path, force)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _load(self, path: Path, force: bool) -> None:
        columns, rows = self._space()
        if columns < 1 or rows < 1:
            return  # not laid out yet, or hidden: a resize comes before it is seen
        cell = detect.cell_pixels(self.terminal)
        wanted = (path, columns, rows, cell, self.terminal)
        if wanted == self._drawn_for and not force:
            return
        late = self.set_timer(_LOADING_AFTER_S, lambda: self._say_loading(path))
        try:
            reply = await self._media.render(
                path, columns, rows, cell=cell, form=self.terminal.form, depth=self.terminal.depth,
                colours=self.terminal.colours, max_pixels=self.terminal.max_pixels,
                fine=self.terminal.fine,
            )  # fmt: skip
        finally:
            late.stop()
        if path != self.path or (isinstance(reply, MediaFailure) and reply.code == "superseded"):
            return  # what is wanted now is on its way
        self._drawn_for = wanted
        if isinstance(reply, MediaFailure):
            self._fail(path, reply)
        else:
            self._show(path, reply)

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
        if rendered.columns:
            self.query_one(PreviewCanvas).draw(rendered, tmux=self.terminal.tmux)
            self._show_only("preview-canvas")
        elif info.head:
            self.query_one("#preview-head", Static).update(safe_text(info.head))
            self.query_one("#preview-text").scroll_home(animate=False)
            self._show_only("preview-text")
        else:
            kind = "dataset" if info.kind == "dataset" else "file"
            self._message(f"This {kind} has no preview. Pictures, videos and texts have one.")
        self._say(info)
        if not again:
            self.post_message(self.Shown(self, path, info))

    def _fail(self, path: Path, failure: MediaFailure) -> None:
        line = safe_line(failure.line)
        again = (path, line) == self._failed
        self._shown, self._failed = None, (path, line)
        self._message("\n".join(_sentence(text) for text in (failure.cause, failure.remedy) if text))
        self.query_one("#preview-name", Static).update(safe_line(path.name, 200))
        self.query_one("#preview-facts", Static).update("")
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
        if self.terminal.form == "kitty":
            width, height = min(width, MOST_CELLS), min(height, MOST_CELLS)
        return width, height - self.query_one("#preview-name").outer_size.height - _FACTS_ROWS

    # ---- what is said ---------------------------------------------------------------------------

    def _say(self, info: MediaInfo) -> None:
        lines = [facts_line(info), cost_line(info, self.processor, max(1, self.content_size.width - 2))]
        self.query_one("#preview-name", Static).update(name_line(info))
        self.query_one("#preview-facts", Static).update("\n".join(filter(None, lines)))

    def _say_loading(self, path: Path) -> None:
        if path != self.path:
            return
        name = safe_line(path.name, 60)
        if self._shown is None:
            self._message(f"Loading {name} …")
        else:
            self.query_one("#preview-facts", Static).update(f"Loading {name} …")

    def _clear(self, message: str) -> None:
        self._shown = None
        self._message(message)
        self.query_one("#preview-name", Static).update("")
        self.query_one("#preview-facts", Static).update("")

    def _message(self, text: str) -> None:
        self.query_one("#preview-message", Static).update(text)
        self.query_one(PreviewCanvas).draw(None)
        self._show_only("preview-message")

    def _show_only(self, id: str) -> None:
        for child in ("preview-canvas", "preview-text", "preview-message"):
            self.query_one(f"#{child}").display = child == id

    async def _after_first_paint(self) -> None:
        await self._media.start()
        await self._probe.look_closer()


_FACTS_ROWS = 2


def _sentence(text: str) -> str:
    text = safe_line(text)
    return f"{text[:1].upper()}{text[1:]}."
