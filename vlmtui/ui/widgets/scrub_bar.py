"""The line under a video that says where one is, and takes one elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class ScrubBar(Widget):
    """Time, a track with a mark for each frame that the model is sent, and the whole duration."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = "ScrubBar { width: 1fr; height: 1; }"

    class Sought(Message):
        """The video shall go to `share` (0 to 1) of its duration."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    class Toggled(Message):
        """Play or pause was clicked."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._time = self._duration = 0.0
        self._playing = False
        self._marks: Sequence[float] = ()
        self._range: tuple[float, float | None] = (0.0, None)
        self._dragging = False

    def show(self, time: float, duration: float, *, playing: bool) -> None:
        """Show where the video is, in seconds."""
        self._time, self._duration, self._playing = time, duration, playing
        self.refresh()

    def mark(self, times: Sequence[float], start: float, end: float | None) -> None:
        """Mark the frames that are chosen, and the range they are chosen from; in seconds."""
        self._marks, self._range = times, (start, end)
        self.refresh()

    def render(self) -> RenderResult:
        """Return the line."""
        left, wide, right = self._parts()
        here = self._place(self._time, wide)
        marks = {self._place(time, wide) for time in self._marks}
        start, end = self._range
        first = self._place(start, wide) if start > 0 else -1
        last = self._place(end, wide) if end is not None else wide
        pieces = []
        for place in range(wide):
            sign = "●" if place == here else "[" if place == first else "]" if place == last else ""
            sign = sign or ("╋" if place in marks and place < here else "┼" if place in marks else "")
            sign = sign or ("━" if place < here else "─")
            within = first <= place <= last
            style = "$accent" if place <= here and within else "$foreground" if within else "$foreground 40%"
            pieces.append(Content.styled(sign, style))
        return Content("").join([Content(left), *pieces, Content.styled(right, "$foreground 60%")])

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go where it was pressed; on the sign at the left, play or pause."""
        event.stop()
        if event.x < 3:
            self.post_message(self.Toggled())
            return
        self._dragging = True
        self.capture_mouse()
        self._seek(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse while it is pressed."""
        if self._dragging:
            event.stop()
            self._seek(event.x)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let the mouse go."""
        if self._dragging:
            event.stop()
            self._dragging = False
            self.release_mouse()

    def _seek(self, x: int) -> None:
        left, wide, _ = self._parts()
        self.post_message(self.Sought(min(1.0, max(0.0, (x - len(left)) / max(1, wide - 1)))))

    def _parts(self) -> tuple[str, int, str]:
        left = f" {'⏸' if self._playing else '▶'} {clock(self._time)} "
        right = f" {clock(self._duration)} "
        return left, max(1, self.size.width - len(left) - len(right)), right

    def _place(self, time: float, wide: int) -> int:
        return min(wide - 1, max(0, round(time / self._duration * (wide - 1)))) if self._duration > 0 else 0


def clock(seconds: float) -> str:
    """Return a time to a tenth of a second: `0:03.2`, `1:02:03.4`."""
    tenths = int(seconds * 10 + 1e-6)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02}.{rest % 10}"
    return f"{hours}:{minutes:02}:{tail}" if hours else f"{minutes}:{tail}"
