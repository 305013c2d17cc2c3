"""How fast a batch goes, and when it will be done."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 60.0


class Pace:
    """Files a second over the last minute in which there was work; waiting and loading do not count."""

    def __init__(self) -> None:
        self._groups: deque[tuple[float, int]] = deque()
        self._began = 0.0

    def goes_on(self, now: float) -> None:
        """Work begins, or begins again, at `now` (seconds of any clock)."""
        self._groups.clear()
        self._began = now

    def did(self, rows: int, now: float) -> None:
        """Take a group of rows that is done."""
        self._groups.append((now, rows))
        while len(self._groups) > 2 and now - self._began > _WINDOW_S:
            self._began = self._groups.popleft()[0]

    @property
    def rate(self) -> float:
        """Files a second; 0.0 before the first group."""
        if not self._groups:
            return 0.0
        return sum(rows for _, rows in self._groups) / max(1e-6, self._groups[-1][0] - self._began)

    def left(self, rows: int) -> float | None:
        """Return the seconds that `rows` more will take; None when that is not known yet."""
        return rows / self.rate if self.rate else None


def duration(seconds: float) -> str:
    """Return `seconds` as people say it: `45 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 24 * 60 else f"{minutes // 60} h"
