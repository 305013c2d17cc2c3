"""The application: composes the workbench, routes messages between it and the session. No more."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.actions import SkipAction
from textual.app import App
from textual.binding import BindingType
from textual.dom import DOMNode
from textual.driver import Driver
from textual.notifications import Notify
from textual.screen import Screen

from vlmtui.paths import log_directory, settings_file
from vlmtui.safetext import safe_line
from vlmtui.settings import Settings, write_setting
from vlmtui.ui.actions import ACTIONS, bindings, keys_of
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.folders import FolderSettings, ReadFolder, choice_of, open_folder
from vlmtui.ui.graphics.detect import asking
from vlmtui.ui.key_order import KeyOrder
from vlmtui.ui.problems import Problem, Problems, Severity
from vlmtui.ui.screens.workbench import Workbench
from vlmtui.ui.themes import DEFAULT_THEME, THEMES

if TYPE_CHECKING:  # imported after the first paint
    from textual.driver import Driver
    from textual.widget import Widget

    from vlmtui.chats.conversation import Conversation
    from vlmtui.models.adapters import AdapterUse
    from vlmtui.ui.monitor.feed import RunsFeed
    from vlmtui.ui.session import Session
    from vlmtui.ui.settings_files import SettingsFiles

_TWICE_S = 2.0
"""Two presses of Ctrl+C within this many seconds quit."""


def _palette_provider() -> type:
    from vlmtui.ui.palette import ActionCommands

    return ActionCommands


class VlmtuiApp(App[int]):
    """The workbench over one folder."""

    TITLE = "vlmtui"
    CSS_PATH: ClassVar = ["app.tcss", "screens/workbench.tcss"]  # a default screen does not load its own
    COMMANDS: ClassVar = {_palette_provider}
    COMMAND_PALETTE_BINDING = "f1"
    DEFAULT_MODE = "folder 1"
    """Of Textual's modes: each folder that is opened is one, see `vlmtui.ui.folders`."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app"), ("ctrl+c", "interrupt", "Copy, or quit")]
    NOTIFICATION_TIMEOUT = 6

    def __init__(
        self,
        directory: Path,
        *,
        settings: Settings | None = None,
        choice: ModelChoice | None = None,
        select: Path | None = None,
        mistakes: list[str] | None = None,
        settings_path: Path | None = None,
        log: Path | None = None,
        settings_files: Sequence[Path] = (),
        read_folder: ReadFolder | None = None,
    ) -> None:
        """Open `directory`.

        Args:
            settings: what the user has set; command-line options already in it.
            choice: the model to load first; None for the settings', else the demo model.
            select: a file in `directory` to put the cursor on.
            mistakes: lines about the settings file, shown once.
            settings_path: where a choice of theme is kept; None for the user's file.
            log: where the engine's log goes; None for the user's log folder.
            settings_files: the files that `settings` are from; what changes in them is put in force at once.
            read_folder: returns what is set for another folder; None: the same.
        """
        super().__init__()
        self.add_mode(self.DEFAULT_MODE, self.get_default_screen)
        self.directory = directory
        self.settings = settings or Settings()
        self.first_choice = choice or choice_of(self.settings)
        self._select = select
        self._mistakes = mistakes or []
        self._settings_path = settings_path
        self._settings_files = settings_files
        self._interrupted = 0.0
        self._keys = KeyOrder(self, super().on_event)
        self._model_is_chosen = bool(self.settings.model) and self.settings.model != "demo"
        self._log_path = log
        self._session: Session | None = None
        self._runs_feed: RunsFeed | None = None
        self._read_folder = read_folder or (lambda folder: FolderSettings(self.settings, [], ()))
        self._files: SettingsFiles | None = None
        self.problems = Problems(self._problems_changed)
        """What went wrong and is still so."""
        for theme in THEMES:
            self.register_theme(theme)
        known = self.settings.theme in self.available_themes
        if not known:
            self._mistakes.append(f"there is no theme {self.settings.theme!r}; {DEFAULT_THEME} is used")
        self.theme = self.settings.theme if known else DEFAULT_THEME

    def get_driver_class(self) -> type[Driver]:
        """Return the driver that can ask the terminal how it shows pictures, where there is one."""
        return asking(super().get_driver_class())

    def get_default_screen(self) -> Screen[Any]:
        """Return the workbench."""
        return Workbench(self.directory, select=self._select, graphics=self.settings.graphics)

    @property
    def user_settings(self) -> Path:
        """The file that a choice of the user is written to."""
        return self._settings_path or settings_file()

    def copy_to_clipboard(self, text: str) -> None:
        """Copy to the terminal's clipboard, and to the system's where there is one."""
        super().copy_to_clipboard(text)
        from vlmtui.ui.clipboard import copy

        self.run_worker(copy(text), group="clipboard", exclusive=True, exit_on_error=False)

    @property
    def session(self) -> Session:
        """The engine's side; there as soon as the workbench is `complete`."""
        assert self._session is not None
        return self._session

    @property
    def workbench(self) -> Workbench:
        """The screen at the bottom of the stack."""
        screen = self.screen_stack[0]
        assert isinstance(screen, Workbench)
        return screen

    async def on_event(self, event: events.Event) -> None:
        """Let text that comes in one burst behind a key wait for what the key does."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    def on_mount(self) -> None:
        self.call_after_refresh(self._after_first_paint)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Let no field's cursor blink: that is two paints a second that nobody asked for, also over a slow line."""
        if hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False

    async def _after_first_paint(self) -> None:
        """Start what the first paint did not need."""
        from vlmtui.ui.session import Session

        self._session = Session(self, self.settings, log=self._log_path)
        await self.workbench.begin()
        self.begin_with(self.first_choice)
        await self.enter_folder(self._settings_files, self._mistakes)
        # What is imported and on the screen now stays: no collection needs to look at it again. Each paint leaves
        # thousands of objects in circles; young collections of this size find them dead, so that few get into the
        # long ones, which would come between a key and what it does.
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000, 5, 20)

    async def enter_folder(self, files: Sequence[Path], mistakes: list[str]) -> None:
        """Begin what goes on while a folder is open: its settings' files are watched, and its runs."""
        from vlmtui.ui.settings_files import SettingsFiles

        self._settings_files = files
        self._files = SettingsFiles(self, files)
        await self._files.begin(mistakes)
        self.workbench.follow_names()
        self.run_worker(self.runs_feed.start_when_there_are_any(), group="runs-feed-start", exit_on_error=False)

    async def leave_folder(self) -> None:
        """End it; the problems were the folder's, too."""
        if self._files is not None:
            self._files.end()
        feed, self._runs_feed = self._runs_feed, None
        if feed is not None:
            await feed.close()
        self.clear_problems()

    @property
    def runs_feed(self) -> RunsFeed:
        """What is known of the runs."""
        if self._runs_feed is None:
            from vlmtui.ui.monitor.alerting import feed_of

            self._runs_feed = feed_of(self)
        return self._runs_feed

    async def on_unmount(self) -> None:
        if self._runs_feed is not None:
            await self._runs_feed.close()
        if self._session is not None:
            await self._session.close()

    # ---- the session ----

    def begin_with(self, choice: ModelChoice) -> None:
        """Load `choice` now or, where the settings say so and nothing is loaded yet, with the first question."""
        if self.settings.load_model == "start" or self.session.loaded is not None:
            self.load_model(choice)
        else:
            self.session.load_with_first_question(choice)

    @work(group="engine-load", exclusive=True, exit_on_error=False)
    async def load_model(self, choice: ModelChoice, *, keep: bool = False) -> None:
        """Load `choice` in place of what is loaded; with `keep`, remember it in the settings once it is loaded."""
        await self.session.load(choice)
        if keep and self.session.loaded is not None and self.session.choice == choice:
            self._model_is_chosen = True
            self._remember("model", choice.model)

    @work(group="engine-load", exclusive=True, exit_on_error=False)
    async def lay_over(self, adapters: tuple[AdapterUse, ...]) -> None:
        """Lay these adapters, and no others, over what is loaded, without loading it again."""
        await self.session.adapt(adapters)

    @work(group="engine-load", exclusive=True, exit_on_error=False)
    async def unload_model(self) -> None:
        """Give the memory of the model back; the next question loads it again."""
        await self.session.unload()

    @work(group="engine-answer", exit_on_error=False)
    async def answer(self, conversation: Conversation) -> None:
        """Answer the last question of `conversation`."""
        await self.session.answer(conversation)

    @work(group="engine-stop", exit_on_error=False)
    async def stop_engine(self) -> None:
        """Stop the running answer or load."""
        await self.session.stop()

    def on_session_engine_exited(self) -> None:
        self.run_worker(self.session.engine_exited(), group="engine-exit", exit_on_error=False)

    def on_session_state_changed(self, message: Session.StateChanged) -> None:
        if self._open:
            self.workbench.show_state(message.state)
            self._picker_shows(message)

    def on_session_model_ready(self, message: Session.ModelReady) -> None:
        if self._open:
            self.workbench.model_ready(message.loaded, chosen=self._model_is_chosen)
            self._picker_shows(message)

    def on_session_adapter_failed(self, message: Session.AdapterFailed) -> None:
        if self._open:
            self.notify(safe_line(f"{message.failed.cause}. {message.failed.remedy}"), severity="error", timeout=12)

    def on_session_load_failed(self, message: Session.LoadFailed) -> None:
        if self._open and not self._picker_shows(message):
            self.workbench.load_failed(message)

    def on_session_load_stopped(self, message: Session.LoadStopped) -> None:
        if self._open:
            self._picker_shows(message)

    def on_session_answer_event(self, message: Session.AnswerEvent) -> None:
        if self._open:
            self.workbench.receive(message.event, message.conversation)

    @property
    def _open(self) -> bool:
        """Whether there is still a screen to show things on: messages may arrive while the app closes."""
        return bool(self.screen_stack) and self.workbench.is_attached and self.workbench.complete

    def _picker_shows(self, message: object) -> bool:
        """Hand `message` to the model picker if it is open."""
        picker = self.screen
        if picker.id != "model-picker":
            return False
        picker.session_says(message)  # type: ignore[attr-defined]
        return True

    # ---- problems ----

    def report_problem(self, problem: Problem) -> None:
        """Keep `problem` until it is cleared; no toast is shown for it."""
        self.problems.add(problem)

    def _problems_changed(self) -> None:
        if self._open and self.workbench.complete:
            self.workbench.problems_changed()

    @property
    def engine_log(self) -> Path:
        """Where the engine's log goes."""
        return self._log_path or log_directory() / "engine.log"

    def clear_problems(self, source: str = "", path: str = "") -> None:
        """Forget the problems of `source` about `path`; either may be empty for any."""
        self.problems.clear(source, path)

    def on_notify(self, event: Notify) -> None:
        """Keep what a toast says about something that went wrong, and let toasts not pile up."""
        from vlmtui.ui.toasts import make_room

        toast = event.notification
        if toast.severity in ("warning", "error"):
            severity: Severity = "error" if toast.severity == "error" else "warning"
            source = toast.title or "vlmtui"
            told = any(
                problem.line == toast.message and (problem.source != source or problem.path or problem.remedy)
                for problem in self.problems
            )
            if not told:  # else who told it has said more about it
                self.report_problem(Problem(source=source, line=toast.message, severity=severity))
        make_room(self, toast)

    # ---- actions ----

    async def action_run_action_of(self, action_id: str) -> None:
        """Run an action of the table, wherever its handler lives: the palette and the footer come here."""
        action = next(action for action in ACTIONS if action.id == action_id)
        owner: DOMNode = self
        if action.scope == "workbench":
            owner = self.workbench
        elif action.scope != "app":
            if action.scope == "explorer" and self.workbench.side_bar.view != "explorer":
                await self.workbench.show_side("explorer")
            part = self.workbench.on_show(action.scope)
            if part is None:
                self.notify("Nothing that is open takes this command.", severity="warning")
                return
            owner = part
            if action.inside:
                owner = owner.query_one(action.inside)
        await self.run_action(action.handler, owner)

    def action_command_palette(self) -> None:
        """Show the palette, made of the table of actions."""
        from textual.command import CommandPalette

        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(CommandPalette(placeholder="Type a command…", id="--command-palette"))

    async def action_run_bound(self, action_id: str, key: str) -> None:
        """Run an action by a key that the user gave it, unless it was taken away since."""
        if key not in keys_of(next(action for action in ACTIONS if action.id == action_id)):
            raise SkipAction
        await self.action_run_action_of(action_id)

    async def action_quick_open(self) -> None:
        """Offer the files of the folder; the chosen one stays open in a tab."""
        from asyncio import to_thread

        from vlmtui.recently_used import recently_used
        from vlmtui.ui.screens.quick_open import QuickOpen

        if not self.workbench.complete or not isinstance(self.screen, Workbench):
            return
        recent = await to_thread(recently_used, str(self.directory))
        self.push_screen(QuickOpen(self.directory, recent), self._go_to_file)

    async def _go_to_file(self, name: str | None) -> None:
        from asyncio import to_thread

        from vlmtui.media.kinds import kind_of
        from vlmtui.recently_used import use
        from vlmtui.ui.screens.quick_open import COMMANDS

        if name == COMMANDS:
            self.action_command_palette()
        elif name is not None:
            path = self.directory / name
            await self.workbench.editors.open(path, kind_of(path), pin=True)
            self.workbench.show_part("preview")
            await to_thread(use, str(self.directory), name)

    def action_jump(self) -> None:
        """Put a letter on every place that takes the focus; the one that is pressed goes there."""
        from vlmtui.ui.screens.jump import Jump, places

        if not isinstance(self.screen, Jump) and (found := places(self.screen)):
            self.push_screen(Jump(found), self._go_to_place)

    def _go_to_place(self, place: Widget | None) -> None:
        if place is not None and place.is_attached:
            self.screen.set_focus(place)

    def action_help(self) -> None:
        """Show every key."""
        from vlmtui.ui.screens.help import Help

        if not isinstance(self.screen, Help):
            self.push_screen(Help())

    def action_choose_theme(self) -> None:
        """Offer the themes; the choice is kept in the settings."""
        from vlmtui.ui.screens.theme_picker import ThemePicker

        if isinstance(self.screen, ThemePicker):
            return
        self.push_screen(ThemePicker(self.theme, sorted(self.available_themes)), self._keep_theme)

    def _keep_theme(self, name: str | None) -> None:
        if name is not None:
            self.theme = name
            self._remember("theme", name)

    def _remember(self, key: str, value: str) -> None:
        """Write a setting; a file that cannot be written costs a line, not the work."""
        path = self.user_settings
        try:
            write_setting(path, key, value)
        except OSError as error:
            line = f"The {key} is not remembered: {path}: {error.strerror or error}"
            self.notify(safe_line(line), severity="warning", markup=False)

    def action_settings(self) -> None:
        """Show the settings."""
        from vlmtui.ui.screens.settings import SettingsScreen

        if not isinstance(self.screen, SettingsScreen):
            paths = self._settings_files or [self.user_settings]
            self.push_screen(SettingsScreen(paths, self.user_settings, sorted(self.available_themes)))

    async def action_open_folder(self) -> None:
        """Offer the folders that were opened last; the chosen one is opened in place of this one."""
        from asyncio import to_thread

        from vlmtui.recent import recent_folders
        from vlmtui.ui.screens.folder_picker import FolderPicker

        if isinstance(self.screen, FolderPicker):
            return
        known = [folder for folder in await to_thread(recent_folders) if folder != self.directory]
        self.push_screen(FolderPicker(known), self._go_to_folder)

    def _go_to_folder(self, folder: Path | None) -> None:
        if folder is not None and folder != self.directory:
            self.run_worker(open_folder(self, folder, self._read_folder), group="folder", exclusive=True)

    def action_interrupt(self) -> None:
        """Ctrl+C: copy what is selected; else a second press quits."""
        selected = self.screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
            self.screen.clear_selection()
            self.notify("Copied.", timeout=2)
            return
        now = monotonic()
        if now - self._interrupted < _TWICE_S:
            self.exit(0)
            return
        self._interrupted = now
        self.notify("Press Ctrl+C again to quit.", timeout=_TWICE_S)
