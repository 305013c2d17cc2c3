"""Opening a file by some letters of its path, from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vlmtui.finding.client import FileFinder
from vlmtui.finding.protocol import Found
from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.found_list import FoundList

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
        self._moved = False
        self._typed = ""
        self._answered = False  # the rows are those for what is typed
        self._entered_early = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("Open a file", classes="dialog-title")
            yield Input(placeholder="letters of its path; > for commands", compact=True)
            yield FoundList()
            yield Static("Looking at the files…", id="quick-open-says", markup=False)
            yield Static("Enter opens · Esc leaves", classes="dialog-keys")

    def on_mount(self) -> None:
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
        self._moved = self._answered = self._entered_early = False
        self._finder.ask(event.value)

    def _show(self, found: Found) -> None:
        if not self.is_attached:
            return
        files = self.query_one(FoundList)
        self._answered = bool(found.rows) or found.done
        files.show(found.rows, files.cursor if self._moved else 0)
        self.query_one("#quick-open-says", Static).update(_summary(found, bool(self._typed.strip())), layout=False)
        if self._entered_early and self._answered:
            self._entered_early = False
            self._choose()

    def action_move(self, by: int) -> None:
        """Go to another file of the list."""
        files = self.query_one(FoundList)
        self._moved = True
        files.show(files.rows, files.cursor + by)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self._answered:
            self._choose()
        else:  # the rows are still those for fewer letters: it is for the first one that comes
            self._entered_early = True

    @on(FoundList.Chosen)
    def _choose(self) -> None:
        chosen = self.query_one(FoundList).chosen
        if chosen is not None:
            self.dismiss(chosen)

    def action_leave(self) -> None:
        """Open nothing."""
        self.dismiss(None)


def _summary(found: Found, typed: bool) -> str:
    files = f"{found.files:,} file{'s' * (found.files != 1)}"
    if found.full:
        files = f"the first {files}; more are left out"
    if not found.done:
        return f"Looking… {files} so far"
    if typed and not found.matches:
        return f"No match in {files}."
    return f"{found.matches:,} of {files}" if typed else files
