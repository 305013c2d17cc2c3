"""Rows that can be dragged out of their list with the mouse."""

from __future__ import annotations

from typing import Literal

from textual import events
from textual.message import Message
from textual.widget import Widget

_SLACK = 1
"""Cells that a hand may move while it clicks."""

DragState = Literal["over", "dropped", "left"]


class DragSource(Widget, can_focus=False):
    """A list whose rows are dragged. Says where to; what lies there is for others to know."""

    class Dragged(Message):
        """A row is held over column `x`, row `y` of the screen, was let go of there, or is no longer held."""

        def __init__(self, line: int, x: int, y: int, state: DragState) -> None:
            super().__init__()
            self.line, self.x, self.y, self.state = line, x, y, state

    _held = -1  # the row on which the button went down
    _from = (0, 0)
    _dragging = False

    @property
    def dragging(self) -> bool:
        """Whether a row is being dragged."""
        return self._dragging

    def row_to_drag(self, x: int, y: int) -> int:
        """Return the row at this place of the window, -1 where nothing can be dragged."""
        raise NotImplementedError

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a row."""
        self._held = self.row_to_drag(event.x, event.y) if event.button == 1 else -1
        self._from = (event.screen_x, event.screen_y)

    def drag(self, event: events.MouseMove) -> bool:
        """Follow the pointer; return whether a row is being dragged."""
        if self._held < 0 or event.button != 1:  # the button went up where nobody could tell
            self.end_drag()
            return False
        x, y = event.screen_x, event.screen_y
        if not self._dragging and max(abs(x - self._from[0]), abs(y - self._from[1])) > _SLACK:
            self._dragging = True
            self.capture_mouse()
        if self._dragging:
            self.post_message(self.Dragged(self._held, x, y, "over"))
        return self._dragging

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of it."""
        if self._dragging:
            event.stop()
            self._dragging = False
            self.post_message(self.Dragged(self._held, event.screen_x, event.screen_y, "dropped"))
            self.release_mouse()
        self._held = -1

    def on_mouse_release(self) -> None:
        """The pointer is free again, perhaps since another screen took it."""
        self.end_drag()

    def end_drag(self) -> None:
        """Drop nothing anywhere."""
        held, self._held = self._held, -1
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            self.post_message(self.Dragged(held, 0, 0, "left"))
