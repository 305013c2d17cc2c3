"""What the workbench does with its parts: moves the focus, shows and hides, resizes, and handles tabs and the panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual.widget import Widget

from vlmtui.ui.actions import Scope
from vlmtui.ui.arrangement import PARTS, Part
from vlmtui.ui.widgets.editor_group import EditorGroup
from vlmtui.ui.widgets.side_bar import side_views
from vlmtui.ui.widgets.splitter import Splitter

if TYPE_CHECKING:
    from vlmtui.ui.monitor.controls import RunStarted
    from vlmtui.ui.monitor.runs_list import RunRows
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.explorer import Explorer
    from vlmtui.ui.widgets.panel import PanelTabs
    from vlmtui.ui.widgets.problems_list import ProblemsList
    from vlmtui.ui.widgets.search_view import SearchView

_FIRST_SCOPE: dict[Part, Scope] = {"side": "explorer", "editors": "preview", "panel": "problems", "chat": "chat"}
"""The scope of the actions in each part, of what it shows first."""


class LayoutActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about its parts."""

    @property
    def _bench(self) -> Workbench:
        return cast("Workbench", self)

    @property
    def panes(self) -> dict[Part, Widget]:
        """The parts of the screen that there are: the panel only from when it was first wanted."""
        bench = self._bench
        panes: dict[Part, Widget] = {
            "side": bench.side_bar,
            "editors": cast(Widget, bench.editors.parent),
            "chat": bench.chat_pane,
        }
        if bench.panel is not None:
            panes["panel"] = bench.panel
        return panes

    async def begin_layout(self) -> None:
        """Show the tabs and the panel as they were left."""
        bench = self._bench
        groups = await bench.kept_layout.tabs()
        if any(tabs for tabs, _ in groups):
            await bench.editors.restore(groups, bench.kept_layout.state.active_group)
        if bench.kept_layout.state.panel:
            await self._open_panel(bench.kept_layout.state.panel_view)
        if bench.kept_layout.state.view in side_views():
            await self._open_side(bench.kept_layout.state.view)
            if bench.kept_layout.at == "side":
                bench.set_focus(self._focus_in("side"))
        bench.kept_layout.begin()
        bench.kept_layout.apply()

    def on_mount(self) -> None:
        """Lay the parts out before the first paint."""
        self._bench.kept_layout.apply()

    def on_resize(self) -> None:
        """Lay the parts out anew."""
        self._bench.kept_layout.apply()

    # ---- the focus ----

    def show_part(self, scope: Scope) -> None:
        """Give `scope` the focus, and room if the window is too narrow for all."""
        bench = self._bench
        if not bench.complete:
            return
        part = next(part for part, first in _FIRST_SCOPE.items() if first == scope)
        state = bench.kept_layout.state
        state.side, state.chat = state.side or part == "side", state.chat or part == "chat"
        self.make_room(part)
        if part == "chat":
            bench.chat.focus_prompt()
        else:
            # Now, not later as `Widget.focus` does it: what is typed right behind the key must find its place.
            bench.set_focus(self._focus_in(part))

    def _focus_in(self, part: Part) -> Widget | None:
        bench = self._bench
        if part == "side":
            shown = bench.side_bar.widget
            return cast(Widget, getattr(shown, "focus_target", shown))
        if part == "panel":
            view = bench.panel.widget if bench.panel is not None else None
            if view is None or view.id == "output":
                return next(iter(view.query("OutputLines")), view) if view is not None else None
            return cast(Widget, getattr(view, "focus_target", view))
        return cast(Widget, bench.viewer) if part == "editors" else bench.chat

    def make_room(self, part: Part) -> None:
        """Show `part`, whatever else there is room for, and its keys in the footer."""
        layout = self._bench.kept_layout
        layout.at = part
        for name, scope in _FIRST_SCOPE.items():
            self._bench.set_class(name == part, f"-in-{scope}")
        if part in ("side", "chat"):  # beside the editors stays what was there
            layout.chat_first = part == "chat"
        layout.apply()
        self._bench.show_keys_of(self._scope_in(part))

    def _scope_in(self, part: Part) -> str:
        bench = self._bench
        if part == "editors" and bench.viewer is not None:
            return str(bench.viewer.id)
        if part == "panel" and bench.panel is not None:
            return bench.panel.view
        return bench.side_bar.view if part == "side" else _FIRST_SCOPE[part]

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focus has moved, by whatever way: show where it is."""
        bench = self._bench
        group = next((node for node in event.widget.ancestors if isinstance(node, EditorGroup)), None)
        if group is not None:
            bench.editors.focus_group(group)
        for part, pane in self.panes.items():
            if pane in event.widget.ancestors:
                self.make_room(part)
                return

    def action_next_part(self) -> None:
        """Go to the next part that is wanted."""
        self._step(1)

    def action_previous_part(self) -> None:
        """Go to the part before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        layout, panel = self._bench.kept_layout, self._bench.panel
        state, at = layout.state, layout.at
        wanted = {"side": state.side, "editors": True, "panel": state.panel and panel is not None, "chat": state.chat}
        parts = [part for part in PARTS if wanted[part] or part == at]
        self.show_part(_FIRST_SCOPE[parts[(parts.index(at) + by) % len(parts)]])

    # ---- showing and hiding ----

    def _toggle(self, part: Part) -> None:
        """Hide `part` if it is on show; else bring it, wanted or hidden for want of room."""
        layout = self._bench.kept_layout
        if not self._bench.complete:
            return
        if not layout.has(part):
            self.show_part(_FIRST_SCOPE[part])
        else:
            setattr(layout.state, part, False)
            if layout.at == part:
                layout.zoomed = False
                self.show_part("preview")
        layout.changed()

    def action_toggle_side_bar(self) -> None:
        """Show or hide the side bar."""
        self._toggle("side")

    def action_toggle_chat(self) -> None:
        """Show or hide the chat."""
        self._toggle("chat")

    async def action_show_explorer(self) -> None:
        """Go to the explorer."""
        await self.show_side("explorer")

    async def action_search(self) -> None:
        """Go to the search's field."""
        await self.show_side("search")
        for view in self._bench.side_bar.query("#search"):
            cast("SearchView", view).action_type()

    async def action_show_chats(self) -> None:
        """Go to the conversations."""
        await self.show_side("chats")

    async def action_show_models(self) -> None:
        """Go to the models."""
        await self.show_side("models")

    async def action_show_training(self) -> None:
        """Go to the runs."""
        await self.show_side("training")

    async def action_show_jobs(self) -> None:
        """Go to what is being trained."""
        await self._show_panel("jobs")

    async def on_run_rows_chosen(self, message: RunRows.Chosen) -> None:
        """Open a run's page."""
        await self._bench.editors.open(Path(message.row.path), "run", pin=not message.stay)
        self._bench.follow_names()
        if message.page:
            self._bench.viewer.action_page(message.page)
        if not message.stay:
            self.show_part("preview")

    async def on_run_started(self, message: RunStarted) -> None:
        """Open the page of a run that was started from another's."""
        await self._bench.show_run(message.run)

    async def action_reveal(self) -> None:
        """Put the explorer's cursor on the file on show."""
        shown = self._bench.editors.shown
        if shown is None:
            self.notify("No file is open.")
        elif cast("Explorer", self._bench.part("explorer")).reveal(shown.path):
            await self.show_side("explorer")
        else:
            self.notify("The file does not lie in this folder.", severity="warning")

    async def action_toggle_panel(self) -> None:
        """Show or hide the panel."""
        if self._bench.kept_layout.has("panel"):
            self._toggle("panel")
        else:
            await self._show_panel(self._bench.kept_layout.state.panel_view)

    async def action_show_problems(self) -> None:
        """Go to the problems."""
        await self._show_panel("problems")

    async def action_show_output(self) -> None:
        """Go to the output."""
        await self._show_panel("output")

    async def action_show_batch(self) -> None:
        """Go to the batch."""
        await self._show_panel("batch")

    def action_zoom(self) -> None:
        """Give the part with the focus the whole window, or share it again."""
        layout = self._bench.kept_layout
        layout.zoomed = not layout.zoomed
        layout.apply()

    # ---- sizes ----

    def on_splitter_moved(self, message: Splitter.Moved) -> None:
        """An edge is dragged."""
        self._bench.kept_layout.drag(message.splitter, message.x, message.y)

    def on_splitter_released(self) -> None:
        """An edge was let go of: keep where it is."""
        self._bench.kept_layout.changed()

    def on_splitter_reset_requested(self, message: Splitter.ResetRequested) -> None:
        """An edge was clicked twice."""
        self._bench.kept_layout.reset(message.splitter)

    async def action_resize(self) -> None:
        """Move the edges by keys."""
        from vlmtui.ui.widgets.resize_bar import ResizeBar

        if self._bench.complete and not self._bench.query(ResizeBar):
            bar = ResizeBar(self._bench.kept_layout, self._bench.focused)
            await self._bench.mount(bar)
            self._bench.set_focus(bar)

    # ---- the side bar ----

    async def show_side(self, view: str) -> None:
        """Go to a view of the side bar."""
        if self._bench.complete:
            await self._open_side(view)
            self.show_part("explorer")
            self._bench.kept_layout.changed()

    async def _open_side(self, view: str) -> None:
        bench = self._bench
        shown = await bench.side_bar.show(view)
        bench.kept_layout.state.view = view
        if view == "search":
            cast("SearchView", shown).look_in(bench.directory, bench.chats_with)
        elif view == "chats":
            await bench.list_chats()

    # ---- the panel ----

    async def _show_panel(self, view: str) -> None:
        bench = self._bench
        if bench.complete:
            await self._open_panel(view)
            bench.kept_layout.state.panel = True
            self.show_part("problems")
            bench.kept_layout.changed()

    async def _open_panel(self, view: str) -> None:
        from vlmtui.ui.widgets.panel import Panel

        bench = self._bench
        if bench.panel is None:
            bench.panel = Panel(id="panel")
            await bench.middle.mount(bench.panel)
        shown = await bench.panel.show(view)
        bench.kept_layout.state.panel_view = bench.panel.view
        if bench.panel.view == "output":
            cast(Any, shown).follow(bench.logs)
        elif bench.panel.view == "batch":
            bench.look_for_unfinished()
        self.problems_changed()

    def problems_changed(self) -> None:
        """Show how many problems are open, and the list of them if it is there."""
        bench, problems = self._bench, self._bench.workbench_app.problems
        bench.show_problem_count(len(problems))
        if bench.panel is not None:
            bench.panel.tabs.problems = len(problems)
            for shown in bench.panel.query("#problems"):
                cast("ProblemsList", shown).show(problems, bench.directory)

    async def on_problems_list_open_requested(self, message: ProblemsList.OpenRequested) -> None:
        """Go to the file of a problem, and to its row."""
        problem = message.problem
        if problem.path:
            await self._open_at(problem.path, row=problem.row or 0, pin=True)

    async def on_search_view_open_requested(self, message: SearchView.OpenRequested) -> None:
        """Show the file in which something was found, there."""
        await self._open_at(message.path, line=message.line, row=message.row, pin=message.pin)

    async def _open_at(self, name: str, *, line: int = 0, row: int = 0, pin: bool) -> None:
        """Show a file of the folder, at its line or row from 1; with `pin` its tab stays and takes the focus."""
        from vlmtui.media.kinds import kind_of

        path = self._bench.directory / name
        is_run = self._bench.workbench_app.runs_feed.row(str(path)) is not None
        await self._bench.editors.open(path, "run" if is_run else kind_of(path), pin=pin)
        viewer = self._bench.viewer
        if row and viewer.id == "dataset":
            viewer.go_to_row(row)
        elif line and viewer.id == "preview":
            viewer.go_to_line(line)
        if pin:
            self.show_part("preview")

    async def on_panel_tabs_chosen(self, message: PanelTabs.Chosen) -> None:
        """A view's name was clicked."""
        await self._show_panel(message.view)

    def on_panel_tabs_close_requested(self) -> None:
        """The panel's cross was clicked."""
        self._toggle("panel")

    # ---- tabs ----

    async def action_close_tab(self) -> None:
        """Close the tab on show."""
        await self._bench.editors.close()

    async def action_close_other_tabs(self) -> None:
        """Close all but the tab on show."""
        await self._bench.editors.close_others()

    async def action_reopen_tab(self) -> None:
        """Open the tab that was closed last."""
        if not await self._bench.editors.reopen():
            self.notify("No tab was closed here.")

    def action_pin_tab(self) -> None:
        """Keep the tab on show."""
        shown = self._bench.editors.shown
        if shown is not None:
            self._bench.editors.pin(shown.path)

    async def action_step_tab(self, by: int) -> None:
        """Show the next tab, or the one before."""
        await self._bench.editors.step(by)

    async def action_move_tab(self, by: int) -> None:
        """Move the tab on show."""
        await self._bench.editors.move(by)

    async def action_split(self) -> None:
        """Show the file in a second group beside the first."""
        if self._bench.editors.shown is None:
            self.notify("Open a file first: it is then shown in both groups.")
            return
        await self._bench.editors.split_up()
        self.show_part("preview")

    async def action_unsplit(self) -> None:
        """One group again."""
        await self._bench.editors.unsplit()

    async def action_move_to_other(self) -> None:
        """Move the tab on show to the other group."""
        await self._bench.editors.move_to_other()
