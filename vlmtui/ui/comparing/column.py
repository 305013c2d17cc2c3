"""One side of a comparison: who answers, the answer as it comes, its figures; afterwards what is different in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content, Span
from textual.message import Message
from textual.widgets import Static

from vlmtui.engine.protocol import Failed, Finished, LoadProgress, Started, Tokens
from vlmtui.safetext import safe_line, safe_text, sentence
from vlmtui.ui.comparing.run import SideEvent
from vlmtui.ui.comparing.side import SideChoice
from vlmtui.ui.session import progress_words

_DIFFERENT = "bold underline $text-warning"


class _Answer(VerticalScroll):
    """The answer; takes the focus for its column."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.choose_side", "Who answers", show=False),
        Binding("a,plus", "screen.add_side", "Add", show=False),
        Binding("x,delete", "screen.remove_side", "Remove", show=False),
        Binding("c,y", "screen.copy_answer", "Copy", show=False),
        Binding("left", "screen.step(-1)", "Before", show=False),
        Binding("right", "screen.step(1)", "Next", show=False),
    ]


class _Head(Static):
    """Who answers; a click chooses another."""

    def on_click(self, event: events.Click) -> None:
        """Say so."""
        event.stop()
        self.post_message(Column.HeadClicked(self.parent))  # type: ignore[arg-type]


class Column(Vertical):
    """A side.

    Attributes:
        side: who answers.
        text: what was answered so far, as it came; made safe where it is shown.
        ended: how it ended; None while it has not, or was not asked.
    """

    class HeadClicked(Message):
        """Another one shall answer in this column."""

        def __init__(self, column: Column) -> None:
            super().__init__()
            self.column = column

    def __init__(self, side: SideChoice) -> None:
        super().__init__()
        self.side = side
        self.text = ""
        self.ended: Finished | Failed | None = None
        self._tokens = 0
        self._head = _Head("", classes="compare-head", markup=False)
        self._body = Static("", classes="compare-text", markup=False)
        self._scroll = _Answer(self._body, classes="compare-answer")
        self._foot = Static("", classes="compare-foot", markup=False)
        self.choose(side)

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._scroll
        yield self._foot

    def on_descendant_focus(self) -> None:
        """The head says which column has the focus."""
        self.add_class("-focused")

    def on_descendant_blur(self) -> None:
        """No more."""
        self.remove_class("-focused")

    @property
    def answer(self) -> VerticalScroll:
        """What takes the focus for this column."""
        return self._scroll

    def choose(self, side: SideChoice) -> None:
        """Let `side` answer here from now on."""
        self.side = side
        lines: list[Content | tuple[str, str]] = [(side.name, "bold")]
        if side.system:
            lines.append((f"  told: {safe_line(side.system, 200)}", "$text-muted"))
        self._head.update(Content.assemble(*lines))
        self.clear("not asked yet")

    def clear(self, words: str) -> None:
        """Forget the answer; say `words` in place of its figures."""
        self.text, self.ended, self._tokens = "", None, 0
        self._body.update("")
        self._say(words)

    def receive(self, event: SideEvent) -> None:
        """Show what this side says."""
        match event:
            case LoadProgress():
                self._say(f"loading: {progress_words(event)}")
            case Started():
                self._say(f"reading {event.prompt_tokens:,} tokens")
            case Tokens():
                at_end = self._scroll.scroll_offset.y >= self._scroll.max_scroll_y
                self.text += event.text
                self._tokens += event.count
                self._body.update(Content(safe_text(self.text).strip()))
                if at_end:
                    self._scroll.scroll_end(animate=False)
                self._say(f"{self._tokens} tokens")
            case Finished():
                self.ended = event
                self._say(_figures(event))
            case Failed():
                self.ended = event
                if not self.text:
                    self._body.update(Content(f"{sentence(event.cause)} {sentence(event.remedy)}"))
                self._say("failed", failed=True)

    def mark(self, spans: Sequence[tuple[int, int]]) -> None:
        """Mark these parts of the answer, begin and end in `shown`."""
        marks = [Span(begin, end, _DIFFERENT) for begin, end in spans]
        self._body.update(Content(self.shown, spans=marks))

    @property
    def shown(self) -> str:
        """The answer as it is on the screen."""
        return safe_text(self.text).strip()

    def _say(self, words: str, *, failed: bool = False) -> None:
        self._foot.update(words)
        self._foot.set_class(failed, "-failed")


def _figures(event: Finished) -> str:
    """Return what an answer took, in one line."""
    count = event.completion_tokens
    pieces = [f"{count} token" + ("s" if count != 1 else "")]
    if event.tokens_per_s:
        pieces.append(f"{event.tokens_per_s:.1f}/s")
    if event.ttft_s:
        pieces.append(f"first {event.ttft_s:.2f} s")
    if event.reason != "end":
        pieces.append("stopped" if event.reason == "stopped" else "cut at the longest answer")
    return " · ".join(pieces)
