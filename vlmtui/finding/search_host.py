"""The child process: one search through the files of a folder.

    python -P -m vlmtui.finding.search_host FOLDER

It reads one `Search` line from its standard input, writes `Searched` lines, and ends.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from time import monotonic

import msgspec

from vlmtui.finding.protocol import FileFound, Place, Search, Searched
from vlmtui.finding.rows_of_lines import rows_of_lines
from vlmtui.finding.searching import Matcher, matcher, places_in_file, spans_in
from vlmtui.finding.walking import walk
from vlmtui.media.kinds import kind_of

_EVERY_S = 0.1
_MOST_FILES = 5_000
_MOST_PLACES = 10_000
_MOST_UNSAID = 1_000
_CPU_S = 900
"""A regular expression may take for ever; with nobody left to end this process, the system does."""
_IN_BYTES = frozenset({".parquet", ".arrow"})


def main() -> None:
    """Search, and say what was found meanwhile."""
    _limit()
    folder = os.fsencode(sys.argv[1])
    search = msgspec.json.decode(sys.stdin.buffer.readline(), type=Search)
    try:
        find = matcher(search)
    except (re.error, OverflowError, RecursionError) as error:
        _say(Searched(done=True, wrong=str(error)))
        return
    found: list[FileFound] = []
    files = unread = matching = places = unsaid = 0
    said = monotonic()
    for path in walk(folder, ordered=True):
        files += 1
        one, readable = look(folder, path, find)
        unread += not readable
        if one is not None:
            found.append(one)
            matching += 1
            places += len(one.places)
            unsaid += 1 + len(one.places)
            if matching >= _MOST_FILES or places >= _MOST_PLACES:
                _say(Searched(found, files, unread, done=True, full=True))
                return
        if one is not None or files % 64 == 0:
            now = monotonic()
            first = unsaid and matching == len(found)
            if first or unsaid >= _MOST_UNSAID or now - said > _EVERY_S:
                _say(Searched(found, files, unread))
                found, unsaid, said = [], 0, now
    _say(Searched(found, files, unread, done=True))


def look(folder: bytes, path: bytes, find: Matcher) -> tuple[FileFound | None, bool]:
    """Return what was found in a file, and whether its content could be read."""
    spans = spans_in(path, find)
    name = os.fsdecode(path)
    kind = kind_of(name)
    places: list[Place] = []
    more, readable = False, True
    if kind in ("text", "dataset") and os.path.splitext(name)[1].lower() not in _IN_BYTES:  # noqa: PTH122
        whole = os.path.join(folder, path)  # noqa: PTH118 - bytes
        try:
            places, more = places_in_file(whole, find)
        except OSError:
            readable = False
        if places and kind == "dataset":
            rows = rows_of_lines(Path(os.fsdecode(whole)), [place.line for place in places])
            places = [msgspec.structs.replace(place, row=row) for place, row in zip(places, rows, strict=True)]
    return (FileFound(path, spans, places, more) if spans or places else None), readable


def _limit() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    except (ImportError, OSError, ValueError):
        pass


def _say(searched: Searched) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(searched) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)
