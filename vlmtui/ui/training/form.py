"""The form of a recipe: its fields beside its text, both of one file; what is wrong by line; what it does to memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Static, TextArea

from vlmtui.paths import log_directory
from vlmtui.runs.folder import RunError
from vlmtui.safetext import safe_line
from vlmtui.training.checking import Checker
from vlmtui.training.command import choose_device
from vlmtui.training.commands import accelerate_commands, trl_commands
from vlmtui.training.editing import NoMapping, as_mapping, given, with_key, without_key
from vlmtui.training.fields import FieldsMissing
from vlmtui.training.form import form_fields
from vlmtui.training.recipe import Recipe
from vlmtui.ui.screens.confirm import Confirm
from vlmtui.ui.training.cloning import changes
from vlmtui.ui.training.document import Document, read
from vlmtui.ui.training.field_list import FieldList
from vlmtui.ui.training.starting import Started, start

_KEYS = (
    "Enter changes · Ctrl+D default · F6 text · F5 dry run · Ctrl+R start · F7 copy · F8 columns · Ctrl+S save · Esc"
)
_SHOWN = 4


class RecipeForm(Screen[str | None]):
    """Edits a recipe; returns the id of the run that was started, or None."""

    CSS_PATH = "form.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (100, "-wide")]  # noqa: RUF012 - Textual's
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, priority=True),
        Binding("f5", "dry_run", "Dry run", show=False, priority=True),
        Binding("f6", "other_side", "Text or fields", show=False, priority=True),
        Binding("f7", "copy_command", "Copy as command", show=False, priority=True),
        Binding("f8", "columns", "Columns", show=False, priority=True),
        Binding("ctrl+r", "start", "Start", show=False, priority=True),
        Binding("ctrl+s", "save", "Save", show=False, priority=True),
    ]

    def __init__(self, document: Document) -> None:
        super().__init__(id="recipe")
        self.document = document
        self._checker = Checker(log_directory() / "training.log")
        self._columns = Checker(log_directory() / "training.log")  # which need not wait for torch
        self._list = FieldList(id="recipe-fields")
        self._text = TextArea(document.text, id="recipe-text", show_line_numbers=True, soft_wrap=False)
        self._memory: dict[str, float] = {}
        self._last_change = ""
        self._starting = False
        self._understood: dict[tuple[object, ...], str] = {}

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static("", id="recipe-title", markup=False)
        with Horizontal(id="recipe-parts"):
            yield self._list
            yield self._text
        origin = Static("", id="recipe-origin", markup=False)
        origin.display = self.document.origin is not None
        yield origin
        yield Static("", id="recipe-says", markup=False)
        yield Static("", id="recipe-memory", markup=False)
        yield Static(_KEYS, classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Read what is there."""
        self._list.focus_field()
        self._read()

    async def on_unmount(self) -> None:
        await asyncio.gather(self._checker.close(), self._columns.close())

    # ---- the text, and what it says ----

    @on(TextArea.Changed)
    def _text_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self._text.text != self.document.text:
            self.document.text = self._text.text
            self._read()

    @on(FieldList.Changed)
    def _field_changed(self, event: FieldList.Changed) -> None:
        event.stop()
        self._change(event.name, event.value)

    def _change(self, name: str, value: str | None) -> None:
        """Write `value` behind the key `name`; None takes it out."""
        old = self.document.text
        try:
            new = without_key(old, name) if value is None else with_key(old, name, value)
        except NoMapping as error:
            self._say(f"The text has to be mended first: {error}.", failed=True)
            return
        self._last_change = f"{name}: {value if value is not None else 'default'}"
        self.document.text = new
        self._text.load_text(new)
        self._read()

    @work(exclusive=True, group="recipe-read", exit_on_error=False)
    async def _read(self) -> None:
        """Find out what the text says; the file system is asked, so in a thread."""
        document, text = self.document, self.document.text
        title = f"FINE-TUNE  {safe_line(document.path.name, 60)}" + ("  ● not saved" if document.changed else "")
        title += f"  a clone of {safe_line(document.origin.title, 60)}" if document.origin is not None else ""
        self.query_one("#recipe-title", Static).update(title)
        recipe, mistakes = await asyncio.to_thread(read, text, document.path)
        document.recipe, document.mistakes = recipe, mistakes
        try:
            fields = await asyncio.to_thread(form_fields, document.methods)
            values = given(text)
        except FieldsMissing as error:
            self._say(str(error), failed=True)
            return
        except NoMapping:
            fields, values = await asyncio.to_thread(form_fields, document.methods), {}
        self._list.show(fields, values, {one.key: one.text for one in mistakes if one.key})
        if mistakes:
            lines = [one.words for one in mistakes[:_SHOWN]]
            more = len(mistakes) - _SHOWN
            self._say("\n".join([*lines, *([f"and {more} more"] if more > 0 else [])]), failed=True)
            self._show_memory("Memory: known when nothing is wrong any more.")
        else:
            self._say("Nothing is wrong.")
            self._show_changes()
            self._estimate()

    def _show_changes(self) -> None:
        """Say what is another than in the run that the recipe was made from."""
        origin = self.document.origin
        if origin is not None:
            lines = " · ".join(changes(self.document)) or "nothing"
            self.query_one("#recipe-origin", Static).update(f"Other than in {safe_line(origin.title, 40)}: {lines}")

    def _say(self, line: str, *, failed: bool = False) -> None:
        says = self.query_one("#recipe-says", Static)
        says.update(line)
        says.set_class(failed, "-failed")

    # ---- memory ----

    def _show_memory(self, line: str) -> None:
        self.query_one("#recipe-memory", Static).update(line)

    @work(exclusive=True, group="recipe-memory", exit_on_error=False)
    async def _estimate(self) -> None:
        recipe = self.document.recipe
        if recipe is None:
            return
        if not self._memory:
            self._show_memory("Memory: being estimated…")
        try:
            device = await asyncio.to_thread(choose_device, recipe)
        except RunError as error:
            self._say(str(error), failed=True)
            return
        await self._look_at_columns(recipe, device)
        reply = await self._checker.ask("memory", recipe, device)
        if reply.cause:
            self._memory = {}
            self._show_memory(safe_line(f"Memory: not known: {reply.cause}", 200))
        elif reply.found:  # else a newer question waits
            self._show_memory(memory_line(reply.found["memory"], self._memory, self._last_change, device))
            self._memory = reply.found["memory"]
            self._last_change = ""

    # ---- columns ----

    async def _look_at_columns(self, recipe: Recipe, device: str) -> None:
        """Say where a stage cannot use its columns as they are. A data set on the hub is not asked for unasked."""
        for number, stage in enumerate(recipe.stages):
            data = stage.data
            key = (stage.method, data.dataset_name, data.dataset_train_split, str(data.columns))
            if key not in self._understood and Path(data.dataset_name).is_absolute():
                reply = await self._columns.ask("columns", recipe, device, stage=number)
                if not reply.found and not reply.cause:
                    return  # a newer question waits
                self._understood[key] = reply.cause or reply.found["problem"].partition(": name them in the recipe")[0]
            if problem := self._understood.get(key):
                said = f"{problem[:1].upper()}{problem[1:]}. F8 says which column is what."
                self._say(safe_line(said, 400), failed=True)
                return

    async def action_columns(self) -> None:
        """Say which column is what."""
        from vlmtui.ui.training.column_form import ColumnForm

        recipe = self.document.recipe
        if recipe is None:
            self.notify("Mend the recipe first.", severity="warning")
            return
        if len({stage.data.dataset_name for stage in recipe.stages}) > 1:
            self.notify("Its stages have data sets of their own: write columns: below each of them (F6).")
            return
        try:
            device = await asyncio.to_thread(choose_device, recipe)
        except RunError as error:
            self._say(str(error), failed=True)
            return
        last = len(recipe.stages) - 1  # what a preference needs has the answer of SFT in it
        self.app.push_screen(ColumnForm(self._columns, recipe, device, last), self._map)

    def _map(self, columns: dict[str, str] | None) -> None:
        if columns is not None:
            self._change("columns", as_mapping(columns) if columns else None)

    # ---- actions ----

    def action_back(self) -> None:
        """Leave the value, or the text; else the form."""
        if self._list.leave_field():
            return
        if self._text.has_focus:
            self.action_other_side()
        elif not self.document.changed:
            self.dismiss(None)
        else:
            question = Confirm("Leave without saving?", [safe_line(str(self.document.path), 200)], yes="Leave")
            self.app.push_screen(question, self._leave)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            self.dismiss(None)

    def action_other_side(self) -> None:
        """Go from the fields to the text, or back."""
        to_text = not self._text.has_focus
        self.set_class(to_text, "-text")
        if to_text:
            first = next((one.line for one in self.document.mistakes if one.line is not None), None)
            if first is not None:
                self._text.move_cursor((first, 0))
            self.set_focus(self._text)
        else:
            self._list.focus_field()

    def action_save(self) -> bool:
        """Write the file; return whether it was written."""
        try:
            self.document.save()
        except OSError as error:
            self._say(safe_line(f"Not saved: {self.document.path}: {error.strerror or error}", 300), failed=True)
            return False
        self._read()
        return True

    def action_copy_command(self) -> None:
        """Copy the same training as commands of TRL and of accelerate."""
        recipe = self.document.recipe
        if recipe is None:
            self.notify("Mend the recipe first.", severity="warning")
            return
        lines = [*trl_commands(recipe), "# or, on several processes:", *accelerate_commands(recipe)]
        self.app.copy_to_clipboard("\n".join(lines) + "\n")
        self.notify("Copied, as commands of trl and of accelerate launch.", timeout=3)

    async def action_dry_run(self) -> None:
        """Look at what the recipe would do."""
        from vlmtui.ui.training.dry_run import DryRun

        recipe = self.document.recipe
        if recipe is None:
            self.notify("Mend the recipe first.", severity="warning")
            return
        try:
            device = await asyncio.to_thread(choose_device, recipe)
        except RunError as error:
            self._say(str(error), failed=True)
            return
        self.app.push_screen(DryRun(self._checker, recipe, device), lambda go: self.action_start() if go else None)

    def action_start(self) -> None:
        """Save the recipe and start its run."""
        if self.document.recipe is None:
            self.notify("Mend the recipe first.", severity="warning")
        elif self._starting:
            return
        elif self.document.origin is not None:
            lines = [f"Other than in {safe_line(self.document.origin.title, 60)}:", *changes(self.document)]
            self.app.push_screen(Confirm("Start the clone?", lines, yes="Start"), self._confirmed)
        elif self.action_save():
            self._start(False)

    def _confirmed(self, sure: bool | None) -> None:
        if sure and self.action_save():
            self._start(False)

    @work(group="recipe-start", exit_on_error=False)
    async def _start(self, overwrite: bool) -> None:
        self._starting = True
        self._say("Starting…")
        try:
            origin = self.document.origin
            cloned_from = origin.run if origin is not None else ""
            started = await start(self.document.path, overwrite=overwrite, cloned_from=cloned_from)
        finally:
            self._starting = False
        if started.overwrite and not overwrite:
            self._ask_to_replace()
        elif started.problem:
            self._say(started.problem, failed=True)
        else:
            self._tell(started)
            self.dismiss(started.run)

    def _ask_to_replace(self) -> None:
        recipe = self.document.recipe
        output = safe_line(Path(recipe.output_dir).name if recipe is not None else "", 80)
        lines = [output, "It is replaced when the run ends."]
        self.app.push_screen(Confirm("Replace the result that is there?", lines, yes="Start"), self._replace)

    def _replace(self, sure: bool | None) -> None:
        if sure:
            self._start(True)
        else:
            self._say("Not started.")

    def _tell(self, started: Started) -> None:
        if started.before:
            waits = f"It waits for its turn: {started.before} before it on this device."
            self.app.notify(waits, title="Training", markup=False)


def memory_line(parts: dict[str, float], before: dict[str, float], change: str, device: str) -> str:
    """Return the estimate in one line, and what the last change did to it."""
    total = parts["total"]
    line = f"Memory on {device}, one picture an example: about {size(total)}"
    if change and before:
        by = total - before["total"]
        changed = f"{'+' if by > 0 else '−'}{size(abs(by))}" if abs(by) > 1e4 else "no change"
        return safe_line(f"{line} ({change}: {changed})", 300)
    named = [f"{name} {size(value)}" for name, value in parts.items() if value and name != "total"]
    return f"{line} = {' + '.join(named)}"


def size(count: float) -> str:
    """Return bytes as people write them."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
