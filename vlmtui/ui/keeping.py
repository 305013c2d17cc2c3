"""Keeps the conversation on disk while it goes on, and brings the last one of a folder back.

Runs in the app's event loop: a write takes a fraction of a millisecond, and while an answer streams there are two a
second. A disk that is full or a database that is damaged costs a line, not the chat.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.message_pump import MessagePump
from textual.timer import Timer

from vlmtui.chats.conversation import Conversation
from vlmtui.chats.store import ChatStore, StoreError

_SAVE_EVERY_S = 0.5


class Keeper:
    """Saves conversations of `workspace`; `complain` is told once what is wrong, until a save succeeds again."""

    def __init__(self, pump: MessagePump, workspace: Path, file: Path, complain: Callable[[StoreError], None]) -> None:
        self._pump = pump
        self._complain = complain
        self._complained = False
        self._timer: Timer | None = None
        self._due: Conversation | None = None
        self.workspace = str(workspace.resolve())
        self.store: ChatStore | None = None
        """The database; None where it cannot be opened: nothing is kept then."""
        try:
            self.store = ChatStore(file)
            self.store.purge()
        except StoreError as error:
            self._say(error)

    def last(self) -> Conversation:
        """Return the conversation that was last written to in this folder, or a new one."""
        try:
            if self.store is not None and (latest := self.store.latest(self.workspace)) is not None:
                return self.store.load(latest)
        except StoreError as error:
            self._say(error)
        return self.new()

    def new(self) -> Conversation:
        """Return an empty conversation; it is kept from its first question on."""
        return Conversation(workspace=self.workspace)

    def changed(self, conversation: Conversation) -> None:
        """The end of `conversation` has more text: it is saved within half a second."""
        if self._due is not None and self._due is not conversation:
            self.save(self._due)
        self._due = conversation
        if self._timer is None:
            self._timer = self._pump.set_timer(_SAVE_EVERY_S, self._save_due)

    def save(self, conversation: Conversation) -> None:
        """Save all that has changed, now."""
        if self._due is conversation:
            self._due = None
        self._write(conversation, whole=True)

    def close(self) -> None:
        """Save what is due, and close the database."""
        if self._due is not None:
            self.save(self._due)
        if self.store is not None:
            self.store.close()
            self.store = None

    def _save_due(self) -> None:
        self._timer = None
        conversation, self._due = self._due, None
        if conversation is not None:
            self._write(conversation, whole=False)

    def _write(self, conversation: Conversation, *, whole: bool) -> None:
        if self.store is None:
            return
        try:
            self.store.save(conversation, None if whole or not conversation.messages else conversation.messages[-1])
            self._complained = False
        except StoreError as error:
            self._say(error)

    def _say(self, error: StoreError) -> None:
        if not self._complained:
            self._complained = True
            self._complain(error)
