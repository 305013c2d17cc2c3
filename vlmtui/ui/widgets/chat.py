"""The chat: transcript, attachments and prompt in one widget.

It shows engine events that are handed to it and posts what the user wants; it knows no engine client.
"""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static, TextArea

from vlmtui.chats.answering import Answering
from vlmtui.chats.conversation import AnswerStats, ChatMessage, Conversation
from vlmtui.chats.presets import Preset
from vlmtui.chats.quoting import code_blocks, quoted
from vlmtui.engine.protocol import Failed, Finished, Started, Tokens
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line, safe_text
from vlmtui.settings import Settings
from vlmtui.ui.actions import key_of
from vlmtui.ui.widgets.chips import Chip, Chips
from vlmtui.ui.widgets.message_cursor import CursorTranscript, Deed
from vlmtui.ui.widgets.message_view import MessageView
from vlmtui.ui.widgets.path_completion import PathCompletion
from vlmtui.ui.widgets.prompt import Prompt

_PLACEHOLDER = "Ask about the picture…"
_WELCOME = Content.from_markup(
    "[b $foreground]Ask about a picture[/]\n\n"
    "Select one in the explorer, type a question below, press [b $foreground]Enter[/]. For example:\n\n"
    "[i]What is in this picture?\nHow many are there?\nRead the text.[/]"
)


class NewTextHint(Static):
    """Says that text has come below what is being read; a click goes there."""

    class Pressed(Message):
        """The user wants to go to the end."""

    def on_click(self, event: events.Click) -> None:
        """Go to the end."""
        event.stop()
        self.post_message(self.Pressed())


