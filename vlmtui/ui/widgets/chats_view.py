"""The conversations of the folder in the side bar: the list that the dialog shows, beside the work."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import OptionList, Static

from vlmtui.chats.store import ChatStore
from vlmtui.ui.widgets.chats_list import ChatsList

_KEYS = "/ search  p pin  r rename\nd delete  u undo  a all\ne Markdown  j JSON  t row\nf fine-tune on it"


class ChatsView(Widget):
    """Shows the list once it is told which conversations; what is chosen goes up as the list's messages."""

    DEFAULT_CSS = """
    ChatsView { height: 1fr; padding: 0 1; background: $surface; }
    ChatsView #chats-keys { height: auto; color: $text-muted; }
    ChatsView #chats-none { height: auto; color: $text-muted; padding: 1 0; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._list: ChatsList | None = None

    def compose(self) -> ComposeResult:
        """Lay out the line that stands where nothing is kept, and the keys."""
        yield Static("Conversations are not kept here.", id="chats-none", markup=False)
        yield Static(_KEYS, id="chats-keys", markup=False)

    async def look_in(self, store: ChatStore | None, workspace: str, current: str) -> None:
        """List the conversations of `store`; `current` is the id of the one on show."""
        none = self.query_one("#chats-none")
        none.display = store is None
        if self._list is None and store is not None:
            self._list = ChatsList(store, workspace, current=current)
            await self.mount(self._list, after=none)
        self.changed(current)

    def changed(self, current: str) -> None:
        """Something was said, or another conversation is on show."""
        if self._list is not None:
            self._list.current = current
            self._list.refresh_list()

    @property
    def focus_target(self) -> Widget:
        """What takes the focus when the view does."""
        return next(iter(self.query(OptionList)), self)

    def key_escape(self) -> None:
        """Go back from the field to the list."""
        if self._list is not None:
            self._list.leave_field()
