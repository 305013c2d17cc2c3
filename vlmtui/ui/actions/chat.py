"""Actions of the chat."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "chat.send",
        "Send the question",
        ("enter",),
        "chat",
        "send",
        "Ask the model, about the attached pictures or the ones before.",
        label="Send",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.newline",
        "New line in the question",
        ("ctrl+j", "shift+enter", "alt+enter"),
        "chat",
        "newline",
        "Write a question of several lines.",
        label="New line",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.detach",
        "Remove the last attachment",
        ("backspace",),
        "chat",
        "delete_left",
        "While the question is empty. A click on its cross does it, too.",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.recall",
        "Earlier questions",
        ("up", "down"),
        "chat",
        "cursor_up",
        "From the question's first line: what was asked before.",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.retry",
        "Ask the failed question again",
        ("f5",),
        "chat",
        "retry",
        "Offered when an answer failed.",
        own_keys=True,
    ),
    Action(
        "chat.page_up",
        "Read earlier messages",
        ("pageup", "pagedown"),
        "chat",
        "page(-1)",
        "Scroll; new text does not pull you down while you read.",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.end",
        "Go to the newest message",
        ("ctrl+end",),
        "chat",
        "newest",
        "Follow the answer again.",
        own_keys=True,
    ),
)
