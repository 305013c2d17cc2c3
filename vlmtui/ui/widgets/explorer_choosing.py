"""Which entries the explorer lists and in which order, and which of them are selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vlmtui.ui.widgets.explorer_moving import ExplorerMoving
from vlmtui.ui.widgets.listing import Order

if TYPE_CHECKING:
    from vlmtui.ui.widgets.name_input import FilterInput


class ExplorerChoosing(ExplorerMoving, can_focus=False):
    """The part of `Explorer` that filters, sorts and selects."""

    def action_filter(self) -> None:
        """Ask for letters; the rows follow what is typed."""
        self._filtering = self._filter.display = True
        self.screen.set_focus(self._filter)

    def on_filter_input_typed(self, event: FilterInput.Typed) -> None:
        """Show what has these letters."""
        event.stop()
        if event.letters != self.files.filter:
            self.files.filter = event.letters
            self._show_rows()

    def on_filter_input_done(self, event: FilterInput.Done) -> None:
        """Leave the filter as it is."""
        event.stop()
        self._leave_filter()

    def _leave_filter(self) -> None:
        if self._filter.has_focus:
            self.screen.set_focus(self)
        self._filtering = self._filter.display = False
        self._say()

    def _filter_by(self, letters: str) -> None:
        self.files.filter = letters
        if self._filtering or letters:
            self._filter.value = letters

    def action_back(self) -> None:
        """Drop what is dragged; else clear the filter; if there is none, what is selected."""
        if self.view.dragging:
            self.view.end_drag()
        elif self._filtering or self.files.filter:
            self._filter.value = self.files.filter = ""
            self._leave_filter()
            self._show_rows()
        elif len(self.marks):
            self.action_clear_marks()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let Esc through to others when there is nothing to clear here."""
        if action == "back":
            return self.view.dragging or self._filtering or bool(self.files.filter) or bool(len(self.marks))
        return True

    def action_sort(self) -> None:
        """Sort in the next way."""
        self._sort(self.order.next())

    def action_reverse(self) -> None:
        """Sort the other way round."""
        self._sort(Order(self.order.by, not self.order.backward))

    def _sort(self, order: Order) -> None:
        self.order = order
        self.action_refresh_folders()

    def action_toggle_hidden(self) -> None:
        self.hidden = not self.hidden
        self.action_refresh_folders()

    def action_refresh_folders(self) -> None:
        """Read all folders that are open."""
        for folder in self.files.opened():
            self._read(folder)

    def action_mark(self) -> None:
        """Select the entry under the cursor, or no longer, and go on to the next."""
        if self.selected is not None:
            self.marks.toggle(self.selected)
            anchor = self.selected
            self._step(1, 0)
            self.marks.settle(anchor)
            self._marks_changed()

    def action_mark_to(self) -> None:
        """Select from the last place that was selected up to the cursor."""
        if self.rows:
            self.marks.extend_from_last(self.rows, self.cursor)
            self._marks_changed()

    def action_mark_all(self) -> None:
        """Select all files that are listed, and no folders."""
        self.marks.mark_all(row for row in self.rows if row.kind != "folder")
        self._marks_changed()

    def action_clear_marks(self) -> None:
        """Select nothing."""
        self.marks.clear()
        self._marks_changed()
