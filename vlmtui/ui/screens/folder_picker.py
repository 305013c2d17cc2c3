"""Choosing a folder: one of those that were opened last, or any by its path, completed as it is typed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.listing import natural_key

_MOST = 200


class FolderPicker(ModalScreen[Path | None]):
    """Returns the chosen folder, or None."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "move(-10)", "Up", show=False),
        Binding("pagedown", "move(10)", "Down", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
    ]

    def __init__(self, recent: list[Path], *, typed: str = "", title: str = "Open a folder") -> None:
        """Args:
        recent: Folders to offer before a path is typed.
        typed: What stands in the field at first: a path that ends in a separator offers what is in it.
        title: Above the field.
        """
        super().__init__(id="folder-picker")
        self._recent = recent
        self._typed = typed
        self._title_line = title
        self._found: list[Path] = []

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static(self._title_line, classes="dialog-title")
            yield Input(self._typed, placeholder="a path, or letters of a folder below", compact=True)
            yield OptionList(markup=False)
            yield Static("", id="folder-problem", markup=False)
            yield Static("Enter opens · Tab completes · Esc leaves", classes="dialog-keys")

    def on_mount(self) -> None:
        """Offer what there is."""
        self.query_one(OptionList).can_focus = False
        self._offer(self._typed)

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self._offer(event.value)

    @work(exclusive=True, group="folder-picker", exit_on_error=False)
    async def _offer(self, typed: str) -> None:
        """Offer what `typed` may mean; the file system is asked in a thread, for it may take its time."""
        self._found = await asyncio.to_thread(folders_for, typed, self._recent)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(safe_line(_shown(folder), 200)) for folder in self._found])
        if self._found:
            options.highlighted = 0
        problem = "" if self._found or not typed else "No folder has this name."
        self.query_one("#folder-problem", Static).update(problem)

    def action_move(self, by: int) -> None:
        """Go to another folder of the list."""
        options = self.query_one(OptionList)
        if options.option_count:
            options.highlighted = max(0, min((options.highlighted or 0) + by, options.option_count - 1))

    @property
    def _chosen(self) -> Path | None:
        at = self.query_one(OptionList).highlighted
        return self._found[at] if at is not None and at < len(self._found) else None

    def action_complete(self) -> None:
        """Write the highlighted folder into the field, to go on from there."""
        if self._chosen is not None:
            field = self.query_one(Input)
            field.value = safe_line(_shown(self._chosen)).rstrip(os.sep) + os.sep
            field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._open_chosen()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._open_chosen()

    @work(exclusive=True, group="folder-picker-open", exit_on_error=False)
    async def _open_chosen(self) -> None:
        folder = self._chosen
        if folder is None:
            return
        if problem := await asyncio.to_thread(unusable, folder):
            self.query_one("#folder-problem", Static).update(problem)
            return
        self.dismiss(folder)

    def action_leave(self) -> None:
        """Choose none."""
        self.dismiss(None)


def folders_for(typed: str, recent: list[Path]) -> list[Path]:
    """Return the folders that `typed` may mean: a path's own, those that it begins, or recent ones by their letters."""
    if not typed or (os.sep not in typed and not typed.startswith("~")):
        letters = typed.casefold().split()
        return [folder for folder in recent if all(letter in str(folder).casefold() for letter in letters)]
    try:
        path = Path(typed).expanduser()
        whole = typed.endswith(os.sep)
        place, start = (path, "") if whole else (path.parent, path.name.casefold())
        with os.scandir(place) as found:
            hidden = start[:1] == "."
            names = [
                item.name for item in found
                if item.name.casefold().startswith(start) and (hidden or item.name[0] != ".") and _is_dir(item)
            ]  # fmt: skip
    except (OSError, RuntimeError, ValueError):
        return []
    folders = [Path(os.path.abspath(place / name)) for name in sorted(names, key=natural_key)[:_MOST]]  # noqa: PTH100
    return [Path(os.path.abspath(place)), *folders] if whole else folders  # noqa: PTH100


def unusable(folder: Path) -> str:
    """Return one line that says why `folder` cannot be opened; empty when it can."""
    if not folder.is_dir():
        return f"{safe_line(str(folder), 120)} is no longer there."
    if not os.access(folder, os.R_OK | os.X_OK):
        return f"{safe_line(str(folder), 120)} may not be read: permission denied."
    return ""


def _is_dir(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False


def _shown(folder: Path) -> str:
    """The path, with `~` for the home folder."""
    try:
        return str(Path("~") / folder.relative_to(Path.home())) if folder != Path.home() else "~"
    except (ValueError, RuntimeError):
        return str(folder)
