"""What an action is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal[
    "app", "workbench", "explorer", "search", "preview", "dataset", "video", "chat", "problems", "output", "batch",
    "training", "jobs", "run", "models",
]  # fmt: skip
"""Where an action's handler lives, and where its keys work. A part of the workbench has its scope as its id."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do.

    Attributes:
        id: stable, for the key map: `part.verb`.
        title: as the palette and the help screen show it.
        keys: Textual's names of the keys; the first is the one that is shown. None: only the palette runs it.
        scope: where the handler lives and the keys work.
        handler: name of the handler, `action_<handler>` on the scope's app, screen or widget.
        help: one sentence.
        label: short, for the footer; empty to leave it out there.
        priority: the key works before the focused widget sees it.
        own_keys: the scope's widget binds the keys itself (text input); they are only shown from here.
        inside: type of the widget within the part that handles it, where that is not the part itself.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    scope: Scope
    handler: str
    help: str
    label: str = ""
    priority: bool = False
    own_keys: bool = False
    inside: str = ""
