"""Text that arrives in one burst behind a key goes where that key has put the focus.

Textual hands a key to the widget that has the focus when it arrives. A key that moves the focus does so some messages
later: what was typed, or sent over a slow line, right behind it would go to the widget before. So text waits until the
key before it has had its effect; that takes about a millisecond, and nothing else waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from textual import events
from textual.app import App
from textual.dom import DOMNode

_LONGEST_S = 0.3
"""A key whose handler takes longer (it opens a file, say) holds text back no longer than this."""
_OF_TEXT = ("enter", "backspace")
"""Keys that mean what was typed before them."""


class KeyOrder:
    """Holds text back while the key before it is being handled.

    Args:
        app: whose keys they are.
        hand_on: does with a key or a paste what Textual does.
    """

    def __init__(self, app: App[int], hand_on: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._hand_on = hand_on
        self._held: deque[events.Key | events.Paste] = deque()
        self._settling: asyncio.Task[None] | None = None

    async def take(self, event: events.Key | events.Paste) -> None:
        """Hand `event` on now, or as soon as what came before it has had its effect."""
        waits = isinstance(event, events.Paste) or event.is_printable or event.key in _OF_TEXT
        if self._held or (waits and self._settling is not None):
            self._held.append(event)
        else:
            await self._give(event)

    async def _give(self, event: events.Key | events.Paste) -> None:
        target: DOMNode = self._app.focused or self._app.screen
        await self._hand_on(event)
        if isinstance(event, events.Key) and not event.is_printable:
            if self._settling is not None:
                self._settling.cancel()
            self._settling = asyncio.create_task(self._settle(target))

    async def _settle(self, target: DOMNode) -> None:
        """Wait until the key has gone from `target` up to the app, and what its action has sent has gone there too."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                for _ in range(2):
                    for node in [*target.ancestors_with_self]:
                        if node.is_running:
                            passed = asyncio.Event()
                            node.call_later(passed.set)
                            await passed.wait()
        except TimeoutError:
            pass
        self._settling = None
        self._app.call_later(self._release)

    async def _release(self) -> None:
        while self._held and self._settling is None:
            await self._give(self._held.popleft())
