"""One row as the conversation that it stands for: its pictures above, who says what below, then its other columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.selection import Selection
from textual.visual import Visual
from textual.widget import Widget

from vlmtui.datasets.protocol import RowDetail, TurnText
from vlmtui.media.client import MediaClient
from vlmtui.safetext import safe_line, safe_text
from vlmtui.ui.widgets.dataset_pictures import DatasetPictures
from vlmtui.ui.widgets.lines import Line, LinesVisual

_DIM = "$foreground 60%"
_ROLES = {"user": "bold $text-primary", "assistant": "bold $text-accent", "system": f"bold {_DIM}"}


class TextLines(Widget):
    """Lines of text in one widget."""

    DEFAULT_CSS = "TextLines { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.auto_links = False
        self._visual = LinesVisual([])

    def show(self, lines: Iterable[Line]) -> None:
        """Show these lines; nothing is taken up by none."""
        self._visual = LinesVisual([*lines])
        self.display = bool(self._visual.lines)
        self.refresh(layout=True)

    def render(self) -> Visual:
        """Return the lines."""
        return self._visual

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text."""
        return self._visual.extract(selection), "\n"

    def notify_style_update(self) -> None:
        """Render again with the new theme's colours."""
        for line in self._visual.lines:
            line.forget()
        super().notify_style_update()

    def rows_at(self, width: int) -> int:
        """Return how many rows the text takes."""
        return self._visual.tops(width)[-1]


class RowText(VerticalScroll, can_focus=True):
    """The scrolling part."""


class DatasetRow(Widget):
    """Shows a `RowDetail`."""

    DEFAULT_CSS: ClassVar[str] = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    def __init__(self, media: MediaClient, *, graphics: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._media = media
        self._graphics = graphics
        self.detail: RowDetail | None = None

    def compose(self) -> ComposeResult:
        """Make the parts."""
        yield DatasetPictures(self._media, graphics=self._graphics, id="row-pictures")
        with RowText(id="row-text"):
            yield TextLines(id="row-problems")
            yield TextLines(id="row-turns")
            with Horizontal(id="row-pair"):
                yield TextLines(id="row-chosen")
                yield TextLines(id="row-rejected")
            yield TextLines(id="row-fields")

    def on_mount(self) -> None:
        """Show nothing yet."""
        self.show(None)

    @property
    def pictures(self) -> DatasetPictures:
        """The pictures."""
        return self.query_one(DatasetPictures)

    def show(self, detail: RowDetail | None) -> None:
        """Show another row; None for none."""
        self.detail = detail
        turns = detail.turns if detail is not None else []
        self._lines("problems", _problems(detail))
        self._lines("turns", _said(turn for turn in turns if not turn.branch))
        chosen = _said((turn for turn in turns if turn.branch == "chosen"), "✓ chosen", "bold $text-success")
        rejected = _said((turn for turn in turns if turn.branch == "rejected"), "✗ rejected", "bold $text-error")
        self._lines("chosen", chosen)
        self._lines("rejected", rejected)
        self.query_one("#row-pair").display = bool(chosen or rejected)
        self._lines("fields", _fields(detail))
        self.pictures.display = bool(detail is not None and detail.pictures)
        self.pictures.show(detail.pictures if detail is not None else [])
        self.query_one(RowText).scroll_home(animate=False)

    def _lines(self, part: str, lines: list[Line]) -> None:
        self.query_one(f"#row-{part}", TextLines).show(lines)


def _problems(detail: RowDetail | None) -> list[Line]:
    if detail is None or not detail.problems:
        return []
    mark = Content.styled("! ", "bold $text-error")
    lines = [Line(Content.styled(safe_line(text), "$text-error"), mark, Content("  ")) for text in detail.problems]
    return [*lines, Line()]


def _said(turns: Iterable[TurnText], title: str = "", style: str = "") -> list[Line]:
    lines: list[Line] = []
    for turn in turns:
        role = safe_line(turn.role, 40)
        head = Content.styled(title, style) if title else Content.styled(role.capitalize(), _ROLES.get(role, "bold"))
        if turn.pictures:
            numbers = ", ".join(str(number + 1) for number in turn.pictures)
            noun = "picture" if len(turn.pictures) == 1 else "pictures"
            head = head + Content.styled(f"  ■ {noun} {numbers}", "$accent")
        lines.append(Line(head))
        lines += [Line(Content(part), Content("  "), Content("  ")) for part in safe_text(turn.text).split("\n")]
        lines.append(Line())
    return lines


def _fields(detail: RowDetail | None) -> list[Line]:
    if detail is None or not detail.fields:
        return []
    lines = [Line(Content.styled("Other columns", f"bold {_DIM}"))] if detail.turns else []
    for name, text in detail.fields:
        first, *rest = safe_text(text).split("\n")
        lead = Content.styled(f"  {safe_line(name, 60)}  ", _DIM)
        lines.append(Line(Content(first), lead, Content("    ")))
        lines += [Line(Content(part), Content("    "), Content("    ")) for part in rest]
    return lines
