"""Every action of the workbench, declared once.

The bindings of the app, the screens and the widgets, the footer, the command palette and the help screen are all made
from this table. Each action has one key that every terminal delivers (first in `keys`); others, where a terminal can
send them, follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Scope = Literal["app", "workbench", "explorer", "preview", "chat"]
"""Where an action's handler lives, and where its keys work. A part of the workbench has its scope as its id."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do.

    Attributes:
        id: stable, for the key map: `part.verb`.
        title: as the palette and the help screen show it.
        keys: Textual's names of the keys; the first is the one that is shown.
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


ACTIONS: tuple[Action, ...] = (
    # ---- everywhere ----
    Action(
        "app.palette",
        "Show all commands",
        ("f1", "ctrl+p", "ctrl+shift+p", "ctrl+shift+P", "ctrl+P"),
        "app",
        "command_palette",
        "Find any command by its name, and see its key.",
        label="Commands",
        priority=True,
    ),
    Action(
        "app.help",
        "Help: keys and commands",
        ("question_mark",),
        "app",
        "help",
        "Show every key. Where text is typed, press F6 before `?`.",
        label="Help",
    ),
    Action(
        "app.theme",
        "Change the colour theme",
        ("ctrl+t",),
        "app",
        "choose_theme",
        "Light and dark ones; the choice is remembered.",
        priority=True,
    ),
    Action(
        "app.quit",
        "Quit",
        ("ctrl+q",),
        "app",
        "quit",
        "Close the workbench. Ctrl+C twice does the same.",
        label="Quit",
        priority=True,
    ),
    # ---- the workbench ----
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
    # ---- explorer ----
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
    # ---- chat ----
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
        if action.scope == scope and not action.own_keys
    ]


_KEY_NAMES = {
    "question_mark": "?",
    "full_stop": ".",
    "escape": "Esc",
    "enter": "Enter",
    "backspace": "Backspace",
    "pageup": "PageUp",
    "pagedown": "PageDown",
    "up": "Up",
    "down": "Down",
    "f18": "Shift+F6",
}


def key_name(key: str) -> str:
    """Return Textual's name of a key as people write it: `ctrl+shift+p` is `Ctrl+Shift+P`."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    if len(key) == 1:
        return key
    *modifiers, last = key.split("+")
    last = _KEY_NAMES.get(last, last.upper() if len(last) <= 3 else last.capitalize())
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])


def key_names(action: Action) -> str:
    """Return the action's keys as the help screen shows them, each once."""
    return ", ".join(dict.fromkeys(key_name(key) for key in action.keys))


def key_of(action_id: str) -> str:
    """Return the key of the action `action_id`, as people write it."""
    return key_name(next(action for action in ACTIONS if action.id == action_id).keys[0])
