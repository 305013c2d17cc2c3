"""What the parts of the chat share: the conversation, the widgets, the line above the prompt."""

from __future__ import annotations

from pathlib import Path

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.chats.conversation import ChatMessage, Conversation
from vlmtui.safetext import safe_line, safe_text
from vlmtui.settings import Settings
from vlmtui.ui.widgets.chips import Chips
from vlmtui.ui.widgets.message_cursor import CursorTranscript
from vlmtui.ui.widgets.path_completion import PathCompletion
from vlmtui.ui.widgets.prompt import Prompt


class ChatPart(Widget):
    """The base of the parts, which `Chat` puts together.

    Attributes:
        conversation: what has been said; the chat appends to it.
        busy: whether an answer is awaited or streaming.
    """

    busy: reactive[bool] = reactive(False)

    conversation: Conversation
    _transcript: CursorTranscript
    _notice: Static
    _chips: Chips
    _completion: PathCompletion
    _prompt: Prompt
    _put: str  # what stands in the prompt without having been typed
    _left_at: str | None  # the word after an @ that no file was wanted for
    _editing: ChatMessage | None  # the question that the next one stands beside
    _returned: list[Path]  # attachments of a failed question, put back

    def say(self, text: str) -> None:
        """Show one line above the prompt until the next key changes the text; empty to hide it."""
        self._notice.update(Content(safe_line(text)))
        self._notice.display = bool(text)

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt, at once: what is typed right behind the key goes into it."""
        self.screen.set_focus(self._prompt)

    @property
    def _settings(self) -> Settings:
        return getattr(self.app, "settings", None) or Settings()

    def _put_text(self, text: str) -> None:
        """Put `text` in the place of what was typed; what is said about it stays until the next key."""
        self._prompt.load_text(safe_text(text))
        self._prompt.move_cursor(self._prompt.document.end)
        self._put = self._prompt.text

    def note(self, text: str) -> None:
        """Show a dimmed line from the app among the messages; it is not part of the conversation."""
        self._transcript.add(text)
