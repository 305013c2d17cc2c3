"""Lays the parts of the workbench out: their sizes, which of them are on show, and how they were left."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from textual.widget import Widget

from vlmtui.ui.arrangement import NARROW, PARTS, WIDE, Part, arrange
from vlmtui.ui.layout_state import OpenGroup, OpenTab, layout_file, read_layout, tab_path, write_layout
from vlmtui.ui.problems import Problem
from vlmtui.ui.showing import show

if TYPE_CHECKING:
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.editor_group import Tab

_SIDE_WIDTH = 30
_CHAT_SHARE = 6 / 11
_PANEL_SHARE = 0.3
_LEAST_WIDTH = 16
_LEAST_HEIGHT = 4
_KEEP_AFTER_S = 1.0


class Layout:
    """What is on show in a `Workbench`, and how large. `state` is what is kept of it for the folder."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._file = layout_file(workbench.directory)
        self.state, self._mistake = read_layout(self._file)
        self.at: Part = "side"
        """The part with the focus."""
        self.zoomed = False
        self.chat_first = False
        """Where there is room for one of them only, the chat is shown rather than the side bar."""
        self._ready = False
        self._unsaid = True

    def begin(self) -> None:
        """From now on what changes is kept."""
        self._ready = True
        if self._mistake:
            self._workbench.workbench_app.report_problem(
                Problem(source="Layout", line=self._mistake, remedy="the usual layout is shown", severity="warning")
            )

    def shown_before(self) -> Path | None:
        """Return the file that was on show when the folder was closed, if it lies in the folder."""
        state = self.state
        if not 0 <= state.active_group < len(state.groups):
            return None
        group = state.groups[state.active_group]
        tab = group.tabs[group.active] if 0 <= group.active < len(group.tabs) else None
        return self._workbench.directory / tab.path if tab is not None and not Path(tab.path).is_absolute() else None

    # ---- showing ----

    def apply(self) -> None:
        """Show the parts for which there is room, in their sizes."""
        bench, state = self._workbench, self.state
        width, height = bench.size
        if not width:
            return
        shown = arrange(
            width, height, self.at, side=state.side, panel=state.panel, chat=state.chat, zoomed=self.zoomed,
            chat_first=self.chat_first,
        )  # fmt: skip
        panes = bench.panes
        for part in PARTS:
            if part in panes:
                show(panes[part], shown.has(part))
        bench.activity_bar.display = shown.bar
        bench.side_splitter.display = shown.bar and shown.side and (shown.editors or shown.panel or shown.chat)
        bench.chat_splitter.display = shown.chat and (shown.editors or shown.panel)
        show(bench.middle, shown.editors or shown.panel)
        alone = not (shown.editors or shown.panel or shown.chat)
        panes["side"].styles.width = "1fr" if alone else self._side_width(width)
        share = state.chat_share or _CHAT_SHARE
        bench.middle.styles.width = f"{1 - share:.4f}fr"
        panes["chat"].styles.width = f"{share:.4f}fr"
        if "panel" in panes:
            share = state.panel_share or _PANEL_SHARE
            panes["panel"].styles.height = f"{share:.4f}fr" if shown.editors else "1fr"
            panes["editors"].styles.height = f"{1 - share:.4f}fr"
        bench.editors.set_class(width < WIDE, "-one-at-a-time")
        groups = bench.editors.groups
        if len(groups) > 1:
            share = state.group_share or 0.5
            groups[0].styles.width, groups[1].styles.width = f"{share:.4f}fr", f"{1 - share:.4f}fr"
        elif groups:
            groups[0].styles.width = "1fr"
        bench.activity_bar.view = state.view if shown.side else ""

    def _side_width(self, width: int) -> int:
        return max(_LEAST_WIDTH, min(self.state.side_width or _SIDE_WIDTH, width - 2 * _LEAST_WIDTH))

    def has(self, part: Part) -> bool:
        """Return whether `part` is on show."""
        pane = self._workbench.panes.get(part)
        return pane is not None and bool(pane.display)

    @property
    def one_at_a_time(self) -> bool:
        """Whether the window has room for one part only."""
        return self._workbench.size.width < NARROW

    # ---- sizes ----

    def drag(self, splitter: Widget, x: int, y: int) -> None:
        """Move the edge that `splitter` is to column `x`, row `y`."""
        bench, state = self._workbench, self.state
        if splitter is bench.side_splitter:
            left = bench.side_bar.region.x
            state.side_width = max(_LEAST_WIDTH, min(x - left, bench.size.width - left - 2 * _LEAST_WIDTH))
        elif splitter is bench.chat_splitter:
            left, right = bench.middle.region.x, bench.panes["chat"].region.right
            state.chat_share = _share(right - x, right - left, _LEAST_WIDTH)
        elif splitter.id == "group-splitter":
            region = bench.editors.region
            state.group_share = _share(x - region.x, region.width, _LEAST_WIDTH)
        else:
            region = bench.middle.region
            state.panel_share = _share(region.bottom - y, region.height, _LEAST_HEIGHT)
        self.apply()

    def reset(self, splitter: Widget) -> None:
        """Give the parts beside `splitter` their usual sizes."""
        bench, state = self._workbench, self.state
        if splitter is bench.side_splitter:
            state.side_width = 0
        elif splitter is bench.chat_splitter:
            state.chat_share = 0.0
        elif splitter.id == "group-splitter":
            state.group_share = 0.0
        else:
            state.panel_share = 0.0
        self.changed()

    def reset_all(self) -> None:
        """Give all parts their usual sizes."""
        state = self.state
        state.side_width, state.chat_share, state.panel_share, state.group_share = 0, 0.0, 0.0, 0.0
        self.changed()

    def resize(self, across: int, down: int) -> None:
        """Move an edge of the part with the focus: its right one (the chat's left one), and the panel's upper one;
        with two groups of editors, the edge between them."""
        bench, state = self._workbench, self.state
        width, height = bench.size
        if across and self.at == "side":
            state.side_width = self._side_width(width) + 2 * across
            state.side_width = self._side_width(width)
        elif across and self.at == "editors" and len(bench.editors.groups) > 1:
            whole = bench.editors.region.width
            state.group_share = _share(round((state.group_share or 0.5) * whole) + 2 * across, whole, _LEAST_WIDTH)
        elif across and self.has("chat"):
            whole = bench.middle.region.width + bench.chat_pane.region.width
            share = state.chat_share or _CHAT_SHARE
            state.chat_share = _share(round(share * whole) - 2 * across, whole, _LEAST_WIDTH)
        if down and self.has("panel") and self.has("editors"):
            share = state.panel_share or _PANEL_SHARE
            state.panel_share = _share(round(share * height) - down, height, _LEAST_HEIGHT)
        self.changed()

    # ---- keeping ----

    def changed(self) -> None:
        """Show what has changed, and keep it soon."""
        self.apply()
        if self._ready:
            self._workbench.run_worker(self._keep_soon(), group="layout", exclusive=True, exit_on_error=False)

    async def _keep_soon(self) -> None:
        await asyncio.sleep(_KEEP_AFTER_S)
        self._take_tabs()
        self._say(await asyncio.to_thread(self._write))

    def keep(self) -> None:
        """Keep it now: the workbench is closed."""
        if self._ready:
            self._take_tabs()
            self._write()

    def _write(self) -> str:
        try:
            write_layout(self._file, self.state)
        except OSError as error:
            return f"{self._file}: {error.strerror or error}"
        return ""

    def _say(self, mistake: str) -> None:
        if mistake and self._unsaid:
            self._unsaid = False
            self._workbench.workbench_app.report_problem(
                Problem(
                    source="Layout",
                    line=f"The layout is not remembered: {mistake}",
                    remedy="free some space, or make the folder writable",
                    severity="warning",
                )
            )

    def _take_tabs(self) -> None:
        editors, folder = self._workbench.editors, self._workbench.directory
        self.state.groups = [
            OpenGroup(
                [OpenTab(tab_path(folder, tab.path), tab.kind, tab.pinned) for tab in group.tabs if _is_text(tab.path)],
                group.tabs.index(group.active) if group.active in group.tabs else 0,
            )
            for group in editors.groups
        ]
        self.state.active_group = editors.groups.index(editors.active)

    async def tabs(self) -> list[tuple[list[Tab], int]]:
        """Return the tabs that were open, of files that are still there, with the number of the one on show."""
        from vlmtui.ui.widgets.editor_group import Tab

        folder, found = self._workbench.directory, []
        for group in self.state.groups[:2]:
            kept = [(number, tab, folder / tab.path) for number, tab in enumerate(group.tabs)]
            there = await asyncio.to_thread(_existing, [path for _, _, path in kept])
            tabs = [(number, Tab(path, tab.kind, tab.pinned)) for number, tab, path in kept if path in there]
            active = next((place for place, (number, _) in enumerate(tabs) if number == group.active), 0)
            found.append(([tab for _, tab in tabs], active))
        return found


def _existing(paths: list[Path]) -> set[Path]:
    return {path for path in paths if path.exists()}


def _share(part: int, whole: int, least: int) -> float:
    """Return the share of `part` in `whole` cells, leaving both sides at least `least`."""
    if whole <= 2 * least:
        return 0.5
    return max(least, min(part, whole - least)) / whole


def _is_text(path: Path) -> bool:
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return False  # JSON has no way to say it
    return True
