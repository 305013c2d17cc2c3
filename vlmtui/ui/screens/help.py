"""The help screen: every action with its keys, from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vlmtui.ui.actions import ACTIONS, Action, key_names
from vlmtui.ui.hanging import Hanging, Stacked

_SECTIONS = (
    ("Everywhere", ("app",)),
    ("Workbench", ("workbench",)),
    ("Explorer", ("explorer",)),
    ("Search", ("search",)),
    ("Models", ("models",)),
    ("Preview", ("preview",)),
    ("Video", ("video",)),
    ("Data set", ("dataset",)),
    ("Chat", ("chat",)),
    ("Problems", ("problems",)),
    ("Output", ("output",)),
    ("Runs", ("training",)),
    ("A run", ("run",)),
    ("Jobs", ("jobs",)),
    ("Batch", ("batch",)),
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
        Binding("escape,question_mark,f1", "dismiss", "Close", show=False, priority=True),
        Binding("up", "scroll('up')", "Up", show=False, priority=True),
        Binding("down", "scroll('down')", "Down", show=False, priority=True),
        Binding("pageup", "scroll('page_up')", "Page up", show=False, priority=True),
        Binding("pagedown", "scroll('page_down')", "Page down", show=False, priority=True),
        Binding("home", "scroll('home')", "Start", show=False, priority=True),
        Binding("end", "scroll('end')", "End", show=False, priority=True),
    ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tall"):
            yield Static("Help", classes="dialog-title")
            yield Input(placeholder="letters of what you look for, or a key", compact=True)
            with VerticalScroll(id="help-text", can_focus=False):
                yield Static(help_text())
            yield Static("Type to search · Up and Down scroll · Esc closes", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        event.stop()
        scroll = self.query_one(VerticalScroll)
        scroll.query_one(Static).update(help_text(event.value))
        scroll.scroll_home(animate=False)

    def action_scroll(self, way: str) -> None:
        """Scroll the text while the field keeps the focus."""
        getattr(self.query_one(VerticalScroll), f"scroll_{way}")(animate=False)


def help_text(looked_for: str = "") -> Stacked:
    """Return the help as one piece: all of it, or what has every word of `looked_for`."""
    pieces: list[Content | Hanging] = []
    words = looked_for.casefold().split()
    if not words:
        pieces += [Content(line) for line in _FIRST_STEPS]
    for title, scopes in _SECTIONS:
        actions = [
            action for action in ACTIONS
            if action.scope in scopes and all(word in _searched(title, action) for word in words)
        ]  # fmt: skip
        if not actions:
            continue
        pieces += [Content(""), Content.styled(title.upper(), "$foreground-muted")]
        for action in actions:
            keys = key_names(action)
            if len(keys) >= _KEYS_WIDTH:
                keys = keys.split(", ")[0]
            said = Content.assemble(action.title, "\n", (action.help, "$foreground-muted"))
            pieces.append(Hanging(Content.styled(keys.ljust(_KEYS_WIDTH), "bold $text-primary"), said))
    return Stacked(pieces or [Content(f"Nothing here has {looked_for.strip()!r} in it.")])


def _searched(section: str, action: Action) -> str:
    return f"{section} {action.title} {action.label} {action.help} {action.id} {key_names(action)}".casefold()
