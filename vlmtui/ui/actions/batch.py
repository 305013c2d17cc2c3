"""Actions of the panel's view of a batch."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "batch.open",
        "Open the file of the row",
        ("enter",),
        "batch",
        "open",
        "Under an unfinished batch: go on with it.",
        label="Open",
        own_keys=True,
    ),
    Action(
        "batch.pause",
        "Pause the batch, or go on",
        ("p",),
        "batch",
        "pause",
        "Paused, its model stays loaded; a stopped one is begun again.",
        label="Pause, go on",
    ),
    Action(
        "batch.stop",
        "Stop the batch",
        ("x",),
        "batch",
        "stop",
        "Within a token. What is done stays, and it can go on later.",
        label="Stop",
    ),
    Action(
        "batch.errors",
        "Show only the rows that failed, or all",
        ("e",),
        "batch",
        "errors",
        "Each says why.",
        label="Errors",
    ),
    Action(
        "batch.result",
        "Open the batch's result",
        ("o",),
        "batch",
        "result",
        "As a data set; it is there when the batch is done.",
        label="Result",
    ),
)