class Chat(Widget):
    """A conversation about pictures.

    While an answer streams the prompt stays usable; Enter then says that the answer must end (or be stopped) first, and
    the text stays. Nothing is queued: what is sent next may depend on what the answer says.

    The pictures of a question that got no answer (it failed, or was stopped before its first word) come back above the
    prompt, for the model will not see that turn again: a question in other words is about them too.

    Attributes:
        conversation: what has been said; the widget appends to it.
        busy: whether an answer is awaited or streaming.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", id="chat.stop"),
        Binding("f5", "retry", "Retry", id="chat.retry"),
        Binding("ctrl+r", "presets", "Ask…", id="chat.presets"),
        Binding("ctrl+end", "newest", "Newest", id="chat.end", show=False),
    ]

    busy: reactive[bool] = reactive(False)

    class Asked(Message):
        """The user asks; the question is in the conversation and on the screen already."""

        def __init__(self, text: str, attachments: tuple[Path, ...]) -> None:
            super().__init__()
            self.text = text
            self.attachments = attachments

    class StopRequested(Message):
        """The answer that is being written shall stop."""

    class RetryRequested(Message):
        """The last answer failed, and shall be asked for again."""

    class Branched(Message):
        """Another version of a message is on show."""

    class AnsweringChanged(Message):
        """The conversation is answered in another way from now on."""

    class Detached(Message):
        """The user has removed an attachment."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def __init__(
        self,
        conversation: Conversation | None = None,
        *,
        welcome: Content = _WELCOME,
        placeholder: str = _PLACEHOLDER,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.conversation = conversation or Conversation()
        self._transcript = CursorTranscript(welcome, id="transcript")
        self._transcript.place_of = self._place_of
        self._completion = PathCompletion(Path.cwd(), id="completion")
        self._left_at: str | None = None  # the word after an @ that no file was wanted for
        self._put = ""  # what stands in the prompt without having been typed
        self._editing: ChatMessage | None = None  # the question that the next one stands beside
        self._transcript.show(self.conversation.messages)
        self._hint = NewTextHint("↓ new text below", id="new-text", markup=False)
        self._hint.display = False
        self._chips = Chips(id="chips")
        self._returned: list[Path] = []  # attachments of a failed question, put back
        self._notice = Static("", id="notice", markup=False)
        self._notice.display = False
        self._prompt = Prompt(placeholder, id="prompt")
        self._prompt.earlier = [entry.text for entry in self.conversation.messages if entry.role == "user"]

    # ---- what the app calls ---------------------------------------------------------------------

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

    def begin_answer(self) -> None:
        """Show that an answer is awaited, in the place of a failed one at the end."""
        if self.conversation.streaming is not None:
            return
        if self.conversation.failed is not None:  # asked for again: its pictures go with it
            self._transcript.remove_newest_message()
            for path in self._returned:
                self._chips.remove_path(path)
        self._returned.clear()
        message = self.conversation.begin_answer()
        self._transcript.add(message)
        self.busy = True
        beams = self.conversation.answering.over(self._settings).beams
        if beams > 1:
            self.say(f"{beams} beams: the answer comes whole, not word by word.")

    @property
    def _settings(self) -> Settings:
        return getattr(self.app, "settings", None) or Settings()

    def receive(self, event: Started | Tokens | Finished | Failed) -> None:
        """Show what the engine says about the answer; nothing of it is lost, whenever it comes."""
        self.begin_answer()
        message = self.conversation.streaming
        assert message is not None
        match event:
            case Started():
                message.stats.prompt_tokens = event.prompt_tokens
                message.stats.image_tokens = event.image_tokens
                message.stats.tiles = event.tiles
            case Tokens():
                message.text += event.text
                message.stats.completion_tokens += event.count
            case Finished():
                _finish(message, event)
            case Failed() if message.stats.continued:  # what there was is still an answer
                message.state = "stopped"
                message.stats.reason = "stopped"
            case Failed():
                message.state = "failed"
                message.error = safe_line(event.cause)
                message.remedy = safe_line(event.remedy)
        if message.state != "streaming":
            self.busy = False
            self.say(_ending_words(message, event))
            if message.state == "failed" or not message.text.strip():
                self._return_attachments()
        self._transcript.changed(message)

    def _return_attachments(self) -> None:
        """Put the pictures of the question without an answer back above the prompt."""
        question = next((entry for entry in reversed(self.conversation.messages) if entry.role == "user"), None)
        for path in map(Path, question.attachments if question is not None else ()):
            if path not in self._chips.attached:
                self._chips.add(path)
                self._returned.append(path)

    def note(self, text: str) -> None:
        """Show a dimmed line from the app among the messages; it is not part of the conversation."""
        self._transcript.add(text)

    def say(self, text: str) -> None:
        """Show one line above the prompt until the next key changes the text; empty to hide it."""
        self._notice.update(Content(safe_line(text)))
        self._notice.display = bool(text)

    def show_conversation(self, conversation: Conversation) -> None:
        """Show another conversation in place of this one, e.g. a new, empty one."""
        self.conversation = conversation
        self._editing = None
        self._prompt.earlier = [entry.text for entry in conversation.messages if entry.role == "user"]
        self._transcript.show(conversation.messages)
        self.busy = conversation.streaming is not None

    def abandon_answer(self) -> None:
        """Let the answer that is being written end here; what comes of it later is not this chat's any more."""
        message = self.conversation.streaming
        if message is not None:
            message.state = "stopped"
            message.stats.reason = "stopped"
            self.busy = False
            self._transcript.changed(message)

    def reset(self, conversation: Conversation | None = None) -> None:
        """Show another conversation, an empty one if none is given; what is being typed stays."""
        self._chips.clear()
        self._returned.clear()
        self.say("")
        self.show_conversation(conversation or Conversation())

    def focus_prompt(self) -> None:
        """Put the cursor into the prompt, at once: what is typed right behind the key goes into it."""
        self.screen.set_focus(self._prompt)

    # ---- the widget itself ----------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Lay the parts out, the transcript taking what the others leave."""
        yield self._transcript
        yield self._hint
        yield self._notice
        with Vertical(id="input"):
            yield self._chips
            yield self._completion
            yield self._prompt

    def on_mount(self) -> None:
        """Show the hint whenever the transcript has text below, and know the folder that files are in."""
        folder = getattr(self.app, "directory", None)
        if folder is not None:
            self._completion.folder = self._prompt.folder = folder
        self.watch(self._transcript, "unseen", self._show_hint)
        self.watch(self._completion, "shown", self._show_completing)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what makes sense now."""
        if action == "stop":
            return self.busy or self._editing is not None
        if action == "retry":
            return not self.busy and bool(self.conversation.messages)
        return True

    def watch_busy(self) -> None:
        """The footer's keys follow."""
        self.set_class(self.busy, "-busy")
        self.refresh_bindings()

    def action_stop(self) -> None:
        """Stop the answer; what has come stays. Or ask a new question, not an edited one."""
        if self.busy:
            self.post_message(self.StopRequested())
        elif self._editing is not None:
            self._editing = None
            self.say("Not edited: Enter asks a new question.")
            self.refresh_bindings()

    def action_retry(self) -> None:
        """Ask for the failed answer again, or for another version of the newest one."""
        if not self.busy and self.conversation.failed is not None:
            self.post_message(self.RetryRequested())
        else:
            self.action_message("regenerate")

    def action_newest(self) -> None:
        """Go to the end of the transcript and follow it."""
        self._transcript.action_newest()

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

    def _put_text(self, text: str) -> None:
        """Put `text` in the place of what was typed; what is said about it stays until the next key."""
        self._prompt.load_text(safe_text(text))
        self._prompt.move_cursor(self._prompt.document.end)
        self._put = self._prompt.text

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

    # ---- one message ----

    def action_message(self, deed: Deed) -> None:
        """Do `deed` with the message under the cursor, or with the newest one."""
        self._do(deed, self._transcript.meant(deed))

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

    @on(Prompt.Sent)
    def _send(self, event: Prompt.Sent) -> None:
        event.stop()
        text = event.text.strip()
        if not self._prompt.text.startswith(event.text):
            return  # typed on top of a question that was taken meanwhile: it stays, and Enter sends it
        if self.busy:
            self.say("Still answering: Esc stops it, then Enter sends.")
        elif not text:
            self.say("Type a question first." if not self._chips.paths else "Type a question about the picture first.")
        else:
            self.say("")
            paths = self._chips.clear()
            if self._editing is not None:
                self.conversation.branch(self._editing)
                self._editing = None
                self._transcript.show(self.conversation.messages)
            self._prompt.earlier.append(text)
            self._prompt.clear_sent(event.text)
            self._transcript.add(self.conversation.ask(text, tuple(str(path) for path in paths)))
            self.refresh_bindings()
            self.post_message(self.Asked(text, paths))

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._transcript.typed_at = monotonic()
        if event.text_area.text != self._put:
            self._put = ""
            self.say("")
        self._complete()

    # ---- files by name ----

    def _complete(self) -> None:
        """List the files for the word after an `@`, if the cursor is behind one."""
        word = self._prompt.at_word
        if word is None or (self._left_at is not None and not word.startswith(self._left_at)):
            self._left_at = None
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

    @on(Prompt.Page)
    def _page(self, event: Prompt.Page) -> None:
        event.stop()
        if event.direction < 0:
            self._transcript.action_page_up()
        else:
            self._transcript.action_page_down()

    @on(Chip.Removed)
    def _remove(self, event: Chip.Removed) -> None:
        event.stop()
        if event.chip.has_focus:
            self._prompt.focus()
        self.detach(event.chip.path)

    @on(MessageView.Retry)
    def _retry(self, event: MessageView.Retry) -> None:
        event.stop()
        self.action_retry()

    @on(NewTextHint.Pressed)
    def _go_to_end(self, event: NewTextHint.Pressed) -> None:
        event.stop()
        self._transcript.action_newest()

    def _show_hint(self, unseen: bool) -> None:
        self._hint.display = unseen


