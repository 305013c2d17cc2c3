"""The side bar: one of several views, under its title."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.ui.showing import show
from vlmtui.ui.widgets.explorer import Explorer


class SideView(NamedTuple):
    """A view that is made when it is shown first.

    Attributes:
        id: the widget's, and the scope of its actions.
        title: stands above it.
        module, widget: where its class is; it is made with its `id` alone.
    """

    id: str
    title: str
    module: str
    widget: str


VIEWS: tuple[SideView, ...] = (
    SideView("search", "Search", "vlmtui.ui.widgets.search_view", "SearchView"),
    SideView("chats", "Chats", "vlmtui.ui.widgets.chats_view", "ChatsView"),
    SideView("models", "Models", "vlmtui.ui.widgets.models_view", "ModelsView"),
    SideView("training", "Training", "vlmtui.ui.monitor.runs_views", "RunsView"),
)
"""Beside the explorer, which is there from the first paint on."""


class SideBar(Vertical):
    """Shows the explorer or one of `VIEWS`."""

    DEFAULT_CSS: ClassVar[str] = """
    SideBar { height: 1fr; background: $surface; }
    SideBar > .pane { height: 1fr; width: 1fr; }
    """

    def __init__(self, explorer: Explorer, title: str, *, id: str | None = None) -> None:
        """Args:
        explorer: the view of the folder.
        title: what stands above it, safe to show.
        id: the widget's.
        """
        super().__init__(id=id)
        self._explorer = explorer
        self._title = title
        self.view = "explorer"
        """The id of the view on show."""

    def compose(self) -> ComposeResult:
        with Vertical(id="explorer-pane", classes="pane"):
            yield Static(Content(self._title), id="explorer-title", classes="title")
            yield self._explorer

    @property
    def widget(self) -> Widget:
        """The view on show."""
        return self.query_one(f"#{self.view}")

    async def show(self, view: str) -> Widget:
        """Bring the view with the id `view` forward, made if this is the first time; return it."""
        if not self.query(f"#{view}-pane"):
            wanted = next(known for known in VIEWS if known.id == view)
            widget: Widget = getattr(import_module(wanted.module), wanted.widget)(id=view)
            title = Static(Content(wanted.title.upper()), classes="title")
            await self.mount(Vertical(title, widget, id=f"{view}-pane", classes="pane"))
        self.view = view
        for pane in self.query("SideBar > .pane"):
            show(pane, pane.id == f"{view}-pane")
        return self.widget


def side_views() -> tuple[str, ...]:
    """Return the ids of all views, in the order of the activity bar."""
    return ("explorer", *(view.id for view in VIEWS))
