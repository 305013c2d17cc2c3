"""A transcript with a cursor: what can be done with one message, by its key."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from vlmtui.chats.conversation import ChatMessage
from vlmtui.ui.widgets.message_view import MessageView
from vlmtui.ui.widgets.transcript import Transcript

Deed = Literal["regenerate", "edit", "copy", "code", "quote", "older", "newer", "continue"]


class CursorTranscript(Transcript):
    """The cursor is on a message, or on none: then the newest answer is meant (to edit: the newest question)."""

    DEFAULT_CSS = """
    CursorTranscript > MessageView.-cursor { background: $primary 15%; }
    CursorTranscript:focus > MessageView.-cursor { background: $primary 30%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "move_cursor(-1)", "Message before", id="chat.message_before"),
        Binding("j", "move_cursor(1)", "Next message", id="chat.message_after"),
        Binding("r", "want('regenerate')", "Another version", id="chat.regenerate"),
        Binding("g", "want('continue')", "Go on", id="chat.continue"),
        Binding("e", "want('edit')", "Edit", id="chat.edit"),
        Binding("y", "want('copy')", "Copy", id="chat.copy"),
        Binding("c", "want('code')", "Copy code", id="chat.copy_code"),
        Binding("q", "want('quote')", "Quote", id="chat.quote"),
        Binding("s", "answering", "Sampling", id="chat.answering"),
        Binding("left", "want('older')", "Older version", id="chat.older_version"),
        Binding("right", "want('newer')", "Newer version", id="chat.newer_version"),
    ]

    class Wanted(Message):
        """Something shall be done with a message; None where there is none yet."""

        def __init__(self, deed: Deed, message: ChatMessage | None) -> None:
            super().__init__()
            self.deed = deed
            self.message = message

    class AnsweringWanted(Message):
        """How the conversation is answered shall be shown."""

    @property
    def cursor(self) -> ChatMessage | None:
        """The message that the cursor is on."""
        return next((view.message for view in self._messages if view.has_class("-cursor")), None)

    @property
    def _messages(self) -> list[MessageView]:
        return [view for view in self._views if isinstance(view, MessageView)]

    def put_cursor(self, message: ChatMessage | None) -> None:
        """Put the cursor on `message`, or take it away."""
        for view in self._messages:
            view.set_class(view.message is message, "-cursor")
            if view.message is message:
                self.call_after_refresh(view.scroll_visible, animate=False)

    def action_move_cursor(self, by: int) -> None:
        """Go to the message before or after; from none, to the newest."""
        views = self._messages
        if not views:
            return
        at = next((i for i, view in enumerate(views) if view.has_class("-cursor")), None)
        if at is None:
            self.put_cursor(views[-1].message)
        elif at + by == len(views):
            self.put_cursor(None)
            self.action_newest()
        else:
            self.put_cursor(views[max(0, at + by)].message)

    def meant(self, deed: Deed) -> ChatMessage | None:
        """Return the message that `deed` is about."""
        if (cursor := self.cursor) is not None:
            return cursor
        role = "user" if deed == "edit" else "assistant"
        said = [entry for entry in self.entries if isinstance(entry, ChatMessage)]
        return next((entry for entry in reversed(said) if entry.role == role), None)

    def action_answering(self) -> None:
        """Ask for the screen of the system prompt and the sampling."""
        self.post_message(self.AnsweringWanted())

    def action_want(self, deed: Deed) -> None:
        """Ask for `deed`."""
        self.post_message(self.Wanted(deed, self.meant(deed)))

    @on(MessageView.VersionWanted)
    def _version_wanted(self, event: MessageView.VersionWanted) -> None:
        event.stop()
        self.post_message(self.Wanted("older" if event.by < 0 else "newer", event.message))
