"""A data set in an editor tab: its rows as a table, and the row under the cursor as a conversation with pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from vlmtui.datasets.client import DatasetClient
from vlmtui.datasets.protocol import DatasetInfo, Failure, Progress, RowDetail, RowProblem
from vlmtui.media.client import MediaClient
from vlmtui.media.errors import shown_name
from vlmtui.models.processor import ProcessorSettings
from vlmtui.safetext import safe_line, sentence
from vlmtui.ui.actions import bindings
from vlmtui.ui.widgets.dataset_info import name_line, schema_line, status_line
from vlmtui.ui.widgets.dataset_row import DatasetRow, RowText
from vlmtui.ui.widgets.dataset_table import DatasetTable

if TYPE_CHECKING:
    from vlmtui.ui.widgets.dataset_pictures import DatasetPictures

_EMPTY = "Select a data set in the explorer to see its rows here."
_LOOK_EVERY_S = 2.0
_BESIDE = 96
"""From this width on table and row stand side by side."""
_BOTH = 18
"""From this height on they stand one above the other; below, one of them is shown."""
_ASKS = {
    "find": "Find: a text, or column:text",
    "filter": "Show only rows with: a text, or column:text (empty shows all)",
    "goto": "Go to row number",
}


class DatasetView(Widget):
    """Shows the data set at `path`. Work in the background stops while nobody looks; a changed file is read anew."""

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("dataset")]

    can_focus = True

    path: reactive[Path | None] = reactive(None, init=False)
    """The data set to show; None for none."""
    processor: reactive[ProcessorSettings | None] = reactive(None, init=False)
    """As every viewer has it; rows say no costs."""

    class Shown(Message):
        """The data set at `path` is open and its first rows are on their way."""

        def __init__(self, view: DatasetView, path: Path, info: DatasetInfo) -> None:
            super().__init__()
            self.view = view
            self.path = path
            self.info = info

        @property
        def control(self) -> DatasetView:
            """The view that posted this."""
            return self.view

    class Failed(Message):
        """The data set at `path` cannot be shown; `line` says why and stands where it would be."""

        def __init__(self, view: DatasetView, path: Path, line: str) -> None:
            super().__init__()
            self.view = view
            self.path = path
            self.line = line

        @property
        def control(self) -> DatasetView:
            """The view that posted this."""
            return self.view

    class AttachRequested(Message):
        """The user wants a row's picture in the chat, perhaps with its question."""

        def __init__(self, path: Path, *, stay: bool = True) -> None:
            super().__init__()
            self.path = path
            self.stay = stay

    def __init__(
        self, media: MediaClient, *, graphics: str = "auto", log: Path | None = None, id: str | None = None
    ) -> None:
        """Args:
        media: Draws the pictures.
        graphics: `auto`, `half-block`, `kitty` or `sixel`.
        log: Where what the reader's process logs goes; nowhere if None.
        id: The widget's.
        """
        super().__init__(id=id)
        self._media = media
        self._graphics = graphics
        self._client = DatasetClient(self._progressed, log=log)
        self._info: DatasetInfo | None = None
        self._progress: Progress | None = None
        self._filter = ""
        self._found = ""
        self._said = ""
        self._target: int | None = None
        self._asking = ""
        self._timer: Timer | None = None
        self._row_wanted: tuple[int, int] | None = None

    @property
    def info(self) -> DatasetInfo | None:
        """What is open now; None while nothing is."""
        return self._info

    @property
    def progress(self) -> Progress | None:
        """How far it has been looked through."""
        return self._progress

    @property
    def child(self) -> int | None:
        """The process that reads; None while there is none."""
        return self._client.pid

    @property
    def table(self) -> DatasetTable:
        """The rows."""
        return self.query_one(DatasetTable)

    @property
    def row(self) -> DatasetRow:
        """The row under the cursor."""
        return self.query_one(DatasetRow)

    @property
    def pictures(self) -> DatasetPictures:
        """Its pictures."""
        return self.row.pictures

    def compose(self) -> ComposeResult:
        """Make the lines above, table and row, and the line below."""
        yield Static("", id="dataset-name", markup=False)
        yield Static("", id="dataset-schema", markup=False)
        yield Static(_EMPTY, id="dataset-message", markup=False)
        with Container(id="dataset-body"):
            yield DatasetTable(id="dataset-table")
            yield DatasetRow(self._media, graphics=self._graphics, id="dataset-row")
        yield Input(id="dataset-ask")
        yield Static("", id="dataset-status", markup=False)

    def on_mount(self) -> None:
        """Show nothing, and look now and then whether the file has changed."""
        self._show_message(_EMPTY)
        self.query_one("#dataset-ask").display = False
        self._timer = self.set_interval(_LOOK_EVERY_S, self._look_again)

    async def on_unmount(self) -> None:
        """End the child."""
        await self._client.close()

    def on_show(self) -> None:
        """Go on."""
        self._pause(False)

    def on_hide(self) -> None:
        """Nobody looks: do nothing in the background."""
        self._pause(True)

    def _pause(self, on: bool) -> None:
        if self._timer is not None:
            self._timer.pause() if on else self._timer.resume()
        self._pause_child(on)

    @work(group="dataset-pause", exit_on_error=False)
    async def _pause_child(self, on: bool) -> None:
        await self._client.pause(on)

    def on_focus(self) -> None:
        """Hand the focus on to the rows."""
        self.screen.set_focus(self.table)

    def on_descendant_focus(self) -> None:
        """Something within has the focus: Shift+Tab must lead past this widget, not back into it."""
        self.can_focus = False

    def on_descendant_blur(self) -> None:
        """The focus may come again."""
        self.can_focus = True

    def on_resize(self, event: events.Resize) -> None:
        """Lay out for the width there is."""
        wide, high = event.size.width >= _BESIDE, event.size.height >= _BOTH
        self.set_class(wide, "-beside")
        self.set_class(not wide and high, "-above")
        self.set_class(not wide and not high, "-single")
        self._say()

    # ---- opening --------------------------------------------------------------------------------

    def watch_path(self, path: Path | None) -> None:
        """Show another data set."""
        self._filter = self._found = self._said = ""
        self._target = None
        self._end_asking()
        if path is None:
            self.workers.cancel_group(self, "dataset-open")
            self._info = None
            self._show_message(_EMPTY)
        else:
            self._open(path)

    def reload(self) -> None:
        """Read the file anew, staying on the row."""
        if self.path is not None:
            self._open(self.path, self._info.split if self._info else "", self.table.cursor)

    @work(exclusive=True, group="dataset-open", exit_on_error=False)
    async def _open(self, path: Path, split: str = "", cursor: int = 0) -> None:
        again = self._info is not None and self._info.path == str(path) and self._info.split == split
        if not again:
            self._info = None
            self._show_message(f"Opening {safe_line(path.name, 60)} …")
        self._progress = None
        reply = await self._client.open(path, split)
        if path != self.path:
            return
        if isinstance(reply, Failure):
            if reply.code != "superseded":
                self._fail(path, reply)
            return
        self._info = reply
        self._clear_problems(path)
        self.query_one("#dataset-message").display = False
        self.query_one("#dataset-body").display = True
        self.table.begin(reply.columns, reply.schema.pictures)
        self.table.grow(reply.rows)
        self._row_wanted = None
        if cursor:
            self._target = cursor
        if not reply.rows and reply.complete:
            self._show_message(f"{safe_line(path.name, 60)} has columns, but no rows.")
        if self._filter:
            await self._client.filter(self._filter)
        self._say()
        self._load_row()
        if self._progress is not None:  # it came right behind the reply
            self._progressed(self._progress)
        if not again:
            self.post_message(self.Shown(self, path, reply))

    def _fail(self, path: Path, failure: Failure) -> None:
        line = safe_line(failure.line)
        self._info = None
        said = (failure.cause, failure.remedy)
        self._show_message("\n".join(sentence(text, shown_name(path)) for text in said if text))
        self.query_one("#dataset-name", Static).update(safe_line(path.name, 200))
        self._report(line=failure.cause, remedy=failure.remedy, path=str(path), severity="error")
        self.post_message(self.Failed(self, path, line))

    def _show_message(self, text: str) -> None:
        self.query_one("#dataset-message", Static).update(text)
        self.query_one("#dataset-message").display = True
        self.query_one("#dataset-body").display = False
        for part in ("name", "schema", "status"):
            self.query_one(f"#dataset-{part}", Static).update("")
        self.row.show(None)

    @work(exclusive=True, group="dataset-look", exit_on_error=False)
    async def _look_again(self) -> None:
        if self._info is not None and self.is_on_screen and not await self._client.unchanged():
            self.reload()

    # ---- rows -----------------------------------------------------------------------------------

    def _progressed(self, progress: Progress) -> None:
        """The child has found more."""
        if not self.is_attached:
            return
        self._progress = progress
        if self._info is None:
            return  # `_open` looks at it
        self.table.grow(progress.shown)
        complete = progress.complete and progress.filtered >= 1.0
        if self._target is not None and (complete or self._target < progress.shown):
            target, self._target = self._target, None
            self.table.cursor = min(target, progress.shown - 1)
        elif self._target is not None:
            self._said = "still looking through the file …"
        if self._target is None and self._said.startswith("still"):
            self._said = ""
        for problem in progress.problems:
            self._report_row(problem)
        self._load_row()
        self._say()

    @on(DatasetTable.Wanted)
    def _rows_wanted(self, message: DatasetTable.Wanted) -> None:
        message.stop()
        self._load_rows(message.start, message.count)

    @work(exclusive=True, group="dataset-rows", exit_on_error=False)
    async def _load_rows(self, start: int, count: int) -> None:
        info, filtered = self._info, self._filter
        reply = await self._client.rows(start, count)
        if info is not self._info or filtered != self._filter:
            return
        if isinstance(reply, Failure):
            self._child_failed(reply)
            return
        self.table.put(reply.start, reply.lines)
        self._load_row()

    @on(DatasetTable.Moved)
    def _moved(self, message: DatasetTable.Moved) -> None:
        message.stop()
        self._said = ""
        self._load_row()
        self._say()

    def _load_row(self) -> None:
        """Show the row under the cursor, when it is known and not shown yet."""
        line = self.table.line
        if self._info is None or line is None:
            if self._info is not None and not self.table.total:
                self.row.show(None)
                self._row_wanted = None
            return
        wanted = (line.row, self._info.rows if self._info.complete else -1)
        if wanted != self._row_wanted:
            self._row_wanted = wanted
            self._fetch_row(line.row)

    @work(exclusive=True, group="dataset-row", exit_on_error=False)
    async def _fetch_row(self, number: int) -> None:
        info = self._info
        reply = await self._client.row(number)
        line = self.table.line
        if info is not self._info or line is None or line.row != number:
            return
        if isinstance(reply, RowDetail):
            self.row.show(reply)
        else:
            self._row_wanted = None
            self._child_failed(reply)

    def _child_failed(self, failure: Failure) -> None:
        if failure.code in ("superseded",) or self.path is None:
            return
        if failure.code in ("child_died", "timeout"):
            self._fail(self.path, failure)
        else:
            self._said = safe_line(failure.line)
            self._say()

    # ---- what is said ---------------------------------------------------------------------------

    def _say(self) -> None:
        info = self._info
        if info is None:
            return
        width = max(20, self.size.width - 2)
        self.query_one("#dataset-name", Static).update(name_line(info, self._progress))
        self.query_one("#dataset-schema", Static).update(schema_line(info.schema, width))
        line = self._said or status_line(info, self._progress, self.table.cursor, self.table.total, self._filter)
        self.query_one("#dataset-status", Static).update(line)

    def _report_row(self, problem: RowProblem) -> None:
        self._report(line=problem.line, path=str(self.path), row=problem.row + 1, severity="warning")

    def _report(self, **what: Any) -> None:
        report = getattr(self.app, "report_problem", None)
        if report is not None:
            from vlmtui.ui.problems import Problem

            what["line"] = safe_line(what["line"])
            report(Problem(source="Data set", **what))

    def _clear_problems(self, path: Path) -> None:
        clear = getattr(self.app, "clear_problems", None)
        if clear is not None:
            clear("Data set", str(path))

    # ---- actions --------------------------------------------------------------------------------

    def action_first_row(self) -> None:
        """Go to the first row."""
        self.table.cursor = 0

    def action_last_row(self) -> None:
        """Go to the last row, also when it is not known yet."""
        self._go_to(1 << 62)

    def action_go_to_row(self) -> None:
        """Ask for a number."""
        self._ask("goto")

    def action_find(self) -> None:
        """Ask for a text to look for."""
        self._ask("find")

    def action_filter(self) -> None:
        """Ask for a text that rows must have."""
        self._ask("filter", self._filter)

    def action_find_next(self) -> None:
        """Go to the next row with the text."""
        self._look_for(self.table.cursor + 1)

    def action_find_previous(self) -> None:
        """Go to the row before with the text."""
        self._look_for(self.table.cursor - 1, backward=True)

    def action_other_side(self) -> None:
        """Go from the table to the row, or back."""
        text = self.query_one(RowText)
        to_row = not text.has_focus
        self.set_class(to_row, "-on-row")
        if to_row:
            text.focus()
        else:
            self.table.focus()

    def action_attach_picture(self) -> None:
        """Attach the row's picture to the chat."""
        picture = self.pictures.chosen if self.row.detail is not None and self.row.detail.pictures else None
        if picture is None or not picture.file:
            self.app.notify("This row has no picture that can be attached.", severity="warning", markup=False)
            return
        self.post_message(self.AttachRequested(Path(picture.file), stay=True))

    def action_next_picture(self) -> None:
        """Show the row's next picture."""
        self.pictures.step(1)

    def action_previous_picture(self) -> None:
        """Show the row's picture before."""
        self.pictures.step(-1)

    def action_next_split(self) -> None:
        """Open the next split (train, test, …)."""
        info = self._info
        if info is None or self.path is None or len(info.splits) < 2:
            self.app.notify("This data set has one part only.", markup=False)
            return
        at = info.splits.index(info.split) if info.split in info.splits else -1
        self._open(self.path, info.splits[(at + 1) % len(info.splits)])

    @on(DatasetTable.Chosen)
    def _chosen(self, message: DatasetTable.Chosen) -> None:
        message.stop()
        self.action_other_side()

    def go_to_row(self, row: int) -> None:
        """Go to the row with this number, counted from 1, as soon as it is read."""
        self._go_to(row - 1)

    def _go_to(self, position: int) -> None:
        progress = self._progress
        complete = progress is not None and progress.complete and progress.filtered >= 1.0
        if position < self.table.total or complete:
            self.table.cursor = position
        else:
            self._target = position
            self._said = "still looking through the file …"
            self._say()

    def _ask(self, what: str, value: str = "") -> None:
        if self._info is None:
            return
        self._asking = what
        ask = self.query_one("#dataset-ask", Input)
        ask.border_title = _ASKS[what]
        ask.value = value
        ask.display = True
        ask.focus()

    def _end_asking(self) -> None:
        ask = self.query_one("#dataset-ask", Input)
        self._asking = ""
        if ask.display:
            had_focus = ask.has_focus
            ask.display = False
            if had_focus:
                self.table.focus()

    def on_key(self, event: events.Key) -> None:
        """Esc gives up asking; elsewhere it ends a search, or shows all rows again."""
        if event.key != "escape":
            return
        if self._asking:
            event.stop()
            self._end_asking()
        elif self.has_class("-on-row"):
            event.stop()
            self.action_other_side()
        elif self._found or self._filter:
            event.stop()
            self._found = self.table.found = ""
            self._said = ""
            if self._filter:
                self._set_filter("")
            self._find_worker_stop()
            self._say()

    @on(Input.Submitted, "#dataset-ask")
    def _answered(self, message: Input.Submitted) -> None:
        message.stop()
        what, text = self._asking, message.value.strip()
        self._end_asking()
        if what == "find" and text:
            self._found = text
            _, colon, rest = text.partition(":")
            self.table.found = (rest if colon and rest else text).strip().lower()
            self._look_for(self.table.cursor)
        elif what == "filter":
            self._set_filter(text)
        elif what == "goto" and text:
            digits = text.replace(",", "").replace(".", "")
            if digits.isdecimal() and int(digits[:18]) > 0:
                self._go_to(int(digits[:18]) - 1)
            else:
                self._said = f"{safe_line(text, 40)} is no row number"
                self._say()

    @work(exclusive=True, group="dataset-filter", exit_on_error=False)
    async def _set_filter(self, text: str) -> None:
        self._filter = text
        self._target = None
        self._said = ""
        # Before it is asked for: what the child finds may be here before the answer is.
        self.table.forget()
        self.table.grow(0)
        self._row_wanted = None
        reply = await self._client.filter(text)
        if isinstance(reply, Failure):
            self._child_failed(reply)
        self._say()

    def _find_worker_stop(self) -> None:
        self.workers.cancel_group(self, "dataset-find")

    @work(exclusive=True, group="dataset-find", exit_on_error=False)
    async def _look_for(self, start: int, *, backward: bool = False) -> None:
        if not self._found or self._info is None:
            return
        text = self._found
        self._said = f"looking for {safe_line(text, 40)} …"
        late = self.set_timer(0.3, self._say)
        reply = await self._client.find(text, start, backward=backward)
        late.stop()
        if text != self._found:
            return
        self._said = ""
        if isinstance(reply, Failure):
            self._child_failed(reply)
        elif reply < 0:
            where = "before" if backward else "from here on"
            self._said = f"no row {where} has {safe_line(text, 40)}"
        else:
            self.table.grow(max(self.table.total, reply + 1))
            self.table.cursor = reply
        self._say()
