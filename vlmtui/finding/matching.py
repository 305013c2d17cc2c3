"""Which of many paths have the typed letters in this order, and which of them were meant.

A path is searched by looking up, for each letter, its next place behind the one before, for all paths at once. What
was found for the letters so far is kept: one more letter is looked for in the paths that are left, which is what makes
the answer come before the next key. Libraries for fuzzy matching compare whole strings (edit distance), which is not
what one who types the letters `mdlpy` for `models/loader.py` means.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

_TIER = 1 << 20
_IS_BREAK = np.zeros(256, np.bool_)
_IS_BREAK[list(b"\0/_-. ")] = True


@dataclass(frozen=True, slots=True)
class _InOrder:
    """The paths that have the letters in order: which they are, the first letter's place, the place behind the last."""

    which: Ints
    first: Ints
    behind: Ints


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known for the letters so far: in the whole path, in the name, and where they stand together."""

    letters: bytes
    path: _InOrder
    name: _InOrder
    together: Ints


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
        self._lengths = np.minimum(lengths, 999)
        self._starts: Ints = (np.cumsum(lengths + 1, dtype=np.int32) - lengths).astype(np.int32)
        self._ends: Ints = self._starts + lengths
        self._names: Ints = self._starts + np.array([path.rfind(b"/") + 1 for path in lowered], np.int32)
        self._places: dict[int, Ints] = {}
        self._known: list[_Found] = []  # for some letters, and for all that they begin with

    def rank(self, letters: bytes, most: int) -> tuple[list[tuple[int, int]], int]:
        """Return the best `most` as (rank, index), smaller is better, and how many match.

        Args:
            letters: in lower case, at least one.
        """
        found = self._find(letters)
        matching = found.path.which
        ranks = np.full(len(self.paths), 4 * _TIER, np.int32)
        one = len(letters) == 1  # which stands together with itself
        for tier, those in ((2, found.path), (0, found.name)) if one else ((3, found.path), (1, found.name)):
            ranks[those.which] = self._within(tier, those.which, those.first, those.behind - those.first - len(letters))
        hits = found.together
        if len(hits) and not one:
            owner = (np.searchsorted(self._starts, hits, "right") - 1).astype(np.int32)
            rank = self._within(2, owner, hits, 0)
            rank[hits >= self._names[owner]] -= 2 * _TIER
            begin = np.flatnonzero(np.diff(owner, prepend=-1))  # hits are in order, so each path's are side by side
            owner, rank = owner[begin], np.minimum.reduceat(rank, begin)
            ranks[owner] = np.minimum(ranks[owner], rank)
        best = matching
        if len(matching) > most:
            best = matching[np.argpartition(ranks[matching], most)[:most]]
        return sorted((int(ranks[index]), int(index)) for index in best), len(matching)

    def _within(self, tier: int, which: Ints, first: Ints, spread: Ints | int) -> Ints:
        """Rank within a tier: letters together, at the start of a word, early in the name, in a short path."""
        cost: Ints = np.abs(first - self._names[which])
        np.minimum(cost, 999, out=cost)
        cost *= 4
        cost += np.minimum(spread, 999) * 64
        cost += self._lengths[which]
        cost[~_IS_BREAK[self._data[first - 1]]] += 256
        np.minimum(cost, _TIER - 1, out=cost)
        cost += tier * _TIER
        return cost

    def _find(self, letters: bytes) -> _Found:
        """Return what is found for `letters`, from what is known for those that they begin with."""
        known = self._known
        while known and not letters.startswith(known[-1].letters):
            known.pop()
        for number in range(len(known[-1].letters) if known else 0, len(letters)):
            known.append(self._further(known[-1] if known else None, letters[: number + 1]))
        return known[-1]

    def _further(self, before: _Found | None, letters: bytes) -> _Found:
        """Look for the last of `letters` behind the others."""
        places = self._places_of(letters[-1])
        if before is None:
            everything = np.arange(len(self.paths), dtype=np.int32)
            return _Found(
                letters,
                self._next(places, _InOrder(everything, self._starts, self._starts), begins=True),
                self._next(places, _InOrder(everything, self._names, self._names), begins=True),
                places,
            )
        hits = before.together
        behind = hits + (len(letters) - 1)  # never beyond the data: the zero at its end is no letter
        hits = hits[self._data[behind] == letters[-1]]
        return _Found(letters, self._next(places, before.path), self._next(places, before.name), hits)

    def _next(self, places: Ints, those: _InOrder, *, begins: bool = False) -> _InOrder:
        """Return those that have a letter, which stands at `places`, behind what they have so far."""
        if not len(places):
            return _InOrder(those.which[:0], those.first[:0], those.behind[:0])
        found = np.searchsorted(places, those.behind)
        place = places[np.minimum(found, len(places) - 1)]
        there = (place < self._ends[those.which]) & (place >= those.behind)
        place = place[there]
        return _InOrder(those.which[there], place if begins else those.first[there], place + np.int32(1))

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
