"""The panel below the editors: one of several views, under a row of their names that is also dragged to resize it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from vlmtui.ui.showing import show
from vlmtui.ui.widgets.splitter import Splitter


class PanelView(NamedTuple):
    """A view that is made when it is shown first.

    Attributes:
        id: the widget's, and the scope of its actions.
        title: its name in the row.
        module, widget: where its class is; it is made with its `id` alone.
    """

    id: str
    title: str
    module: str
    widget: str


VIEWS = (
    PanelView("problems", "Problems", "vlmtui.ui.widgets.problems_list", "ProblemsList"),
    PanelView("output", "Output", "vlmtui.ui.widgets.output_log", "OutputLog"),
    PanelView("jobs", "Training", "vlmtui.ui.monitor.runs_views", "JobsView"),
    PanelView("batch", "Batch", "vlmtui.ui.batches.view", "BatchView"),
)


class PanelTabs(Splitter):
    """The names of the views."""

    view: reactive[str] = reactive("", layout=False)
    problems: reactive[int] = reactive(0, layout=False)

    class Chosen(Message):
        """A view's name was clicked."""

        def __init__(self, view: str) -> None:
            super().__init__()
            self.view = view

    class CloseRequested(Message):
        """The cross was clicked."""

    def render(self) -> Content:
        """Lay the names out, closer where there is little room, the cross at the right."""
        width = self.size.width - 2
        row = self._names(" ", " ")
        if row.cell_length > width:
            row = self._names("", "").truncate(max(0, width), ellipsis=True)
        gap = max(0, width - row.cell_length)
        return Content.assemble(row, " " * gap, Content("×").stylize(Style.from_meta({"view": "close"})))

    def _names(self, before: str, between: str) -> Content:
        pieces: list[Content | str] = [before or " "]
        for view in VIEWS:
            title = view.title
            if view.id == "problems" and self.problems:
                title += f" {self.problems:,}"
            text = Content(f"{before}{title} ").stylize(Style.from_meta({"view": view.id}))
            pieces += [text.stylize("bold $foreground on $background") if view.id == self.view else text, between]
        return Content.assemble(*pieces)

    def on_click(self, event: events.Click) -> None:
        """Show the view whose name was clicked, or close the panel."""
        view = event.style.meta.get("view")
        if view == "close":
            self.post_message(self.CloseRequested())
        elif view:
            self.post_message(self.Chosen(view))


class Panel(Vertical):
    """Shows one of `VIEWS`."""

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.tabs = PanelTabs(id="panel-tabs", classes="title")
        self.view = ""
        """The id of the view on show; empty before the first."""

    def compose(self) -> ComposeResult:
        yield self.tabs

    @property
    def widget(self) -> Widget | None:
        """The view on show."""
        return self.query_one(f"#{self.view}") if self.view else None

    async def show(self, view: str) -> Widget:
        """Bring the view with the id `view` forward, made if this is the first time; return it."""
        if not self.query(f"#{view}"):
            wanted = next((known for known in VIEWS if known.id == view), VIEWS[0])
            view = wanted.id
            if not self.query(f"#{view}"):
                await self.mount(getattr(import_module(wanted.module), wanted.widget)(id=view))
        self.view = self.tabs.view = view
        shown = self.query_one(f"#{view}")
        for child in self.children:
            if child is not self.tabs:
                show(child, child is shown)
        return shown
