"""Files whose path has the letters after `@` in the question, to attach one of them."""

from __future__ import annotations

import os
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vlmtui.finding.client import FileFinder
from vlmtui.finding.protocol import Found
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line


class PathCompletion(OptionList, can_focus=False):
    """Shows pictures and videos of `folder`; hidden while nothing is asked for."""

    DEFAULT_CSS = """
    PathCompletion { height: auto; max-height: 6; border: none; padding: 0 1; background: $panel; }
    PathCompletion > .option-list--option-highlighted {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
    }
    """

    shown: var[bool] = var(False)
    """Whether there is something to choose from."""

    class Chosen(Message):
        """A file was chosen by click."""

        def __init__(self, file: Path) -> None:
            super().__init__()
            self.file = file

    class Failed(Message):
        """The folder cannot be looked through."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self, folder: Path, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False, compact=True)
        self.folder = folder
        self._finder: FileFinder | None = None
        self._paths: list[str] = []

    def on_mount(self) -> None:
        """Begin hidden."""
        self.watch_shown()

    def watch_shown(self) -> None:
        """Take room only while there is something to choose from."""
        self.display = self.shown

    def ask(self, letters: str | None) -> None:
        """Show what has `letters`; None to ask for nothing more."""
        if letters is None:
            self.shown = False
            if self._finder is not None:
                self.run_worker(self._finder.close(), exit_on_error=False)
                self._finder = None
            return
        if self._finder is None:
            self.clear_options()
            self._paths = []
            self._finder = FileFinder(self.folder, [], self._show)
            self._run(self._finder)
        self._finder.ask(letters)

    @property
    def file(self) -> Path | None:
        """The file under the cursor, if there is one on show."""
        at = self.highlighted
        return self.folder / self._paths[at] if self.shown and at is not None and at < len(self._paths) else None

    def move(self, by: int) -> None:
        """Go to another file, round at the ends."""
        if self._paths:
            self.highlighted = ((self.highlighted or 0) + by) % len(self._paths)

    async def on_unmount(self) -> None:
        """End the search."""
        if self._finder is not None:
            await self._finder.close()

    @work(group="path-completion", exit_on_error=False)
    async def _run(self, finder: FileFinder) -> None:
        try:
            problem = await finder.run()
        except OSError as error:
            problem = error.strerror or str(error)
        if problem and finder is self._finder:
            self.post_message(self.Failed(f"The files cannot be listed: {problem}."))

    def _show(self, found: Found) -> None:
        if self._finder is None or not self.is_attached:
            return
        named = [os.fsdecode(row.path) for row in found.rows]
        paths = [path for path in named if kind_of(path) in ("picture", "video")]
        if paths != self._paths:
            self._paths = paths
            self.set_options([Option(Content(safe_line(path, 200))) for path in paths])
            self.highlighted = 0 if paths else None
        self.shown = bool(paths)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self.folder / self._paths[event.option_index]))
