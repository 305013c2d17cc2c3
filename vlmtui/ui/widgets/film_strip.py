"""The film strip: the frames that the model is sent, each with its time, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult, RenderResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from vlmtui.media.protocol import Rendered, StripDrawn
from vlmtui.models.sampling import FrameChoice
from vlmtui.ui.widgets.preview_canvas import PreviewCanvas
from vlmtui.ui.widgets.scrub_bar import clock

_LEAST_COLUMNS = 8  # a time and a gap
_MOST_COLUMNS = 40


class StripTimes(Widget):
    """The line of times under the frames; the frame that is on show is marked."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = "StripTimes { width: 1fr; height: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._cells: list[tuple[str, str]] = []
        self._columns = 1

    def show(self, cells: list[tuple[str, str]], columns: int) -> None:
        """Show a text and its style each, every `columns` cells."""
        self._cells, self._columns = cells, columns
        self.refresh()

    def render(self) -> RenderResult:
        """Return the line."""
        pieces = []
        for text, style in self._cells:
            text = text[: self._columns - 1]
            before = (self._columns - 1 - len(text)) // 2
            after = self._columns - before - len(text)
            pieces += [Content(" " * before), Content.styled(text, style), Content(" " * after)]
        return Content("").join(pieces)


class FilmStrip(Vertical):
    """Shows a page of the chosen frames; knows no file."""

    DEFAULT_CSS = """
    FilmStrip { width: 1fr; height: auto; }
    FilmStrip PreviewCanvas { height: 4; }
    """

    class Chosen(Message):
        """A frame of the strip was clicked."""

        def __init__(self, choice: FrameChoice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows = 4
        """Rows of a frame; 0 shows the times alone."""
        self.first = 0
        """Number of the choice at the left of the page."""
        self.choices: Sequence[FrameChoice] = ()
        """All frames that are chosen."""
        self._failed: frozenset[int] = frozenset()
        self._columns = _LEAST_COLUMNS
        self._now = -1

    def compose(self) -> ComposeResult:
        """Make the canvas and the line of times."""
        yield PreviewCanvas(id="strip-canvas")
        yield StripTimes()

    def lay_out(self, rows: int, aspect: float, cell: tuple[int, int]) -> None:
        """Take `rows` rows for frames `aspect` times as wide as high, in cells of `cell` pixels."""
        self.rows = rows
        canvas = self.query_one(PreviewCanvas)
        canvas.display = rows > 0
        canvas.styles.height = max(1, rows)
        wide = round(max(1, rows) * cell[1] * aspect / cell[0]) + 1 if rows else _LEAST_COLUMNS
        self._columns = max(_LEAST_COLUMNS, min(_MOST_COLUMNS, wide, max(_LEAST_COLUMNS, self.size.width // 2)))

    @property
    def columns(self) -> int:
        """Cells of a frame, the gap to the next included."""
        return self._columns

    @property
    def count(self) -> int:
        """Frames of a page."""
        return max(1, self.size.width // self._columns)

    @property
    def drawn(self) -> Rendered | None:
        """The page that is shown."""
        return self.query_one(PreviewCanvas).drawn

    def show(self, drawn: StripDrawn, *, tmux: bool = False) -> None:
        """Show a page."""
        self.choices, self._failed = drawn.choices, frozenset(drawn.failed)
        canvas = self.query_one(PreviewCanvas)
        canvas.draw(drawn.picture if self.rows else None, tmux=tmux)
        canvas.styles.width = drawn.picture.columns  # from the left edge, as the times are
        self._say()

    def clear(self) -> None:
        """Show nothing."""
        self.choices, self.first, self._now = (), 0, -1
        self.query_one(PreviewCanvas).draw(None)
        self._say()

    def follow(self, index: int) -> bool:
        """Mark the chosen frame that is on show or was last; return whether that is on another page."""
        places = [place for place, choice in enumerate(self.choices) if choice.index <= index]
        now = places[-1] if places else -1
        if now != self._now:
            self._now = now
            self._say()
        if now < 0 or self.first <= now < self.first + self.count:
            return False
        self.first = max(0, min(now // self.count * self.count, len(self.choices) - self.count))
        return True

    def turn(self, pages: int) -> bool:
        """Turn `pages` pages on or back; return whether that is possible."""
        first = max(0, min(self.first + pages * self.count, len(self.choices) - self.count))
        if first == self.first:
            return False
        self.first = first
        return True

    def on_click(self, event: events.Click) -> None:
        """Choose the frame that was clicked."""
        place = self.first + (event.screen_x - self.region.x) // self._columns
        if 0 <= place < len(self.choices):
            event.stop()
            self.post_message(self.Chosen(self.choices[place]))

    def _say(self) -> None:
        page = list(enumerate(self.choices))[self.first : self.first + self.count]
        cells = []
        for place, choice in page:
            if choice.index in self._failed:
                cells.append(("damaged", "$text-error"))
            else:
                cells.append((clock(choice.time), "reverse" if place == self._now else "$foreground 70%"))
        self.query_one(StripTimes).show(cells, self._columns)
