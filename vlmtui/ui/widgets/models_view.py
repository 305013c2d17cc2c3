"""The models in the side bar: what there is with its figures, pulling, loading, adapters and their weights."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.models.adapters import Adapter, AdapterUse, describe
from vlmtui.models.estimate import Room, room_here
from vlmtui.models.listing import ListedModel, adapters_in, listed
from vlmtui.models.pace import Pace, progress_line, size_words
from vlmtui.models.places import adapter_folders, model_folders
from vlmtui.models.removing import RemovalError, remove
from vlmtui.safetext import safe_line
from vlmtui.ui.actions import bindings
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.model_lines import adapter_details, adapter_line, model_details, model_line

if TYPE_CHECKING:
    from vlmtui.engine.client import EngineClient
    from vlmtui.ui.app import VlmtuiApp

_LOOKING = "Looking what is here…"
_MOST_WEIGHT = 2.0


class ModelsView(Vertical):
    """A list of models and adapters, and below it the figures of the one under the cursor."""

    DEFAULT_CSS: ClassVar[str] = """
    ModelsView {
        height: 1fr; width: 1fr;
        & > OptionList {
            height: 1fr; border: none; padding: 0; background: $surface; scrollbar-size-vertical: 1;
            &:focus { border: none; }
        }
        & > Static { height: auto; max-height: 9; padding: 0 1; }
        & > #models-pulling { color: $text-warning; }
        & > #models-figures { border-top: solid $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("models")]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._list = OptionList(markup=False, id="models-rows")
        self._figures = Static(_LOOKING, id="models-figures", markup=False)
        self._pulling = Static("", id="models-pulling", markup=False)
        self._rows: list[ListedModel | Adapter] = []
        self._room = Room("cpu", "memory", 0, 0)
        self._client: EngineClient | None = None
        self._fetched: tuple[str, str] = ("", "")  # what is fetched, and how far it is
        self._cancelled = False

    def compose(self) -> ComposeResult:
        yield self._list
        yield self._pulling
        yield self._figures

    def on_mount(self) -> None:
        self._pulling.display = False
        self.action_refresh_rows()

    def on_resize(self) -> None:
        """The lines are cut to the width, which was not known when the view came, and which the user changes."""
        if self._rows:
            self.show_rows()

    async def on_unmount(self) -> None:
        if self._client is not None:
            await self._client.close()

    @property
    def focus_target(self) -> Widget:
        """What takes the focus when the view does."""
        return self._list

    @property
    def chosen(self) -> ListedModel | Adapter | None:
        """The model or the adapter under the cursor."""
        option = self._list.highlighted_option
        return self._rows[int(option.id)] if option is not None and option.id is not None else None

    @property
    def _workbench_app(self) -> VlmtuiApp:
        return cast("VlmtuiApp", self.app)

    # ---- the list ----

    @work(group="models-look", exclusive=True, exit_on_error=False)
    async def action_refresh_rows(self) -> None:
        """Look what there is, off the event loop: caches may be on slow disks."""
        named = self._workbench_app.settings.model_folders
        here = self._workbench_app.directory

        def look() -> tuple[Room, list[ListedModel | Adapter]]:
            room = room_here()
            models = listed([*model_folders(named), here], room)
            return room, [*models, *(describe(path) for path in adapters_in([*adapter_folders(named), here]))]

        self._room, self._rows = await asyncio.to_thread(look)
        self.show_rows()

    def show_rows(self) -> None:
        """Show what is known; the cursor stays where it was. Called also when another model is loaded."""
        at = self._list.highlighted
        self._list.clear_options()
        width = max(20, self.size.width - 1)
        loaded = self._workbench_app.session.loaded
        choice = self._workbench_app.session.choice
        name = choice.model if loaded is not None and choice is not None else ""
        uses = {use.folder: use for use in loaded.adapters} if loaded is not None else {}
        adapters_begin = next((i for i, row in enumerate(self._rows) if isinstance(row, Adapter)), len(self._rows))
        for number, row in enumerate(self._rows):
            if isinstance(row, ListedModel):
                fetched = self._fetched[1] if row.id == self._fetched[0] else ""
                line = model_line(row, loaded=row.id == name, fetched=fetched, width=width)
            else:
                line = adapter_line(row, uses.get(row.folder), width=width)
            if number == adapters_begin:
                self._list.add_option(Option(Content.styled("ADAPTERS", "bold $foreground-muted"), disabled=True))
            self._list.add_option(Option(line, id=str(number)))
        if self._rows:
            self._list.highlighted = 0 if at is None else min(at, self._list.option_count - 1)
        self._show_figures()

    @on(OptionList.OptionHighlighted)
    def _show_figures(self) -> None:
        row = self.chosen
        if isinstance(row, ListedModel):
            self._figures.update(model_details(row, self._room))
        elif row is not None:
            self._figures.update(adapter_details(row))

    # ---- loading ----

    @on(OptionList.OptionSelected)
    def action_load(self) -> None:
        """Load the model; lay the adapter over it or take it off."""
        row = self.chosen
        if isinstance(row, Adapter):
            self._turn(row)
        elif row is not None and row.state == "not here":
            self.notify(f"{row.id} is not here yet: p fetches it.")
        elif row is not None:
            settings = self._workbench_app.settings
            choice = ModelChoice(row.id, None, settings.device, settings.dtype, settings.quantize)
            self._workbench_app.load_model(choice, keep=True)

    def _turn(self, adapter: Adapter) -> None:
        uses = self._uses()
        if uses is None:
            return
        left = tuple(use for use in uses if use.folder != adapter.folder)
        self._workbench_app.lay_over(left if len(left) < len(uses) else (*uses, AdapterUse(adapter.folder)))

    def action_weigh(self, by: float) -> None:
        """Give the adapter more or less weight; one that is off is laid over the model first."""
        row, uses = self.chosen, self._uses()
        if not isinstance(row, Adapter) or uses is None:
            return
        now = next((use.weight for use in uses if use.folder == row.folder), None)
        if now is None:
            self._workbench_app.lay_over((*uses, AdapterUse(row.folder)))
            return
        weight = min(_MOST_WEIGHT, max(0.0, now + by))
        if weight != now:
            self._workbench_app.lay_over(
                tuple(AdapterUse(use.folder, weight) if use.folder == row.folder else use for use in uses)
            )

    def _uses(self) -> tuple[AdapterUse, ...] | None:
        loaded = self._workbench_app.session.loaded
        if loaded is None:
            self.notify("Load the model first.")
            return None
        if self._workbench_app.session.state.busy:
            self.notify("The model is answering: stop it first.")
            return None
        return loaded.adapters

    def action_compare(self) -> None:
        """Ask the adapter and its base, or this model and the chat's, the same question."""
        row, bench = self.chosen, self._workbench_app.workbench
        if isinstance(row, Adapter):
            bench.compare_adapter(Path(row.folder))
        elif row is not None and row.state == "not here":
            self.notify(f"{row.id} is not here yet: p fetches it.")
        elif row is not None:
            bench.compare_model(row.id)

    def action_unload(self) -> None:
        """Give the memory of the model back."""
        self._workbench_app.unload_model()

    @work(group="models-remove", exit_on_error=False)
    async def action_remove(self) -> None:
        """Delete the model from the cache, once the user has agreed."""
        from vlmtui.ui.screens.confirm import Confirm

        row = self.chosen
        if not isinstance(row, ListedModel) or row.place != "cache":
            self.notify("Only what lies in the hub's cache is deleted here.")
            return
        question = Confirm("Delete from the cache?", [f"{safe_line(row.id)}, {size_words(row.disk)}"], yes="Delete")
        if not await self.app.push_screen_wait(question):
            return
        try:
            freed = await asyncio.to_thread(remove, row.id)
        except (RemovalError, OSError) as error:
            self.notify(safe_line(str(error)), severity="error")
        else:
            self.notify(f"{safe_line(row.id)} is deleted: {size_words(freed)} are free again.")
        self.action_refresh_rows()

    # ---- pulling ----

    def action_pull(self) -> None:
        """Fetch the model from the hub, one at a time."""
        row = self.chosen
        if not isinstance(row, ListedModel) or row.place not in ("hub", "cache"):
            self.notify("Only models of the hub are fetched.")
        elif self._fetched[0]:
            self.notify(f"{self._fetched[0]} is being fetched; x stops it.")
        else:
            self._pull(row.id)

    @work(group="models-pull", exit_on_error=False)
    async def _pull(self, model: str) -> None:
        from vlmtui.engine.client import EngineClient
        from vlmtui.engine.protocol import Failed, LoadProgress, Pulled
        from vlmtui.paths import log_directory

        client = self._client = EngineClient(log=log_directory() / "pull.log")
        pace = Pace()
        self._cancelled = False
        self._says(model, "asking the hub", "")
        try:
            async for event in client.pull(model):
                match event:
                    case LoadProgress() if event.total:
                        pace.look(event.done, time.monotonic())
                        share = f"{100 * event.done // event.total} %"
                        self._says(model, progress_line(event.done, event.total, pace), share)
                    case Pulled():
                        self.notify(f"{safe_line(model)} is here: Enter loads it.")
                    case Failed() if not self._cancelled:
                        self.notify(safe_line(f"{event.cause}. {event.remedy}"), severity="error", timeout=15)
        finally:
            self._fetched = ("", "")
            self._pulling.display = False
            self._client = None
            await client.close()
        self.action_refresh_rows()

    def _says(self, model: str, words: str, share: str) -> None:
        self._pulling.display = True
        self._pulling.update(Content(f"{safe_line(Path(model).name)}: {words}"))
        if self._fetched != (model, share or "0 %"):
            self._fetched = (model, share or "0 %")
            self.show_rows()

    async def action_cancel(self) -> None:
        """Stop fetching at once, even from a hub that says nothing any more."""
        if self._client is None:
            self.notify("Nothing is being fetched.")
            return
        self._cancelled = True
        self.notify("Stopped. What has arrived is kept: p goes on from there.")
        await self._client.close()
