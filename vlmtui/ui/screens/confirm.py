"""A question before something that is hard to take back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class Confirm(ModalScreen[bool]):
    """Asks, names what it is about, and returns whether to do it. The focus is on not doing it."""

    CSS_PATH = "dialogs.tcss"
    DEFAULT_CSS: ClassVar[str] = """
    Confirm #confirm-lines { height: auto; max-height: 10; overflow-y: auto; margin-bottom: 1; }
    Confirm #confirm-buttons { height: auto; align-horizontal: right; }
    Confirm Button { margin-left: 2; min-width: 10; }
    """
    AUTO_FOCUS = "#confirm-no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No", show=False),
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("left,right,up,down", "app.focus_next", "The other", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[str], *, yes: str, no: str = "Cancel") -> None:
        """Args:
        title: The question.
        lines: What it is about, safe to show.
        yes, no: The answers, as the buttons say them.
        """
        super().__init__(id="confirm")
        self._question = title
        self._lines = lines
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog -narrow"):
            yield Static(self._question, classes="dialog-title", markup=False)
            yield Static("\n".join(self._lines), id="confirm-lines", markup=False)
            with Horizontal(id="confirm-buttons"):
                yield Button(self._no, id="confirm-no", compact=True)
                yield Button(self._yes, id="confirm-yes", variant="warning", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        event.stop()
        self.dismiss(event.button.id == "confirm-yes")

    def action_answer(self, sure: bool) -> None:
        """Answer by key."""
        self.dismiss(sure)
