"""How one conversation is answered: its system prompt and its sampling, checked while they are typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from vlmtui.chats.answering import NAMES, Answering
from vlmtui.safetext import safe_line, safe_text
from vlmtui.settings import Settings, as_value, write_setting

_FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
_NUMBERS = tuple(name for name in NAMES if name != "system_prompt")


class AnsweringScreen(ModalScreen[None]):
    """A field each. An empty one takes the setting, which it shows; what is right is in force from the next answer on.

    Args:
        answering: what the conversation has of its own.
        settings: what it takes else.
        user_file: the settings file that "as defaults" writes.
        changed: told each time something else is right.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "#temperature"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", show=False, priority=True),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Before", show=False),
        Binding("enter", "app.focus_next", "Next", show=False),
        Binding("ctrl+s", "as_defaults", "As defaults", show=False, priority=True),
        Binding("ctrl+d", "reset", "From the settings", show=False, priority=True),
    ]

    def __init__(
        self, answering: Answering, settings: Settings, user_file: Path, changed: Callable[[Answering], None]
    ) -> None:
        super().__init__(id="answering")
        self._settings = settings
        self._user_file = user_file
        self._changed = changed
        self._typed = {name: str(value) for name, value in answering.own.items()}
        self._wrong: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("How this conversation is answered", classes="dialog-title")
            with VerticalScroll(can_focus=False):
                yield Static("System prompt", classes="answering-name")
                yield TextArea(
                    safe_text(self._typed.get("system_prompt", "")),
                    placeholder=safe_line(self._settings.system_prompt, 200) or "none",
                    id="system_prompt",
                    compact=True,
                    tab_behavior="focus",
                    highlight_cursor_line=False,
                )
                for name in _NUMBERS:
                    with Horizontal(classes="answering-row"):
                        yield Static(name, classes="answering-name")
                        yield Input(
                            self._typed.get(name, ""),
                            placeholder=str(getattr(self._settings, name)),
                            id=name,
                            compact=True,
                        )
                        yield Static(_help(name), classes="answering-help", markup=False)
            yield Static("", id="picker-says", markup=False)
            yield Static(
                "Tab next · Ctrl+S writes as defaults · Ctrl+D takes them · Esc closes",
                classes="dialog-keys",
            )

    def on_mount(self) -> None:
        self._say()

    @on(Input.Changed)
    def _number_typed(self, event: Input.Changed) -> None:
        event.stop()
        self._take(event.input.id or "", event.value)

    @on(TextArea.Changed)
    def _prompt_typed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._take("system_prompt", event.text_area.text)

    def _take(self, name: str, text: str) -> None:
        if self._typed.get(name, "") == text:
            return
        self._typed[name] = text
        self._wrong.pop(name, None)
        try:
            if text.strip():
                as_value(name, text)
        except msgspec.ValidationError as error:
            self._wrong[name] = str(error).replace("Expected", "expected").replace("`", "")
        self.query_one(f"#{name}").set_class(name in self._wrong, "-wrong")
        if name not in self._wrong:
            self._changed(self._answering)
        self._say()

    @property
    def _answering(self) -> Answering:
        """What is right of what was typed."""
        right = {name: text for name, text in self._typed.items() if text.strip() and name not in self._wrong}
        return Answering(**{name: as_value(name, text) for name, text in right.items()})

    def _say(self, line: str = "") -> None:
        says = self.query_one("#picker-says", Static)
        wrong = next(iter(self._wrong), None)
        if wrong is not None:
            line = f"{wrong}: {self._wrong[wrong]}. Until it is right, the last right one holds."
        says.update(safe_line(line or _remark(self._answering.over(self._settings)), 200))
        says.set_class(wrong is not None, "-failed")

    def action_reset(self) -> None:
        """Take everything from the settings."""
        for name in _NUMBERS:
            self.query_one(f"#{name}", Input).value = ""
        self.query_one("#system_prompt", TextArea).text = ""

    def action_as_defaults(self) -> None:
        """Write what this conversation has of its own into the user's settings."""
        if self._wrong:
            self._say()
        else:
            self._write(self._answering.own)

    @work(exclusive=True, group="settings-write", exit_on_error=False)
    async def _write(self, values: dict[str, str | int | float]) -> None:
        try:
            for name, value in values.items():
                await asyncio.to_thread(write_setting, self._user_file, name, value)
        except (OSError, UnicodeDecodeError) as error:
            self._say(f"{self._user_file}: {getattr(error, 'strerror', None) or error}. Not all was written.")
            return
        names = ", ".join(values)
        self._say(f"Written to {self._user_file}: {names}." if names else "Nothing here differs from the settings.")

    def action_leave(self) -> None:
        """Close; what is right was taken already."""
        self.dismiss(None)


def _help(name: str) -> str:
    return str(next(mark.description for mark in _FIELDS[name].type.__metadata__ if isinstance(mark, msgspec.Meta)))


def _remark(settings: Settings) -> str:
    """Say what follows from the values together."""
    if settings.beams > 1:
        return f"With {settings.beams} beams nothing streams: the answer comes whole, and earlier turns are read again."
    if settings.temperature == 0:
        return "Greedy: the likeliest token each time. top_p, top_k and seed do nothing at temperature 0."
    if settings.seed < 0:
        return "Another answer each time; a seed makes them the same."
    return f"The same question gives the same answer with the seed {settings.seed}."
