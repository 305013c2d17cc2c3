"""The conversations that are kept, over the workbench; returns the one to show."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from vlmtui.chats.store import ChatStore
from vlmtui.ui.widgets.chats_list import ChatsList

_KEYS = (
    "Enter opens · / searches · p pins · r renames · d deletes · u undoes\n"
    "e Markdown · j JSON · t data set row · f fine-tune · a all folders · Esc closes"
)


class Chats(ModalScreen[str | None]):
    """Shows the list; `gone` holds the ids that were deleted, and not brought back, when it closes."""

    CSS_PATH = "dialogs.tcss"
    DEFAULT_CSS = "Chats #chats-keys { height: 2; color: $text-muted; margin-top: 1; }"
    AUTO_FOCUS = "#chats-list"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", show=False, priority=True)]

    def __init__(self, store: ChatStore, workspace: str, current: str) -> None:
        super().__init__(id="chats")
        self._list = ChatsList(store, workspace, current=current, id="chats-widget")
        self.gone: set[str] = set()

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog -tall"):
            yield Static("Conversations", classes="dialog-title", markup=False)
            yield self._list
            yield Static(_KEYS, id="chats-keys", markup=False)

    def action_back(self) -> None:
        """Leave the field; else close."""
        if not self._list.leave_field():
            self.dismiss(None)

    @on(ChatsList.OpenRequested)
    def _open(self, event: ChatsList.OpenRequested) -> None:
        self.dismiss(event.id)

    @on(ChatsList.FineTuneRequested)
    def _fine_tune(self, event: ChatsList.FineTuneRequested) -> None:
        self.dismiss(None)
        self.app.screen_stack[0].fine_tune_on(event.file)  # type: ignore[attr-defined]

    @on(ChatsList.Deleted)
    def _deleted(self, event: ChatsList.Deleted) -> None:
        if isinstance(event, ChatsList.Restored):
            self.gone.discard(event.id)
        elif not isinstance(event, ChatsList.Renamed):
            self.gone.add(event.id)
