"""Choosing the model: the family with sizes, any hub id, or a local folder."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.models.hardware import Quantize
from vlmtui.safetext import safe_line
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.model_rows import ModelRow, model_rows, row_content, typed_row
from vlmtui.ui.session import Session

_KEYS = "Enter loads · Tab: weights {weights} · Esc closes"
_WEIGHTS = {"none": "as stored", "int8": "int8, for a CPU", "8bit": "8-bit", "4bit": "4-bit"}
_LOADING_KEYS = "Esc stops loading · Enter lets it go on in the background"


class ModelPicker(ModalScreen[None]):
    """A list to pick from and a line to type into; shows how the load goes, and stays open until it is done."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, priority=True),
        Binding("tab", "weights", "Weights", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("pagedown", "move(8)", "Page down", show=False, priority=True),
        Binding("pageup", "move(-8)", "Page up", show=False, priority=True),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(id="model-picker")
        self._session = session
        self._rows: list[ModelRow] = []
        self._shown: list[ModelRow] = []
        self._width = 0  # that the rows were cut to
        self._loading: ModelChoice | None = None
        self._previous: ModelChoice | None = None
        self._weights: Quantize | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Choose a model", classes="dialog-title")
            yield Input(placeholder="Pick below, or type a hub id or a folder: owner/name, ~/models/mine")
            yield OptionList(markup=False, compact=True)
            yield Static(id="picker-says")
            yield Static(classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        settings = self.app.settings  # type: ignore[attr-defined]
        self._weights = self._session.choice.quantize if self._session.choice is not None else settings.quantize
        self._show_keys()
        self._find_rows()

    def _show_keys(self) -> None:
        keys = _KEYS.format(weights=_WEIGHTS[self._weights or "none"])
        self.query_one(".dialog-keys", Static).update(_LOADING_KEYS if self._loading is not None else keys)

    def action_weights(self) -> None:
        """Choose the kind of weights that the next load makes."""
        kinds = list(_WEIGHTS)
        self._weights = cast(Quantize, kinds[(kinds.index(self._weights or "none") + 1) % len(kinds)])
        self._show_keys()

    @work(exit_on_error=False)
    async def _find_rows(self) -> None:
        """Look into the cache off the event loop, for it may be on a slow disk."""
        import asyncio

        self._rows = await asyncio.to_thread(model_rows)
        choice = self._session.choice
        if choice is not None and choice.model not in {row.model for row in self._rows}:
            self._rows.insert(0, ModelRow(choice.model or choice.endpoint, "chosen before", choice=choice))
        self._show("")

    def _show(self, typed: str) -> None:
        """List what matches `typed`, and `typed` itself where it can be a model's name."""
        words = typed.casefold().split()
        rows = [row for row in self._rows if all(word in row.search for word in words)]
        if typed and (own := typed_row(typed)) is not None and own.model not in {row.model for row in rows}:
            rows.insert(0, own)
        if self._previous is not None and not typed:
            back = self._previous
            rows = [row for row in rows if row.model != back.model]
            rows.insert(0, ModelRow(back.model, "go back to it", choice=back))
        self._shown = rows
        options = self.query_one(OptionList)
        options.clear_options()
        self._width = options.size.width
        width = max(30, self._width or 78)
        current = self._session.choice.model if self._session.loaded and self._session.choice else ""
        options.add_options(Option(row_content(row, width, current=row.model == current)) for row in rows)
        if rows:
            at = next((i for i, row in enumerate(rows) if row.model == current), 0)
            options.highlighted = 0 if typed or self._previous is not None else at

    def on_resize(self) -> None:
        """Cut the rows to the room that there is now."""
        self.call_after_refresh(self._lay_out_again)

    def _lay_out_again(self) -> None:
        options = self.query_one(OptionList)
        if options.option_count and options.size.width != self._width:
            at = options.highlighted
            self._show(self.query_one(Input).value.strip())
            options.highlighted = at

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if options.option_count:
            at = (options.highlighted or 0) + by
            options.highlighted = max(0, min(at, options.option_count - 1))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if self._loading is not None:
            self.dismiss(None)
            return
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            self._load(self._shown[at])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        if self._loading is None:
            self._load(self._shown[event.option_index])

    def _load(self, row: ModelRow) -> None:
        settings = self.app.settings  # type: ignore[attr-defined]
        choice = row.choice or ModelChoice(row.model, None, settings.device, settings.dtype)
        if choice is not self._previous:
            choice = replace(choice, quantize=self._weights or "none")
        self._loading = choice
        self._say(f"Loading {safe_line(choice.model)}…")
        self._show_keys()
        self.app.load_model(choice, keep=True)  # type: ignore[attr-defined]

    def session_says(self, message: object) -> None:
        """Show how the load goes; the app hands the session's messages on."""
        match message:
            case Session.StateChanged() if self._loading is not None:
                if message.state.phase in ("starting", "loading"):
                    self._say(f"{safe_line(self._loading.model)}: {message.state.words}")
            case Session.ModelReady() if message.choice == self._loading:
                self.dismiss(None)
            case Session.LoadFailed():
                self._over(message.previous)
                failed = message.failed
                self._say(f"{safe_line(failed.cause)}\n{safe_line(failed.remedy)}", failed=True)
            case Session.LoadStopped() if message.choice == self._loading:
                self._over(message.previous)
                self._say(f"Stopped loading {safe_line(message.choice.model)}.")
            case _:
                pass

    def _over(self, previous: ModelChoice | None) -> None:
        self._loading = None
        self._previous = previous
        self._show_keys()
        self._show(self.query_one(Input).value.strip())

    def _say(self, text: str, *, failed: bool = False) -> None:
        says = self.query_one("#picker-says", Static)
        says.set_class(failed, "-failed")
        says.update(Content(text))

    def action_back(self) -> None:
        """Stop the load that runs; else close."""
        if self._loading is not None:
            self.app.stop_engine()  # type: ignore[attr-defined]
        else:
            self.dismiss(None)
