"""The chat: transcript, attachments and prompt in one widget.

It shows engine events that are handed to it and posts what the user wants; it knows no engine client.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from vlmtui.chats.conversation import AnswerStats, ChatMessage, Conversation
from vlmtui.engine.protocol import Failed, Finished, PartRead, Started, Tokens
from vlmtui.safetext import safe_line
from vlmtui.timestamps import clock
from vlmtui.ui.actions import key_of
from vlmtui.ui.widgets.chat_asking import Asking
from vlmtui.ui.widgets.chat_files import QuestionFiles
from vlmtui.ui.widgets.chat_messages import MessageDeeds
from vlmtui.ui.widgets.chips import Chips
from vlmtui.ui.widgets.message_cursor import CursorTranscript
from vlmtui.ui.widgets.message_view import MessageView
from vlmtui.ui.widgets.path_completion import PathCompletion
from vlmtui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from vlmtui.media.client import MediaClient

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


class Chat(QuestionFiles, MessageDeeds, Asking):
    """A conversation about pictures.

    While an answer streams the prompt stays usable; Enter then says that the answer must end (or be stopped) first, and
    the text stays. Nothing is queued: what is sent next may depend on what the answer says.

    The pictures of a question that got no answer (it failed, or was stopped before its first word) come back above the
    prompt, for the model will not see that turn again: a question in other words is about them too.
    """

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", id="chat.stop"),
        Binding("f5", "retry", "Retry", id="chat.retry"),
        Binding("ctrl+r", "presets", "Ask…", id="chat.presets"),
        Binding("ctrl+end", "newest", "Newest", id="chat.end", show=False),
    ]

    class Asked(Message):
        """The user asks; the question is in the conversation and on the screen already."""

        def __init__(self, text: str, attachments: tuple[Path, ...]) -> None:
            super().__init__()
            self.text = text
            self.attachments = attachments

    class StopRequested(Message):
        """The answer that is being written shall stop."""

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

    @property
    def draft(self) -> str:
        """What is typed and was not sent."""
        return self._prompt.text

    # ---- what the app calls ---------------------------------------------------------------------

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

    def receive(self, event: Started | PartRead | Tokens | Finished | Failed) -> None:
        """Show what the engine says about the answer; nothing of it is lost, whenever it comes."""
        self.begin_answer()
        message = self.conversation.streaming
        assert message is not None
        match event:
            case PartRead():
                message.stats.part = f"Part {event.number} of {event.of}, up to {clock(event.end_s)}: {event.text}"
            case Started():
                message.stats.prompt_tokens = event.prompt_tokens
                message.stats.image_tokens = event.image_tokens
                message.stats.tiles = event.tiles
            case Tokens():
                message.stats.part = ""
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

    def show_conversation(self, conversation: Conversation) -> None:
        """Show another conversation in place of this one, e.g. a new, empty one."""
        self.conversation = conversation
        self._editing = None
        self._prompt.earlier = [entry.text for entry in conversation.messages if entry.role == "user"]
        self._transcript.show(conversation.messages)
        self.busy = conversation.streaming is not None
        if self.is_attached:
            self.tell_what_changed()

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
        self.tell_what_changed()
        self.watch(self._completion, "shown", self._show_completing)

    def on_resize(self, event: events.Resize) -> None:
        """The chips show pictures where there is room."""
        self._chips.around_changed(event.size.height)

    def draw_with(self, media: MediaClient) -> None:
        """Have the attachments' pictures drawn by `media`."""
        self._chips.media = media

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

    def action_newest(self) -> None:
        """Go to the end of the transcript and follow it."""
        self._transcript.action_newest()

    @on(Prompt.Sent)
    def _send(self, event: Prompt.Sent) -> None:
        event.stop()
        text = event.text.strip()
        if not self._prompt.text.startswith(event.text):
            return  # typed on top of a question that was taken meanwhile: it stays, and Enter sends it
        if self.busy:
            self.say("Still answering: Esc stops it, then Enter sends.")
        elif gone := self.files_gone():
            self.say(f"{gone[0]} is not there any more: remove it, or put it back.")
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
            question = self.conversation.ask(text, tuple(str(path) for path in paths))
            self.remember_content(question)
            self._transcript.add(question)
            self.refresh_bindings()
            self.post_message(self.Asked(text, paths))

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._transcript.typed()
        if event.text_area.text != self._put:
            self._put = ""
            self.say("")
        self._complete()

    @on(Prompt.Page)
    def _page(self, event: Prompt.Page) -> None:
        event.stop()
        if event.direction < 0:
            self._transcript.action_page_up()
        else:
            self._transcript.action_page_down()

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


def _ending_words(message: ChatMessage, event: Started | PartRead | Tokens | Finished | Failed) -> str:
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
