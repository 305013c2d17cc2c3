"""The workbench's feed of the runs, and what an alert does: a toast, an entry in Problems, what the user has set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vlmtui.monitor.protocol import Alert, RunRow, Thresholds
from vlmtui.paths import log_directory, runs_directory
from vlmtui.safetext import safe_line
from vlmtui.settings import Settings
from vlmtui.ui.monitor.feed import RunsFeed
from vlmtui.ui.monitor.telling import as_json, tell_outside
from vlmtui.ui.problems import Problem, Severity

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp

_OUTSIDE = "Alerts"


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
    limits, mistake = limits_in(app.settings)
    if mistake:
        names = ", ".join(Thresholds.__struct_fields__)
        app.report_problem(
            Problem(source="Settings", line=f"alerts: {mistake}", remedy=f"its names are {names}", severity="warning")
        )
    return limits


def limits_in(settings: Settings) -> tuple[Thresholds, str]:
    """Return the limits that the settings name, and what is wrong with them; the usual ones where something is."""
    try:
        return msgspec.convert(settings.alerts, Thresholds, strict=False), ""
    except msgspec.ValidationError as error:
        return Thresholds(), str(error)


def tell(app: VlmtuiApp, row: RunRow, alert: Alert) -> None:
    """Say that something about a run looks wrong, and keep it until it is dealt with."""
    at = f" at step {alert.step:,}" if alert.step >= 0 else ""
    line = f"{safe_line(row.title, 60)}: {alert.line}{at}"
    severity: Severity = "error" if alert.error else "warning"
    app.report_problem(Problem(source="Training", line=line, remedy=alert.remedy, path=row.path, severity=severity))
    app.notify(safe_line(line, 300), title="Training", severity=severity, markup=False)
    if app.settings.bell == "on":
        app.bell()
    if app.settings.alert_command or app.settings.alert_webhook:
        app.run_worker(_tell_outside(app, as_json(row, alert)), group="alerts", exit_on_error=False)


async def _tell_outside(app: VlmtuiApp, body: bytes) -> None:
    """Tell the user's command and address; the newest failure is a problem, not each."""
    async with app.runs_feed.turn:
        failures = await tell_outside(app.settings.alert_command, app.settings.alert_webhook, body)
    if failures:
        app.problems.clear(_OUTSIDE)
        line = "; ".join(failures)
        app.report_problem(Problem(source=_OUTSIDE, line=line, remedy="see your settings", severity="warning"))
