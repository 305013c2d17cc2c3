"""Files dragged out of the explorer: over the chat they are attached, over the editors they are opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len, set_cell_size
from textual.errors import NoWidget
from textual.geometry import Offset, Region
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.editor_group import EditorGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.explorer import Explorer
    from vlmtui.ui.widgets.listing import Entry

_MOST_OPENED = 12


@dataclass(frozen=True, slots=True)
class _Target:
    """Where files would go: the chat, or a group of editors, or a second group beside it."""

    group: EditorGroup | None
    beside: bool
    region: Region
    words: str


class DropLabel(Static):
    """Says over a part what letting go there does."""

    DEFAULT_CSS: ClassVar[str] = """
    DropLabel {
        layer: drop;
        position: absolute;
        width: auto;
        height: 3;
        padding: 1 2;
        background: $primary;
        color: $text;
        text-wrap: nowrap;
    }
    DropLabel:nocolor { text-style: reverse; }
    """

    def lie_over(self, region: Region, words: str) -> None:
        """Be in the middle of `region`."""
        room = max(1, region.width - 4)
        words = words if cell_len(words) <= room else set_cell_size(words, room - 1) + "…"
        self.update(words)
        self.styles.offset = Offset(
            region.x + max(0, room - cell_len(words)) // 2, region.y + max(0, region.height - 3) // 2
        )


class DragActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about dragged files."""

    _target: _Target | None = None

    async def on_explorer_dragged(self, message: Explorer.Dragged) -> None:
        """Show what letting go would do, and do it."""
        bench = cast("Workbench", self)
        if not bench.complete:
            return
        target = self._target_at(message.x, message.y, message.entries) if message.state != "left" else None
        if message.state == "over":
            await self._show_target(target)
            return
        await self._show_target(None)
        if message.state == "dropped" and target is not None:
            await self._drop(target, message.entries)

    async def _show_target(self, target: _Target | None) -> None:
        if target == self._target:
            return
        self._target = target
        labels = cast("Workbench", self).query(DropLabel)
        if target is None:
            await labels.remove()
            return
        label = next(iter(labels), None)
        if label is None:
            label = DropLabel(markup=False)
            await cast("Workbench", self).mount(label)
        label.lie_over(target.region, target.words)

    def _target_at(self, x: int, y: int, entries: Sequence[Entry]) -> _Target | None:
        bench = cast("Workbench", self)
        try:
            under, _ = bench.get_widget_at(x, y)
        except NoWidget:
            return None
        if isinstance(under, DropLabel):
            return self._target
        around = [under, *under.ancestors]
        what = safe_line(entries[0].name, 40) if len(entries) == 1 else f"{len(entries):,} files"
        if bench.chat_pane in around:
            return _Target(None, False, bench.chat_pane.region, f"Attach {what}")
        group = next((node for node in around if isinstance(node, EditorGroup)), None)
        if group is None or not any(_can_be_opened(entry) for entry in entries):
            return None
        place = group.region
        if not bench.editors.split and group.tabs and x >= place.right - place.width // 3:
            half = Region(place.x + place.width // 2, place.y, place.width - place.width // 2, place.height)
            return _Target(group, True, half, "Open beside")
        return _Target(group, False, place, f"Open {what}")

    async def _drop(self, target: _Target, entries: Sequence[Entry]) -> None:
        bench = cast("Workbench", self)
        if target.group is None:
            cast("Explorer", bench.part("explorer")).attach(entries, stay=False)
            return
        wanted = [entry for entry in entries if _can_be_opened(entry)]
        if len(wanted) > _MOST_OPENED:
            self.notify(f"The first {_MOST_OPENED} of {len(wanted):,} are opened.")
        for number, entry in enumerate(wanted[:_MOST_OPENED]):
            if target.beside and number == 0:
                await bench.editors.open_beside(entry.path, entry.kind)
            else:
                if not target.beside:
                    bench.editors.focus_group(target.group)
                await bench.editors.open(entry.path, entry.kind, pin=True)
        bench.show_part("preview")


def _can_be_opened(entry: Entry) -> bool:
    return entry.kind not in ("folder", "note")
