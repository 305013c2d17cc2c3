"""Pictures that are drawn before they are wanted, so that a held arrow key shows each as it comes by.

Decoding a photograph takes longer than a key takes to repeat. So while the user moves fast, the picture that is drawn
next is not the next one but the one that will be reached when it is ready: it is shown on time, or not at all.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

from vlmtui.media.kept import Kept
from vlmtui.media.protocol import MediaFailure, Rendered

Key = tuple[object, ...]
"""A path, and what it is drawn for."""

_KEPT_BYTES = 4 * 1024 * 1024
_FRESH_S = 5.0  # the file may have changed since
_FAST_S = 0.25
_AT_ONCE = 2


class Ahead:
    """Has pictures drawn that are likely to be wanted next.

    Args:
        draw: Draws one, when the decoder has nothing better to do.
        sibling: Returns the picture so many places after another in the order that the user sees; None at the end.
        arrived: Called when one is ready, or could not be drawn (None).
    """

    def __init__(
        self,
        draw: Callable[[Path], Awaitable[Rendered | MediaFailure]],
        sibling: Callable[[Path, int], Path | None],
        arrived: Callable[[Key, Rendered | None], None],
    ) -> None:
        self._draw = draw
        self._sibling = sibling
        self._arrived = arrived
        self._ready: Kept[tuple[float, Rendered]] = Kept(_KEPT_BYTES, lambda entry: sum(map(len, entry[1].parts)))
        self._coming: dict[Key, asyncio.Task[None]] = {}
        self._pace = 1.0
        self._takes = 0.03
        self._moved = 0.0
        self._direction = 1
        self._last: Path | None = None

    @property
    def fast(self) -> bool:
        """Whether the user goes from picture to picture faster than one looks at them."""
        return self._pace < _FAST_S and monotonic() - self._moved < _FAST_S

    def moved(self, path: Path) -> None:
        """Take note that the user went to `path`."""
        now = monotonic()
        gap, self._moved = min(1.0, now - self._moved), now
        self._pace = gap if gap > _FAST_S else 0.7 * min(self._pace, _FAST_S) + 0.3 * gap
        if self._last is not None and self._last != path:
            self._direction = -1 if self._sibling(self._last, -1) == path else 1
        self._last = path

    def take(self, key: Key) -> Rendered | None:
        """Return what was drawn for `key`, if it is there."""
        entry = self._ready.get(key)
        self._ready.drop(key)
        return entry[1] if entry is not None and monotonic() - entry[0] < _FRESH_S else None

    def awaits(self, key: Key) -> bool:
        """Return whether `key` is being drawn."""
        return key in self._coming

    def look(self, path: Path, key_of: Callable[[Path], Key]) -> None:
        """Have the pictures around `path` drawn that are likely to be wanted next."""
        places: list[int]
        if self.fast:
            first = max(1, math.ceil(self._takes / self._pace))
            places = [first * self._direction, (first + 1) * self._direction, (first + 2) * self._direction]
        else:
            places = [self._direction, 2 * self._direction, -self._direction]
        for place in places:
            if len(self._coming) >= _AT_ONCE:
                return
            other = self._sibling(path, place)
            if other is not None and other != path:
                key = key_of(other)
                if key not in self._coming and self._ready.get(key) is None:
                    self._coming[key] = asyncio.create_task(self._fetch(other, key))

    def forget(self) -> None:
        """Drop what is ready: the room or the terminal is another one now."""
        self._ready.clear()

    def close(self) -> None:
        """Ask for nothing more."""
        for task in self._coming.values():
            task.cancel()
        self._coming.clear()
        self._ready.clear()

    async def _fetch(self, path: Path, key: Key) -> None:
        began = monotonic()
        try:
            reply = await self._draw(path)
        finally:
            self._coming.pop(key, None)
        if isinstance(reply, Rendered):
            self._takes = 0.7 * self._takes + 0.3 * (monotonic() - began)
            self._ready.put(key, (monotonic(), reply))
            self._arrived(key, reply)
        else:
            self._arrived(key, None)
