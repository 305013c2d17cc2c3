"""Looking for a text in one file: in pieces, so that a file of some gigabytes takes little memory."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from typing import IO

from vlmtui.finding.protocol import Place, Search

Matcher = Callable[[bytes], Iterator[tuple[int, int]]]
"""Yields where in some bytes the text is: start and end, in order, none empty."""

_BLOCK = 1024 * 1024
_OVERLAP = 4096
"""Of a line without an end: so long may be what is found in it."""
_MOST_BYTES = 2 * 1024**3
_MOST_PLACES = 100
_BEFORE, _SHOWN = 40, 240
"""Bytes shown of a line: before what was found, and in all."""


def matcher(search: Search) -> Matcher:
    """Return what finds `search` in bytes.

    Raises:
        re.error: its text is no regular expression.
    """
    if not search.regex and not search.whole and (search.case or search.text.isascii()):
        return _plain(search.text.encode("utf-8", "surrogateescape"), search.case)
    text = search.text if search.regex else re.escape(search.text)
    if search.whole:
        text = rf"(?<!\w)(?:{text})(?!\w)"
    return _pattern(re.compile(text, re.MULTILINE | (0 if search.case else re.IGNORECASE)))


def _plain(needle: bytes, case: bool) -> Matcher:
    wanted = needle if case else needle.lower()

    def find(data: bytes) -> Iterator[tuple[int, int]]:
        folded = data if case else data.lower()  # of ASCII letters only, so the places stay the same
        at = folded.find(wanted)
        while at >= 0:
            yield at, at + len(wanted)
            at = folded.find(wanted, at + len(wanted))

    return find


def _pattern(pattern: re.Pattern[str]) -> Matcher:
    def find(data: bytes) -> Iterator[tuple[int, int]]:
        text = data.decode("utf-8", "surrogateescape")
        plain = len(text) == len(data)
        at = before = 0  # in the text, and the same place in the bytes
        for found in pattern.finditer(text):
            start, end = found.span()
            if start == end:
                continue
            if plain:
                yield start, end
                continue
            before += len(text[at:start].encode("utf-8", "surrogateescape"))
            length = len(text[start:end].encode("utf-8", "surrogateescape"))
            yield before, before + length
            before += length
            at = end

    return find


def spans_in(path: bytes, find: Matcher) -> list[tuple[int, int]]:
    """Return where in the decoded path the text is."""
    return [
        (len(os.fsdecode(path[:start])), len(os.fsdecode(path[:end]))) for start, end in find(path)
    ]  # fmt: skip


def places_in_file(path: bytes, find: Matcher) -> tuple[list[Place], bool]:
    """Return where in the file at `path` the text is, and whether there are more places than these.

    None are found in what is no text.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with open(handle, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{os.fsdecode(path)} is no regular file")
        return _places(stream, find)


def _places(stream: IO[bytes], find: Matcher) -> tuple[list[Place], bool]:
    places: list[Place] = []
    rest, line, taken = b"", 1, 0  # what is still to be looked at, and the number of its first line
    while True:
        block = stream.read(_BLOCK)
        if taken == 0 and b"\0" in block[:8192]:
            return [], False
        taken += len(block)
        data = rest + block
        limit = len(data)
        if block:
            limit = data.rfind(b"\n") + 1 or max(0, len(data) - _OVERLAP)
        counted = 0
        shown_to = 0
        for start, end in find(data):
            if start >= limit:
                break
            line += data.count(b"\n", counted, start)
            counted = start
            if start < shown_to:
                continue  # within what is shown of the line already: marked there
            if len(places) >= _MOST_PLACES:
                return places, True
            place, shown_to = _place(data, start, end, line, find)
            places.append(place)
        line += data.count(b"\n", counted, limit)
        rest = data[limit:]
        if not block:
            return places, False
        if taken >= _MOST_BYTES:
            return places, True


def _place(data: bytes, start: int, end: int, line: int, find: Matcher) -> tuple[Place, int]:
    """Return the place of what was found from `start` to `end`, and where what is shown of its line ends."""
    first = data.rfind(b"\n", max(0, start - _BEFORE), start) + 1 or max(0, start - _BEFORE)
    while first < start and data[first] & 0xC0 == 0x80:  # inside a character
        first += 1
    stop = data.find(b"\n", start)
    stop = len(data) if stop < 0 else stop
    last = min(stop, max(first + _SHOWN, min(end, start + _SHOWN)))
    while start < last < stop and data[last] & 0xC0 == 0x80:
        last -= 1
    spans = [(start, min(end, last))]
    spans += [(at, min(to, last)) for at, to in find(data[end:last]) for at, to in [(at + end, to + end)] if at < last]
    text, marked, at = "", [], first
    for begin, to in spans:
        text += _decoded(data[at:begin])
        found = _decoded(data[begin:to])
        marked.append((len(text), len(text) + len(found)))
        text += found
        at = to
    text += _decoded(data[at:last]).rstrip("\r")
    return Place(line, 0, text, marked), last


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace")
