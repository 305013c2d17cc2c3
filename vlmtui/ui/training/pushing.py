"""Pushing a run's result to the hub: a name, what would go there, and only then the question."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from vlmtui.runs.folder import RunError, RunFolder
from vlmtui.runs.publishing import Push, plan, push
from vlmtui.safetext import safe_line
from vlmtui.ui.screens.confirm import Confirm


class PushResult(ModalScreen[None]):
    """Asks for the repository, shows what would go there, and asks again."""

    CSS_PATH = "../screens/dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False, priority=True),
        Binding("ctrl+p", "public", "Public or private", show=False, priority=True),
    ]

    def __init__(self, run: RunFolder) -> None:
        super().__init__(id="push-result")
        self._run_folder = run
        self._private = True

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static(
                f"Push the result of {safe_line(self._run_folder.id, 60)}", classes="dialog-title", markup=False
            )
            yield Input(placeholder="owner/name on the hub", compact=True)
            yield Static("", id="picker-says", markup=False)
            yield Static("Enter shows what goes there · Ctrl+P public or private · Esc closes", classes="dialog-keys")

    def on_mount(self) -> None:
        """Say who will see it."""
        self._tell()

    def action_public(self) -> None:
        """Let everybody read it, or its owner alone."""
        self._private = not self._private
        self._tell()

    def _tell(self) -> None:
        self._say("Private: only its owner will see it." if self._private else "PUBLIC: everybody can read it.")

    def _say(self, text: str, *, failed: bool = False) -> None:
        says = self.query_one("#picker-says", Static)
        says.update(text)
        says.set_class(failed, "-failed")

    @on(Input.Submitted)
    async def _named(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        try:
            planned = await asyncio.to_thread(plan, self._run_folder, name, private=self._private)
        except RunError as error:
            self._say(safe_line(str(error), 200), failed=True)
            return
        question = Confirm("Push this to the hub?", planned.lines, yes="Push")
        self.app.push_screen(question, lambda sure: self._go(planned, sure))

    def _go(self, planned: Push, sure: bool | None) -> None:
        if sure:
            self._say("Pushing…")
            self._push(planned)
        else:
            self._say("Nothing was sent.")

    @work(exclusive=True, group="push", exit_on_error=False)
    async def _push(self, planned: Push) -> None:
        try:
            where = await asyncio.to_thread(push, planned)
        except RunError as error:
            self._say(safe_line(str(error), 300), failed=True)
            return
        self.app.notify(safe_line(f"Pushed: {where}", 200), title="Training", markup=False)
        self.dismiss(None)
