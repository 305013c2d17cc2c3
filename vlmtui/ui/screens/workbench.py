"""The workbench: side bar, editors and chat side by side, a panel below the editors, footer and status bar."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.safetext import safe_line
from vlmtui.ui.actions import Scope, bindings, key_of
from vlmtui.ui.batches.batching import BatchActions
from vlmtui.ui.comparing.opening import ComparingActions
from vlmtui.ui.engine_state import EngineState
from vlmtui.ui.layout import Layout
from vlmtui.ui.screens.workbench_chats import ChatActions
from vlmtui.ui.screens.workbench_costs import CostActions
from vlmtui.ui.screens.workbench_dragging import DragActions
from vlmtui.ui.screens.workbench_layout import LayoutActions
from vlmtui.ui.screens.workbench_moments import MomentActions
from vlmtui.ui.training.tuning import TuningActions
from vlmtui.ui.widgets.activity_bar import ActivityBar
from vlmtui.ui.widgets.editor_area import EditorArea
from vlmtui.ui.widgets.explorer import Explorer
from vlmtui.ui.widgets.key_bar import KeyBar
from vlmtui.ui.widgets.side_bar import SideBar
from vlmtui.ui.widgets.splitter import Splitter
from vlmtui.ui.widgets.status_bar import StatusBar

if TYPE_CHECKING:  # the chat and the preview are imported after the first paint
    from vlmtui.chats.conversation import Conversation
    from vlmtui.engine.protocol import Failed, Finished, Loaded, PartRead, Started, Tokens
    from vlmtui.media.client import MediaClient
    from vlmtui.models.sampling import FrameSampling
    from vlmtui.ui.app import VlmtuiApp
    from vlmtui.ui.keeping import Keeper
    from vlmtui.ui.session import Session
    from vlmtui.ui.widgets.chat import Chat
    from vlmtui.ui.widgets.dataset_view import DatasetView
    from vlmtui.ui.widgets.models_view import ModelsView
    from vlmtui.ui.widgets.panel import Panel
    from vlmtui.ui.widgets.preview import Preview


class Workbench(
    LayoutActions,
    ChatActions,
    CostActions,
    MomentActions,
    TuningActions,
    ComparingActions,
    BatchActions,
    DragActions,
    Screen[None],
):
    """The main screen. What is shown of it in a small window is in `vlmtui.ui.arrangement`."""

    AUTO_FOCUS = "#explorer"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("workbench")]
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (60, "-medium"), (100, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-low"), (10, "-high")]  # noqa: RUF012 - Textual's

    def __init__(self, directory: Path, *, select: Path | None = None, graphics: str = "auto") -> None:
        super().__init__()
        self.directory = directory
        self._media: MediaClient | None = None
        self._graphics = graphics
        # Kept, not looked up: messages still arrive while the screen is taken apart.
        self.kept_layout = Layout(self)
        self._explorer = Explorer(directory, select=select or self.kept_layout.shown_before(), id="explorer")
        self.editors = EditorArea(self._make_viewer, self._name_of, id="editors")
        name = safe_line(directory.name or str(directory), 60)
        self.activity_bar = ActivityBar(id="activity-bar")
        self.side_bar = SideBar(self._explorer, name.upper(), id="side-bar")
        self.side_splitter, self.chat_splitter = Splitter(id="side-splitter"), Splitter(id="chat-splitter")
        self.middle = Vertical(Vertical(self.editors, id="preview-pane", classes="pane"), id="middle")
        self._chat_title = Static(Content("CHAT"), id="chat-title", classes="title")
        self.chat_pane = Vertical(self._chat_title, id="chat-pane", classes="pane")
        self.panel: Panel | None = None
        """Below the editors; there from when it was first wanted."""
        self._keys = KeyBar()
        self._status = StatusBar()
        self._chat: Chat | None = None
        self._keeper: Keeper | None = None
        self.samplings: dict[Path, FrameSampling] = {}  # of videos, where it was chosen
        self._greeted = False
        self._offered: set[str] = set()  # models that int8 weights were offered for
        self.followed: dict[str, Path] = {}
        """Logs of runs that the output shows, beside the model's."""
        self.complete = False
        """Whether the preview and the chat are there: some milliseconds after the first paint."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="parts"):
            yield self.activity_bar
            yield self.side_bar
            yield self.side_splitter
            yield self.middle
            yield self.chat_splitter
            yield self.chat_pane
        yield self._keys
        yield self._status

    async def begin(self) -> None:
        """Add what the first paint did not need: the preview, the chat, the folder's content."""
        from vlmtui.media.client import MediaClient
        from vlmtui.paths import chats_file
        from vlmtui.ui.keeping import Keeper
        from vlmtui.ui.widgets.chat import Chat

        self._media = MediaClient(log=self.logs["pictures"])
        await self.editors.begin()
        self._keeper = Keeper(self, self.directory, chats_file(), self.not_kept)
        self._chat = Chat(self._keeper.last(), id="chat")
        self._chat.draw_with(self._media)
        await self.chat_pane.mount(self._chat)
        await self.begin_layout()
        self.complete = True
        self._explorer.begin()

    async def on_unmount(self) -> None:
        self.kept_layout.keep()
        if self.batch_run is not None:
            await self.batch_run.close()
        if self._keeper is not None:
            self._keeper.close()
        if self._media is not None:
            await self._media.close()

    @property
    def workbench_app(self) -> VlmtuiApp:
        """The app, by its own type."""
        return cast("VlmtuiApp", self.app)

    @property
    def logs(self) -> dict[str, Path]:
        """What the output shows: the logs of the processes, and of the runs that are followed."""
        from vlmtui.ui.viewers import DATASETS_LOG

        model = self.workbench_app.engine_log
        return {
            "model": model,
            "pictures": model.with_name("pictures.log"),
            "data sets": model.with_name(DATASETS_LOG),
            "runs": model.with_name("monitor.log"),
            **self.followed,
        }

    @property
    def media(self) -> MediaClient:
        """What knows pictures and videos; there from `complete` on."""
        assert self._media is not None
        return self._media

    @property
    def chat(self) -> Chat:
        """The chat; there from `complete` on."""
        assert self._chat is not None
        return self._chat

    @property
    def keeper(self) -> Keeper:
        """What keeps the conversation; there from `complete` on."""
        assert self._keeper is not None
        return self._keeper

    @property
    def preview(self) -> Preview:
        """The viewer of pictures, the one on show first; there from `complete` on."""
        found = [self.viewer, *self.editors.viewers]
        return cast("Preview", next(viewer for viewer in found if viewer.id == "preview"))

    @property
    def viewer(self) -> Any:
        """The viewer on show: the preview, or another kind of file's (see `vlmtui.ui.viewers`)."""
        return self.editors.viewer

    def _make_viewer(self, kind: str) -> Any:
        """Return a new viewer for files of `kind`, to be mounted."""
        from vlmtui.ui.viewers import make_viewer

        assert self._media is not None
        viewer = make_viewer(kind, self._media, graphics=self._graphics, logs=self.logs["data sets"].parent)
        viewer.set_reactive(viewer.__class__.processor, self.workbench_app.session.processor)
        if viewer.id == "preview":
            viewer.sibling = self._explorer.sibling
        elif viewer.id == "video":
            viewer.samplings = self.samplings
        return viewer

    def _name_of(self, path: Path, kind: str) -> str:
        """Return what the tab of a file is called: a run by its own name, which its folder does not have."""
        row = self.workbench_app.runs_feed.row(str(path)) if kind == "run" else None
        return row.title if row is not None else path.name

    def follow_names(self) -> None:
        """Have the tabs of runs called as the runs are, where there are any: a name comes late, or is changed."""
        if any(tab.kind == "run" for group in self.editors.groups for tab in group.tabs):
            feed, changed = self.workbench_app.runs_feed, self.editors.names_changed
            feed.leave(changed)
            feed.listen(changed)

    # ---- parts ----

    @property
    def conversation(self) -> Conversation:
        """What was said so far."""
        return self.chat.conversation

    def part(self, scope: Scope) -> Widget:
        """Return the explorer, the chat, or the viewer with the id `scope`, the one on show first."""
        return self.on_show(scope) or self.query_one(f"#{scope}")

    def on_show(self, scope: Scope) -> Widget | None:
        """Return the part or the viewer that takes the actions of `scope`; None where none is on show."""
        for viewer in (self.viewer, *(group.viewer for group in self.editors.groups)):
            if viewer is not None and viewer.id == scope:
                return cast(Widget, viewer)
        if self.panel is not None and self.panel.view == scope:
            return self.panel.widget if self.kept_layout.has("panel") else None
        if self.side_bar.view == scope:
            return self.side_bar.widget
        return next(iter(self.query(f"#{scope}")), None) if scope in ("explorer", "chat") else None

    # ---- pictures ----

    @on(Explorer.Selected)
    async def _selected(self, message: Explorer.Selected) -> None:
        if self.complete:
            await self.editors.open(message.path, message.kind)

    @on(EditorArea.Changed)
    def _editors_changed(self) -> None:
        """Another file is on show: it is what the next question is about."""
        if self.complete:
            self.make_room(self.kept_layout.at)
            self.kept_layout.changed()
            self.offer_shown()

    def offer_shown(self) -> None:
        """Offer the file on show for the next question."""
        tab = self.editors.shown
        self._offer(tab.path if tab is not None and tab.kind in ("picture", "video") else None)

    def _offer(self, path: Path | None) -> None:
        """Offer the picture on show for the next question, unless the conversation is about it already."""
        if path is not None:
            said = self.conversation.messages
            if said and said[-1].role == "assistant" and said[-1].state != "streaming" and not said[-1].text.strip():
                said = said[:-2]  # a question without an answer: the model will not see it again
            asked = [message.attachments for message in said if message.attachments]
            if asked and str(path) in asked[-1]:
                path = None
        self.chat.offer(path)

    @on(Explorer.AttachRequested)
    def _attach_requested(self, message: Explorer.AttachRequested) -> None:
        self.chat.attach(message.path)
        if not message.stay:
            self.editors.pin(message.path)
            self.show_part("chat")

    def on_dataset_view_attach_requested(self, message: DatasetView.AttachRequested) -> None:
        """A row's picture is wanted in the chat."""
        self.chat.attach(message.path)

    def on_preview_step_requested(self, message: Preview.StepRequested) -> None:
        """The next or previous picture: the explorer goes there, and the preview follows."""
        self.query_one(Explorer).step(message.path, message.by)

    # ---- the engine ----

    def show_keys_of(self, scope: str) -> None:
        """Show the keys of `scope` in the footer."""
        self._keys.part = scope

    def keys_changed(self) -> None:
        """Show the keys that are in force now in the footer."""
        self._keys.refresh()

    def show_problem_count(self, number: int) -> None:
        """Show how many problems are open."""
        self._status.problems = number

    def show_state(self, state: EngineState) -> None:
        """Show what the engine does."""
        if state.phase != self._status.state.phase and self.side_bar.view == "models":
            cast("ModelsView", self.side_bar.widget).show_rows()
        self._status.state = state
        self._keys.busy = state.busy

    def model_ready(self, loaded: Loaded, *, chosen: bool) -> None:
        """A checkpoint is loaded: the preview can say what a picture costs it.

        Args:
            chosen: the user has chosen a model, now or before; else the demo model says what it is.
        """
        self.show_cost()
        if self.chat.busy:  # it was loaded for the question
            self.conversation.model = loaded.name
        over = f" + {safe_line(Path(loaded.adapter).name, 30)}" if loaded.adapter else ""
        self._chat_title.update(Content(f"CHAT  {safe_line(loaded.name, 40)}{over}"))
        if loaded.demo and not chosen and not self._greeted:
            self._greeted = True
            self.chat.say(
                "The built-in demo model answers: it knows coloured shapes and short words. "
                f"{key_of('model.choose')} chooses a real SmolVLM."
            )

        from vlmtui.models.hardware import int8_pays

        if int8_pays(loaded.device, loaded.quantize, loaded.parameters) and loaded.name not in self._offered:
            self._offered.add(loaded.name)
            self.chat.say(
                f"Without a GPU, int8 weights answer nearly twice as fast: {key_of('model.choose')}, "
                "Tab until it says int8, Enter."
            )

    def load_failed(self, message: Session.LoadFailed) -> None:
        """Say why a checkpoint was not loaded, and what to do."""
        failed = message.failed
        remedy = failed.remedy[:1].upper() + failed.remedy[1:]
        self.chat.note(f"{failed.cause}. {remedy}. {key_of('model.choose')} chooses another model.")

    def on_chat_asked(self) -> None:
        """A question was asked: have it answered."""
        asked = next((said for said in reversed(self.conversation.messages) if said.role == "user"), None)
        if asked is not None:
            files = {path: Path(path) for path in asked.attachments}
            asked.samplings = {path: self.samplings[file] for path, file in files.items() if file in self.samplings}
        loaded = self.workbench_app.session.loaded
        if loaded is not None:
            self.conversation.model = loaded.name
        self.chat.begin_answer()
        self.keeper.save(self.conversation)
        self.chats_changed()
        self.workbench_app.answer(self.conversation)

    def on_chat_retry_requested(self) -> None:
        """The failed answer is asked for again."""
        self.on_chat_asked()

    def on_chat_branched(self) -> None:
        """Another version is on show: so it is the next time."""
        self.keeper.save(self.conversation)

    def on_chat_stop_requested(self) -> None:
        self.action_stop_answer()

    def action_stop_answer(self) -> None:
        """Stop the answer that is being written."""
        if self.complete and self.chat.busy:
            self.workbench_app.stop_engine()

    def receive(self, event: Started | PartRead | Tokens | Finished | Failed, conversation: Conversation) -> None:
        """Show the next piece of the answer, unless its conversation was left meanwhile."""
        if conversation is not self.conversation:
            return
        self.chat.receive(event)
        if getattr(event, "offers", ()):
            self.offer_to_fit(cast("Failed", event))
        if self.chat.busy:
            self.keeper.changed(conversation)
        else:
            self.keeper.save(conversation)
            self.chats_changed()
        if event.__class__.__name__ == "Finished":
            self._remark_on_demo()

    def _remark_on_demo(self) -> None:
        """Say what the demo model knows, when the question was about something else."""
        from vlmtui.ui.honesty import is_elsewhere, is_the_models_own_no, remark

        loaded = self.workbench_app.session.loaded
        if loaded is None or not loaded.demo:
            return
        messages = self.conversation.messages
        question = next((message.text for message in reversed(messages) if message.role == "user"), "")
        if is_elsewhere(question) or is_the_models_own_no(messages[-1].text):
            self.chat.note(remark(key_of("model.choose")))

    def action_choose_model(self) -> None:
        """Open the model picker."""
        from vlmtui.ui.screens.model_picker import ModelPicker

        if self.complete:
            self.app.push_screen(ModelPicker(self.workbench_app.session))
