"""Actions of the search in the side bar."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "search.open",
        "Open the file where it was found",
        ("enter",),
        "search",
        "open",
        "At its row in a data set; the arrow keys only look.",
        label="Open",
        own_keys=True,
    ),
    Action(
        "search.type",
        "Search for something else",
        ("slash",),
        "search",
        "type",
        "Goes to the field; Down or Enter leads back to what was found.",
        label="Search for",
    ),
    Action(
        "search.case",
        "Search: capitals count, or do not",
        ("c", "alt+c"),
        "search",
        "turn('case')",
        "In the field: Alt+C, or a click on Aa.",
        label="Capitals",
    ),
    Action(
        "search.whole",
        "Search: only whole words, or parts too",
        ("w", "alt+w"),
        "search",
        "turn('whole')",
        "In the field: Alt+W, or a click on ab.",
        label="Whole words",
    ),
    Action(
        "search.regex",
        "Search: regular expression, or plain text",
        ("r", "alt+r"),
        "search",
        "turn('regex')",
        "In the field: Alt+R, or a click on .*",
        label="Regex",
    ),
    Action(
        "search.fold",
        "Fold all files that were found, or unfold them",
        ("asterisk",),
        "search",
        "fold_all",
        "Left and Right fold and unfold one.",
        label="Fold all",
    ),
)
