"""Actions of the workbench: its parts, the model, the conversation."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "model.choose",
        "Choose the model",
        ("f4",),
        "workbench",
        "choose_model",
        "The SmolVLM family, any hub id, or a local folder.",
        label="Model",
        priority=True,
    ),
    Action(
        "view.next_part",
        "Go to the next part",
        ("f6",),
        "workbench",
        "next_part",
        "Move between explorer, preview and chat.",
        label="Next part",
        priority=True,
    ),
    Action(
        "view.previous_part",
        "Go to the previous part",
        ("shift+f6", "f18"),
        "workbench",
        "previous_part",
        "Move between chat, preview and explorer.",
        priority=True,
    ),
    Action(
        "view.side_bar",
        "Show or hide the explorer",
        ("f9", "ctrl+b"),
        "workbench",
        "toggle_side_bar",
        "Give its room to the picture and the chat, or take it back.",
        label="Explorer",
        priority=True,
    ),
    Action(
        "chat.new",
        "New conversation",
        ("ctrl+n",),
        "workbench",
        "new_conversation",
        "Start over with an empty conversation.",
        label="New chat",
        priority=True,
    ),
    Action(
        "chat.stop",
        "Stop the answer",
        ("escape",),
        "workbench",
        "stop_answer",
        "The model stops within a token; what it has written stays.",
        label="Stop",
    ),
    Action(
        "model.full_resolution",
        "Pictures at full resolution: on or off",
        ("f7",),
        "workbench",
        "toggle_full_resolution",
        "Cut pictures into tiles: sees more, and takes longer on a CPU.",
        label="Full resolution",
        priority=True,
    ),
)
