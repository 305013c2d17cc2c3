"""The panel's view of a batch: how far it is, and its rows as they come; before it, what was begun and not finished."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable, Static

from vlmtui.safetext import safe_line
from vlmtui.ui.actions import bindings, key_of
from vlmtui.ui.batches.run import BatchRun, Shown, State
from vlmtui.ui.batches.unfinished import Begun

_SIGNS: dict[State, tuple[str, str]] = {
    "starting": ("►", "$text-accent"),
    "running": ("►", "$text-accent"),
    "pausing": ("‖", "$text-warning"),
    "paused": ("‖", "$text-warning"),
    "stopping": ("■", "$text-warning"),
    "done": ("√", "$text-success"),
    "stopped": ("■", "$text-warning"),
    "failed": ("×", "$text-error"),
}
_WORDS: dict[State, str] = {"pausing": "pausing · ", "paused": "paused · ", "stopping": "stopping · "}
_LONGEST = 500


class BatchView(Vertical):
    """Shows one batch; without one, those that can be gone on with."""

    DEFAULT_CSS: ClassVar[str] = """
    BatchView {
        height: 1fr; width: 1fr;
        & > Static { height: auto; max-height: 2; padding: 0 1; }
        & > DataTable { height: 1fr; background: $background; scrollbar-size-vertical: 1; }
        & > DataTable > .datatable--header { background: $background; color: $text-muted; text-style: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("batch")]

    class OpenRequested(Message):
        """The user wants to see a file: that of a row, or the result as a data set."""

        def __init__(self, path: Path, *, dataset: bool = False) -> None:
            super().__init__()
            self.path = path
            self.dataset = dataset

    class GoOnRequested(Message):
        """The user wants a batch that is not finished to go on."""

        def __init__(self, begun: Begun) -> None:
            super().__init__()
            self.begun = begun

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run: BatchRun | None = None
        self._begun: Sequence[Begun] = ()
        self._folder = Path()
        self._table: DataTable[Text] = DataTable(cursor_type="row", zebra_stripes=False, cell_padding=1)
        self._head = Static(markup=False)
        self._shown: list[Shown] = []
        self._taken = 0  # rows of the run that were looked at
        self._only_failed = False
        self._due = False

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._table

    @property
    def focus_target(self) -> DataTable[Text]:
        """What takes the focus of the view."""
        return self._table

    def on_mount(self) -> None:
        """Show what there is."""
        self._begin_table()
        self._show()

    def on_resize(self) -> None:
        """Give the answers the room that is left."""
        self._begin_table()
        self._show()

    def show(self, run: BatchRun | None, begun: Sequence[Begun], folder: Path) -> None:
        """Show `run`; where there is none, the batches `begun` in `folder`, from which files are named on."""
        if run is not self._run or begun != self._begun:
            self._only_failed = False
            self._run, self._begun, self._folder = run, begun, folder
            if self.is_mounted:
                self._begin_table()
        if self.is_mounted and not self._due:  # at most once a paint: rows may come by the hundred
            self._due = True
            self.call_after_refresh(self._show)

    def _begin_table(self) -> None:
        """Empty the table, with columns for what it will show."""
        table, room = self._table, max(20, self.size.width - 3)
        place = table.cursor_row
        table.clear(columns=True)
        self._shown, self._taken = [], 0
        if self._run is None:
            names = ("result", "done", "question")
            widths = [max(12, room * 3 // 10), 13]
        else:
            names = ("file", "tokens", "answer")
            widths = [max(12, min(40, room * 3 // 10)), 6]
        for name, width in zip(names, [*widths, max(10, room - sum(widths) - 6)], strict=True):
            table.add_column(name, width=width)
        if self._run is None:
            for begun in self._begun:
                cells = (self._named(begun.out), f"{begun.done:,} of {begun.total:,}", begun.job.prompt)
                table.add_row(*(Text(safe_line(cell, _LONGEST), no_wrap=True, overflow="ellipsis") for cell in cells))
        else:
            self._add_rows()
        if place and place < table.row_count:
            table.move_cursor(row=place, animate=False)

    def _add_rows(self) -> None:
        assert self._run is not None
        table, rows = self._table, self._run.rows
        if self._taken > len(rows):  # those of an earlier run came before them
            self._begin_table()
            return
        follow = table.cursor_row >= table.row_count - 1
        error = Text(style=self.app.theme_variables.get("text-error", "red")).style
        for shown in rows[self._taken :]:
            if self._only_failed and not shown.row.error:
                continue
            row = shown.row
            answer = Text(f"× {safe_line(row.error, _LONGEST)}", style=error) if row.error else _text(row.text)
            table.add_row(Text(self._short(shown.path)), Text(f"{row.tokens:>6,}"), answer)
            self._shown.append(shown)
        self._taken = len(rows)
        if follow and table.row_count:
            table.move_cursor(row=table.row_count - 1, animate=False)

    def _show(self) -> None:
        self._due = False
        if self._run is not None:
            self._add_rows()
        self._head.update(self._words())

    def _words(self) -> Content:
        run = self._run
        if run is None:
            if self._begun:
                return Content("Not finished: Enter goes on from where it was.")
            key = key_of("explorer.batch")
            return Content.styled(f"No batch runs. {key} in the explorer asks about every file.", "$text-muted")
        sign, colour = _SIGNS[run.state]
        said = safe_line(_WORDS.get(run.state, "") + run.line.replace(str(run.out), self._named(run.out)), _LONGEST)
        only = f"Only the {run.failed:,} that failed · " if self._only_failed else ""
        shared = " · shares the CPU with the chat" if run.device == "cpu" and run.active else ""
        about = f"  {safe_line(run.job.prompt, 80)}"
        return Content.assemble((f"{sign} ", f"bold {colour}"), only, said, (f"{shared}{about}", "$text-muted"))

    def _named(self, path: Path) -> str:
        return str(path.relative_to(self._folder)) if path.is_relative_to(self._folder) else str(path)

    def _short(self, path: str) -> str:
        """Return the file's name as it fits its column: the end of a path says more than its beginning."""
        name, width = safe_line(self._named(Path(path))), self._table.ordered_columns[0].width
        return name if len(name) <= width else f"…{name[1 - width :]}"

    # ---- actions ----

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter or a click on a row."""
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """Open the file of the row under the cursor; or go on with the batch under it."""
        at = self._table.cursor_row
        if self._run is not None and at < len(self._shown):
            self.post_message(self.OpenRequested(Path(self._shown[at].path)))
        elif self._run is None and at < len(self._begun):
            self.post_message(self.GoOnRequested(self._begun[at]))

    def action_pause(self) -> None:
        """Pause, go on, or begin again."""
        run = self._run
        if run is None:
            self.action_open()
        elif run.state in ("pausing", "paused"):
            run.resume()
        elif run.active:
            run.pause()
        elif run.done < run.total or run.state == "failed":
            self.post_message(self.GoOnRequested(Begun(run.job, run.out, run.done, run.total)))

    def action_stop(self) -> None:
        """Stop it."""
        if self._run is not None:
            self._run.stop()

    def action_errors(self) -> None:
        """Show only what failed, or all."""
        if self._run is not None:
            self._only_failed = not self._only_failed
            self._begin_table()
            self._show()

    def action_result(self) -> None:
        """Open the result."""
        if self._run is not None:
            self.post_message(self.OpenRequested(self._run.out, dataset=True))


def _text(text: str) -> Text:
    return Text(safe_line(text, _LONGEST), no_wrap=True, overflow="ellipsis")
