"""Opening a file by some letters of its path, from anywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.finding.client import FileFinder
from vlmtui.finding.protocol import Found, Row
from vlmtui.safetext import safe_line, safe_text

COMMANDS = ">"
"""Typed first, it asks for a command instead of a file; the screen then returns it."""


class QuickOpen(ModalScreen[str | None]):
    """A field and the files that match; returns a path relative to the folder, `COMMANDS`, or None."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down,ctrl+p", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "move(-10)", "Up", show=False, priority=True),
        Binding("pagedown", "move(10)", "Down", show=False, priority=True),
    ]

    def __init__(self, folder: Path, recent: list[str]) -> None:
        """Args:
        folder: Where to look.
        recent: Paths relative to it that were opened lately, newest first.
        """
        super().__init__(id="quick-open")
        self._finder = FileFinder(folder, recent, self._show)
        self._rows: list[Row] = []
        self._moved = False
        self._typed = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Open a file", classes="dialog-title")
            yield Input(placeholder="letters of its path; > for commands", compact=True)
            yield OptionList(markup=False)
            yield Static("Looking at the files…", id="quick-open-says", markup=False)
            yield Static("Enter opens · Esc leaves", classes="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self._find()
        self._finder.ask("")

    async def on_unmount(self) -> None:
        await self._finder.close()

    @work(group="quick-open", exit_on_error=False)
    async def _find(self) -> None:
        try:
            problem = await self._finder.run()
        except OSError as error:
            problem = error.strerror or str(error)
        if problem and self.is_attached:
            line = safe_line(f"The files cannot be listed: {problem}. Esc, then Ctrl+P, tries again.", 300)
            self.query_one("#quick-open-says", Static).update(line)

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        if event.value.startswith(COMMANDS):
            self.dismiss(COMMANDS)
            return
        self._typed = event.value
        self._moved = False
        self._finder.ask(event.value)

    def _show(self, found: Found) -> None:
        if not self.is_attached:
            return
        options = self.query_one(OptionList)
        at = options.highlighted if self._moved else 0
        if found.rows != self._rows:
            self._rows = found.rows
            options.set_options([Option(_line(row)) for row in found.rows])
        if found.rows:
            options.highlighted = min(at or 0, len(found.rows) - 1)
        self.query_one("#quick-open-says", Static).update(_summary(found, bool(self._typed.strip())))

    def action_move(self, by: int) -> None:
        """Go to another file of the list."""
        options = self.query_one(OptionList)
        if options.option_count:
            self._moved = True
            options.highlighted = max(0, min((options.highlighted or 0) + by, options.option_count - 1))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._rows):
            self.dismiss(os.fsdecode(self._rows[at].path))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(os.fsdecode(self._rows[event.option_index].path))

    def action_leave(self) -> None:
        """Open nothing."""
        self.dismiss(None)


def _line(row: Row) -> Content:
    """The file's name, then the folder it is in; the letters that were typed stand out."""
    path = os.fsdecode(row.path)
    safe = safe_text(path).replace("\n", " ").replace("\t", " ")
    if len(safe) != len(path):  # what is shown in place of a letter is longer than it: nothing is marked
        return Content(safe_line(path, 400))
    name = path.rfind("/") + 1
    places = set(row.places)
    pieces: list[tuple[str, str]] = []
    for at in (*range(name, len(path)), *range(name - 1)):
        style = "bold $text-primary" if at in places else "$foreground-muted" if at < name else ""
        if at == 0 and name:
            pieces.append(("  ", ""))
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + safe[at], style)
        else:
            pieces.append((safe[at], style))
    return Content.assemble(*pieces)


def _summary(found: Found, typed: bool) -> str:
    files = f"{found.files:,} file{'s' * (found.files != 1)}"
    if found.full:
        files = f"the first {files}; more are left out"
    if not found.done:
        return f"Looking… {files} so far"
    if typed and not found.matches:
        return f"No match in {files}."
    return f"{found.matches:,} of {files}" if typed else files
