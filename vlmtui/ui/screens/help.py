"""The help screen: every action with its keys, from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from vlmtui.ui.actions import ACTIONS, key_names

_SECTIONS = (
    ("Everywhere", ("app",)),
    ("Workbench", ("workbench",)),
    ("Explorer", ("explorer",)),
    ("Preview", ("preview",)),
    ("Video", ("video",)),
    ("Data set", ("dataset",)),
    ("Chat", ("chat",)),
)
_KEYS_WIDTH = 14
_FIRST_STEPS = (
    "Move in the explorer with the arrow keys: the picture is shown at once.",
    "Press Enter to ask about it, type a question, press Enter again.",
)


class Help(ModalScreen[None]):
    """Every key, grouped by where it works."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", show=False, priority=True)
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tall"):
            yield Static("Help", classes="dialog-title")
            with VerticalScroll(id="help-text"):
                yield Static(help_text())
            yield Static("Esc closes", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def help_text() -> Content:
    """Return the whole help, as one piece of text."""
    pieces: list[Content | str | tuple[str, str]] = []
    for line in _FIRST_STEPS:
        pieces += [line, "\n"]
    for title, scopes in _SECTIONS:
        actions = [action for action in ACTIONS if action.scope in scopes]
        if not actions:
            continue
        pieces += ["\n", (title.upper(), "$foreground-muted"), "\n"]
        for action in actions:
            keys = key_names(action)
            if len(keys) >= _KEYS_WIDTH:
                keys = keys.split(", ")[0]
            pieces += [(keys.ljust(_KEYS_WIDTH), "bold $text-primary"), action.title, "\n"]
            pieces += [" " * _KEYS_WIDTH, (action.help, "$foreground-muted"), "\n"]
    return Content.assemble(*pieces)
