"""The line between two parts, to be dragged. Textual has none."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Splitter(Widget):
    """Says where it is dragged to; whoever lays the parts out moves it. A double click asks for the usual size."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS: ClassVar[str] = """
    Splitter {
        width: 1;
        height: 1fr;
        color: $panel;
        pointer: ew-resize;
        &:hover, &.-held { color: $accent; }
    }
    """

    class Moved(Message):
        """The user drags it to column `x`, row `y` of the screen."""

        def __init__(self, splitter: Widget, x: int, y: int) -> None:
            super().__init__()
            self.splitter, self.x, self.y = splitter, x, y

    class Released(Message):
        """The user has let go of it."""

    class ResetRequested(Message):
        """The user clicked it twice."""

        def __init__(self, splitter: Widget) -> None:
            super().__init__()
            self.splitter = splitter

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._held = False

    def render(self) -> Content | str:
        """Draw the line."""
        return "\n".join("▏" * self.size.height)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of it."""
        if event.button == 1:
            event.stop()
            self._held = True
            self.add_class("-held")
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the pointer."""
        if self._held:
            event.stop()
            self.post_message(self.Moved(self, event.screen_x, event.screen_y))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of it."""
        if self._held:
            event.stop()
            self.release_mouse()

    def on_mouse_release(self) -> None:
        """The pointer is free again, also when another screen took it."""
        if self._held:
            self._held = False
            self.remove_class("-held")
            self.post_message(self.Released())

    def on_click(self, event: events.Click) -> None:
        """Ask for the usual size."""
        if event.chain == 2:
            event.stop()
            self.post_message(self.ResetRequested(self))
