"""Searching the folder: the names of its files, what is in those that hold text, and the conversations kept of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input, Static

from vlmtui.finding.client import FileSearch
from vlmtui.finding.protocol import Place, Search, Searched
from vlmtui.safetext import safe_line
from vlmtui.ui.actions import bindings
from vlmtui.ui.widgets.search_results import Chat, Group, SearchResults

_REST_S = 0.2
"""So long nothing is typed before the search begins."""
_SIGNS = (("case", "Aa", "Capitals count"), ("whole", "ab", "Whole words"), ("regex", ".*", "Regular expression"))
_HELP = "Names and contents of the folder's files, and its conversations."


class SearchOptions(Static):
    """How the text is understood: three signs that are clicked; those that are on stand out."""

    ALLOW_SELECT: ClassVar[bool] = False

    class Toggled(Message):
        """A sign was clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def show(self, search: Search) -> None:
        """Show which are on."""
        pieces: list[Content | str] = []
        for name, sign, title in _SIGNS:
            style = "bold $foreground on $primary" if getattr(search, name) else "$text-muted"
            text = Content.styled(f" {sign} ", style)
            pieces += [text.stylize(Style.from_meta({"option": name, "title": title})), " "]
        self.update(Content.assemble(*pieces))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say what it stands for."""
        self.tooltip = event.style.meta.get("title")

    def on_click(self, event: events.Click) -> None:
        """Turn it on or off."""
        if name := event.style.meta.get("option"):
            self.post_message(self.Toggled(name))


class SearchView(Vertical):
    """A field, what it found, and a line that says how much that is."""

    DEFAULT_CSS: ClassVar[str] = """
    SearchView {
        height: 1fr; width: 1fr;
        & > Input { margin: 0 1; background: $panel; }
        & > SearchOptions { height: 1; padding: 0 1; }
        & > #search-says { height: auto; max-height: 3; padding: 0 1; color: $text-muted; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("search")]

    search: reactive[Search] = reactive(Search(""), init=False)

    class OpenRequested(Message):
        """A file shall be shown, at a place in it; with `pin` its tab stays, and it takes the focus."""

        def __init__(self, path: str, line: int, row: int, *, pin: bool) -> None:
            super().__init__()
            self.path = path
            self.line = line
            self.row = row
            self.pin = pin

    class ChatRequested(Message):
        """A conversation shall be shown."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._folder = Path()
        self._chats: Callable[[str], list[Chat]] = lambda words: []
        self._child: FileSearch | None = None

    def compose(self) -> ComposeResult:
        yield Input(placeholder="Search", compact=True, id="search-field")
        yield SearchOptions()
        yield SearchResults(id="search-results")
        yield Static(_HELP, id="search-says", markup=False)

    def on_mount(self) -> None:
        self.query_one(SearchOptions).show(self.search)

    async def on_unmount(self) -> None:
        if self._child is not None:
            await self._child.close()

    def look_in(self, folder: Path, chats: Callable[[str], list[Chat]]) -> None:
        """Search `folder`, and the conversations that `chats` returns for some words."""
        self._folder, self._chats = folder, chats

    @property
    def focus_target(self) -> Widget:
        """What takes the focus when the view does: what was found, else the field."""
        results = self.query_one(SearchResults)
        return results if results.rows else self.query_one(Input)

    def action_type(self) -> None:
        """Go to the field."""
        field = self.query_one(Input)
        field.select_all()
        self.screen.set_focus(field)

    # ---- searching ----

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        self._change(text=message.value)

    @on(SearchOptions.Toggled)
    def _toggled(self, message: SearchOptions.Toggled) -> None:
        message.stop()
        self.action_turn(message.name)

    def action_turn(self, option: str) -> None:
        """Turn an option on or off."""
        self._change(**{option: not getattr(self.search, option)})

    def _change(self, **changes: object) -> None:
        now = self.search
        values = {name: getattr(now, name) for name in ("text", "case", "whole", "regex")}
        self.search = Search(**{**values, **changes})

    def watch_search(self, search: Search) -> None:
        """Search anew."""
        self.query_one(SearchOptions).show(search)
        self._find(search)

    @work(exclusive=True, group="search", exit_on_error=False)
    async def _find(self, search: Search) -> None:
        before, self._child = self._child, None
        if before is not None:
            await before.close()
        if search.text.strip():
            await asyncio.sleep(_REST_S)
        results = self.query_one(SearchResults)
        results.clear()
        if not search.text.strip():
            self._say(_HELP)
            return
        if not search.regex:
            self._add_chats(search.text)
        self._say("Searching…")
        self._child = FileSearch(self._folder, search, lambda searched: self._found(search, searched))
        try:
            problem = await self._child.run()
        except OSError as error:
            problem = error.strerror or str(error)
        if problem and search is self.search and self.is_attached:
            self._say(safe_line(f"The search ended: {problem}. Change the text to try again.", 300))

    def _add_chats(self, words: str) -> None:
        chats = self._chats(words)
        if chats:
            self.query_one(SearchResults).add([Group(chats=chats)])

    def _found(self, search: Search, searched: Searched) -> None:
        if search is not self.search or not self.is_attached:
            return
        results = self.query_one(SearchResults)
        results.add([Group(found) for found in searched.found])
        wrong = f"No regular expression: {safe_line(searched.wrong, 100)}." if searched.wrong else ""
        self._say(wrong or self._sum(searched))

    def _sum(self, searched: Searched) -> str:
        groups = self.query_one(SearchResults).groups
        files = [group.found for group in groups if group.found is not None]
        places = sum(len(found.places) for found in files)
        chats = sum(len(group.chats) for group in groups)
        looked = f"{searched.files:,} file{'s' * (searched.files != 1)}"
        parts = [f"{len(files):,} file{'s' * (len(files) != 1)}"] if files else []
        if places:
            parts.insert(0, f"{places:,} place{'s' * (places != 1)}")
        if chats:
            parts.append(f"{chats:,} conversation{'s' * (chats != 1)}")
        line = " · ".join(parts)
        if not searched.done:
            return f"{line or 'Nothing yet'} · {looked} searched…"
        if not parts:
            line = f"Nothing in {looked}"
        if searched.full:
            line += "; there is more: search for more letters"
        if searched.unread:
            line += f"; {searched.unread:,} could not be read"
        return f"{line}."

    def _say(self, line: str) -> None:
        self.query_one("#search-says", Static).update(line)

    # ---- between the field and what was found ----

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        message.stop()
        self._to_results()

    def on_key(self, event: events.Key) -> None:
        """From the field, Down goes to what was found."""
        if event.key == "down" and self.query_one(Input).has_focus:
            event.stop()
            self._to_results()

    def _to_results(self) -> None:
        results = self.query_one(SearchResults)
        if results.rows:
            self.screen.set_focus(results)
            results.action_move(0)

    @on(SearchResults.LeftAtTop)
    def _left_at_top(self, message: SearchResults.LeftAtTop) -> None:
        message.stop()
        self.action_type()

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self.query_one(SearchResults).action_open()

    def action_fold_all(self) -> None:
        """Fold all files, or unfold them."""
        self.query_one(SearchResults).fold_all()

    @on(SearchResults.Chosen)
    def _chosen(self, message: SearchResults.Chosen) -> None:
        message.stop()
        place = message.place
        if isinstance(place, Chat):
            if message.opened:
                self.post_message(self.ChatRequested(place.id))
        elif message.group.found is not None:
            line, row = (place.line, place.row) if isinstance(place, Place) else (0, 0)
            path = os.fsdecode(message.group.found.path)
            self.post_message(self.OpenRequested(path, line, row, pin=message.opened))
