"""Actions of fine-tuning, and of what comes of it."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "tune.recipe",
        "Fine-tune…",
        (),
        "workbench",
        "fine_tune",
        "Choose a recipe, change it in a form, look at it, start it.",
    ),
    Action(
        "tune.on_shown",
        "Fine-tune on this data set",
        (),
        "workbench",
        "fine_tune_on_shown",
        "A small recipe for the data set on show and the chat's model.",
    ),
)
