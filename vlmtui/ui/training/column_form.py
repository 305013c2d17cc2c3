"""Which column is the picture, which the question, which the answer: chosen with the first rows as conversations."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from vlmtui.safetext import safe_line
from vlmtui.training.checking import Checker
from vlmtui.training.column_parts import PARTS, parts_of, with_columns
from vlmtui.training.recipe import Recipe

_KEYS = "Up, Down part · Left, Right column · Del none · Enter takes them · Esc"
_NONE = "—"
_NAME_WIDTH = 14
_COLUMN_WIDTH = 26
_ROLE_WIDTH = 11


class ColumnForm(ModalScreen[dict[str, str] | None]):
    """Maps the columns of a stage's data set; returns the recipe's `columns`, or None."""

    CSS_PATH = "../screens/dialogs.tcss"
    DEFAULT_CSS: ClassVar[str] = """
    ColumnForm .dialog { width: 112; height: 96%; }
    ColumnForm #columns-parts { height: auto; }
    ColumnForm #columns-says { height: auto; max-height: 3; margin: 1 0; color: $text-muted; }
    ColumnForm #columns-says.-failed { color: $text-error; }
    ColumnForm #columns-rows { height: 1fr; scrollbar-size-vertical: 1; scrollbar-background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", show=False, priority=True),
        Binding("up", "move(-1)", "Part before", show=False, priority=True),
        Binding("down", "move(1)", "Next part", show=False, priority=True),
        Binding("left", "turn(-1)", "Column before", show=False, priority=True),
        Binding("right", "turn(1)", "Next column", show=False, priority=True),
        Binding("delete,backspace", "take_off", "None", show=False, priority=True),
        Binding("enter", "take", "Take them", show=False, priority=True),
        Binding("pageup", "scroll(-1)", "Rows up", show=False, priority=True),
        Binding("pagedown", "scroll(1)", "Rows down", show=False, priority=True),
    ]

    def __init__(self, checker: Checker, recipe: Recipe, device: str, stage: int) -> None:
        super().__init__(id="columns")
        self._checker, self._recipe, self._device, self._stage = checker, recipe, device, stage
        self._parts = parts_of(recipe.stages[stage].method)
        self._at = 0
        self.found: dict[str, Any] = {}
        """What was found last; empty until it is there."""
        self.taken: dict[str, str] = {}
        """The column of each part."""
        self.taken.update((part, name) for part, name in recipe.stages[stage].data.columns.items())
        self._list = Static("", id="columns-parts", markup=False)
        self._says = Static("Reading the first rows…", id="columns-says", markup=False)
        self._rows = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """Parts above, the first rows below."""
        stage = self._recipe.stages[self._stage]
        name = safe_line(stage.data.dataset_name.rpartition("/")[2], 60)
        with Vertical(classes="dialog"):
            yield Static(f"Columns of {name}, for {stage.method.upper()}", classes="dialog-title", markup=False)
            yield self._list
            yield self._says
            with VerticalScroll(id="columns-rows", can_focus=False):
                yield self._rows
            yield Static(_KEYS, classes="dialog-keys")

    def on_mount(self) -> None:
        """Begin to look."""
        self._look()

    @work(exclusive=True, group="columns", exit_on_error=False)
    async def _look(self) -> None:
        recipe = with_columns(self._recipe, self._stage, self.taken)
        reply = await self._checker.ask("columns", recipe, self._device, stage=self._stage)
        if reply.cause:
            self._say(f"{reply.cause}: {reply.remedy}" if reply.remedy else reply.cause, failed=True)
        elif reply.found:
            first, self.found = not self.found, reply.found
            if first:
                self.taken = {part: name for part, name in reply.found["taken"].items() if part in self._parts}
            self._show()

    def _say(self, text: str, *, failed: bool) -> None:
        self._says.update(safe_line(text[:1].upper() + text[1:], 300))
        self._says.set_class(failed, "-failed")

    def _show(self) -> None:
        problem = self.found["problem"].partition(": name them in the recipe")[0]
        self._say(problem or f"Understood as: {self.found['kind']}", failed=bool(problem))
        self._show_parts()
        lines: list[Content] = []
        for number, row in enumerate(self.found["rows"], 1):
            lines.append(Content.styled(f"ROW {number}", "bold $foreground-muted"))
            if row["problem"]:
                lines.append(Content.styled(f"  {safe_line(row['problem'], 300)}", "$text-error"))
            for role, text, pictures in row["turns"]:
                shown = f"[{pictures} picture{'s' if pictures > 1 else ''}] " if pictures else ""
                said = safe_line(shown + text.replace("\n", " "), 600)
                lines.append(Content.assemble((f"  {safe_line(role, 9):<{_ROLE_WIDTH}}", "bold $text-accent"), said))
            for name, text in row["cells"]:
                lines.append(
                    Content.assemble((f"  {safe_line(name, 24)}: ", "$foreground-muted"), safe_line(text, 200))
                )
        self._rows.update(Content("\n").join(lines))

    def _show_parts(self) -> None:
        lines = []
        for number, part in enumerate(self._parts):
            column = safe_line(self.taken.get(part, _NONE), _COLUMN_WIDTH)
            here = number == self._at
            choice = f"‹ {column:^{_COLUMN_WIDTH}} ›" if here else f"  {column:^{_COLUMN_WIDTH}}  "
            line = f"{'▸' if here else ' '} {part:<{_NAME_WIDTH}}{choice}  "
            lines.append(
                Content.assemble((line, "bold $text-accent" if here else ""), (PARTS[part], "$foreground-muted"))
            )
        self._list.update(Content("\n").join(lines))

    # ---- choosing ----

    def action_move(self, by: int) -> None:
        """Go to another part."""
        self._at = (self._at + by) % len(self._parts)
        self._show_parts()

    def action_turn(self, by: int) -> None:
        """Take another column for the part."""
        if not self.found:
            return
        part, choices = self._parts[self._at], [_NONE, *self.found["columns"]]
        at = choices.index(self.taken.get(part, _NONE)) if self.taken.get(part, _NONE) in choices else 0
        self._choose(part, choices[(at + by) % len(choices)])

    def action_take_off(self) -> None:
        """Take no column for the part."""
        self._choose(self._parts[self._at], _NONE)

    def _choose(self, part: str, column: str) -> None:
        self.taken.pop(part, None)
        if column != _NONE:
            self.taken[part] = column
        self._show_parts()
        self._look()

    def action_take(self) -> None:
        """Write them into the recipe, where the method can use them."""
        if not self.found:
            return
        self.dismiss({part: self.taken[part] for part in self._parts if part in self.taken})

    def action_scroll(self, by: int) -> None:
        """Scroll the rows."""
        rows = self.query_one(VerticalScroll)
        rows.scroll_page_down(animate=False) if by > 0 else rows.scroll_page_up(animate=False)
