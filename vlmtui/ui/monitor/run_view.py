"""A run's page, as an editor tab: how it stands, its curves, answers, log and recipe; the same alone in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from vlmtui.monitor.protocol import Details, Drawn, Failure, RunRow
from vlmtui.safetext import safe_line, safe_text
from vlmtui.ui.actions import bindings
from vlmtui.ui.monitor.answers import answers_text
from vlmtui.ui.monitor.comparison import ALONE, comparison_text
from vlmtui.ui.monitor.controls import RunControls
from vlmtui.ui.monitor.curves import CurvesView, Shown
from vlmtui.ui.monitor.words import head, page
from vlmtui.ui.widgets.output_log import OutputLog

PAGES = ("curves", "state", "answers", "log", "recipe", "compare")
_EVERY_S = 1.0
_TALL = 34
"""From so many lines on, the end of the log stands below the curves."""


class PageTabs(Widget):
    """The names of the pages; a click goes there."""

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS: ClassVar[str] = "PageTabs { height: 1; width: 1fr; background: $surface; color: $text-muted; }"
    page: reactive[str] = reactive("curves", layout=False)

    class Chosen(Message):
        """A page's name was clicked."""

        def __init__(self, page: str) -> None:
            super().__init__()
            self.page = page

    def render(self) -> Content:
        """Lay the names out, each with its key; where there is little room, beginnings of names, or the keys alone."""
        pieces: list[Content | str] = [" "]
        room = (self.size.width - 5 - len(self.page)) // (len(PAGES) - 1) - 4
        letters = 99 if sum(len(name) + 4 for name in PAGES) < self.size.width else room if room > 1 else 0
        for number, name in enumerate(PAGES, start=1):
            shown = name.capitalize() if name == self.page else name.capitalize()[:letters]
            text = Content(f" {number} {shown}".rstrip() + " ").stylize(Style.from_meta({"page": name}))
            pieces.append(text.stylize("bold $foreground on $background") if name == self.page else text)
        return Content.assemble(*pieces)

    def on_click(self, event: events.Click) -> None:
        """Go to the page."""
        name = event.style.meta.get("page")
        if name:
            self.post_message(self.Chosen(name))


