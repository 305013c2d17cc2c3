"""What was made last, bounded in bytes; the least recently used goes first."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Values by key, at most `most_bytes` of them; a single larger one is kept until the next."""

    def __init__(self, most_bytes: int, size: Callable[[Value], int]) -> None:
        """Args:
        most_bytes: What all values together may take.
        size: Returns what one takes.
        """
        self._most = most_bytes
        self._size = size
        self._entries: dict[Hashable, Value] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What all values take together."""
        return self._bytes

    def get(self, key: Hashable) -> Value | None:
        """Return the value of `key`, which is now the last that goes."""
        value = self._entries.pop(key, None)
        if value is not None:
            self._entries[key] = value
        return value

    def put(self, key: Hashable, value: Value) -> None:
        """Keep `value`, in place of what `key` had."""
        self.drop(key)
        self._entries[key] = value
        self._bytes += self._size(value)
        while self._bytes > self._most and len(self._entries) > 1:
            self.drop(next(iter(self._entries)))

    def drop(self, key: Hashable) -> None:
        """Forget `key`."""
        if (old := self._entries.pop(key, None)) is not None:
            self._bytes -= self._size(old)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._bytes = 0
