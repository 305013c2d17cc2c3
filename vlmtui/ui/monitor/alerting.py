"""The workbench's feed of the runs, and what an alert does: a toast, an entry in Problems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vlmtui.monitor.protocol import Alert, RunRow, Thresholds
from vlmtui.paths import log_directory, runs_directory
from vlmtui.safetext import safe_line
from vlmtui.ui.monitor.feed import RunsFeed
from vlmtui.ui.problems import Problem, Severity

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp


def feed_of(app: VlmtuiApp) -> RunsFeed:
    """Return the runs' feed of the workbench: its folder's runs, and this tool's own."""
    return RunsFeed(
        app,
        runs_directory(),
        [app.directory, *(Path(folder).expanduser() for folder in app.settings.run_folders.split(":") if folder)],
        thresholds=thresholds_of(app),
        log=log_directory() / "monitor.log",
        alerted=lambda row, alert: tell(app, row, alert),
    )


def thresholds_of(app: VlmtuiApp) -> Thresholds:
    """Return the limits that the user has set; a name that is none is a problem, and the usual limits hold."""
    try:
        return msgspec.convert(app.settings.alerts, Thresholds, strict=False)
    except msgspec.ValidationError as error:
        names = ", ".join(Thresholds.__struct_fields__)
        app.report_problem(
            Problem(source="Settings", line=f"alerts: {error}", remedy=f"its names are {names}", severity="warning")
        )
        return Thresholds()


def tell(app: VlmtuiApp, row: RunRow, alert: Alert) -> None:
    """Say that something about a run looks wrong, and keep it until it is dealt with."""
    at = f" at step {alert.step:,}" if alert.step >= 0 else ""
    line = f"{safe_line(row.title, 60)}: {alert.line}{at}"
    severity: Severity = "error" if alert.error else "warning"
    app.report_problem(Problem(source="Training", line=line, remedy=alert.remedy, path=row.path, severity=severity))
    app.notify(safe_line(line, 300), title="Training", severity=severity, markup=False)
    if app.settings.bell == "on":
        app.bell()
