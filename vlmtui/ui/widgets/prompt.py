"""Where a question is typed: grows with the text, sends on Enter, remembers what was asked before."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import ClassVar, Literal

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from vlmtui.safetext import safe_text
from vlmtui.ui.pasting import pasted_files

_AT_WORD = re.compile(r"(?:^|(?<=\s))@(\S*)$")


class Prompt(TextArea):
    """A text area of one to eight rows. It is never disabled: one may type on while an answer streams.

    Attributes:
        earlier: earlier prompts, oldest first; the chat fills it.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: a text area takes Enter for itself otherwise. They hold only while the prompt is focused.
        Binding("enter", "send", "Send", id="chat.send", priority=True),
        Binding("ctrl+j,shift+enter,alt+enter", "newline", "New line", id="chat.newline", priority=True),
        Binding("ctrl+v,super+v", "attach_clipboard", "Paste", id="chat.attach_clipboard", show=False),
        Binding("pageup", "page(-1)", "Scroll up", id="chat.page_up", show=False),
        Binding("pagedown", "page(1)", "Scroll down", id="chat.page_down", show=False),
    ]

    class Sent(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pressed(Message):
        """A key with a meaning of its own was pressed; to the prompt itself, behind the keys that came before it.

        The bindings have priority, so they act before the characters in front of them are in the text: over a slow line
        a whole question and its Enter arrive at once.
        """

        bubble = False

        def __init__(self, key: Literal["send", "newline"]) -> None:
            super().__init__()
            self.key = key

    class BackspaceInEmpty(Message):
        """Backspace was pressed with nothing to delete."""

    class Completion(Message):
        """A key that is for the list of files was pressed."""

        def __init__(self, key: Literal["take", "up", "down", "leave"]) -> None:
            super().__init__()
            self.key = key

    class FilesPasted(Message):
        """Paths of pictures and videos were pasted, and nothing else."""

        def __init__(self, files: list[Path]) -> None:
            super().__init__()
            self.files = files

    class PictureWanted(Message):
        """What is in the clipboard is to be pasted, and may be a picture."""

    class Page(Message):
        """Page up or down was pressed: what is read is the transcript."""

        def __init__(self, direction: int) -> None:
            super().__init__()
            self.direction = direction

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(
            placeholder=placeholder,
            id=id,
            compact=True,
            highlight_cursor_line=False,
            tab_behavior="focus",
            show_line_numbers=False,
        )
        self.cursor_blink = False  # a blinking cursor is two screens a second that nobody asked for
        self.earlier: list[str] = []
        self.completing = False
        """Whether files are listed for what is typed: some keys are for them."""
        self.left = False
        """Whether the word after an `@` is not to be completed."""
        self.folder = Path.cwd()
        """Where pasted relative paths belong."""
        self._place: int | None = None  # in the history; None when the draft is shown
        self._draft = ""

    def action_send(self) -> None:
        """Hand the text over once the keys before this one are in it; the chat clears it when it is taken."""
        self.post_message(self.Pressed("send"))

    def action_newline(self) -> None:
        """Start a new line at the cursor, once the keys before this one are in the text."""
        self.post_message(self.Pressed("newline"))

    def on_prompt_pressed(self, event: Pressed) -> None:
        """Do what the key is for."""
        if event.key == "send":
            self.post_message(self.Completion("take") if self.completing else self.Sent(self.text))
            return
        result = self.replace("\n", *self.selection, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    @property
    def at_word(self) -> str | None:
        """The letters between an `@` and the cursor; None where there is no such word."""
        row, column = self.cursor_location
        found = _AT_WORD.search(self.document.get_line(row)[:column])
        return None if found is None else found[1]

    def drop_at_word(self) -> None:
        """Take the word with its `@` out of the text."""
        word = self.at_word
        if word is not None:
            row, column = self.cursor_location
            self.delete((row, column - len(word) - 1), (row, column))

    async def _on_key(self, event: events.Key) -> None:
        key = {"tab": "take", "escape": "leave"}.get(event.key)
        # Esc, too, while files are still looked for: their list must not come up behind it.
        seeking = key == "leave" and not self.left and self.at_word is not None
        if (self.completing and key is not None) or seeking:
            event.stop()
            event.prevent_default()
            self.post_message(self.Completion("take" if key == "take" else "leave"))
            return
        await super()._on_key(event)

    def action_attach_clipboard(self) -> None:
        """Paste the clipboard: a picture of the system's is attached, else text is inserted."""
        from vlmtui.ui.clipboard import reading

        if self.app.clipboard and reading(os.environ) is None:
            self.action_paste()  # now: what is typed next comes behind it
        else:
            self.post_message(self.PictureWanted())

    def action_page(self, direction: int) -> None:
        """Scroll the transcript."""
        self.post_message(self.Page(direction))

    def clear_sent(self, sent: str) -> None:
        """Take `sent` out after it was taken, leave what was typed since, and stand after the newest of the history."""
        self._place, self._draft = None, ""
        self.load_text(self.text.removeprefix(sent))
        self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up; from the first row on, bring earlier prompts back."""
        if self.completing:
            self.post_message(self.Completion("up"))
            return
        at_top = self.wrapped_document.location_to_offset(self.cursor_location).y == 0
        place = len(self.earlier) if self._place is None else self._place
        if select or not at_top or not place:
            super().action_cursor_up(select)
            return
        if self._place is None:
            self._draft = self.text
        self._place = place - 1
        self._recall(self.earlier[self._place], at_end=False)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down; from the last row on, go back to newer prompts and to what was being typed."""
        if self.completing:
            self.post_message(self.Completion("down"))
            return
        row = self.wrapped_document.location_to_offset(self.cursor_location).y
        if select or self._place is None or row < self.wrapped_document.height - 1:
            super().action_cursor_down(select)
            return
        if self._place + 1 < len(self.earlier):
            self._place += 1
            self._recall(self.earlier[self._place], at_end=True)
        else:
            self._place = None
            self._recall(self._draft, at_end=True)

    def action_delete_left(self) -> None:
        """Delete to the left; in an empty prompt the last attachment goes."""
        if self.text:
            super().action_delete_left()
        else:
            self.post_message(self.BackspaceInEmpty())

    def on_paste(self, event: events.Paste) -> None:
        """Make what is pasted safe before the text area inserts it; its lines stay lines. Files are attached.

        Some terminals paste nothing where the clipboard has a picture only.
        """
        if not event.text:
            event.stop()
            self.post_message(self.PictureWanted())
            return
        if files := pasted_files(event.text, self.folder):
            event.prevent_default()
            event.stop()
            self.post_message(self.FilesPasted(files))
            return
        event.text = safe_text(event.text.replace("\r\n", "\n").replace("\r", "\n"))

    def _recall(self, text: str, *, at_end: bool) -> None:
        self.load_text(safe_text(text))  # it may come from a file
        # Where the next Up (or Down) leaves the text again, and where one goes on typing if it is a single line.
        self.move_cursor(self.document.end if at_end else (0, len(self.document.get_line(0))))
