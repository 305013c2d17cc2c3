"""Questions with a letter each; returns the one that was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.chats.presets import Preset
from vlmtui.safetext import safe_line


class Presets(ModalScreen[Preset | None]):
    """A letter chooses at once; so do the arrows with Enter, and a click."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False, priority=True)]

    def __init__(self, presets: Sequence[Preset]) -> None:
        super().__init__(id="presets")
        self._presets = presets

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static("Ask", classes="dialog-title", markup=False)
            yield OptionList(*(Option(_line(preset)) for preset in self._presets), markup=False, compact=True)
            yield Static("A letter or Enter asks it · Esc closes", classes="dialog-keys", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Choose by letter."""
        chosen = next((preset for preset in self._presets if preset.key and preset.key == event.character), None)
        if chosen is not None:
            event.stop()
            self.dismiss(chosen)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._presets[event.option_index])


def _line(preset: Preset) -> Content:
    name = Content.styled(f"{preset.key or ' '}  ", "bold $text-accent") + Content(safe_line(preset.name, 30))
    return name + Content.styled(f"  {safe_line(preset.prompt, 42)}", "$foreground 60%")
