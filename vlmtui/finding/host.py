"""The child process: walks a folder and answers questions about it meanwhile.

    python -P -m vlmtui.finding.host FOLDER [RECENT…]

It reads `Ask` lines from its standard input and writes `Found` lines; it ends with its input.
"""

from __future__ import annotations

import os
import select
import sys
from time import monotonic

import msgspec

from vlmtui.finding.matching import Segment, letters_of, places_in
from vlmtui.finding.protocol import Ask, Found, Row
from vlmtui.finding.walking import walk

_MOST_FILES = 300_000
"""So many are kept, about 100 MB at most; the rest is said to be left out."""
_SLICE_S = 0.01
_REPORT_S = 0.12
_SEGMENT = 25_000


class Finder:
    """The paths below a folder, and the newest question about them."""

    def __init__(self, folder: bytes, recent: list[bytes]) -> None:
        self._walk = walk(folder)
        self._recent = {path: place for place, path in enumerate(recent)}
        self._segments: list[Segment] = []
        self._waiting: list[bytes] = []
        self.files = 0
        self.done = False
        self.full = False

    def go_on(self, seconds: float) -> None:
        """Walk for some time."""
        end = monotonic() + seconds
        for number, path in enumerate(self._walk):
            if self.files >= _MOST_FILES:
                self.full = True
                break
            self._waiting.append(path)
            self.files += 1
            if number % 64 == 63 and monotonic() > end:
                return
        self.done = True

    def answer(self, ask: Ask) -> Found:
        """Return what is found so far: what was opened lately first, then by rank."""
        self._settle()
        letters = letters_of(ask.letters)
        ranked: list[tuple[int, int, bytes]] = []
        matches = self.files
        if letters:
            matches = 0
            for segment in self._segments:
                best, count = segment.rank(letters, ask.most)
                matches += count
                ranked += [(rank, len(segment.paths[index]), segment.paths[index]) for rank, index in best]
            recent = [path for path in self._recent if _has(path, letters)]
        else:
            for segment in self._segments:
                ranked += [(0, 0, path) for path in segment.paths[: ask.most]]
                if len(ranked) >= ask.most:
                    break
            recent = list(self._recent)
        first = set(recent)
        ranked = [entry for entry in ranked if entry[2] not in first]
        if letters:
            ranked.sort()
        paths = [*recent, *(path for _, _, path in ranked)][: ask.most]
        rows = [Row(path, places_in(os.fsdecode(path), ask.letters)) for path in paths]
        return Found(ask.id, rows, max(matches, len(rows)), self.files, self.done, self.full)

    def _settle(self) -> None:
        """Lay out what was found since; a small last segment grows, so that there are few."""
        while self._waiting:
            last = self._segments[-1].paths if self._segments and len(self._segments[-1].paths) < _SEGMENT else None
            room = _SEGMENT - len(last or ())
            taken, self._waiting = self._waiting[:room], self._waiting[room:]
            if last is None:
                self._segments.append(Segment(taken))
            else:
                self._segments[-1] = Segment([*last, *taken])


def _has(path: bytes, letters: bytes) -> bool:
    return bool(Segment([path]).rank(letters, 1)[1])


def main() -> None:
    """Answer until the input ends."""
    folder, *recent = (os.fsencode(argument) for argument in sys.argv[1:])
    finder = Finder(folder, [path for path in recent if os.path.lexists(os.path.join(folder, path))])  # noqa: PTH118
    decode = msgspec.json.Decoder(Ask).decode
    ask: Ask | None = None
    said = 0.0
    rest = b""
    while True:
        idle = finder.done
        if select.select([0], [], [], None if idle else 0)[0]:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                ask = decode(lines[-1])
                _say(finder.answer(ask))
                said = monotonic()
            continue
        finder.go_on(_SLICE_S)
        if ask is not None and (finder.done or monotonic() - said > _REPORT_S):
            _say(finder.answer(ask))
            said = monotonic()


def _say(found: Found) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)
