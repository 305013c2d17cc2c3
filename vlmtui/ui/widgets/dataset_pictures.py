"""The pictures of one row, side by side: drawn one after the other, the newest row wins."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.datasets.protocol import PictureFile
from vlmtui.media.client import LANES, MediaClient
from vlmtui.media.protocol import Rendered
from vlmtui.safetext import safe_line
from vlmtui.ui.graphics import detect
from vlmtui.ui.graphics.kitty import MOST_CELLS
from vlmtui.ui.graphics.probe import Probe
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas

_MOST = 4
_NARROWEST = 18


class DatasetPictures(Widget):
    """Shows as many of `pictures` as there is room for, from the chosen one on."""

    DEFAULT_CSS: ClassVar[str] = """
    DatasetPictures { height: 1fr; width: 1fr; layout: horizontal; }
    DatasetPictures > .picture { width: 1fr; height: 1fr; }
    DatasetPictures .picture-note { height: 1fr; content-align: center middle; text-align: center; padding: 0 1;
        color: $text-warning; }
    DatasetPictures .picture-name { height: 1; padding: 0 1; color: $text-muted; text-align: center;
        text-wrap: nowrap; text-overflow: ellipsis; }
    """

    class Drawn(Message):
        """All pictures of the row are on the screen, or say why not."""

    def __init__(self, media: MediaClient, *, graphics: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._media = media
        self._lane = next(LANES)
        self._probe = Probe(self, graphics, self._request)
        self._pictures: list[PictureFile] = []
        self.first = 0
        """The number of the leftmost picture that is shown."""
        self._drawn_for: object = None

    def compose(self) -> ComposeResult:
        """Make the places for pictures."""
        for _ in range(_MOST):
            with Vertical(classes="picture"):
                yield PreviewCanvas()
                yield Static("", classes="picture-note", markup=False)
                yield Static("", classes="picture-name", markup=False)

    def on_mount(self) -> None:
        """Find out how pictures are shown here."""
        self._probe.guess()
        self.call_after_refresh(self._probe.look_closer)
        self.show([])

    def show(self, pictures: list[PictureFile]) -> None:
        """Show these."""
        self._pictures, self.first = pictures, 0
        self._request()

    def step(self, by: int) -> None:
        """Show other pictures of the row."""
        self.first = max(0, min(self.first + by, len(self._pictures) - 1))
        self._request()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._request()

    def clear(self) -> None:
        """Free what is drawn."""
        self._drawn_for = None
        for canvas in self.query(PreviewCanvas):
            canvas.draw(None)

    @property
    def chosen(self) -> PictureFile | None:
        """The leftmost picture that is shown."""
        return self._pictures[self.first] if self.first < len(self._pictures) else None

    def _request(self) -> None:
        if self.is_mounted:
            self._draw(self._pictures, self.first)

    @work(exclusive=True, group="pictures", exit_on_error=False)
    async def _draw(self, pictures: list[PictureFile], first: int) -> None:
        width, height = self.content_size
        room = max(1, min(_MOST, width // _NARROWEST))
        first = max(0, min(first, len(pictures) - room))
        shown = pictures[first : first + room]
        terminal = self._probe.terminal
        wanted = (pictures, first, width, height, terminal)
        if not width or height < 2 or wanted == self._drawn_for:
            return
        places = list(self.query(".picture"))
        for place, number in zip(places, range(_MOST), strict=True):
            place.display = number < len(shown)
        columns = width // max(1, len(shown))
        for place, picture, number in zip(places, shown, range(first, first + room), strict=False):
            name = safe_line(picture.name, 200)
            if len(pictures) > 1:
                name = f"{number + 1}/{len(pictures)} {name}"
            place.query_one(".picture-name", Static).update(name)
            rendered = await self._rendered(picture, columns - (1 if len(shown) > 1 else 0), height - 1, terminal)
            canvas, note = place.query_one(PreviewCanvas), place.query_one(".picture-note", Static)
            drawn = rendered if isinstance(rendered, Rendered) and rendered.columns else None
            canvas.draw(drawn, tmux=terminal.tmux)
            canvas.display, note.display = drawn is not None, drawn is None
            note.update("" if drawn is not None else safe_line(rendered if isinstance(rendered, str) else "no picture"))
        self._drawn_for = wanted
        self.post_message(self.Drawn())

    async def _rendered(
        self, picture: PictureFile, columns: int, rows: int, terminal: detect.Terminal
    ) -> Rendered | str:
        if not picture.file:
            return picture.note or "no picture"
        if terminal.form == "kitty":
            columns, rows = min(columns, MOST_CELLS), min(rows, MOST_CELLS)
        reply = await self._media.render(
            Path(picture.file), columns, rows, cell=detect.cell_pixels(terminal), form=terminal.form,
            depth=terminal.depth, colours=terminal.colours, max_pixels=terminal.max_pixels, fine=terminal.fine,
            lane=self._lane,
        )  # fmt: skip
        return reply if isinstance(reply, Rendered) else reply.line
