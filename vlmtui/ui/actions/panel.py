"""Actions of the panel's views."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "problems.open",
        "Go to what the problem is about",
        ("enter",),
        "problems",
        "open",
        "Its file, and its row in a data set.",
        label="Go there",
        own_keys=True,
    ),
    Action(
        "problems.clear",
        "Forget the problem",
        ("delete", "d"),
        "problems",
        "clear",
        "It comes back when it happens again.",
        label="Forget",
    ),
    Action(
        "problems.clear_all",
        "Forget all problems",
        ("D",),
        "problems",
        "clear_all",
        "They come back when they happen again.",
        label="Forget all",
    ),
    Action(
        "output.filter",
        "Filter the output",
        ("slash",),
        "output",
        "filter",
        "Only lines with a text; Esc shows all.",
        label="Filter",
    ),
    Action(
        "output.newest",
        "Go to the newest line",
        ("end",),
        "output",
        "newest",
        "And follow what comes.",
        label="Newest",
    ),
)
