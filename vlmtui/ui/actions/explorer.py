"""Actions of the explorer."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "explorer.open",
        "Ask about the selected picture",
        ("enter",),
        "explorer",
        "open",
        "Attach it and go to the chat; on a folder, open or close it.",
        label="Ask about it",
    ),
    Action(
        "explorer.attach",
        "Attach the selected picture",
        ("a",),
        "explorer",
        "attach",
        "Attach it to the chat and stay here, to attach several.",
        label="Attach",
    ),
    Action(
        "explorer.hidden",
        "Show or hide hidden files",
        ("full_stop",),
        "explorer",
        "toggle_hidden",
        "Files whose name starts with a dot.",
        label="Hidden files",
    ),
    Action(
        "explorer.refresh",
        "Read the folders again",
        ("r",),
        "explorer",
        "refresh_folders",
        "Show what was added or removed; what is open stays open.",
        label="Refresh",
    ),
)
