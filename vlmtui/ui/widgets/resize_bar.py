"""Moving the edges of the workbench's parts by keys: a line that has the focus as long as they are moved."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.ui.layout import Layout


class ResizeBar(Static, can_focus=True):
    """Takes the arrow keys until Esc, Enter or a click elsewhere, then gives the focus back."""

    DEFAULT_CSS: ClassVar[str] = """
    ResizeBar { dock: bottom; width: 1fr; height: 1; padding: 0 1; background: $primary; color: $text; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1, 0)", show=False),
        Binding("right,l", "move(1, 0)", show=False),
        Binding("up,k", "move(0, -1)", show=False),
        Binding("down,j", "move(0, 1)", show=False),
        Binding("0", "reset", show=False),
        Binding("escape,enter,q", "done", show=False),
    ]

    def __init__(self, layout: Layout, before: Widget | None) -> None:
        """Args:
        layout: Whose edges are moved.
        before: What has the focus afterwards.
        """
        super().__init__("Resize: arrow keys move the edge · 0 usual sizes · Esc done", id="resize", markup=False)
        self._sizes = layout
        self._before = before

    def action_move(self, across: int, down: int) -> None:
        """Move an edge of the part that had the focus."""
        self._sizes.resize(across, down)

    def action_reset(self) -> None:
        """Take the usual sizes."""
        self._sizes.reset_all()

    def action_done(self) -> None:
        """Give the focus back."""
        if self._before is not None and self._before.is_attached:
            self.screen.set_focus(self._before)
        self.remove()

    def on_blur(self) -> None:
        """The user has gone elsewhere."""
        self.remove()