def _ending_words(message: ChatMessage, event: Started | Tokens | Finished | Failed) -> str:
    """Return what is said above the prompt when an answer has ended."""
    if isinstance(event, Failed) and message.state == "stopped":
        return f"It did not go on: {event.cause}. {event.remedy[:1].upper()}{event.remedy[1:]}."
    if message.stats.reason == "length" and message.text.strip():
        return f"Cut at the longest answer: {key_of('chat.continue')} among the messages goes on."
    return ""


def _finish(message: ChatMessage, event: Finished) -> None:
    """Write how the answer ended into `message`."""
    message.state = "stopped" if event.reason == "stopped" else "done"
    tiles = message.stats.tiles
    message.stats = AnswerStats(
        prompt_tokens=event.prompt_tokens or message.stats.prompt_tokens,
        image_tokens=event.image_tokens or message.stats.image_tokens,
        tiles=tiles,
        completion_tokens=message.stats.earlier_tokens + event.completion_tokens or message.stats.completion_tokens,
        ttft_s=event.ttft_s,
        tokens_per_s=event.tokens_per_s,
        reason=event.reason,
        pictures=event.pictures,
        known_pictures=event.known_pictures,
        known_tokens=event.known_tokens,
        saved_s=event.saved_s,
        continued=message.stats.continued,
        earlier_tokens=message.stats.earlier_tokens,
    )
