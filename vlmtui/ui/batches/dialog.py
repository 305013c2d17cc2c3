"""What to ask about every file: a question or a preset, and where the answers go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from vlmtui.batches.writing import FORMS
from vlmtui.chats.presets import Preset
from vlmtui.safetext import safe_line


class Wanted(NamedTuple):
    """What is to be asked, and where the answers go."""

    prompt: str
    out: Path


class BatchDialog(ModalScreen[Wanted | None]):
    """Tab goes from field to field; Enter in the last one begins."""

    CSS_PATH = "../screens/dialogs.tcss"
    DEFAULT_CSS: ClassVar[str] = """
    BatchDialog .batch-label { height: 1; color: $text-muted; }
    BatchDialog OptionList { max-height: 8; margin-bottom: 1; }
    BatchDialog #batch-says { height: auto; max-height: 3; color: $text-muted; }
    BatchDialog #batch-says.-failed { color: $text-error; }
    """
    AUTO_FOCUS = "#batch-prompt"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False, priority=True)]

    def __init__(self, about: str, presets: Sequence[Preset], folder: Path, *, remark: str = "") -> None:
        """Args:
        about: what is asked about, e.g. `12 pictures and 2 videos in shapes`; safe to show.
        presets: questions to choose from.
        folder: where the result goes unless a path is typed.
        remark: one more line, e.g. that the CPU is shared.
        """
        super().__init__(id="batch-dialog")
        self._about = about
        self._presets = [preset for preset in presets if preset.pictures <= 1]
        self._folder = folder
        self._remark = remark

    def compose(self) -> ComposeResult:
        """Make the box."""
        with Vertical(classes="dialog"):
            yield Static(f"Ask about {self._about}", classes="dialog-title", markup=False)
            yield Input(id="batch-prompt", placeholder="the question, or one of these", compact=True)
            yield OptionList(*(Option(_line(preset)) for preset in self._presets), markup=False, compact=True)
            yield Static("Answers go to (.jsonl, .csv or .parquet)", classes="batch-label", markup=False)
            yield Input(self._free_name(), id="batch-out", compact=True)
            yield Static(self._remark, id="batch-says", markup=False)
            yield Static("Enter begins · Tab: next field · Esc closes", classes="dialog-keys", markup=False)

    def _free_name(self) -> str:
        numbers = range(1, 1000)
        names = ("answers.jsonl", *(f"answers-{number}.jsonl" for number in numbers))
        return next(name for name in names if not (self._folder / name).exists()
                    and not (self._folder / f"{name}.journal").exists())  # fmt: skip

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.query_one("#batch-prompt", Input).value = self._presets[event.option_index].prompt
        self.query_one("#batch-out", Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        prompt, out = (self.query_one(name, Input).value.strip() for name in ("#batch-prompt", "#batch-out"))
        if not prompt:
            self._object("Type a question, or choose one.", "#batch-prompt")
        elif not out.lower().endswith(FORMS):
            self._object(f"The name must end with {', '.join(FORMS[:-1])} or {FORMS[-1]}.", "#batch-out")
        else:
            path = self._folder / Path(out).expanduser()
            if not path.parent.is_dir():
                self._object(f"There is no folder {safe_line(str(path.parent), 60)}.", "#batch-out")
            else:
                self.dismiss(Wanted(prompt, path))

    def _object(self, line: str, field: str) -> None:
        says = self.query_one("#batch-says", Static)
        says.add_class("-failed")
        says.update(Content(line))
        self.query_one(field, Input).focus()


def _line(preset: Preset) -> Content:
    name = Content.styled(safe_line(preset.name, 24).ljust(26), "bold")
    return name + Content.styled(safe_line(preset.prompt, 52), "$foreground 60%")
