"""The workbench: explorer, preview and chat side by side, the footer and the status bar below."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.chats.conversation import Conversation
from vlmtui.engine.protocol import Failed, Finished, Loaded, Started, Tokens
from vlmtui.media.client import MediaClient
from vlmtui.safetext import safe_line
from vlmtui.ui.actions import Scope, bindings
from vlmtui.ui.engine_state import EngineState
from vlmtui.ui.session import Session
from vlmtui.ui.widgets.chat import Chat
from vlmtui.ui.widgets.explorer import Explorer
from vlmtui.ui.widgets.key_bar import KeyBar
from vlmtui.ui.widgets.preview import Preview
from vlmtui.ui.widgets.status_bar import StatusBar

PARTS: tuple[Scope, ...] = ("explorer", "preview", "chat")


class Workbench(Screen[None]):
    """The main screen. Below 100 columns two of the three parts are shown, below 60 one: those around the focus."""

    AUTO_FOCUS = "#explorer"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("workbench")]
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-small"), (60, "-medium"), (100, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]]] = [(0, "-low"), (10, "-high")]

    def __init__(self, directory: Path, *, select: Path | None = None, graphics: str = "auto") -> None:
        super().__init__(id="workbench")
        self.directory = directory
        self.media = MediaClient()
        self._select = select
        self._graphics = graphics
        self._part: Scope = "explorer"

    def compose(self) -> ComposeResult:
        name = safe_line(self.directory.name or str(self.directory), 60)
        with Horizontal(id="parts"):
            with Vertical(id="explorer-pane", classes="pane"):
                yield Static(Content(name.upper()), id="explorer-title", classes="title")
                yield Explorer(self.directory, select=self._select, id="explorer")
            with Vertical(id="preview-pane", classes="pane"):
                yield Static(Content("Preview"), id="preview-title", classes="title")
                yield Preview(self.media, graphics=self._graphics, id="preview")
            with Vertical(id="chat-pane", classes="pane"):
                yield Static(Content("CHAT"), id="chat-title", classes="title")
                yield Chat(id="chat")
        yield KeyBar()
        yield StatusBar()

    def begin(self) -> None:
        """Start what the first paint did not need."""
        self.query_one(Explorer).begin()

    async def on_unmount(self) -> None:
        await self.media.close()

    # ---- parts ----

    @property
    def conversation(self) -> Conversation:
        """What was said so far."""
        return self.query_one(Chat).conversation

    def part(self, scope: Scope) -> Widget:
        """Return the explorer, the preview or the chat."""
        return self.query_one(f"#{scope}")

    def show_part(self, scope: Scope) -> None:
        """Give `scope` the focus, and room if the window is too narrow for all."""
        self._make_room(scope)
        if scope == "chat":
            self.query_one(Chat).focus_prompt()
        else:
            self.part(scope).focus()

    def _make_room(self, scope: Scope) -> None:
        self._part = scope
        for name in PARTS:
            self.set_class(name == scope, f"-in-{name}")
        if scope == "explorer":
            self.remove_class("-no-side-bar")
        if scope != "preview":  # beside the picture stays what was there
            self.set_class(scope == "chat", "-with-chat")
        self.query_one(KeyBar).part = scope

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        for scope in PARTS:
            pane = self.query_one(f"#{scope}-pane")
            if pane in event.widget.ancestors:
                self._make_room(scope)
                return

    def action_next_part(self) -> None:
        self._step(1)

    def action_previous_part(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        parts = [part for part in PARTS if part != "explorer" or not self.has_class("-no-side-bar")]
        at = parts.index(self._part) if self._part in parts else 0
        self.show_part(parts[(at + by) % len(parts)])

    def action_toggle_side_bar(self) -> None:
        if self.has_class("-no-side-bar"):
            self.show_part("explorer")
            return
        narrow = not self.has_class("-wide")
        if narrow and self.has_class("-with-chat"):  # it is hidden for want of room: bring it
            self.show_part("explorer")
            return
        self.add_class("-no-side-bar")
        if self._part == "explorer":
            self.show_part("preview")

    # ---- pictures ----

    @on(Explorer.Selected)
    def _selected(self, message: Explorer.Selected) -> None:
        preview = self.query_one(Preview)
        preview.path = message.path
        title = Content.assemble(" ", (safe_line(message.path.name, 60), "italic"))
        self.query_one("#preview-title", Static).update(title)
        self._offer(message.path if message.kind in ("picture", "video") else None)

    def _offer(self, path: Path | None) -> None:
        """Offer the picture on show for the next question, unless the conversation is about it already."""
        if path is not None:
            asked = [message.attachments for message in self.conversation.messages if message.attachments]
            if asked and str(path) in asked[-1]:
                path = None
        self.query_one(Chat).offer(path)

    @on(Explorer.AttachRequested)
    def _attach_requested(self, message: Explorer.AttachRequested) -> None:
        self.query_one(Chat).attach(message.path)
        if not message.stay:
            self.show_part("chat")

    # ---- the engine ----

    def show_state(self, state: EngineState) -> None:
        """Show what the engine does."""
        self.query_one(StatusBar).state = state
        self.query_one(KeyBar).busy = state.busy

    def model_ready(self, loaded: Loaded, *, first: bool) -> None:
        """A checkpoint is loaded: the preview can say what a picture costs it."""
        self.query_one(Preview).processor = loaded.processor
        self.query_one("#chat-title", Static).update(Content(f"CHAT  {safe_line(loaded.name, 40)}"))

    def load_failed(self, message: Session.LoadFailed) -> None:
        """Say why a checkpoint was not loaded, and what to do."""
        failed = message.failed
        self.query_one(Chat).note(f"{message.choice.model}: {failed.cause}. {failed.remedy}. F4 chooses another.")

    @on(Chat.Asked)
    def _asked(self) -> None:
        chat = self.query_one(Chat)
        chat.begin_answer()
        self.app.answer()  # type: ignore[attr-defined]

    @on(Chat.RetryRequested)
    def _retry_requested(self) -> None:
        self._asked()

    @on(Chat.StopRequested)
    def action_stop_answer(self) -> None:
        """Stop the answer that is being written."""
        if self.query_one(Chat).busy:
            self.app.stop_engine()  # type: ignore[attr-defined]

    def receive(self, event: Started | Tokens | Finished | Failed) -> None:
        """Show the next piece of the answer."""
        self.query_one(Chat).receive(event)

    def action_new_conversation(self) -> None:
        chat = self.query_one(Chat)
        if chat.busy:
            self.app.stop_engine()  # type: ignore[attr-defined]
        chat.show_conversation(Conversation())
        entry = self.query_one(Explorer).selected
        if entry is not None and entry.kind in ("picture", "video"):
            chat.offer(entry.path)
        self.show_part("chat")

    def action_choose_model(self) -> None:
        """Open the model picker."""
        from vlmtui.ui.screens.model_picker import ModelPicker

        self.app.push_screen(ModelPicker(self.app.session))  # type: ignore[attr-defined]
