"""Keys as people write them."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "ampersand": "&",
    "colon": ":",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "home": "Home",
    "end": "End",
    "full_stop": ".",
    "escape": "Esc",
    "enter": "Enter",
    "backspace": "Backspace",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "space": "Space",
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
