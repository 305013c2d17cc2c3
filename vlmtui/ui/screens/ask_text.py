"""A field for a line of text: a new name, a note."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class AskText(ModalScreen[str | None]):
    """Asks for a text; None when it was left."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False)]

    def __init__(self, title: str, value: str, *, hint: str = "") -> None:
        """Args:
        title: What is asked for, safe to show.
        value: What is there already.
        hint: Shown while the field is empty.
        """
        super().__init__(id="ask-text")
        self._title, self._value, self._hint = title, value, hint

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog -narrow"):
            yield Static(self._title, classes="dialog-title", markup=False)
            yield Input(self._value, placeholder=self._hint, compact=True)
            yield Static("Enter keeps it · Esc leaves it as it was", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer."""
        event.stop()
        self.dismiss(event.value)

    def action_leave(self) -> None:
        """Answer nothing."""
        self.dismiss(None)
