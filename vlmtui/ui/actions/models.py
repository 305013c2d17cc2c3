"""Actions of the models in the side bar."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "models.load",
        "Load the model, or lay the adapter over it",
        ("enter",),
        "models",
        "load",
        "An adapter that lies over it already is taken off.",
        label="Load",
        own_keys=True,
    ),
    Action(
        "models.pull",
        "Fetch the model from the hub",
        ("p",),
        "models",
        "pull",
        "Goes on where it broke off; what is loaded goes on answering.",
        label="Pull",
    ),
    Action(
        "models.cancel",
        "Stop fetching",
        ("x",),
        "models",
        "cancel",
        "What has arrived is kept for the next time.",
        label="Stop fetching",
    ),
    Action(
        "models.heavier",
        "More of the adapter",
        ("plus", "+", "equals_sign"),
        "models",
        "weigh(0.25)",
        "Its weight goes up by a quarter; 1 is as it was trained.",
        label="Weight",
    ),
    Action(
        "models.lighter",
        "Less of the adapter",
        ("minus", "-"),
        "models",
        "weigh(-0.25)",
        "Its weight goes down by a quarter.",
    ),
    Action(
        "models.compare",
        "Compare the model or the adapter",
        ("c",),
        "models",
        "compare",
        "An adapter and its base, or two models: one question to both.",
        label="Compare",
    ),
    Action(
        "models.unload",
        "Unload the model",
        ("u",),
        "models",
        "unload",
        "Gives its memory back; the next question loads it again.",
        label="Unload",
    ),
    Action(
        "models.remove",
        "Delete the model from the hub's cache",
        ("delete", "d"),
        "models",
        "remove",
        "Asks first; folders of your own are left alone.",
        label="Delete",
    ),
    Action(
        "models.refresh",
        "Look again what models there are",
        ("r",),
        "models",
        "refresh_rows",
        "In the cache, in the folders, and what memory is free.",
        label="Look again",
    ),
)
