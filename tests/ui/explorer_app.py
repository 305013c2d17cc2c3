"""An explorer alone, for its tests."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import App, ComposeResult

from vlmtui.ui.widgets.explorer import Explorer


class ExplorerApp(App[None]):
    """An explorer alone; keeps what it posts."""

    def __init__(self, directory: Path, select: Path | None = None) -> None:
        super().__init__()
        self.explorer = Explorer(directory, select=select, id="explorer")
        self.selected: list[Path] = []
        self.kinds: list[str] = []
        self.attached: list[tuple[Path, bool]] = []

    def compose(self) -> ComposeResult:
        yield self.explorer

    def on_mount(self) -> None:
        self.explorer.focus()
        self.explorer.begin()

    @on(Explorer.Selected)
    def keep_selected(self, message: Explorer.Selected) -> None:
        self.selected.append(message.path)
        self.kinds.append(message.kind)

    @on(Explorer.AttachRequested)
    def keep_attached(self, message: Explorer.AttachRequested) -> None:
        self.attached.append((message.path, message.stay))


def names(app: ExplorerApp) -> list[str]:
    """The names that are laid out, in order."""
    return [row.name for row in app.explorer.rows]


def current(app: ExplorerApp) -> str:
    """The name under the cursor."""
    return app.explorer.selected.name if app.explorer.selected is not None else ""
