"""An editor group: tabs of open files, one of them on show, each with a viewer of its own while it is worth keeping.

The files that were seen last keep their viewer, with its zoom, place or row; of the others only the path is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message

from vlmtui.ui.showing import show
from vlmtui.ui.viewers import viewer_id
from vlmtui.ui.widgets.editor_tabs import EditorTabs, Label

_MOST_AWAKE = 4
_IDLE = "picture"  # the viewer that says what to do while nothing is open


@dataclass(eq=False, slots=True)
class Tab:
    """An open file.

    Attributes:
        path: the file.
        kind: what it is shown as (see `vlmtui.media.kinds`).
        pinned: it stays when another file is selected.
        viewer: the widget that shows it; None while it has not been looked at for long.
        seen: when it was on show last, in the group's own count.
    """

    path: Path
    kind: str
    pinned: bool = False
    viewer: Any = None
    seen: int = 0


class EditorGroup(Vertical):
    """Tabs and what the active one shows. Its methods are called under the lock of the `EditorArea` that it is in."""

    DEFAULT_CSS: ClassVar[str] = """
    EditorGroup { width: 1fr; height: 1fr; }
    EditorGroup > .editor { width: 1fr; height: 1fr; }
    """

    class TabChosen(Message):
        """The user clicked a tab; `pin` when twice."""

        def __init__(self, group: EditorGroup, tab: Tab, *, pin: bool) -> None:
            super().__init__()
            self.group, self.tab, self.pin = group, tab, pin

    class TabCloseRequested(Message):
        """The user clicked a tab's cross."""

        def __init__(self, group: EditorGroup, tab: Tab) -> None:
            super().__init__()
            self.group, self.tab = group, tab

    def __init__(self, make_viewer: Callable[[str], Any], name_of: Callable[[Path, str], str]) -> None:
        """Args:
        make_viewer: Returns a new viewer for a kind of file.
        name_of: Returns what the tab of a file, shown as a kind, is called.
        """
        super().__init__()
        self._make_viewer = make_viewer
        self._name_of = name_of
        self._row = EditorTabs()
        self._spare: dict[str, Any] = {}  # viewers that show nothing, by id
        self._clock = 0
        self._on_show: Any = None
        self.tabs: list[Tab] = []
        self.active: Tab | None = None

    def compose(self) -> ComposeResult:
        yield self._row

    @property
    def viewer(self) -> Any:
        """The viewer on show; None before the first."""
        return self._on_show

    @property
    def viewers(self) -> list[Any]:
        """All viewers that there are."""
        return [*(tab.viewer for tab in self.tabs if tab.viewer is not None), *self._spare.values()]

    def tab_of(self, path: Path, kind: str) -> Tab | None:
        """Return the tab that shows `path` as `kind`, if there is one."""
        name = viewer_id(kind)
        return next((tab for tab in self.tabs if tab.path == path and viewer_id(tab.kind) == name), None)

    # ---- opening and closing ----

    async def open(self, path: Path, kind: str, *, pin: bool = False) -> Tab:
        """Show `path`: in its tab if it has one, else in the tab that is not pinned, else in a new one."""
        tab = self.tab_of(path, kind)
        if tab is None:
            tab = next((tab for tab in self.tabs if not tab.pinned), None)
            if tab is None:
                tab = Tab(path, kind)
                self.tabs.insert(self._after_active(), tab)
            elif viewer_id(tab.kind) != viewer_id(kind):
                self._park(tab)
            tab.path, tab.kind = path, kind
        tab.pinned = tab.pinned or pin
        await self.activate(tab)
        return tab

    def add(self, path: Path, kind: str, *, pinned: bool, at: int | None = None) -> Tab:
        """Add a tab without showing it."""
        tab = Tab(path, kind, pinned)
        self.tabs.insert(self._after_active() if at is None else at, tab)
        return tab

    async def activate(self, tab: Tab | None) -> None:
        """Show `tab`; None, where there is no tab, shows what to do."""
        if tab is None:
            viewer = await self._spare_viewer(_IDLE)
            self._spare[viewer.id] = viewer
        elif tab.viewer is None:
            tab.viewer = viewer = await self._spare_viewer(tab.kind)
        else:
            viewer = tab.viewer
        self.active = tab
        if viewer is not self._on_show:
            if self._on_show is not None and self._on_show.parent is not None:
                show(self._on_show.parent, False)
            self._on_show = viewer
            show(viewer.parent, True)
        if tab is not None:
            self._clock += 1
            tab.seen = self._clock
            if viewer.path != tab.path:
                viewer.path = tab.path
            self._put_to_sleep()
        self.show_tabs()

    async def close(self, tab: Tab) -> None:
        """Close `tab`; the one that was seen before it is shown."""
        self.take(tab)
        if self.active is tab:
            await self.activate(max(self.tabs, key=lambda other: other.seen, default=None))
        else:
            self.show_tabs()

    def take(self, tab: Tab) -> None:
        """Take `tab` out of the row."""
        self.tabs.remove(tab)
        self._park(tab)

    def move(self, tab: Tab, by: int) -> bool:
        """Move `tab` along the row; return whether there was room."""
        at = self.tabs.index(tab)
        to = max(0, min(at + by, len(self.tabs) - 1))
        self.tabs.insert(to, self.tabs.pop(at))
        self.show_tabs()
        return to != at

    def pin(self, tab: Tab) -> None:
        """Keep `tab` when another file is selected."""
        tab.pinned = True
        self.show_tabs()

    def show_tabs(self) -> None:
        """Bring the row of tabs up to date."""
        names = [self._name_of(tab.path, tab.kind) for tab in self.tabs]
        labels = [
            Label(name if names.count(name) == 1 else f"{name} — {tab.path.parent.name}", tab.pinned)
            for name, tab in zip(names, self.tabs, strict=True)
        ]
        self._row.show(labels, self.tabs.index(self.active) if self.active is not None else -1)

    # ---- viewers ----

    async def _spare_viewer(self, kind: str) -> Any:
        """Return a viewer for `kind` that shows nothing; it is made and mounted if there is none."""
        viewer = self._spare.pop(viewer_id(kind), None)
        if viewer is None:
            viewer = self._make_viewer(kind)
            await self.mount(Container(viewer, classes="editor"))
        return viewer

    def _park(self, tab: Tab) -> None:
        """Take the viewer away from `tab`; one of each sort is kept for the next file, the others end."""
        viewer, tab.viewer = tab.viewer, None
        if viewer is None:
            return
        if viewer.id in self._spare:
            if viewer is self._on_show:
                self._on_show = None
            viewer.parent.remove()
        else:
            viewer.path = None
            show(viewer.parent, viewer is self._on_show)
            self._spare[viewer.id] = viewer

    def _put_to_sleep(self) -> None:
        """Free the viewers of the files that were not seen for longest."""
        awake = sorted((tab for tab in self.tabs if tab.viewer is not None), key=lambda tab: tab.seen)
        for tab in awake[:-_MOST_AWAKE]:
            self._park(tab)

    def _after_active(self) -> int:
        return self.tabs.index(self.active) + 1 if self.active in self.tabs else len(self.tabs)

    # ---- the mouse ----

    def on_editor_tabs_chosen(self, message: EditorTabs.Chosen) -> None:
        message.stop()
        if message.tab < len(self.tabs):
            self.post_message(self.TabChosen(self, self.tabs[message.tab], pin=message.pin))

    def on_editor_tabs_close_requested(self, message: EditorTabs.CloseRequested) -> None:
        message.stop()
        if message.tab < len(self.tabs):
            self.post_message(self.TabCloseRequested(self, self.tabs[message.tab]))
