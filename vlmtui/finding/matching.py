"""Which of many paths have the typed letters in this order, and which of them were meant.

A path is searched by looking up, for each letter, its next place behind the one before, for all paths at once. That
takes some milliseconds for 100,000 paths. Libraries for fuzzy matching compare whole strings (edit distance), which
is not what one who types the letters `mdlpy` for `models/loader.py` means.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

_TIER = 1 << 20
_BREAKS = np.frombuffer(b"\0/_-. ", np.uint8)


class Segment:
    """Some paths, laid out one behind the other."""

    def __init__(self, paths: Sequence[bytes]) -> None:
        """Args:
        paths: Relative paths as the system spells them.
        """
        self.paths = list(paths)
        lowered = [_lower(path) for path in self.paths]
        self._data = np.frombuffer(b"\0" + b"\0".join(lowered) + b"\0", np.uint8)
        lengths = np.array([len(path) for path in lowered], np.int32)
        self._starts: Ints = (np.cumsum(lengths + 1, dtype=np.int32) - lengths).astype(np.int32)
        self._ends: Ints = self._starts + lengths
        self._names: Ints = self._starts + np.array([path.rfind(b"/") + 1 for path in lowered], np.int32)
        self._places: dict[int, Ints] = {}

    def rank(self, letters: bytes, most: int) -> tuple[list[tuple[int, int]], int]:
        """Return the best `most` as (rank, index), smaller is better, and how many match.

        Args:
            letters: in lower case.
        """
        count = len(self.paths)
        ranks = np.full(count, 4 * _TIER, np.int32)
        everything = np.arange(count, dtype=np.int32)
        for tier, begin in ((3, self._starts), (1, self._names)):
            which, first, last = self._in_order(letters, everything, begin)
            spread = (last - first) - (len(letters) - 1)
            ranks[which] = np.minimum(ranks[which], self._within(tier, which, first, spread))
        hits = self._together(letters)
        if len(hits):
            owner = (np.searchsorted(self._starts, hits, "right") - 1).astype(np.int32)
            in_name = hits >= self._names[owner]
            rank = self._within(2, owner, hits, 0)
            rank[in_name] -= 2 * _TIER
            np.minimum.at(ranks, owner, rank)
        matching = np.flatnonzero(ranks < 4 * _TIER)
        if len(matching) > most:
            best = matching[np.argpartition(ranks[matching], most)[:most]]
        else:
            best = matching
        return sorted((int(ranks[index]), int(index)) for index in best), len(matching)

    def _within(self, tier: int, which: Ints, first: Ints, spread: Ints | int) -> Ints:
        """Rank within a tier: letters together, at the start of a word, early in the name, in a short path."""
        inside = ~np.isin(self._data[first - 1], _BREAKS)
        early = np.abs(first - self._names[which])
        cost = np.minimum(spread, 999) * 64 + inside * 256 + np.minimum(early, 999) * 4
        cost = cost + np.minimum(self._ends[which] - self._starts[which], 999)
        ranks: Ints = (tier * _TIER + np.minimum(cost, _TIER - 1)).astype(np.int32)
        return ranks

    def _in_order(self, letters: bytes, which: Ints, begin: Ints) -> tuple[Ints, Ints, Ints]:
        """Return those of `which` that have the letters in order from `begin` on, and their first and last place."""
        at = begin[which]
        first = at
        for number, letter in enumerate(letters):
            places = self._places_of(letter)
            found = np.searchsorted(places, at)
            there = found < len(places)
            found[~there] = 0
            if not len(places):
                return which[:0], at[:0], at[:0]
            place = places[found]
            there &= place < self._ends[which]
            which, place = which[there], place[there]
            first = place if number == 0 else first[there]
            at = place + 1
        return which, first, at - 1

    def _together(self, letters: bytes) -> Ints:
        """Return where the letters stand right behind each other."""
        hits = self._places_of(letters[0])
        for offset, letter in enumerate(letters[1:], start=1):
            hits = hits[hits + offset < len(self._data)]
            hits = hits[self._data[hits + offset] == letter]
        return hits

    def _places_of(self, letter: int) -> Ints:
        places = self._places.get(letter)
        if places is None:
            places = self._places[letter] = np.flatnonzero(self._data == letter).astype(np.int32)
        return places


def letters_of(typed: str) -> bytes:
    """Return what is looked for when `typed` was typed: spaces only part words."""
    return typed.replace(" ", "").lower().encode("utf-8", "surrogateescape")


def places_in(path: str, typed: str) -> list[int]:
    """Return where in `path` the typed letters are: together if they are, in the name if they are, else in order."""
    letters = typed.replace(" ", "").lower()
    low = path.lower()
    if not letters or len(low) != len(path):  # a letter whose lower case is longer: nothing is marked
        return []
    name = low.rfind("/") + 1
    for begin in (name, 0):
        at = low.find(letters, begin)
        if at >= 0:
            return list(range(at, at + len(letters)))
        places = _greedy(low, letters, begin)
        if places:
            return places
    return []


def _greedy(low: str, letters: str, at: int) -> list[int]:
    places: list[int] = []
    for letter in letters:
        at = low.find(letter, at)
        if at < 0:
            return []
        places.append(at)
        at += 1
    return places


def _lower(path: bytes) -> bytes:
    """The path in lower case, in bytes; a name that is not UTF-8 stays matchable by the letters that are."""
    if path.isascii():
        return path.lower()
    return os.fsdecode(path).lower().encode("utf-8", "surrogateescape")
