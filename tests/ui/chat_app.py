"""An app that holds nothing but a chat, and records what it posts. The events a test hands in stand for an engine's."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from vlmtui.chats.conversation import AnswerStats, Conversation
from vlmtui.engine.protocol import Failed, Finished, Started, Tokens
from vlmtui.ui.themes import VSCODE_DARK
from vlmtui.ui.widgets.chat import Chat
from vlmtui.ui.widgets.message_view import MessageView
from vlmtui.ui.widgets.prompt import Prompt
from vlmtui.ui.widgets.transcript import Transcript


class ChatApp(App[None]):
    """A chat alone."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, conversation: Conversation | None = None) -> None:
        super().__init__()
        self._conversation = conversation
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        yield Chat(self._conversation, id="chat")

    def on_mount(self) -> None:
        self.register_theme(VSCODE_DARK)
        self.theme = VSCODE_DARK.name
        self.prompt.cursor_blink = False
        self.chat.files_gone = list  # type: ignore[method-assign] # the pictures of these tests are names only
        self.chat.focus_prompt()

    @on(Chat.Asked)
    @on(Chat.StopRequested)
    @on(Chat.RetryRequested)
    @on(Chat.Detached)
    def _record(self, message: Message) -> None:
        self.posted.append(message)

    @property
    def chat(self) -> Chat:
        return self.query_one(Chat)

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def views(self) -> list[MessageView]:
        return list(self.query(MessageView))


def text_of(widget: Widget) -> str:
    """Return what `widget` itself draws, row by row."""
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))


def screen_text(app: App[None]) -> str:
    """Return what every widget draws, one after the other."""
    return "\n".join(text_of(widget) for widget in app.screen.walk_children() if widget.display)


async def painted(app: ChatApp, pilot: Pilot[None]) -> None:
    """Wait until all that was handed in is on the screen, however slow the machine is."""
    while not all(view.up_to_date for view in app.views):
        await pilot.pause(0.01)
    await pilot.pause()
    await pilot.pause()


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Type `text` as a person does."""
    names = {" ": "space", "?": "question_mark", ".": "full_stop", "\n": "ctrl+j", ",": "comma"}
    await pilot.press(*[names.get(character, character) for character in text])


async def ask(pilot: Pilot[None], text: str) -> None:
    """Type `text` and send it."""
    await type_text(pilot, text)
    await pilot.press("enter")
    await pilot.pause()


def answer(chat: Chat, pieces: Iterable[str], *, reason: str = "end") -> None:
    """Hand in a whole answer."""
    count = 0
    chat.begin_answer()
    chat.receive(Started(id=1, prompt_tokens=90, image_tokens=64, tiles=1))
    for piece in pieces:
        chat.receive(Tokens(id=1, text=piece, count=1))
        count += 1
    chat.receive(
        Finished(
            id=1,
            reason=reason,  # type: ignore[arg-type]
            prompt_tokens=90,
            image_tokens=64,
            completion_tokens=count,
            ttft_s=0.25,
            tokens_per_s=40.0,
        )
    )


def fail(chat: Chat, cause: str = "The engine ended.", remedy: str = "Retry.") -> None:
    """Hand in a failure."""
    chat.receive(Failed(id=1, code="engine_died", cause=cause, remedy=remedy))


def long_conversation(messages: int, text: str = "Answer {}, in **Markdown**:\n\n- one\n- two") -> Conversation:
    """Return a conversation of so many finished messages."""
    conversation = Conversation()
    for number in range(messages // 2):
        conversation.ask(f"Question {number}", ("/pictures/one.png",))
        message = conversation.begin_answer()
        message.text, message.state = text.format(number), "done"
        message.stats = AnswerStats(completion_tokens=9, reason="end")
    return conversation
