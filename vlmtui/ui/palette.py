"""The command palette's content: every action, with its key."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from vlmtui.ui.actions import ACTIONS, Action, key_name

_WIDTH = 44


class ActionCommands(Provider):
    """Offers the table of actions."""

    async def discover(self) -> Hits:
        """Offer every action, before anything is typed."""
        for action in ACTIONS:
            yield DiscoveryHit(_line(action.title, action), self._run(action), text=action.title, help=action.help)

    async def search(self, query: str) -> Hits:
        """Offer what matches `query`, in title or help."""
        matcher = self.matcher(query)
        for action in ACTIONS:
            score = matcher.match(action.title) or matcher.match(action.help) / 2
            if score > 0:
                highlighted = matcher.highlight(action.title)
                yield Hit(score, _line(highlighted, action), self._run(action), text=action.title, help=action.help)

    def _run(self, action: Action) -> partial[bool]:
        return partial(self.app.call_later, self.app.run_action, f"app.run_action_of('{action.id}')")


def _line(title: str | Content, action: Action) -> Content:
    """Return the title with the key at a fixed column."""
    text = title if isinstance(title, Content) else Content(title)
    gap = max(2, _WIDTH - text.cell_length)
    return Content.assemble(text, " " * gap, (key_name(action.keys[0]), "$foreground-muted"))
