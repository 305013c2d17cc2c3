"""Moments of a video as people write them: `0:05`, `12:34`, `1:02:03`."""

from __future__ import annotations

import re
from typing import NamedTuple

_MOMENT = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)(?:\.\d+)?(?![\d:])")


class Moment(NamedTuple):
    """A moment that stands in a text from character `start` to `end`."""

    start: int
    end: int
    seconds: int


def clock(seconds: float) -> str:
    """Return `seconds`, whole ones, as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moments(text: str, longest: float = float("inf")) -> list[Moment]:
    """Return the moments that are named in `text`, up to `longest` seconds: a later one is none of the video's."""
    found: list[Moment] = []
    for match in _MOMENT.finditer(text):
        hours, minutes, seconds = (int(piece or 0) for piece in match.groups())
        if (hours and minutes > 59) or (at := 3600 * hours + 60 * minutes + seconds) > longest:
            continue
        found.append(Moment(match.start(), match.end(), at))
    return found
