"""The files that a question is about: attached, named behind an @, pasted, moved and taken away again."""

from __future__ import annotations

from asyncio import to_thread
from contextlib import suppress
from pathlib import Path

from textual import on
from textual.message import Message

from vlmtui.chats.content import content_hash, since
from vlmtui.chats.conversation import ChatMessage, Conversation
from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.chat_part import ChatPart
from vlmtui.ui.widgets.chips import Chip
from vlmtui.ui.widgets.path_completion import PathCompletion
from vlmtui.ui.widgets.prompt import Prompt


class QuestionFiles(ChatPart):
    """The part of `Chat` that is about the files of the next question."""

    class Detached(Message, namespace="chat"):
        """The user has removed an attachment."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    @property
    def attachments(self) -> tuple[Path, ...]:
        """The files that the next question will be about."""
        return self._chips.paths

    def attach(self, path: Path, detail: str = "") -> None:
        """Put `path` with the next question; `detail` is what is known about it, e.g. `640×480 · 64 tokens`."""
        self._chips.add(path, detail)

    def offer(self, path: Path | None, detail: str = "") -> None:
        """Let `path`, the picture on show, go with the next question as long as nothing is attached; None ends that."""
        self._chips.offer(path, detail)

    def describe(self, path: Path, detail: str) -> None:
        """Say `detail` (`640×480 · 64 tokens`) beside `path`, if it is attached or offered."""
        self._chips.describe(path, detail)

    def detach(self, path: Path) -> None:
        """Take `path` away from the next question."""
        if self._chips.remove_path(path):
            self.post_message(self.Detached(path))

    def detach_last(self) -> None:
        """Take the file that was attached last away from the next question."""
        if self._chips.paths:
            self.detach(self._chips.paths[-1])

    def _return_attachments(self) -> None:
        """Put the pictures of the question without an answer back above the prompt."""
        question = next((entry for entry in reversed(self.conversation.messages) if entry.role == "user"), None)
        for path in map(Path, question.attachments if question is not None else ()):
            if path not in self._chips.attached:
                self._chips.add(path)
                self._returned.append(path)

    # ---- files by name ----

    def _complete(self) -> None:
        """List the files for the word after an `@`, if the cursor is behind one."""
        word = self._prompt.at_word
        if word is None or (self._left_at is not None and not word.startswith(self._left_at)):
            self._left_at = None
        self._prompt.left = self._left_at is not None
        if word is None or self._left_at is not None:
            self._completion.ask(None)
        else:
            self._completion.ask(word)

    def action_attach_by_name(self) -> None:
        """Begin a word that files are listed for."""
        row, column = self._prompt.cursor_location
        before = self._prompt.document.get_line(row)[:column]
        self._prompt.insert("@" if not before or before[-1].isspace() else " @")
        self.focus_prompt()

    def files_gone(self) -> list[str]:
        """Return the names of the attachments that are no files any more."""
        return [path.name for path in self._chips.paths if not path.is_file()]

    def remember_content(self, message: ChatMessage) -> None:
        """Keep with `message` what its files hold now."""
        if message.attachments:
            self.run_worker(self._remember_content(message), group="content", exit_on_error=False)

    async def _remember_content(self, message: ChatMessage) -> None:
        for path in message.attachments:
            with suppress(OSError):
                message.hashes = message.hashes | {path: await to_thread(content_hash, path)}

    def tell_what_changed(self) -> None:
        """Say which files of the conversation are gone, or hold something else than when they were asked about."""
        asked = {path: hash for message in self.conversation.messages for path, hash in message.hashes.items()}
        if asked:
            self.run_worker(self._tell_what_changed(self.conversation, asked), group="changed", exclusive=True)

    async def _tell_what_changed(self, conversation: Conversation, asked: dict[str, str]) -> None:
        found = {path: await to_thread(since, path, hash) for path, hash in asked.items()}
        if conversation is not self.conversation:
            return
        for state, words in (("changed", "has changed since it was asked about"), ("gone", "is not there any more")):
            names = [safe_line(Path(path).name, 60) for path, is_now in found.items() if is_now == state]
            if names:
                more = f" and {len(names) - 1} more" if len(names) > 1 else ""
                self.note(f"{names[0]}{more} {words}.")

    def action_attach_clipboard(self) -> None:
        """Attach the picture that is in the system's clipboard; where there is none, paste the text that was copied."""
        self.run_worker(self._attach_clipboard(), group="clipboard-picture", exclusive=True, exit_on_error=False)

    async def _attach_clipboard(self) -> None:
        from vlmtui.paths import pasted_directory
        from vlmtui.ui.clipboard import NoPicture, picture_of_clipboard

        try:
            self.attach(await picture_of_clipboard(pasted_directory()))
            self.focus_prompt()
        except NoPicture as none:
            if self.app.clipboard:
                self._prompt.action_paste()
            else:
                self.say(str(none))

    @on(Prompt.PictureWanted)
    def _picture_wanted(self, event: Prompt.PictureWanted) -> None:
        event.stop()
        self.action_attach_clipboard()

    def action_move_attachment(self, by: int) -> None:
        """Move the attachment that has the focus, or the last one, among the others."""
        self._chips.move(by)

    @on(Prompt.Completion)
    def _completion_key(self, event: Prompt.Completion) -> None:
        event.stop()
        if event.key in ("up", "down"):
            self._completion.move(-1 if event.key == "up" else 1)
        elif event.key == "leave":
            self._left_at = self._prompt.at_word
            self._complete()
        elif (file := self._completion.file) is not None:
            self._take_file(file)

    @on(PathCompletion.Chosen)
    def _completion_clicked(self, event: PathCompletion.Chosen) -> None:
        event.stop()
        self._take_file(event.file)

    def _take_file(self, file: Path) -> None:
        self._prompt.drop_at_word()
        self.attach(file)

    @on(PathCompletion.Failed)
    def _completion_failed(self, event: PathCompletion.Failed) -> None:
        event.stop()
        self.say(event.line)

    @on(Prompt.FilesPasted)
    def _files_pasted(self, event: Prompt.FilesPasted) -> None:
        event.stop()
        for file in event.files:
            self.attach(file)

    def _show_completing(self, shown: bool) -> None:
        self._prompt.completing = shown

    @on(Prompt.BackspaceInEmpty)
    def _backspace(self, event: Prompt.BackspaceInEmpty) -> None:
        event.stop()
        self.detach_last()

    @on(Chip.Removed)
    def _remove(self, event: Chip.Removed) -> None:
        event.stop()
        if event.chip.has_focus:
            self._prompt.focus()
        self.detach(event.chip.path)
