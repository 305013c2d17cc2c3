"""What went wrong and is still so: kept after the toast that said it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from vlmtui.safetext import safe_line

Severity = Literal["error", "warning"]

_MOST = 2_000
"""So many are kept; the oldest go first."""
_LONGEST = 500


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that went wrong.

    Attributes:
        source: who says it, as the user knows it: `Data set`, `Settings`, `Preview`.
        line: what is wrong, one line.
        remedy: what to do about it; may be empty.
        path: the file that it is about; empty for none.
        row: the row or the line in that file, counted from 1; None for the whole of it.
        severity: `error`: something could not be done; `warning`: it was done, but not as asked for.
    """

    source: str
    line: str
    remedy: str = ""
    path: str = ""
    row: int | None = None
    severity: Severity = "error"


class Problems:
    """The problems that are open, oldest first, each once. `changed` is called after every change."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._open: dict[tuple[str, str, int | None, str], Problem] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Problem]:
        return iter(tuple(self._open.values()))

    @property
    def errors(self) -> int:
        """How many are errors; the others are warnings."""
        return sum(problem.severity == "error" for problem in self._open.values())

    def add(self, problem: Problem) -> Problem:
        """Keep `problem`, its text made safe to show; one that is there already becomes the newest.

        Returns:
            The problem as it is kept.
        """
        safe = msgspec.structs.replace(
            problem,
            source=safe_line(problem.source, 40),
            line=safe_line(problem.line, _LONGEST),
            remedy=safe_line(problem.remedy, _LONGEST),
        )
        key = _key(safe)
        self._open.pop(key, None)
        self._open[key] = safe
        while len(self._open) > _MOST:
            del self._open[next(iter(self._open))]
        self._changed()
        return safe

    def remove(self, problem: Problem) -> None:
        """Forget one of them."""
        if self._open.pop(_key(problem), None) is not None:
            self._changed()

    def clear(self, source: str = "", path: str = "") -> None:
        """Forget those of `source` about `path`; either may be empty for any."""
        gone = [
            key for key, problem in self._open.items() if source in ("", problem.source) and path in ("", problem.path)
        ]
        for key in gone:
            del self._open[key]
        if gone:
            self._changed()


def _key(problem: Problem) -> tuple[str, str, int | None, str]:
    return problem.source, problem.path, problem.row, problem.line
