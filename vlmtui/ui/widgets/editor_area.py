"""The editor area: one group of tabs, or two side by side to see two files at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from vlmtui.ui.widgets.editor_group import EditorGroup, Tab
from vlmtui.ui.widgets.splitter import Splitter

_MOST_CLOSED = 20


class Closed(NamedTuple):
    """A tab that was closed, to be opened again."""

    path: Path
    kind: str
    at: int


class EditorArea(Horizontal):
    """Opens, closes and moves tabs. One thing at a time: making a viewer takes a moment, and keys do not wait."""

    DEFAULT_CSS: ClassVar[str] = """
    EditorArea { width: 1fr; height: 1fr; }
    EditorArea.-one-at-a-time > EditorGroup { display: none; }
    EditorArea.-one-at-a-time > EditorGroup.-active-group { display: block; }
    EditorArea.-one-at-a-time > Splitter { display: none; }
    """

    class Changed(Message):
        """Other tabs are open, or another one is on show."""

    def __init__(
        self, make_viewer: Callable[[str], Any], name_of: Callable[[Path, str], str], *, id: str | None = None
    ) -> None:
        """Args:
        make_viewer: Returns a new viewer for a kind of file.
        name_of: Returns what the tab of a file, shown as a kind, is called.
        """
        super().__init__(id=id)
        self._make_group = partial(EditorGroup, make_viewer, name_of)
        self._one = asyncio.Lock()
        self._history: list[Closed] = []
        self.groups: list[EditorGroup] = [self._make_group()]
        self.active: EditorGroup = self.groups[0]

    def compose(self) -> ComposeResult:
        self.active.add_class("-active-group")
        yield self.active

    @property
    def viewer(self) -> Any:
        """The viewer on show in the active group; None before the first."""
        return self.active.viewer

    @property
    def viewers(self) -> list[Any]:
        """All viewers that there are, in both groups."""
        return [viewer for group in self.groups for viewer in group.viewers]

    @property
    def shown(self) -> Tab | None:
        """The tab on show in the active group."""
        return self.active.active

    @property
    def split(self) -> bool:
        """Whether there are two groups."""
        return len(self.groups) > 1

    # ---- files ----

    async def begin(self) -> None:
        """Make the first viewer."""
        async with self._one:
            await self.active.activate(None)

    async def open(self, path: Path, kind: str, *, pin: bool = False) -> None:
        """Show `path` in the active group; with `pin` its tab stays when another file is selected."""
        async with self._one:
            focused = self.has_focus_within
            await self.active.open(path, kind, pin=pin)
            self._changed(focused)

    async def open_beside(self, path: Path, kind: str) -> None:
        """Show `path` in a second group, which is made if there is none, and go there."""
        async with self._one:
            self._make_active(self._other if self.split else await self._add_group())
            await self.active.open(path, kind, pin=True)
            self._changed(True)

    async def restore(self, groups: list[tuple[list[Tab], int]], active: int) -> None:
        """Open what was open before: the tabs of each group, with the number of the one on show."""
        async with self._one:
            for number, (tabs, at) in enumerate(groups[:2]):
                if not tabs:
                    continue
                group = self.groups[number] if number < len(self.groups) else await self._add_group()
                group.tabs = tabs
                await group.activate(tabs[at] if 0 <= at < len(tabs) else tabs[0])
            self._make_active(self.groups[active if 0 <= active < len(self.groups) else 0])
            self._changed(False)

    def pin(self, path: Path) -> None:
        """Keep the tabs of `path`: something was done with the file."""
        for group in self.groups:
            for tab in group.tabs:
                if tab.path == path and not tab.pinned:
                    group.pin(tab)
                    self.post_message(self.Changed())

    # ---- tabs ----

    def names_changed(self) -> None:
        """Files may be called otherwise now."""
        for group in self.groups:
            group.show_tabs()

    async def close(self, tab: Tab | None = None, group: EditorGroup | None = None) -> None:
        """Close `tab`, else the one on show; a second group without tabs goes, too."""
        async with self._one:
            group = group or self.active
            tab = tab or group.active
            if tab is None or tab not in group.tabs:
                return
            focused = self.has_focus_within
            self._history = [*self._history, Closed(tab.path, tab.kind, group.tabs.index(tab))][-_MOST_CLOSED:]
            await group.close(tab)
            if not group.tabs and self.split:
                await self._remove_group(group)
            self._changed(focused)

    async def close_others(self) -> None:
        """Close all tabs of the active group but the one on show."""
        async with self._one:
            group = self.active
            for tab in [tab for tab in group.tabs if tab is not group.active]:
                self._history = [*self._history, Closed(tab.path, tab.kind, group.tabs.index(tab))][-_MOST_CLOSED:]
                group.take(tab)
            group.show_tabs()
            self._changed(self.has_focus_within)

    async def reopen(self) -> bool:
        """Open the tab again that was closed last; return whether there was one."""
        async with self._one:
            if not self._history:
                return False
            focused = self.has_focus_within
            last = self._history.pop()
            tab = self.active.tab_of(last.path, last.kind)
            if tab is None:
                at = min(last.at, len(self.active.tabs))
                tab = self.active.add(last.path, last.kind, pinned=True, at=at)
            await self.active.activate(tab)
            self._changed(focused)
            return True

    async def step(self, by: int) -> None:
        """Show the next tab of the active group, or the one before; round at the ends."""
        async with self._one:
            group = self.active
            if group.active is not None:
                focused = self.has_focus_within
                await group.activate(group.tabs[(group.tabs.index(group.active) + by) % len(group.tabs)])
                self._changed(focused)

    async def move(self, by: int) -> None:
        """Move the tab on show along its row; past the end of the row, to the other group."""
        async with self._one:
            if self.shown is not None and not self.active.move(self.shown, by) and self.split:
                other = self.groups.index(self.active) + (1 if by > 0 else -1)
                if 0 <= other < len(self.groups):
                    await self._move_to(self.groups[other], at=0 if by > 0 else None)
            self._changed(False)

    # ---- groups ----

    async def split_up(self) -> None:
        """Show the file on show in a second group beside the first, and go there."""
        async with self._one:
            if self.split:
                self._make_active(self._other)
            elif self.shown is not None:
                here = self.shown
                group = await self._add_group()
                await group.activate(group.add(here.path, here.kind, pinned=here.pinned))
                self._make_active(group)
            self._changed(True)

    async def unsplit(self) -> None:
        """Put all tabs into one group again, the one on show staying so."""
        async with self._one:
            if not self.split:
                return
            focused = self.has_focus_within
            first, second = self.groups
            shown = self.shown
            for tab in list(second.tabs):
                second.take(tab)
                known = first.tab_of(tab.path, tab.kind)
                if known is None:
                    tab.pinned = True
                    first.tabs.append(tab)
                    known = tab
                if tab is shown:
                    shown = known
            await self._remove_group(second)
            await first.activate(shown or first.active)
            self._changed(focused)

    async def move_to_other(self) -> None:
        """Move the tab on show to the other group, which is made if there is none; go there."""
        async with self._one:
            if self.shown is None or (not self.split and len(self.active.tabs) < 2):
                return
            if not self.split:
                await self._add_group()
            await self._move_to(self._other)
            self._changed(True)

    def focus_group(self, group: EditorGroup) -> None:
        """Make `group` the one that files are opened in."""
        if group in self.groups and group is not self.active:
            self._make_active(group)
            self.post_message(self.Changed())

    @property
    def _other(self) -> EditorGroup:
        return self.groups[1 - self.groups.index(self.active)] if self.split else self.active

    async def _move_to(self, group: EditorGroup, at: int | None = None) -> None:
        source, tab = self.active, self.shown
        assert tab is not None
        await source.close(tab)
        known = group.tab_of(tab.path, tab.kind)
        if known is None:
            known = group.add(tab.path, tab.kind, pinned=True, at=at)
        await group.activate(known)
        self._make_active(group)
        if not source.tabs:
            await self._remove_group(source)

    async def _add_group(self) -> EditorGroup:
        group = self._make_group()
        self.groups.append(group)
        await self.mount(Splitter(id="group-splitter"), group)
        self.set_class(True, "-split")
        return group

    async def _remove_group(self, group: EditorGroup) -> None:
        self.groups.remove(group)
        self._make_active(self.groups[0])
        self.set_class(False, "-split")
        await self.query("#group-splitter").remove()
        await group.remove()

    def _make_active(self, group: EditorGroup) -> None:
        self.active = group
        for other in self.groups:
            other.set_class(other is group, "-active-group")

    def _changed(self, focused: bool) -> None:
        """Tell of the change; the focus goes where it was before, to the viewer that is on show now."""
        viewer = self.viewer
        if focused and viewer is not None and not viewer.has_focus_within:
            self.screen.set_focus(viewer)
        self.post_message(self.Changed())

    # ---- the mouse ----

    async def on_editor_group_tab_chosen(self, message: EditorGroup.TabChosen) -> None:
        message.stop()
        async with self._one:
            if message.group in self.groups and message.tab in message.group.tabs:
                self._make_active(message.group)
                if message.pin:
                    message.group.pin(message.tab)
                await message.group.activate(message.tab)
                self._changed(True)

    async def on_editor_group_tab_close_requested(self, message: EditorGroup.TabCloseRequested) -> None:
        message.stop()
        await self.close(message.tab, message.group)
