"""Choosing into how many tiles pictures are cut."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.models.processor import RESOLUTION_WORDS, RESOLUTIONS, Resolution


class ResolutionPicker(ModalScreen[Resolution | None]):
    """A list of resolutions; returns the chosen one, or None when the old one is kept."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False, priority=True)]

    def __init__(self, current: Resolution) -> None:
        super().__init__(id="resolution-picker")
        self._current = current

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static("Resolution of pictures", classes="dialog-title", markup=False)
            yield OptionList(*(Option(_line(name)) for name in RESOLUTIONS), markup=False, compact=True)
            yield Static("Enter chooses · Esc keeps the old one", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Start at what is in force."""
        self.query_one(OptionList).highlighted = RESOLUTIONS.index(self._current)

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(RESOLUTIONS[event.option_index])


def _line(name: Resolution) -> Content:
    return Content.styled(f"{name:<6}", "bold $text-accent") + Content(RESOLUTION_WORDS[name])
