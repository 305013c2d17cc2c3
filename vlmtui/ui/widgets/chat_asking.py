"""How the chat's next question is asked: a question that is asked again and again, a system prompt, a sampling."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.message import Message

from vlmtui.chats.answering import Answering
from vlmtui.chats.presets import Preset
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_text
from vlmtui.ui.widgets.chat_part import ChatPart
from vlmtui.ui.widgets.message_cursor import CursorTranscript


class Asking(ChatPart):
    """The part of `Chat` that is about how a question is asked."""

    class AnsweringChanged(Message, namespace="chat"):
        """The conversation is answered in another way from now on."""

    def action_presets(self) -> None:
        """Offer questions that are asked again and again."""
        from vlmtui.chats.presets import presets
        from vlmtui.ui.screens.presets import Presets

        self.app.push_screen(Presets(presets(self._settings.presets)), self._use_preset)

    @on(CursorTranscript.AnsweringWanted)
    def action_answering(self) -> None:
        """Show the system prompt and the sampling of this conversation."""
        from vlmtui.paths import settings_file
        from vlmtui.ui.screens.answering import AnsweringScreen

        conversation = self.conversation

        def changed(answering: Answering) -> None:
            conversation.answering = answering
            self.post_message(self.AnsweringChanged())

        file = getattr(self.app, "user_settings", None) or settings_file()
        self.app.push_screen(AnsweringScreen(conversation.answering, self._settings, file, changed))

    def _use_preset(self, preset: Preset | None) -> None:
        """Ask it, where nothing is being typed and what it is about is there; else put it into the prompt."""
        if preset is None:
            return
        self.focus_prompt()
        if self._prompt.text.strip():
            self._prompt.insert(safe_text(preset.prompt))
            return
        self._put_text(preset.prompt)
        if missing := self._missing_for(preset):
            self.say(missing)
        else:
            self._prompt.action_send()

    def _missing_for(self, preset: Preset) -> str:
        """Return what has to be attached for `preset` first; empty where nothing has."""
        here = [str(path) for path in self._chips.paths]
        said = [path for message in self.conversation.messages for path in message.attachments]
        kinds = [kind_of(Path(path)) for path in (here or said)]
        if preset.video and "video" not in kinds:
            return "Attach a video, then press Enter."
        if kinds.count("picture") < preset.pictures and not (preset.pictures == 1 and kinds):
            return f"Attach {'a picture' if preset.pictures == 1 else f'{preset.pictures} pictures'}, then press Enter."
        return ""
