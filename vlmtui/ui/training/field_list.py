"""The fields of a recipe as a list: searched by letters, changed one at a time, each with its help and default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.safetext import safe_line
from vlmtui.training.editing import as_yaml, shown
from vlmtui.training.form import REST, FormField

_NAME_WIDTH = 29
_SEARCH = "letters of a field"
_KEYS: dict[str, tuple[Any, ...]] = {
    "enter": ("entered",),
    "ctrl+d": ("take_out",),
    "tab": ("next_choice",),
    "up": ("move_by", -1),
    "down": ("move_by", 1),
    "pageup": ("move_by", -10),
    "pagedown": ("move_by", 10),
}


class _Line(Input):
    """Keys are heard in their turn among the letters: those typed behind Enter belong to what it opens."""

    async def _on_key(self, event: events.Key) -> None:
        """Tell the list at once, not by a binding or a message: those overtake letters, or are overtaken."""
        fields = next(node for node in self.ancestors if isinstance(node, FieldList))
        if fields.heard(event.key):
            event.stop()
            event.prevent_default()


class FieldList(Vertical):
    """Shows fields and what is given for them; posts what is to be changed."""

    DEFAULT_CSS: ClassVar[str] = """
    FieldList { width: 1fr; height: 1fr; }
    FieldList Input { border: none; height: 1; padding: 0 1; background: $panel; }
    FieldList OptionList { height: 1fr; background: $background; border: none; padding: 0; scrollbar-size-vertical: 1; }
    FieldList OptionList > .option-list--option-highlighted {
        background: $block-cursor-background; color: $block-cursor-foreground;
    }
    FieldList OptionList > .option-list--option-disabled { color: $text-muted; text-style: bold; }
    FieldList #field-help { height: 4; padding: 0 1; color: $foreground; background: $surface; }
    """

    class Changed(Message):
        """`name` is to be `value`, as YAML; None to take it out."""

        def __init__(self, name: str, value: str | None) -> None:
            super().__init__()
            self.name = name
            self.value = value

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fields: list[FormField] = []
        self._given: Mapping[str, str] = {}
        self._wrong: Mapping[str, str] = {}
        self._rows: list[FormField | None] = []
        self._editing: FormField | None = None
        self._letters = ""
        self._input = _Line(placeholder=_SEARCH, compact=True)
        self._list = OptionList(markup=False)
        self._help = Static("", id="field-help", markup=False)

    def compose(self) -> ComposeResult:
        """The line to type into, the fields, the help of the one under the cursor."""
        yield self._input
        yield self._list
        yield self._help

    def on_mount(self) -> None:
        """The line keeps the focus."""
        self._list.can_focus = False

    def on_resize(self) -> None:
        """Cut the values to the room that there is now."""
        self._relist("" if self.editing else self._input.value)

    def focus_field(self) -> None:
        """Give the line the focus."""
        self.screen.set_focus(self._input)

    @property
    def editing(self) -> bool:
        """Whether a value is being typed."""
        return self._editing is not None

    def show(self, fields: list[FormField], given: Mapping[str, str], wrong: Mapping[str, str]) -> None:
        """Show `fields`, with what is `given` and what is `wrong` with it, by name."""
        self._fields, self._given, self._wrong = fields, given, wrong
        self._relist("" if self.editing else self._input.value)

    def _relist(self, letters: str) -> None:
        at = None if letters != self._letters and letters else self._at
        self._letters = letters
        words = letters.casefold().split()
        options: list[Option] = []
        self._rows = []
        group = ""
        for field in self._fields:
            if words:
                wanted = all(word in f"{field.name} {field.help}".casefold() for word in words)
            else:
                wanted = field.group != REST or field.name in self._given
            if not wanted:
                continue
            if field.group != group:
                group = field.group
                self._rows.append(None)
                options.append(Option(group, disabled=True))
            self._rows.append(field)
            options.append(Option(self._line(field)))
        self._list.clear_options()
        self._list.add_options(options)
        if self._rows:
            kept = next((i for i, row in enumerate(self._rows) if row and at and row.name == at.name), None)
            named = [i for i, row in enumerate(self._rows) if row and words and words[0] in row.name]
            begins = [i for i in named if (row := self._rows[i]) is not None and row.name.startswith(words[0])]
            self._list.highlighted = kept if kept is not None else (begins or named or [1])[0]
        self._explain()

    def _line(self, field: FormField) -> Content:
        mark = "!" if field.name in self._wrong else " "
        value = self._given.get(field.name)
        room = max(12, (self._list.size.width or 60) - _NAME_WIDTH - 6)
        told = safe_line(field.default if value is None else value, room)
        text = (told, "$foreground-muted" if value is None else "bold $text-accent")
        colour = "$text-error" if mark == "!" else ""
        return Content.assemble((f"{mark} {field.name.ljust(_NAME_WIDTH)} ", colour), text)

    @property
    def _at(self) -> FormField | None:
        at = self._list.highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else None

    def _explain(self) -> None:
        field = self._editing or self._at
        if field is None:
            self._help.update("No field has this in its name or its help.")
            return
        wrong = self._wrong.get(field.name)
        if wrong and not self.editing:
            self._help.update(Content.styled(safe_line(f"{field.name}: {wrong}", 300), "$text-error"))
            return
        choices = f" One of: {', '.join(field.choices)}." if field.choices else ""
        keys = " (Tab: the next one)" if field.choices and self.editing else ""
        default = f" Default: {field.default}." if field.default else " It is needed."
        self._help.update(safe_line(f"{field.name}: {field.help}{choices}{keys}{default}", 600))

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._explain()

    # ---- changing ----

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.editing:
            self._relist(self._input.value)  # as it is now: a value that was taken leaves it empty

    def heard(self, key: str) -> bool:
        """Do what `key` means here; return whether it means something."""
        if key not in _KEYS:
            return False
        if not self.editing and self._input.value != self._letters:
            self._relist(self._input.value)  # the letters before the key may not have come yet
        name, *values = _KEYS[key]
        getattr(self, name)(*values)
        return True

    def entered(self) -> None:
        """Take the value that was typed; else begin to change the field under the cursor."""
        if self._editing is not None:
            field, value = self._editing, self._input.value
            self.leave_field()
            written = as_yaml(value, field.types) if value.strip() else None
            self.post_message(self.Changed(field.name, written))
        else:
            self._edit(self._at)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._edit(self._rows[event.option_index])
        self.focus_field()

    def _edit(self, field: FormField | None) -> None:
        if field is None:
            return
        value = self._given.get(field.name)
        if set(field.choices) == {"true", "false"}:
            old = value if value is not None else field.default
            self.post_message(self.Changed(field.name, "false" if old == "true" else "true"))
            return
        self._editing = field
        self._input.placeholder = f"{field.name}: {field.default}" if field.default else field.name
        self._input.value = shown(value) if value is not None else ""
        self._input.action_select_all()
        self._explain()

    def leave_field(self) -> bool:
        """Go back from a value to the search; return whether there was one."""
        was = self.editing or bool(self._input.value)
        self._editing = None
        self._input.placeholder = _SEARCH
        with self._input.prevent(Input.Changed):
            self._input.value = ""
        self._relist("")
        return was

    def take_out(self) -> None:
        """Take the field under the cursor out of the recipe."""
        field = self._editing or self._at
        if field is not None and field.name in self._given:
            self.leave_field()
            self.post_message(self.Changed(field.name, None))

    def next_choice(self) -> None:
        """Write the next possible value; where there is none, go to the next part."""
        field = self._editing
        if field is None or not field.choices:
            self.screen.focus_next()
            return
        at = field.choices.index(self._input.value) if self._input.value in field.choices else -1
        self._input.value = field.choices[(at + 1) % len(field.choices)]

    def move_by(self, by: int) -> None:
        """Go to another field, past headings."""
        if self.editing or not any(self._rows):
            return
        places = [i for i, row in enumerate(self._rows) if row is not None]
        at = places.index(self._list.highlighted) if self._list.highlighted in places else 0
        self._list.highlighted = places[max(0, min(at + by, len(places) - 1))]
        if self._list.highlighted == places[0]:
            self._list.scroll_home(animate=False)
