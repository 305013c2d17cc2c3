"""The dry run's page: rows, tokens, memory, and the label inspector, which goes through the examples."""

from __future__ import annotations

from time import monotonic
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from vlmtui.paths import log_directory
from vlmtui.safetext import safe_line
from vlmtui.training.checking import Checker
from vlmtui.training.recipe import Recipe

_KEYS = "Left, Right example · Tab stage · F5 measure a step · Ctrl+R start · Esc"
_EVERY_S = 0.5


class DryRun(ModalScreen[bool]):
    """Shows what the recipe would do; returns whether to start it."""

    CSS_PATH = "../screens/dialogs.tcss"
    DEFAULT_CSS: ClassVar[str] = """
    DryRun .dialog { width: 112; height: 96%; }
    DryRun #dry-report { height: 1fr; scrollbar-size-vertical: 1; scrollbar-background: $surface; }
    DryRun #dry-measured { height: auto; color: $text-accent; }
    DryRun #dry-labels-title { height: 1; color: $text-muted; text-style: bold; }
    DryRun #dry-labels { height: auto; max-height: 8; overflow-y: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, priority=True),
        Binding("left", "step(-1)", "Example before", show=False, priority=True),
        Binding("right", "step(1)", "Next example", show=False, priority=True),
        Binding("tab", "stage", "Next stage", show=False, priority=True),
        Binding("up", "scroll('up')", "Up", show=False, priority=True),
        Binding("down", "scroll('down')", "Down", show=False, priority=True),
        Binding("pageup", "scroll('page_up')", "Page up", show=False, priority=True),
        Binding("pagedown", "scroll('page_down')", "Page down", show=False, priority=True),
        Binding("f5", "probe", "Measure", show=False, priority=True),
        Binding("ctrl+r", "start", "Start", show=False, priority=True),
    ]

    def __init__(self, checker: Checker, recipe: Recipe, device: str) -> None:
        super().__init__(id="dry-run")
        self._checker, self._recipe, self._device = checker, recipe, device
        self.report: dict[str, Any] = {}
        """What was found; empty until it is there."""
        self._began = monotonic()
        self._stage = self._number = 0
        self._probe: Checker | None = None
        self._measured = Static("", id="dry-measured", markup=False)
        self._text = Static("", markup=False)
        self._title = Static("", id="dry-labels-title", markup=False)
        self._labels = Static("", id="dry-labels", markup=False)

    def compose(self) -> ComposeResult:
        """Make the page."""
        with Vertical(classes="dialog"):
            yield Static("Dry run", classes="dialog-title")
            with VerticalScroll(id="dry-report", can_focus=False):
                yield self._text
            yield self._measured
            yield self._title
            yield self._labels
            yield Static(_KEYS, classes="dialog-keys")

    def on_mount(self) -> None:
        """Begin to look."""
        self._clock = self.set_interval(_EVERY_S, self._wait)
        self._wait()
        self._examine()

    def _wait(self) -> None:
        self._text.update(f"Reading the rows and measuring examples… {monotonic() - self._began:.0f} s (Esc stops)")

    @work(exclusive=True, group="dry-run", exit_on_error=False)
    async def _examine(self) -> None:
        reply = await self._checker.ask("examine", self._recipe, self._device)
        self._clock.stop()
        if reply.cause:
            lines = safe_line(reply.cause, 500) + (f"\nDo: {safe_line(reply.remedy, 500)}" if reply.remedy else "")
            self._text.update(Content.styled(lines, "$text-error"))
            return
        self.report = reply.found
        self._text.update("\n".join(_indented(line) for line in self.report["lines"]))
        self._show_labels(self.report["stages"][0]["labels"] | {"of": self.report["stages"][0]["train"]})

    # ---- the label inspector ----

    def _show_labels(self, found: dict[str, Any]) -> None:
        stage = self.report["stages"][self._stage]
        self._title.update(
            f"LABELS  {stage['method'].upper()} example {self._number + 1} of {found['of']}, row {found['row']}: "
            f"{found['learned']} of {found['tokens']} tokens carry loss, {found['image_labels']} of them image"
        )
        pieces: list[tuple[str, str]] = []
        for number, piece in enumerate(found["shown"].replace("⟧", "⟦").split("⟦")):
            learned = number % 2
            text = safe_line(piece, 2000)
            pieces.append((f"⟦{text}⟧" if learned else text, "bold reverse" if learned else "$foreground 70%"))
        self._labels.update(Content.assemble(*pieces))

    @work(exclusive=True, group="dry-run", exit_on_error=False)
    async def _look(self) -> None:
        reply = await self._checker.ask(
            "label", self._recipe, self._device, stage=self._stage, number=self._number
        )  # fmt: skip
        if reply.cause:
            self._labels.update(Content.styled(safe_line(reply.cause, 300), "$text-error"))
        else:
            self._show_labels(reply.found)

    def action_step(self, by: int) -> None:
        """Show another example."""
        if self.report:
            self._number = (self._number + by) % self.report["stages"][self._stage]["train"]
            self._look()

    def action_stage(self) -> None:
        """Show the examples of the other stage."""
        if self.report:
            self._stage, self._number = (self._stage + 1) % len(self.report["stages"]), 0
            self._look()

    def action_scroll(self, way: str) -> None:
        """Scroll the report."""
        getattr(self.query_one(VerticalScroll), f"scroll_{way}")(animate=False)

    # ---- a real step ----

    def action_probe(self) -> None:
        """Measure one step on the longest examples, in a process that ends with it."""
        if self.report and self._probe is None:
            self._measure()

    @work(exclusive=True, group="probe", exit_on_error=False)
    async def _measure(self) -> None:
        self._measured.update("Measuring one step on the longest examples…")
        self._probe = Checker(log_directory() / "training.log")
        try:
            reply = await self._probe.ask("probe", self._recipe, self._device)
        finally:
            await self._probe.close()
            self._probe = None
        text = reply.found.get("line", "") if not reply.cause else f"not measured: {reply.cause}; {reply.remedy}"
        self._measured.update(safe_line(text[:1].upper() + text[1:], 300))

    async def on_unmount(self) -> None:
        if self._probe is not None:
            await self._probe.close()

    # ---- leaving ----

    def action_start(self) -> None:
        """Start it, where it can run."""
        if self.report and not self.report["can_run"]:
            self.notify("Rows cannot be used: correct them, or set bad_rows: skip.", severity="warning")
        elif self.report:
            self.dismiss(True)

    async def action_back(self) -> None:
        """Leave; what is still being looked at is given up."""
        if not self.report:
            await self._checker.close()
        self.dismiss(False)


def _indented(line: str) -> str:
    text = line.lstrip(" ")
    return " " * (len(line) - len(text)) + safe_line(text, 400)
