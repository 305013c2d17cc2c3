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
    Action(
        "tune.result",
        "Chat with a run's result",
        (),
        "workbench",
        "chat_with_result",
        "Of the run on show, else of the one that finished last.",
    ),
    Action(
        "tune.base",
        "Chat with the model without its adapter",
        (),
        "workbench",
        "chat_with_base",
        "To see what the training has changed.",
    ),
    Action(
        "tune.compare",
        "Compare a run's result with its base",
        (),
        "workbench",
        "compare_result",
        "Side by side; of the run on show, or that finished last.",
    ),
    Action(
        "tune.push",
        "Push a run's result to the hub",
        (),
        "workbench",
        "push_result",
        "Shows first what goes where, and asks.",
    ),
)
