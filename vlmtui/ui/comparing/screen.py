"""Side by side: one question with its pictures, a column for each who answers, the differences marked in the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from vlmtui.chats.conversation import ChatMessage, Conversation
from vlmtui.engine.protocol import Failed, Finished
from vlmtui.safetext import safe_line
from vlmtui.ui.comparing.column import Column
from vlmtui.ui.comparing.differences import differences
from vlmtui.ui.comparing.run import ComparingRun
from vlmtui.ui.comparing.side import MOST_SIDES, SideChoice
from vlmtui.ui.session import sampling_of, turns_of
from vlmtui.ui.widgets.chips import Chip, Chips
from vlmtui.ui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp

_Hint = tuple[str, str, str]

_IN_PROMPT: tuple[_Hint, ...] = (
    ("Enter", "Ask", "again"),
    ("Ctrl+J", "New line", ""),
    ("Tab", "To the columns", "app.focus_next"),
    ("Esc", "Back", "back"),
)
_IN_COLUMN: tuple[_Hint, ...] = (
    ("Enter", "Who answers", "choose_side"),
    ("F5", "Ask", "again"),
    ("a", "Add", "add_side"),
    ("x", "Remove", "remove_side"),
    ("c", "Copy", "copy_answer"),
    ("Tab", "Next", "app.focus_next"),
    ("Esc", "Back", "back"),
)
_WHILE_BUSY: tuple[_Hint, ...] = (("Esc", "Stop", "back"), ("Tab", "Next", "app.focus_next"))


class _Hints(Static):
    """The keys, which can be clicked."""

    async def on_click(self, event: events.Click) -> None:
        """Run what was clicked."""
        if action := event.style.meta.get("run"):
            await self.screen.run_action(action)


class CompareScreen(Screen[None]):
    """Asks the same of two to four sides; nothing of it enters the chat.

    Args:
        sides: who answers, from left to right.
        question: what is asked first, with its pictures; it is sent when the user says so.
    """

    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "#compare-prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (100, "-wide")]  # noqa: RUF012 - Textual's
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Stop, or back", show=False, priority=True),
        Binding("f5", "again", "Again", show=False, priority=True),
    ]

    def __init__(self, sides: Sequence[SideChoice], question: ChatMessage) -> None:
        super().__init__(id="compare")
        self._sides = list(sides)
        self._question = question
        self._chips = Chips(id="compare-chips")
        self._prompt = Prompt("Ask all of them the same…", id="compare-prompt")
        self._top = Static("", id="compare-title", markup=False)
        self._hints = _Hints("", id="compare-keys", markup=False)
        self._asking: ComparingRun | None = None
        self._last: Column | None = None
        self.busy = False
        """Whether they are answering."""

    def compose(self) -> ComposeResult:
        yield self._top
        yield Container(*(Column(side) for side in self._sides), id="compare-columns")
        with Vertical(id="compare-question"):
            yield self._chips
            yield self._prompt
        yield self._hints

    def on_mount(self) -> None:
        self._asking = ComparingRun(self._app.session, self._app.engine_log.with_name("compare.log"))
        self._prompt.folder = self._app.directory
        self._prompt.load_text(self._question.text)
        self._prompt.move_cursor(self._prompt.document.end)
        for path in self._question.attachments:
            self._chips.add(Path(path))
        self._show_title("")
        self._show_keys()

    async def on_unmount(self) -> None:
        if self._asking is not None:
            await self._asking.close()

    @property
    def _app(self) -> VlmtuiApp:
        return cast("VlmtuiApp", self.app)

    @property
    def columns(self) -> list[Column]:
        """From left to right."""
        return list(self.query(Column))

    @property
    def pids(self) -> list[int]:
        """The processes of models beside the chat's."""
        return self._asking.pids if self._asking is not None else []

    @property
    def _column(self) -> Column:
        """The column that has the focus, else the one that had it last, else the last one."""
        columns = self.columns
        focused = next((column for column in columns if column.has_focus_within), None)
        if focused is None:
            focused = self._last if self._last in columns else columns[-1]
        self._last = focused
        return focused

    # ---- asking ----

    @on(Prompt.Sent)
    def _sent(self, event: Prompt.Sent) -> None:
        event.stop()
        self.action_again()

    def action_again(self) -> None:
        """Ask all of them what is in the prompt."""
        text, gone = self._prompt.text.strip(), [path for path in self._chips.paths if not path.is_file()]
        if self.busy:
            self.notify("They are answering: Esc stops them, then Enter asks.")
        elif self._app.session.state.busy:
            self.notify("The chat is being answered: Esc, and Esc in the chat stops that.")
        elif gone:
            self.notify(safe_line(f"{gone[0].name} is not there any more: remove it, or put it back."))
        elif not text:
            self.notify("Type a question first.")
        else:
            self._ask(text)

    @work(group="compare-ask", exclusive=True, exit_on_error=False)
    async def _ask(self, text: str) -> None:
        assert self._asking is not None
        columns = self.columns
        self.busy = True
        self._show_title("")
        self._show_keys()
        for column in columns:
            column.clear("waiting")
        settings = self._app.workbench.conversation.answering.over(self._app.settings)
        asked = Conversation()
        message = asked.ask(text, tuple(str(path) for path in self._chips.paths))
        samplings = self._app.workbench.samplings
        message.samplings = {path: samplings[Path(path)] for path in message.attachments if Path(path) in samplings}
        sides = [column.side for column in columns]
        try:
            events = self._asking.ask(turns_of(asked), sides, sampling_of(settings), self._app.session.resolution)
            async for number, event in events:
                columns[number].receive(event)
        finally:
            self.busy = False
            if self.is_attached:
                self._show_keys()
        await self._mark(columns)

    async def _mark(self, columns: Sequence[Column]) -> None:
        """Mark what is different, where at least two have answered."""
        answered = [column for column in columns if column.text and not isinstance(column.ended, Failed)]
        if len(answered) < 2:
            return
        texts = [column.shown for column in answered]
        found = await asyncio.to_thread(differences, texts)
        if [column.shown for column in answered] != texts or self.busy:
            return  # another one answers in one of them since
        for column, spans in zip(answered, found, strict=True):
            column.mark(spans)
        count = max(len(spans) for spans in found)
        same = "all the same" if len(answered) > 2 else "both the same"
        self._show_title(f"{count} word{'s' if count != 1 else ''} differ" if count else same)
        if any(isinstance(column.ended, Finished) and column.ended.reason != "end" for column in answered):
            self._show_title(f"{count} words differ, as far as they came")

    # ---- the sides ----

    @on(Column.HeadClicked)
    def _head_clicked(self, event: Column.HeadClicked) -> None:
        event.stop()
        self._last = event.column
        event.column.answer.focus()
        self.action_choose_side()

    def action_choose_side(self) -> None:
        """Choose who answers in the column."""
        column = self._column
        if not self._idle():
            return

        async def chosen(side: SideChoice | None) -> None:
            if side is not None:
                column.choose(side)
                self._show_title("")

        self._pick(column.side, chosen)

    def action_add_side(self) -> None:
        """Add a column."""
        if not self._idle():
            return
        if len(self.columns) == MOST_SIDES:
            self.notify(f"At most {MOST_SIDES} are asked at a time.")
            return

        async def chosen(side: SideChoice | None) -> None:
            if side is not None:
                column = Column(side)
                await self.query_one("#compare-columns").mount(column)
                column.answer.focus()

        self._pick(self._column.side, chosen)

    async def action_remove_side(self) -> None:
        """Take the column away."""
        if not self._idle():
            return
        if len(self.columns) <= 2:
            self.notify("Two are the fewest that can be compared.")
            return
        column = self._column
        await column.remove()
        self.columns[-1].answer.focus()

    def _pick(self, side: SideChoice, chosen: Callable[[SideChoice | None], Awaitable[None]]) -> None:
        from vlmtui.ui.comparing.picker import SidePicker

        self.app.push_screen(SidePicker(self._app, side), chosen)

    def _idle(self) -> bool:
        if self.busy:
            self.notify("They are answering: Esc stops them first.")
        return not self.busy

    def action_step(self, by: int) -> None:
        """Go to the next column, or the one before."""
        columns = self.columns
        columns[(columns.index(self._column) + by) % len(columns)].answer.focus()

    def action_copy_answer(self) -> None:
        """Copy the answer of the column."""
        self.app.copy_to_clipboard(self._column.shown)
        self.notify("Copied.", timeout=2)

    @work(group="compare-stop", exit_on_error=False)
    async def action_back(self) -> None:
        """Stop the answers; else go back."""
        if self.busy and self._asking is not None:
            await self._asking.stop()
        else:
            self.dismiss(None)

    # ---- the question ----

    @on(Prompt.BackspaceInEmpty)
    def _backspace(self, event: Prompt.BackspaceInEmpty) -> None:
        event.stop()
        if self._chips.paths:
            self._chips.remove_path(self._chips.paths[-1])

    @on(Prompt.FilesPasted)
    def _files_pasted(self, event: Prompt.FilesPasted) -> None:
        event.stop()
        for file in event.files:
            self._chips.add(file)

    @on(Chip.Removed)
    def _chip_removed(self, event: Chip.Removed) -> None:
        event.stop()
        self._prompt.focus()
        self._chips.remove_path(event.chip.path)

    @on(Prompt.Page)
    def _page(self, event: Prompt.Page) -> None:
        event.stop()
        for column in self.columns:
            column.answer.scroll_relative(y=event.direction * max(1, column.answer.size.height - 1), animate=False)

    # ---- lines ----

    def on_descendant_focus(self) -> None:
        """The keys follow the focus."""
        self._show_keys()

    def _show_title(self, words: str) -> None:
        pieces: list[Content | tuple[str, str]] = [("SIDE BY SIDE", "bold")]
        if words:
            pieces.append((f"  {words}", "$text-warning"))
        self._top.update(Content.assemble(*pieces))

    def _show_keys(self) -> None:
        pieces: list[Content | str] = []
        for key, label, action in _WHILE_BUSY if self.busy else _IN_PROMPT if self._prompt.has_focus else _IN_COLUMN:
            hint = Content.from_markup(f"[bold $text-primary]{key}[/] {label}")
            name = action if "." in action or not action else f"screen.{action}"
            pieces += [hint.stylize(Style.from_meta({"run": name})) if name else hint, "  "]
        self._hints.update(Content.assemble(*pieces))
