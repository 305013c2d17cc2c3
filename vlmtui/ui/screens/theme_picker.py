"""Choosing a colour theme: the highlighted one is shown at once."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option


class ThemePicker(ModalScreen[str | None]):
    """A list of themes; returns the chosen name, or None when the old one is kept."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "keep", "Keep the old one", show=False)]

    def __init__(self, current: str, names: list[str]) -> None:
        super().__init__(id="theme-picker")
        self._current = current
        self._names = names

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -narrow"):
            yield Static("Colour theme", classes="dialog-title")
            yield OptionList(*(Option(name, id=name) for name in self._names), markup=False)
            yield Static("Enter chooses · Esc keeps the old one", classes="dialog-keys")

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = self._names.index(self._current)
        options.focus()
        self.call_after_refresh(options.scroll_to_highlight)

    @on(OptionList.OptionHighlighted)
    def _try(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id is not None:
            self.app.theme = event.option_id

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_keep(self) -> None:
        self.app.theme = self._current
        self.dismiss(None)
