"""How fast something grows, and when it will be done: for downloads."""

from __future__ import annotations

from collections import deque

_OVER_S = 5.0


class Pace:
    """The rate over the last seconds. What was there before the first look does not count."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()

    def look(self, done: int, now: float) -> None:
        """`done` of it is here at the time `now`, in seconds."""
        self._looks.append((now, done))
        while len(self._looks) > 2 and now - self._looks[1][0] >= _OVER_S:
            self._looks.popleft()

    @property
    def rate(self) -> float:
        """How much comes in a second; 0.0 while that is not known."""
        if len(self._looks) < 2:
            return 0.0
        (began, before), (now, done) = self._looks[0], self._looks[-1]
        return max(0.0, (done - before) / (now - began)) if now > began else 0.0

    def seconds_left(self, total: int) -> float | None:
        """How long it will take to `total`; None while that is not known."""
        rate = self.rate
        return (total - self._looks[-1][1]) / rate if rate > 0 else None


def duration_words(seconds: float) -> str:
    """Return a time as people read it: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole < 600 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size_words(count: float) -> str:
    """Return bytes as people read them: `1.2 GB`, `310 MB`, `12 kB`."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * size:
            amount = count / size
            return f"{amount:.1f} {unit}" if amount < 99.5 and unit != "kB" else f"{amount:.0f} {unit}"
    return f"{count:.0f} B"


def count_words(count: int) -> str:
    """Return a number of parameters as people read it: `2.2 B`, `256 M`, `920 k`; empty for 0."""
    if not count:
        return ""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            amount = count / size
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return str(count)


def progress_line(done: int, total: int, pace: Pace) -> str:
    """Return how far a download is: `310 MB of 1.0 GB, 31 %, 12.0 MB/s, 58 s left`."""
    line = f"{size_words(done)} of {size_words(total)}, {100 * done // total if total else 0} %"
    if pace.rate > 0:
        line += f", {size_words(pace.rate)}/s"
        left = pace.seconds_left(total)
        if left is not None and done < total:
            line += f", {duration_words(left)} left"
    return line
