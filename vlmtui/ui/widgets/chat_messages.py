"""What is done with one message of the chat: copied, quoted, edited, answered again, gone on with."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.message import Message

from vlmtui.chats.conversation import ChatMessage
from vlmtui.chats.quoting import code_blocks, quoted
from vlmtui.safetext import safe_text
from vlmtui.ui.widgets.chat_part import ChatPart
from vlmtui.ui.widgets.message_cursor import CursorTranscript, Deed


class MessageDeeds(ChatPart):
    """The part of `Chat` that is about single messages."""

    class RetryRequested(Message, namespace="chat"):
        """The last answer failed, and shall be asked for again."""

    class Branched(Message, namespace="chat"):
        """Another version of a message is on show."""

    def action_message(self, deed: Deed) -> None:
        """Do `deed` with the message under the cursor, or with the newest one."""
        self._do(deed, self._transcript.meant(deed))

    def action_retry(self) -> None:
        """Ask for the failed answer again, or for another version of the newest one."""
        if not self.busy and self.conversation.failed is not None:
            self.post_message(self.RetryRequested())
        else:
            self.action_message("regenerate")

    def action_cursor(self, by: int) -> None:
        """Move the cursor over the messages."""
        self._transcript.action_move_cursor(by)
        self._transcript.focus()

    @on(CursorTranscript.Wanted)
    def _wanted(self, event: CursorTranscript.Wanted) -> None:
        event.stop()
        self._do(event.deed, event.message)

    def _do(self, deed: Deed, message: ChatMessage | None) -> None:
        if message is None:
            self.say("Nothing was asked yet." if deed == "edit" else "There is no answer yet.")
        elif deed == "copy":
            self._copy(message.text, "The message is copied." if message.role == "user" else "The answer is copied.")
        elif deed == "code":
            blocks = code_blocks(message.text)
            self._copy("\n\n".join(blocks), "The code is copied.", "There is no code block in it.")
        elif deed == "quote":
            self._prompt.insert(safe_text(quoted(message.text)))
            self.focus_prompt()
        elif self.busy:
            self.say("Still answering: Esc stops it.")
        elif deed in ("older", "newer"):
            self._show_version(message, -1 if deed == "older" else 1)
        elif deed == "edit":
            self._edit(message)
        elif deed == "continue":
            self._go_on(message)
        else:
            self._regenerate(message)

    def _copy(self, text: str, done: str, nothing: str = "There is nothing in it to copy.") -> None:
        if text:
            self.app.copy_to_clipboard(safe_text(text))
        self.say(done if text else nothing)

    def _show_version(self, message: ChatMessage, by: int) -> None:
        versions = self.conversation.versions(message)
        at = versions.index(message) + by
        if not 0 <= at < len(versions):
            self.say("There is no other version." if len(versions) == 1 else "There is none further on.")
            return
        self.conversation.show(versions[at])
        self._transcript.show(self.conversation.messages)
        self._transcript.put_cursor(versions[at])
        self.post_message(self.Branched())

    def _edit(self, message: ChatMessage) -> None:
        if message.role != "user":
            self.say("Questions can be edited; r gives another version of an answer.")
            return
        self._editing = message
        self._chips.clear()
        for path in message.attachments:
            self._chips.add(Path(path))
        self._put_text(message.text)
        self.focus_prompt()
        self.refresh_bindings()
        self.say("Enter asks it in these words, beside the first version; Esc does not.")

    def _go_on(self, message: ChatMessage) -> None:
        if not self.conversation.can_go_on(message):
            self.say("Only the newest answer can go on, where it was stopped or cut at its longest.")
            return
        self.conversation.go_on(message)
        self.busy = True
        self._transcript.changed(message)
        self._transcript.action_newest()
        self.post_message(self.RetryRequested())

    def _regenerate(self, message: ChatMessage) -> None:
        messages = self.conversation.messages
        at = next(i for i, other in enumerate(messages) if other is message)
        if message.role == "user":
            at += 1
        if at < len(messages):
            if messages[at].state == "failed":
                self.action_retry()
                return
            self.conversation.branch(messages[at])
            self._transcript.show(messages)
        self.post_message(self.RetryRequested())

    def _place_of(self, message: ChatMessage) -> tuple[int, int]:
        versions = self.conversation.versions(message)
        return versions.index(message) + 1, len(versions)
