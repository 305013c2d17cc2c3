"""Lines to scroll through, one of which lies under the mouse."""

from __future__ import annotations

from textual import events
from textual.reactive import reactive
from textual.scroll_view import ScrollView


class HoveredLines(ScrollView):
    """Knows the line under the mouse."""

    hover: reactive[int] = reactive(-1)
    """The line that would be clicked; -1 for none."""

    def line_at(self, y: int) -> int:
        """Return the line that is drawn in the row `y` of the window."""
        return round(self.scroll_offset.y) + y

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Show what would be clicked."""
        self.hover = self.line_at(event.y)

    def on_leave(self) -> None:
        """Nothing would be clicked."""
        self.hover = -1
