"""The views of the runs: all of them in the side bar, those in which something happens in the panel."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from vlmtui.monitor.protocol import RunRow
from vlmtui.ui.actions import bindings
from vlmtui.ui.monitor.controls import RunControls
from vlmtui.ui.monitor.runs_list import RunRows
from vlmtui.ui.monitor.words import shown_rows

_NONE = "No runs yet. A recipe makes one: see the palette, Fine-tune…"

_TWO = "Mark two runs or more, with v or a click on the sign before the name."


class _Runs(RunControls, Vertical):
    """A list of runs that follows the feed."""

    _rows: RunRows

    def on_mount(self) -> None:
        """Show what is known."""
        self.feed.listen(self._tell)
        self._tell()

    def on_unmount(self) -> None:
        self.feed.leave(self._tell)

    @property
    def focus_target(self) -> Widget:
        """What takes the focus."""
        return self._rows

    @property
    def chosen(self) -> RunRow | None:
        return self._rows.chosen

    def action_open(self) -> None:
        """Open the run under the cursor."""
        self._rows.action_chosen()

    def _tell(self) -> None:
        raise NotImplementedError


class RunsView(_Runs):
    """All runs, filtered as one types; Enter opens one."""

    DEFAULT_CSS: ClassVar[str] = """
    RunsView { height: 1fr; width: 1fr; }
    RunsView > Input { height: 1; border: none; padding: 0 1; display: none; background: $surface; }
    RunsView > Input:focus { border: none; }
    RunsView.-filtering > Input { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("training"),
        Binding("escape", "show_all", "Show all", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = RunRows(tall=2, nothing="Looking for runs…")
        self._archived = False

    def compose(self) -> ComposeResult:
        yield Input(placeholder="name, tag, state; Esc shows all")
        yield self._rows

    def _tell(self) -> None:
        feed = self.feed
        words = self.query_one(Input).value if self.has_class("-filtering") else ""
        rows = shown_rows(feed.rows, words, archived=self._archived)
        nothing = feed.failure or (
            "Looking for runs…" if not feed.complete else "No run has these words." if words else _NONE
        )
        self._rows.show(rows, frozenset(feed.pinned), nothing)

    def action_overlay(self) -> None:
        """Lay the run's curves over the others', or no more."""
        row = self.chosen
        if row is not None:
            self.feed.pin(row.path)

    def on_run_rows_marked(self, message: RunRows.Marked) -> None:
        """A run's sign was clicked."""
        message.stop()
        self.feed.pin(message.row.path)

    def action_compare(self) -> None:
        """Show the marked runs beside each other; where only one is marked, the one under the cursor with it."""
        rows = [row for path in self.feed.pinned if (row := self.feed.row(path)) is not None]
        if len(rows) < 2 and self.chosen is not None and self.chosen not in rows:
            rows.insert(0, self.chosen)
        if len(rows) < 2:
            self.app.notify(_TWO, severity="information", markup=False)
        else:
            self.post_message(RunRows.Chosen(rows[0], page="compare"))

    def action_archived(self) -> None:
        """Show the runs that were put away, too, or no more."""
        self._archived = not self._archived
        self._tell()

    def action_filter(self) -> None:
        """Ask for words."""
        self.add_class("-filtering")
        self.screen.set_focus(self.query_one(Input))
        self._tell()

    def action_show_all(self) -> None:
        """Show all runs again."""
        self.remove_class("-filtering")
        self.screen.set_focus(self._rows)
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is somebody else's while nothing is filtered."""
        return self.has_class("-filtering") if action == "show_all" else True

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        self._tell()

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        message.stop()
        self.screen.set_focus(self._rows)


class JobsView(_Runs):
    """One line a run in which something happens."""

    DEFAULT_CSS: ClassVar[str] = "JobsView { height: 1fr; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("jobs")]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = RunRows(tall=1, nothing="Nothing is being trained now.")

    def compose(self) -> ComposeResult:
        yield self._rows

    def _tell(self) -> None:
        nothing = self.feed.failure or "Nothing is being trained now."
        self._rows.show([row for row in self.feed.rows if row.live], frozenset(), nothing)
