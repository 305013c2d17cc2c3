"""The problems that are open, newest first; Enter goes to the file and the row."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vlmtui.safetext import safe_line
from vlmtui.ui.actions import bindings
from vlmtui.ui.hanging import Hanging
from vlmtui.ui.problems import Problem, Problems

_NONE = "Nothing has gone wrong so far."
_SIGNS = {"error": ("×", "$text-error"), "warning": ("▲", "$text-warning")}


class ProblemsList(OptionList):
    """Shows the app's problems, a line each, and what to do about it below."""

    DEFAULT_CSS: ClassVar[str] = """
    ProblemsList {
        height: 1fr; width: 1fr; border: none; padding: 0; background: $background; scrollbar-size-vertical: 1;
        &:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("problems")]

    class OpenRequested(Message):
        """The user wants to see what the problem is about."""

        def __init__(self, problem: Problem) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._problems: Problems | None = None
        self._rows: list[Problem] = []
        self._folder: Path | None = None

    def show(self, problems: Problems, folder: Path) -> None:
        """Show `problems`; files are named from `folder` on. The cursor stays on its problem."""
        self._problems, self._folder = problems, folder
        at, place = self.chosen, self.highlighted or 0
        self._rows = list(problems)[::-1]
        self.clear_options()
        if not self._rows:
            self.add_option(Option(Content.styled(f" {_NONE}", "$text-muted"), disabled=True))
            return
        self.add_options([Option(_words(problem, folder)) for problem in self._rows])
        self.highlighted = self._rows.index(at) if at in self._rows else min(place, len(self._rows) - 1)

    @property
    def chosen(self) -> Problem | None:
        """The problem under the cursor."""
        place = self.highlighted
        return self._rows[place] if place is not None and place < len(self._rows) else None

    def action_open(self) -> None:
        """Go to the file."""
        if self.chosen is not None:
            self.post_message(self.OpenRequested(self.chosen))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """A click chooses a problem as Enter does."""
        message.stop()
        self.action_open()

    def action_clear(self) -> None:
        """Forget the problem under the cursor."""
        if self._problems is not None and self.chosen is not None:
            self._problems.remove(self.chosen)

    def action_clear_all(self) -> None:
        """Forget all."""
        if self._problems is not None:
            self._problems.clear()


def _words(problem: Problem, folder: Path) -> Hanging:
    sign, colour = _SIGNS[problem.severity]
    place = problem.path
    if place:
        path = Path(place)
        place = safe_line(str(path.relative_to(folder)) if path.is_relative_to(folder) else place, 80)
        if problem.row is not None:
            place += f":{problem.row}"
    said = [problem.source, place] if place else [problem.source]
    line = [Content(problem.line), Content.styled(f"  {' · '.join(said)}", "$text-muted")]
    if problem.remedy:
        remedy = problem.remedy[:1].upper() + problem.remedy[1:]
        line.append(Content.styled(f"\n{remedy}", "$text-muted"))
    return Hanging(Content.styled(f" {sign} ", f"bold {colour}"), Content.assemble(*line))
