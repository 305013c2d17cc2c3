"""The command palette's content: every action, with its key; those used last come first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from vlmtui.ui.actions import ACTIONS, Action, key_name, keys_of

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp

_WIDTH = 52
_ELSEWHERE = {
    "search": "while the search is on show",
    "models": "while the models are on show",
    "preview": "while a picture is open",
    "video": "while a video is open",
    "dataset": "while a data set is open",
    "problems": "in the list of problems",
    "output": "in the output",
    "training": "in the list of runs",
    "jobs": "in the panel's view of trainings",
    "run": "while a run is open",
    "batch": "in the panel's view of a batch",
}


class ActionCommands(Provider):
    """Offers the table of actions: also those without a key, and those of what is not open, which say so."""

    async def startup(self) -> None:
        """Find out which commands were used last."""
        from asyncio import to_thread

        from vlmtui.recently_used import COMMANDS, recently_used

        used = {name: place for place, name in enumerate(await to_thread(recently_used, COMMANDS))}
        self._place = used
        self._actions = sorted(ACTIONS, key=lambda action: used.get(action.id, len(used)))

    async def discover(self) -> Hits:
        """Offer every action, before anything is typed."""
        for action in self._actions:
            yield DiscoveryHit(
                self._line(action.title, action), self._run(action), text=action.title, help=self._help(action)
            )

    async def search(self, query: str) -> Hits:
        """Offer what matches `query`, in title, help or id."""
        matcher = self.matcher(query)
        for action in self._actions:
            found = matcher.match(action.title) or max(matcher.match(action.help), matcher.match(action.id)) / 2
            if found > 0:
                score = _score(found, query, action.title)
                lately = 0.1 / (1 + self._place[action.id]) if action.id in self._place else 0.0
                line = self._line(matcher.highlight(action.title), action)
                run, text = self._run(action), action.title
                yield Hit(score * (0.9 + lately), line, run, text=text, help=self._help(action))

    def _run(self, action: Action) -> partial[None]:
        return partial(self._choose, action.id)

    def _choose(self, action_id: str) -> None:
        from vlmtui.recently_used import COMMANDS, use

        self.app.run_worker(partial(use, COMMANDS, action_id), thread=True, group="used", exit_on_error=False)
        self.app.call_later(self.app.run_action, f"app.run_action_of('{action_id}')")

    def _help(self, action: Action) -> str:
        """Return the action's help; where it cannot be run now, when it can."""
        elsewhere = _ELSEWHERE.get(action.scope)
        app = cast("VlmtuiApp", self.app)
        here = elsewhere is None or app.workbench.on_show(action.scope) is not None
        said = action.help if here else f"Only {elsewhere}. {action.help}"
        return said.replace("[", "\\[")  # Textual takes it for markup

    def _line(self, title: str | Content, action: Action) -> Content:
        """Return the title with the key at a fixed column."""
        text = title if isinstance(title, Content) else Content(title)
        keys = keys_of(action)
        if not keys:
            return text
        gap = max(2, _WIDTH - text.cell_length)
        return Content.assemble(text, " " * gap, (key_name(keys[0]), "$foreground-muted"))


def _score(found: float, query: str, title: str) -> float:
    """Return a score up to 1: what has the words as they were typed goes before what has their letters in between."""
    whole = query.strip().casefold() in title.casefold()
    return 0.5 + 0.5 * len(query.strip()) / len(title) if whole else 0.5 * found / (found + 5)