class RunView(RunControls, Vertical):
    """Shows the run that `path` names. It looks once a second while it is on show."""

    can_focus = True
    DEFAULT_CSS: ClassVar[str] = """
    RunView {
        height: 1fr; width: 1fr; background: $background;
        & > #run-head { height: auto; max-height: 7; width: 1fr; }
        & > #run-legend { height: 1; width: 1fr; color: $foreground 60%; padding: 0 1; }
        & > #run-text { height: 1fr; scrollbar-size-vertical: 1; }
        & > #run-text > Static { height: auto; width: 1fr; }
        & > #run-text.-above { height: auto; max-height: 60%; border-bottom: solid $panel; }
        & > #run-log { height: 1fr; }
        & > #run-log.-below { height: 6; border-top: solid $panel; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("run")]

    path: reactive[Path | None] = reactive(None, layout=False, init=False)
    processor: reactive[Any] = reactive(None, layout=False)
    """What a viewer has; a run costs no image tokens."""

    def __init__(self, media: Any = None, *, graphics: str = "auto", id: str | None = None) -> None:
        """Args: as all viewers; a run shows no pictures."""
        super().__init__(id=id)
        self.page = "curves"
        self.details: Details | None = None
        self.curves = CurvesView(id="run-curves")
        self._head = Static(id="run-head", markup=False)
        self._tabs = PageTabs()
        self._legend = Static(id="run-legend", markup=False)
        self._text = Static(id="run-page", markup=False)
        self._scroll = VerticalScroll(self._text, id="run-text")
        self._log = OutputLog(every_s=_EVERY_S, id="run-log")
        self._said: dict[Static, Content] = {}
        self._timer: Timer | None = None
        self._looking = self._drawing = self._again = False

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._tabs
        yield self._scroll
        yield self.curves
        yield self._legend
        yield self._log

    def on_mount(self) -> None:
        """Look from now on."""
        self.feed.listen(self._runs_changed)
        self._timer = self.set_interval(_EVERY_S, self._look)
        self._arrange()
        self._look()

    def on_unmount(self) -> None:
        self.feed.leave(self._runs_changed)

    def on_show(self) -> None:
        """Go on looking."""
        if self._timer is not None:
            self._timer.resume()
            self._look()

    def on_hide(self) -> None:
        """Nobody looks."""
        if self._timer is not None:
            self._timer.pause()

    def on_resize(self) -> None:
        self._arrange()
        self._show_head()

    def on_focus(self) -> None:
        """The page on show takes the focus."""
        self.screen.set_focus(self.focus_target)

    @property
    def focus_target(self) -> Widget:
        """What takes the focus."""
        if self.page == "curves":
            return self.curves
        return self._log.query_one("OutputLines") if self.page == "log" else self._scroll

    @property
    def chosen(self) -> RunRow | None:
        return self.details.row if self.details is not None else None

    # ---- what is shown ----

    def watch_path(self, path: Path | None) -> None:
        """Show another run."""
        self.details = None
        self.curves.show([], ["step"])
        self._say(self._head, Content(""))
        self._text.update("")
        self._log.follow({})
        self._look()

    def _arrange(self) -> None:
        """Show the page, and the end of the log below the curves where there is room."""
        curves, log, compared = self.page == "curves", self.page == "log", self.page == "compare"
        below = curves and self.size.height >= _TALL and bool(self.details is None or self.details.log)
        self.curves.display = self._legend.display = curves or compared
        self._scroll.display = not curves and not log
        self._scroll.set_class(compared, "-above")
        self._head.display = not compared  # it is one run's
        self._log.display = log or below
        self._log.set_class(below, "-below")
        self._tabs.page = self.page

    def action_page(self, name: str) -> None:
        """Go to a page."""
        if name == self.page:
            return
        inside = self.has_focus_within
        self.page = name
        self._arrange()
        if inside:
            self.screen.set_focus(self.focus_target)
        self._scroll.scroll_home(animate=False)
        self._look()

    def on_page_tabs_chosen(self, message: PageTabs.Chosen) -> None:
        """A page's name was clicked."""
        message.stop()
        self.action_page(message.page)
        self.screen.set_focus(self.focus_target)

    def action_curves(self, name: str, by: int | None = None) -> None:
        """Run an action of the plots."""
        if not self.curves.display:
            self.action_page("curves")
        getattr(self.curves, f"action_{name}")(*(() if by is None else (by,)))

    def _show_head(self) -> None:
        if self.details is not None:
            lines = head(self.details, self.feed.machine, max(1, self.size.width - 1))
            most = 7 if self.size.height >= 30 else 4 if self.size.height >= 18 else 2
            self._say(self._head, Content("\n").join(lines[:most]))
            self._say(self._legend, self._legend_text())

    def _say(self, line: Static, content: Content) -> None:
        """Show `content`, each second: laying out anew costs more than all else, so only where its height changes."""
        before = self._said.get(line)
        if before is None or (before.plain, before.spans) != (content.plain, content.spans):
            self._said[line] = content
            line.update(content, layout=before is None or before.plain.count("\n") != content.plain.count("\n"))

    def _legend_text(self) -> Content:
        runs = self.curves.runs
        names = [f"{chr(97 + number)} {safe_line(run.title, 24)}" for number, run in enumerate(runs)]
        return Content(" · ".join([*(names if len(runs) > 1 else ()), self.curves.legend()]))

    def action_export(self) -> None:
        """Ask for a file, and write the chosen plot's curves to it."""
        from vlmtui.ui.screens.ask_text import AskText

        if not self.curves.plots:
            self.app.notify("There is no curve yet.", markup=False)
            return
        name = self.curves.plots[self.curves.chosen].replace("/", "-")
        self.app.push_screen(AskText("Export to .csv (all points), .svg or .png", f"{name}.svg"), self._export)

    def _export(self, name: str | None) -> None:
        if name:
            folder = getattr(self.app, "directory", Path.cwd())
            self.run_worker(self._exported(folder / Path(name).expanduser()), group="export", exit_on_error=False)

    async def _exported(self, file: Path) -> None:
        request = self.curves.request()
        curves = self.curves.curves_of_chosen()
        done = await self.feed.client.export(
            file, curves, axis=request.axis, low=request.low, high=request.high, log_x=request.log,
            log_y=self.curves.log_y, smoothing=request.smoothing,
        )  # fmt: skip
        if isinstance(done, Failure):
            self.app.notify(safe_line(done.line, 300), title="Export", severity="warning", markup=False)
        else:
            self.app.notify(safe_line(f"Written: {file}", 300), markup=False)

    # ---- looking ----

    def _runs_changed(self) -> None:
        """Another run may be laid over this one; the head has newer figures of the computer."""
        if self.is_mounted and self._wanted_runs() != [run.path for run in self.curves.runs]:
            self._look()

    def _wanted_runs(self) -> list[str]:
        others = self.feed.pinned
        if self.page == "compare" and not others and self.details is not None and self.details.cloned_from:
            others = [self.details.cloned_from]  # a clone beside what it was made from
        return list(dict.fromkeys([str(self.path), *others]))

    def _look(self) -> None:
        if self.path is not None and self.is_mounted and not self._looking:
            self._looking = True
            self.run_worker(self._look_once(), group="run-look", exit_on_error=False)

    async def _look_once(self) -> None:
        try:
            path = self.path
            details = await self.feed.client.look(str(path))
            if path != self.path:
                return
            if isinstance(details, Failure):
                self._say(self._head, Content.styled(f" {safe_line(details.line, 300)}", "$text-error"))
                return
            first, self.details = self.details is None, details
            if first:
                self._log.follow({"log": Path(details.log)} if details.log else {})
                self._arrange()
            if first or not self.curves.up_to_date or self.page not in ("curves", "compare"):
                self._show_head()  # else together with the curves: each change of the screen costs something
            if self.page == "compare":
                await self._show_comparison()
            if self.page in ("curves", "compare"):
                await self._show_curves(details)
            elif self.page == "answers":
                await self._show_answers()
            elif self.page != "log":
                self._show_text(details)
        finally:
            self._looking = False

    async def _show_curves(self, details: Details) -> None:
        shown = [Shown(str(self.path), details.row.title, frozenset(details.metrics))]
        for path in self._wanted_runs()[1:]:
            other = await self.feed.client.look(path)
            if isinstance(other, Details):
                shown.append(Shown(path, other.row.title, frozenset(other.metrics)))
        self.curves.show(shown, details.axes)
        self._draw()

    async def _show_comparison(self) -> None:
        runs = self._wanted_runs()
        if len(runs) < 2:
            self._text.update(f" {ALONE}")
            return
        comparison = await self.feed.client.compare(runs)
        if self.page != "compare":
            return
        if isinstance(comparison, Failure):
            self._text.update(Content.styled(f" {safe_line(comparison.line, 300)}", "$text-error"))
        else:
            self._text.update(comparison_text(comparison, max(20, self._scroll.size.width - 1)))

    async def _show_answers(self) -> None:
        examples = await self.feed.client.answers(str(self.path))
        if self.page == "answers" and not isinstance(examples, Failure):
            self._text.update(answers_text(examples, self.size.width))

    def _show_text(self, details: Details) -> None:
        if self.page == "state":
            self._text.update(page(details, self.feed.machine))
        else:
            self._text.update(Content(safe_text(details.recipe) or " The run has left no recipe."))

    def on_curves_view_wanted(self, message: CurvesView.Wanted) -> None:
        """Other curves are to be drawn."""
        message.stop()
        self._draw()

    def _draw(self) -> None:
        if self._drawing:
            self._again = True
        elif self.curves.request().wanted:
            self._drawing = True
            self.run_worker(self._draw_once(), group="run-draw", exit_on_error=False)

    async def _draw_once(self) -> None:
        try:
            self._again = True
            while self._again:
                self._again = False
                request = self.curves.request()
                drawn = await self.feed.client.draw(
                    request.wanted, axis=request.axis, low=request.low, high=request.high, log=request.log,
                    smoothing=request.smoothing,
                )  # fmt: skip
                if isinstance(drawn, Drawn):
                    self.curves.take(request, drawn)
                    self._show_head()
        finally:
            self._drawing = False
