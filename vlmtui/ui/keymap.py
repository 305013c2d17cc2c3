"""The user's own keys: checked against the table of actions, then put in force."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from vlmtui.settings import nearest
from vlmtui.ui.actions import ACTIONS, Action, key_name
from vlmtui.ui.actions.keys import keys_of, textual_key, use_keys


def put_in_force(wanted: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
    """Make `wanted` the keys of the actions that it names; the others have the table's.

    Args:
        wanted: keys by the action's id, parted by commas; an empty text takes the action's keys away.
        places: where each was written, as `file:line`, by `keybindings.<id>`.

    Returns:
        A line for each mistake. A key that two actions would share stays as it is written: the focused part's wins.
    """
    mistakes: list[str] = []
    by_id = {action.id: action for action in ACTIONS}
    good: dict[str, tuple[str, ...]] = {}
    for name, text in wanted.items():
        where = places.get(f"keybindings.{name}", "keybindings")
        if name not in by_id:
            mistakes.append(f"{where}: there is no action {name!r}{nearest(name, by_id)}")
        elif by_id[name].own_keys:
            mistakes.append(f"{where}: the keys of {name!r} belong to the text field and stay")
        else:
            good[name] = tuple(textual_key(key) for key in text.split(",") if key.strip())
    use_keys(good)
    for first, second in combinations(ACTIONS, 2):
        shared = set(keys_of(first)) & set(keys_of(second))
        changed = next((action.id for action in (second, first) if action.id in good), None)
        if shared and changed and _meet(first, second):
            where = places.get(f"keybindings.{changed}", "keybindings")
            names = ", ".join(sorted(key_name(key) for key in shared))
            mistakes.append(f"{where}: {first.id!r} and {second.id!r} share {names}; give one of them another key")
    return mistakes


def _meet(first: Action, second: Action) -> bool:
    """Whether the keys of both can work at once."""
    return first.scope == second.scope or bool({first.scope, second.scope} & {"app", "workbench"})
