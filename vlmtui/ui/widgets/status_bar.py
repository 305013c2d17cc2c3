"""The status bar: which model, where it runs, what it is doing, how fast, and how full its context is."""

from __future__ import annotations

from pathlib import Path

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from vlmtui.safetext import safe_line
from vlmtui.ui.engine_state import EngineState

_SIGNS = {
    "off": "○",
    "starting": "○",
    "loading": "○",
    "ready": "●",
    "reading": "●",
    "answering": "●",
    "stopping": "●",
    "failed": "▲",
}


class StatusBar(Widget):
    """One line; what does not fit is left out from the least important on. A click on the model chooses another."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    state: reactive[EngineState] = reactive(EngineState(), layout=False)
    problems: reactive[int] = reactive(0, layout=False)

    def watch_state(self, state: EngineState) -> None:
        self.set_class(state.phase == "failed", "-failed")

    def render(self) -> Content:
        """Lay the segments out for the width there is."""
        left, right = segments(self.state)
        if self.problems:
            right.append(f"▲ {self.problems:,} problem{'s' * (self.problems != 1)}")
        width = self.size.width
        gap = "  "
        while right and len(gap.join((*left, *right))) + 3 > width:
            right.pop(0)
        while len(left) > 2 and len(gap.join(left)) + 2 > width:
            left.pop(2)
        choose = Style.from_meta({"@click": "screen.choose_model"})
        text = " " + gap.join(left)
        tail = gap.join(right) + " " if right else ""
        text = text.ljust(width - len(tail)) + tail
        content = Content(text)
        return content.stylize(choose, 1, 1 + len(left[0])) if len(left[0]) + 1 <= width else content


def segments(state: EngineState) -> tuple[list[str], list[str]]:
    """Return the segments at the left, most important first, and at the right, least important first."""
    model = safe_line(state.model, 40) or "no model"
    left = [model, f"{_SIGNS[state.phase]} {state.words}"]
    if state.device:
        left.append(f"{state.device} {state.dtype}")
    if state.base:
        left.append("base model")
    right: list[str] = []
    if state.context_total:
        right.append(f"context {state.context_used:,}/{state.context_total:,}")
    if state.ttft_s > 0:
        right.append(f"first token {_seconds(state.ttft_s)}")
    if state.tokens_per_s > 0:
        right.append(f"{state.tokens_per_s:.{0 if state.tokens_per_s >= 10 else 1}f} tokens/s")
    return left, right


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
