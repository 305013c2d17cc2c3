"""A question that is too long for the model: what would make it fit, a letter each."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.engine.protocol import Failed, Offer
from vlmtui.safetext import safe_line
from vlmtui.ui.fitting import words_of

_KEYS = {"resolution": "r", "frames": "f", "drop": "o"}


class Offers(ModalScreen[Offer | None]):
    """A letter takes an offer at once; so do the arrows with Enter, and a click. None: it stays unanswered."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False, priority=True)]

    def __init__(self, failed: Failed) -> None:
        super().__init__(id="offers")
        self._failed = failed

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static("Too long for the model", classes="dialog-title", markup=False)
            yield Static(_sentence(self._failed.cause), id="offers-cause", markup=False)
            yield OptionList(*(Option(_line(offer)) for offer in self._failed.offers), markup=False, compact=True)
            yield Static("A letter or Enter asks again so · Esc closes", classes="dialog-keys", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Choose by letter."""
        chosen = next((offer for offer in self._failed.offers if _KEYS[offer.kind] == event.character), None)
        if chosen is not None:
            event.stop()
            self.dismiss(chosen)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._failed.offers[event.option_index])


def _sentence(cause: str) -> str:
    cause = safe_line(cause)
    return f"{cause[:1].upper()}{cause[1:]}."


def _line(offer: Offer) -> Content:
    key = Content.styled(f"{_KEYS[offer.kind]}  ", "bold $text-accent")
    return key + Content(words_of(offer)) + Content.styled(f"  {offer.tokens:,} tokens", "$foreground 60%")
