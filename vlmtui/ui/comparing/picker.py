"""Who answers in a column: the chat's model with adapters or without, others that are here; and what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.models.adapters import Adapter, AdapterUse, describe, made_for
from vlmtui.models.estimate import room_here
from vlmtui.models.listing import ListedModel, adapters_in, listed
from vlmtui.models.places import adapter_folders, model_folders
from vlmtui.ui.comparing.side import SideChoice, adapter_words, bare, short
from vlmtui.ui.engine_state import ModelChoice

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp


def choices(app: VlmtuiApp) -> list[SideChoice]:
    """Return who can answer: the chat's model first, each model followed by the adapters for it.

    Looks into the hub's cache and into folders: call it off the event loop.
    """
    settings, here = app.settings, app.directory
    models = [one for one in listed([*model_folders(settings.model_folders), here], room_here()) if one.state == "here"]
    adapters = [describe(path) for path in adapters_in([*adapter_folders(settings.model_folders), here])]
    usable = [adapter for adapter in adapters if not adapter.note]
    chats = app.session.choice
    own = bare(chats) if chats is not None and app.session.loaded is not None else None
    found: list[SideChoice] = []
    if own is not None:
        found += _with_adapters(own, usable)
        uses = app.session.loaded.adapters if app.session.loaded is not None else ()
        if uses and SideChoice(own, uses) not in found:
            found.insert(1, SideChoice(own, uses))
    for model in models:
        if own is None or model.id != own.model:
            choice = ModelChoice(model.id, None, settings.device, settings.dtype, settings.quantize)
            found += _with_adapters(choice, usable, model)
    return found


def _with_adapters(
    choice: ModelChoice, adapters: Iterable[Adapter], model: ListedModel | None = None
) -> list[SideChoice]:
    """Return the model alone, and with each adapter that was made for it."""
    folder = Path(model.folder if model is not None and model.folder else choice.model).expanduser()
    name = choice.model if "/" not in choice.model or choice.model.count("/") == 1 else folder.name
    fitting = [] if choice.endpoint else [one for one in adapters if one.base and made_for(one.base, name, folder)]
    return [SideChoice(choice), *(SideChoice(choice, (AdapterUse(one.folder),)) for one in fitting)]


class SidePicker(ModalScreen[SideChoice | None]):
    """A list to pick from, and a line for what that side is told first."""

    CSS_PATH = "../screens/dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave", show=False, priority=True)]

    def __init__(self, app: VlmtuiApp, side: SideChoice) -> None:
        super().__init__(id="side-picker")
        self._of = app
        self._side = side
        self._rows: list[SideChoice] = []

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static("Who answers here", classes="dialog-title")
            yield OptionList(markup=False, compact=True)
            yield Static("System prompt, for this side alone:", id="side-told")
            yield Input(self._side.system, placeholder="nothing", compact=True)
            yield Static("Enter takes it · Tab: system prompt · Esc leaves it as it was", classes="dialog-keys")

    def on_mount(self) -> None:
        self._look()

    @work(exit_on_error=False)
    async def _look(self) -> None:
        self._rows = await asyncio.to_thread(choices, self._of)
        now = replace(self._side, system="")
        if now not in self._rows:
            self._rows.insert(0, now)
        options = self.query_one(OptionList)
        options.add_options(Option(self._line(row)) for row in self._rows)
        options.highlighted = self._rows.index(now)

    def _line(self, row: SideChoice) -> Content:
        chats = self._of.session.choice
        own = chats is not None and bare(chats) == row.model
        name = short(row.model.model or row.model.endpoint)
        if row.adapters:
            return Content.assemble(f"  {name} + ", (" + ".join(map(adapter_words, row.adapters)), "bold"))
        note = "the chat's model" if own else "loaded beside it"
        return Content.assemble((name, "bold"), (f"  {note}", "$text-muted"))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._take()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._take()

    def _take(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self.dismiss(replace(self._rows[at], system=self.query_one(Input).value.strip()))

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)
