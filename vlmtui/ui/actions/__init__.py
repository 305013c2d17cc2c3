"""Every action of the workbench, declared once.

The bindings of the app, the screens and the widgets, the footer, the command palette and the help screen are all made
from this table, which has a file for each part. The first of an action's `keys` is one that every terminal delivers;
others, where a terminal can send them, follow it. What is seldom wanted has none and is found in the palette.
"""

from __future__ import annotations

from textual.binding import Binding

from vlmtui.ui.actions import (
    app,
    batch,
    chat,
    dataset,
    explorer,
    fine_tuning,
    models,
    panel,
    preview,
    search,
    training,
    video,
    workbench,
)
from vlmtui.ui.actions.action import Action, Scope
from vlmtui.ui.actions.keys import key_name, key_names, keys_of

__all__ = ["ACTIONS", "Action", "Scope", "bindings", "key_name", "key_names", "key_of", "keys_of"]

ACTIONS: tuple[Action, ...] = (
    *app.ACTIONS,
    *workbench.ACTIONS,
    *explorer.ACTIONS,
    *search.ACTIONS,
    *preview.ACTIONS,
    *dataset.ACTIONS,
    *video.ACTIONS,
    *models.ACTIONS,
    *chat.ACTIONS,
    *panel.ACTIONS,
    *batch.ACTIONS,
    *fine_tuning.ACTIONS,
    *training.ACTIONS,
)


def bindings(scope: Scope) -> list[Binding]:
    """Return the Textual bindings of `scope`, one a key, each with its action's id for the user's key map."""
    return [
        Binding(
            ",".join(action.keys),
            action.handler,
            action.title,
            id=action.id,
            show=False,  # the footer is our own, made from the same table
            priority=action.priority,
            system=True,
        )
        for action in ACTIONS
        if action.scope == scope and action.keys and not action.own_keys
    ]


def key_of(action_id: str) -> str:
    """Return the key of the action `action_id`, as people write it; where it has none, where else it is found."""
    keys = keys_of(next(action for action in ACTIONS if action.id == action_id))
    return key_name(keys[0]) if keys else "The command palette"
