"""Keys as people write them."""

from __future__ import annotations

from collections.abc import Mapping

from vlmtui.ui.actions.action import Action

_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "asterisk": "*",
    "backslash": "\\",
    "delete": "Del",
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

_BY_NAME = {name: key for key, name in _KEY_NAMES.items()}


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
    """Return the action's keys as the help screen shows them, each once; an empty string where it has none."""
    return ", ".join(dict.fromkeys(key_name(key) for key in keys_of(action)))


_changed: dict[str, tuple[str, ...]] = {}


def use_keys(changed: Mapping[str, tuple[str, ...]]) -> None:
    """Show `changed` as the keys of the actions with these ids from now on; the others' are the table's again."""
    _changed.clear()
    _changed.update(changed)


def keys_of(action: Action) -> tuple[str, ...]:
    """Return the keys of `action` that are in force."""
    return _changed.get(action.id, action.keys)


def textual_key(written: str) -> str:
    """Return Textual's name of a key as people write it: `Ctrl+K` is `ctrl+k`, `?` is `question_mark`."""
    key = written.strip()
    if key in _BY_NAME:
        return _BY_NAME[key]
    if len(key) == 1:
        return key
    *modifiers, last = key.split("+")
    return "+".join([*(modifier.lower() for modifier in modifiers), _BY_NAME.get(last, last.lower())])
