"""Choosing what a recipe begins as: a small one, one in the folder, or one of the presets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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

from vlmtui.safetext import safe_line
from vlmtui.training.beginning import free_name, presets, recipes_in, small_recipe
from vlmtui.ui.hanging import Hanging
from vlmtui.ui.training.document import Document, UnfitFile, opened


@dataclass(frozen=True, slots=True)
class _Row:
    title: str
    detail: str
    path: Path | None = None
    stem: str = ""
    text: str = ""


class RecipePicker(ModalScreen[Document | None]):
    """Returns the recipe to edit, or None."""

    CSS_PATH = "../screens/dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
    ]

    def __init__(self, folder: Path, model: str) -> None:
        """Args:
        folder: whose recipes are offered, and where a new one is kept.
        model: of the chat.
        """
        super().__init__(id="recipe-picker")
        self._folder, self._model = folder, model
        self._rows: list[_Row] = []
        self._shown: list[_Row] = []

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static("Fine-tune", classes="dialog-title", markup=False)
            yield Input(placeholder="letters of a recipe", compact=True)
            yield OptionList(markup=False)
            yield Static("", id="picker-says", markup=False)
            yield Static("Enter opens the form · Esc closes", classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Look what there is."""
        self.query_one(OptionList).can_focus = False
        self._find()

    @work(exclusive=True, group="recipes", exit_on_error=False)
    async def _find(self) -> None:
        here, kept = await asyncio.gather(
            asyncio.to_thread(recipes_in, self._folder), asyncio.to_thread(presets)
        )  # fmt: skip
        text = small_recipe(self._model, "", output="tuned")
        model = safe_line(Path(self._model).name, 30)
        self._rows = [_Row("A new recipe", f"SFT with LoRA of {model}, the chat's model", stem="recipe", text=text)]
        self._rows += [_Row(path.name, "in this folder", path=path) for path in here]
        self._rows += [_Row(name, line, stem=name, text=text) for name, line, text in kept]
        self._show("")

    def _show(self, letters: str) -> None:
        words = letters.casefold().split()
        self._shown = [
            row for row in self._rows if all(word in f"{row.title} {row.detail}".casefold() for word in words)
        ]  # fmt: skip
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(_line(row)) for row in self._shown])
        if self._shown:
            options.highlighted = 0

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            self._choose(self._shown[at])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(self._shown[event.option_index])

    def _choose(self, row: _Row) -> None:
        if row.path is None:
            self.dismiss(Document(free_name(self._folder, row.stem), row.text))
            return
        try:
            self.dismiss(opened(row.path))
        except UnfitFile as error:
            says = self.query_one("#picker-says", Static)
            says.update(safe_line(str(error), 200))
            says.add_class("-failed")

    def action_move(self, by: int) -> None:
        """Go to another recipe."""
        options = self.query_one(OptionList)
        if options.option_count:
            options.highlighted = max(0, min((options.highlighted or 0) + by, options.option_count - 1))


def _line(row: _Row) -> Hanging:
    name = Content.styled(f"{safe_line(row.title, 40).ljust(24)} ", "bold $text-accent")
    return Hanging(name, Content.styled(safe_line(row.detail, 90), "$foreground-muted"))
