"""The settings: each with its value, where that comes from and what it does; changed here, kept in the user's file."""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.safetext import safe_line
from vlmtui.settings import Layers, Settings, as_value, read_layers, remove_setting, write_setting
from vlmtui.ui.hanging import Hanging

_FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
_NAME_WIDTH = 20
_SEARCH, _VALUE = "letters of a setting", "the new value"


class SettingsScreen(ModalScreen[None]):
    """Shows the settings in force. The files are written at once; whoever watches them puts the change in force."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("ctrl+d", "reset", "Default", show=False, priority=True),
        Binding("tab", "next_choice", "Next choice", show=False, priority=True),
    ]

    def __init__(self, paths: Sequence[Path], user_file: Path, themes: Sequence[str]) -> None:
        """Args:
        paths: The files of settings, the one that goes before the others last.
        user_file: The one that is written.
        themes: What may be chosen for `theme`.
        """
        super().__init__(id="settings")
        self._paths, self._user_file, self._themes = paths, user_file, themes
        self._layers = Layers(settings=Settings(), mistakes=[], places={})
        self._rows: list[str] = []
        self._editing = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tall"):
            yield Static("Settings", classes="dialog-title")
            yield Input(placeholder=_SEARCH, compact=True)
            yield OptionList(markup=False)
            yield Static("", id="picker-says", markup=False)
            yield Static("Type to search · Enter changes · Ctrl+D default · Esc leaves", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._read()

    @work(exclusive=True, group="settings-read", exit_on_error=False)
    async def _read(self) -> None:
        self._layers = await asyncio.to_thread(read_layers, self._paths)
        self._list("" if self._editing else self.query_one(Input).value)

    def _list(self, letters: str) -> None:
        options = self.query_one(OptionList)
        at = self._chosen
        words = letters.casefold().split()
        self._rows = [
            name for name in _FIELDS if all(word in f"{name} {_help(name)}".casefold() for word in words)
        ]  # fmt: skip
        options.clear_options()
        options.add_options([Option(self._words(name)) for name in self._rows])
        if self._rows:
            options.highlighted = self._rows.index(at) if at in self._rows else 0
        if not self._editing:
            self._say("" if self._rows else "No setting has this in its name or its help.")

    def _words(self, name: str) -> Hanging:
        place = self._layers.places.get(name) or next(
            (place for key, place in self._layers.places.items() if key.startswith(f"{name}.")), "default"
        )
        value = safe_line(_shown(getattr(self._layers.settings, name)), 60)
        parts = [(value, "bold $text-accent"), (f"   {safe_line(place, 120)}\n  ", "$foreground-muted")]
        head = Content.assemble(name.ljust(_NAME_WIDTH), *parts)
        return Hanging(head, Content.styled(_help(name), "$foreground-muted"))

    @property
    def _chosen(self) -> str:
        at = self.query_one(OptionList).highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else ""

    def _say(self, line: str, *, failed: bool = False) -> None:
        says = self.query_one("#picker-says", Static)
        says.update(line)
        says.set_class(failed, "-failed")

    # ---- changing ----

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self._editing:
            self._list(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._editing:
            self._set(self._editing, event.value)
        elif self._chosen:
            self._edit(self._chosen)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._edit(self._rows[event.option_index])

    def _edit(self, name: str) -> None:
        if isinstance(getattr(self._layers.settings, name), dict):
            self._say(f"It is a table: write [{name}] into {self._user_file}; a change is in force when you save it.")
            return
        self._editing = name
        field = self.query_one(Input)
        field.placeholder = _VALUE
        field.value = _shown(getattr(self._layers.settings, name))
        field.action_select_all()
        choices = self._choices(name)
        self._say(f"{name}: {_help(name)}" + (f" — Tab: {', '.join(choices)}" if choices else ""))

    def _choices(self, name: str) -> tuple[str, ...]:
        if name == "theme":
            return tuple(self._themes)
        kind = _FIELDS[name].type
        kind = typing.get_args(kind)[0] if hasattr(kind, "__metadata__") else kind
        return typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()

    def action_next_choice(self) -> None:
        """Write the next possible value into the field."""
        choices = self._choices(self._editing) if self._editing else ()
        if choices:
            field = self.query_one(Input)
            at = choices.index(field.value) if field.value in choices else -1
            field.value = choices[(at + 1) % len(choices)]

    def _set(self, name: str, text: str) -> None:
        try:
            value = as_value(name, text)
        except msgspec.ValidationError as error:
            self._say(f"{name}: {error}", failed=True)
            return
        if name == "theme" and value not in self._themes:
            self._say(f"There is no theme {safe_line(text, 40)}. Tab goes through them.", failed=True)
            return
        self._write(name, value)

    def action_reset(self) -> None:
        """Take the setting under the cursor out of the user's file."""
        name = self._editing or self._chosen
        if name:
            self._write(name, None)

    @work(exclusive=True, group="settings-write", exit_on_error=False)
    async def _write(self, name: str, value: Any) -> None:
        try:
            if value is None:
                await asyncio.to_thread(remove_setting, self._user_file, name)
            else:
                await asyncio.to_thread(write_setting, self._user_file, name, value)
        except (OSError, UnicodeDecodeError) as error:
            self._say(
                f"{self._user_file}: {getattr(error, 'strerror', None) or error}. Nothing was changed.", failed=True
            )
            return
        self._leave_field()
        self._layers = await asyncio.to_thread(read_layers, self._paths)
        self._list("")
        place = self._layers.places.get(name, "")
        if place and not place.startswith(str(self._user_file)):
            self._say(f"This folder's own setting goes before it: {place}")
        else:
            self._say(f"{name} is {safe_line(_shown(getattr(self._layers.settings, name)), 60) or 'empty'} now.")

    def _leave_field(self) -> None:
        self._editing = ""
        field = self.query_one(Input)
        field.placeholder = _SEARCH
        with field.prevent(Input.Changed):
            field.value = ""

    def action_move(self, by: int) -> None:
        """Go to another setting."""
        options = self.query_one(OptionList)
        if not self._editing and options.option_count:
            options.highlighted = max(0, min((options.highlighted or 0) + by, options.option_count - 1))

    def action_leave(self) -> None:
        """Leave the field as it was; else the screen."""
        if self._editing:
            self._leave_field()
            self._list("")
        else:
            self.dismiss(None)


def _help(name: str) -> str:
    return str(next(mark.description for mark in _FIELDS[name].type.__metadata__ if isinstance(mark, msgspec.Meta)))


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"{len(value)} of your own" if value else ""
    return str(value)
