"""`vlmtui runs watch` in a terminal: the monitor alone, in a window of any size. The runs go on when it is closed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from vlmtui.monitor.protocol import Alert, RunRow
from vlmtui.paths import log_directory, runs_directory
from vlmtui.safetext import safe_line
from vlmtui.settings import Settings
from vlmtui.ui.actions import ACTIONS, key_name
from vlmtui.ui.monitor.alerting import limits_in
from vlmtui.ui.monitor.controls import RunStarted
from vlmtui.ui.monitor.feed import RunsFeed
from vlmtui.ui.monitor.run_view import RunView
from vlmtui.ui.monitor.runs_list import RunRows
from vlmtui.ui.monitor.runs_views import RunsView
from vlmtui.ui.monitor.telling import as_json, tell_outside
from vlmtui.ui.themes import DEFAULT_THEME, THEMES

_WIDE = 100
"""From so many columns on, the list stays beside the run."""


class WatchApp(App[int]):
    """A list of runs, and one of them."""

    TITLE = "vlmtui runs watch"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q,ctrl+c", "quit", "Quit", priority=False),
        Binding("escape,backspace", "to_list", "Back to the list", show=False),
    ]
    CSS: ClassVar[str] = """
    Screen { background: $background; }
    #watch-parts { height: 1fr; }
    #watch-list { width: 1fr; }
    #watch-list.-beside { width: 32; border-right: solid $panel; }
    #watch-keys { height: 1; color: $foreground 60%; background: $surface; padding: 0 1; }
    """

    def __init__(self, run: Path | None, *, settings: Settings | None = None, folders: tuple[Path, ...] = ()) -> None:
        """Args:
        run: the folder of the run to show; None shows the list.
        settings: the user's: colours, limits of alerts, what is done about one.
        folders: where others' runs are looked for.
        """
        super().__init__()
        self._settings = settings = settings or Settings()
        theme = settings.theme
        for known in THEMES:
            self.register_theme(known)
        self.theme = theme if theme in self.available_themes else DEFAULT_THEME
        self._run = run
        self.runs_feed = RunsFeed(
            self,
            runs_directory(),
            folders,
            thresholds=limits_in(settings)[0],
            log=log_directory() / "monitor.log",
            alerted=self._alerted,
        )
        self._list = RunsView(id="training")
        self._side = Vertical(self._list, id="watch-list")
        self._view = RunView(id="run")
        self._keys = Static(id="watch-keys", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="watch-parts"):
            yield self._side
            yield self._view
        yield self._keys

    def on_mount(self) -> None:
        """Show the run, or the list."""
        if self._run is not None:
            self._view.path = self._run
        self._arrange(focus=True)

    def on_resize(self) -> None:
        self._arrange()

    async def on_unmount(self) -> None:
        await self.runs_feed.close()

    def _arrange(self, *, focus: bool = False) -> None:
        shown = self._view.path is not None
        beside = self.size.width >= _WIDE
        self._view.display = shown
        self._side.display = not shown or beside
        self._side.set_class(shown and beside, "-beside")
        if focus:
            self.set_focus(self._view.focus_target if shown else self._list.focus_target)
        scope = "run" if shown else "training"
        hints = [f"{key_name(a.keys[0])} {a.label}" for a in ACTIONS if a.scope == scope and a.label and a.keys]
        ends = ["1-6 pages", "Esc list"] if shown else []
        self._keys.update(Content("  ".join(["q Quit", *ends, *hints])).truncate(max(1, self.size.width - 2)))

    def on_run_rows_chosen(self, message: RunRows.Chosen) -> None:
        """Show a run."""
        self._view.path = Path(message.row.path)
        if message.page:
            self._view.action_page(message.page)
        self._arrange(focus=not message.stay)

    def on_run_started(self, message: RunStarted) -> None:
        """Show a run that was started from another's."""
        from vlmtui.runs.folder import find

        self._view.path = find(message.run).path
        self._arrange(focus=True)

    def action_to_list(self) -> None:
        """Go back to the list."""
        if self.size.width < _WIDE:
            self._view.path = None
        self._arrange()
        self.set_focus(self._list.focus_target)

    def _alerted(self, row: RunRow, alert: Alert) -> None:
        at = f" at step {alert.step:,}" if alert.step >= 0 else ""
        line = safe_line(f"{row.title}: {alert.line}{at}", 300)
        self.notify(line, severity="error" if alert.error else "warning", markup=False)
        if self._settings.bell == "on":
            self.bell()
        if self._settings.alert_command or self._settings.alert_webhook:
            self.run_worker(self._tell_outside(as_json(row, alert)), group="alerts", exit_on_error=False)

    async def _tell_outside(self, body: bytes) -> None:
        async with self.runs_feed.turn:
            failures = await tell_outside(self._settings.alert_command, self._settings.alert_webhook, body)
        for line in failures:
            self.notify(line, title="Alerts", severity="warning", markup=False)


def watch(options: argparse.Namespace) -> int:
    """Show the run of `options`, or the list; return the exit code."""
    from vlmtui.monitor.command import meant
    from vlmtui.paths import settings_file
    from vlmtui.runs.folder import RunError
    from vlmtui.settings import read_settings

    try:
        run = meant(options.run_id)
    except RunError as error:
        print(safe_line(str(error)), file=sys.stderr)  # noqa: T201 - what the command is for
        return 1
    settings, _ = read_settings(settings_file())
    return WatchApp(run, settings=settings, folders=(Path.cwd(),)).run() or 0
