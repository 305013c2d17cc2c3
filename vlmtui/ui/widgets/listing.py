"""What a folder holds, read off the event loop: plain data, no widget."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlmtui.media.kinds import kind_of

Kind = Literal["folder", "picture", "video", "dataset", "text", "other", "note"]
By = Literal["name", "time", "size"]

_DIGITS = re.compile(r"\d+")
_EARLY_COUNT = 500
_EARLY_EVERY_S = 0.5


class Entry:
    """A line of the explorer: a folder, a file, or a note such as "permission denied".

    Made by the hundred thousand for one folder, hence slots and the parent instead of a path. An entry stays the same
    object when its folder is read again, so that what is known of it (open, selected) stays with it.

    Attributes:
        size, time: bytes, and time of the last change in seconds; 0 unless the order asked for them.
    """

    __slots__ = ("children", "depth", "expanded", "kind", "name", "parent", "reading", "size", "time")

    def __init__(self, name: str, kind: Kind, parent: Entry | None) -> None:
        self.name = name
        self.kind: Kind = kind
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.expanded = False
        self.reading = False
        self.size = 0
        self.time = 0.0
        self.children: list[Entry] | None = None

    @property
    def path(self) -> Path:
        """The absolute path; the root's name is one."""
        names = []
        entry: Entry | None = self
        while entry is not None:
            names.append(entry.name)
            entry = entry.parent
        return Path(*reversed(names))

    def is_below(self, folder: Entry) -> bool:
        """Return whether this is `folder` or lies in it."""
        entry: Entry | None = self
        while entry is not None and entry is not folder:
            entry = entry.parent
        return entry is folder


@dataclass(frozen=True, slots=True)
class Order:
    """How entries are sorted: by name from A, by time from the newest, by size from the largest; or `backward`."""

    by: By = "name"
    backward: bool = False

    @property
    def words(self) -> str:
        """The order, as people say it."""
        words = {"name": ("by name", "by name, from Z"), "time": ("newest first", "oldest first")}
        return {**words, "size": ("largest first", "smallest first")}[self.by][self.backward]

    def next(self) -> Order:
        """The next way of sorting."""
        ways: tuple[By, ...] = ("name", "time", "size")
        return Order(ways[(ways.index(self.by) + 1) % len(ways)])


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found in a folder.

    Attributes:
        entries: in order.
        error: one line that says why there are none.
        stamp: the folder's time of change before it was read, in nanoseconds; -1 when it could not be asked.
        seconds: what reading took.
    """

    entries: list[Entry]
    error: str = ""
    stamp: int = -1
    seconds: float = 0.0


def natural_key(name: str) -> str:
    """Return a key by which `img2` sorts before `img10` and case does not matter.

    A plain string, not a tuple of parts: a hundred thousand of them sort in a moment, in C.
    """
    return _DIGITS.sub(lambda digits: digits[0].lstrip("0").zfill(20), name.casefold()) + "\0" + name


def read_folder(
    parent: Entry,
    *,
    hidden: bool,
    order: Order = Order(),
    early: Callable[[list[Entry]], None] | None = None,
) -> Listing:
    """List the folder of `parent`: folders first, then files, each in order. Never raises.

    Folders are told from files without a `stat` each, by what the directory itself says. Entries that are known from
    an earlier reading are used again.

    Args:
        hidden: include names that start with a dot.
        order: how to sort.
        early: called with what was found so far, soon after the first and then from time to time.
    """
    began = time.perf_counter()
    path = parent.path
    known = {entry.name: entry for entry in parent.children or () if entry.kind != "note"}
    kinds: dict[str, Kind] = {}
    folders: list[Entry] = []
    files: list[Entry] = []
    stamp, due = -1, 0.0
    try:
        stamp = path.stat().st_mtime_ns
        with os.scandir(path) as found:
            for item in found:
                name = item.name
                if name[0] == "." and not hidden:
                    continue
                try:
                    is_folder = item.is_dir()
                except OSError:
                    is_folder = False  # e.g. a link that points at itself
                kind: Kind = "folder" if is_folder else _kind(name, kinds)
                entry = known.get(name)
                if entry is None or entry.kind != kind:
                    entry = Entry(name, kind, parent)
                if order.by != "name":
                    _measure(entry, item)
                (folders if is_folder else files).append(entry)
                if early is not None and len(files) % _EARLY_COUNT == 0 and files and time.perf_counter() > due:
                    due = time.perf_counter() + _EARLY_EVERY_S
                    early(_sorted(folders, files, order))
    except OSError as error:
        return Listing([], error.strerror or type(error).__name__, stamp, time.perf_counter() - began)
    return Listing(_sorted(folders, files, order), "", stamp, time.perf_counter() - began)


def leads_back(entry: Entry) -> bool:
    """Return whether the folder is a link to one of the folders that it lies in: opening it would never end."""
    path = entry.path
    try:
        if not path.is_symlink():
            return False
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return True
    return path.parent.resolve().is_relative_to(target)


def _sorted(folders: list[Entry], files: list[Entry], order: Order) -> list[Entry]:
    return _in_order(folders, order) + _in_order(files, order)


def _in_order(entries: list[Entry], order: Order) -> list[Entry]:
    """Return `entries` sorted; where time or size are the same, by name."""
    made = sorted(entries, key=_by_name, reverse=order.backward and order.by == "name")
    if order.by == "time":
        made.sort(key=lambda entry: entry.time, reverse=not order.backward)
    elif order.by == "size":
        made.sort(key=lambda entry: entry.size, reverse=not order.backward)
    return made


def _by_name(entry: Entry) -> str:
    return natural_key(entry.name)


def _measure(entry: Entry, item: os.DirEntry[str]) -> None:
    """Take the entry's size and time from the file system; 0 where it does not say. A folder has no size."""
    try:
        status = item.stat()
    except OSError:  # gone since, or a link to nowhere
        entry.size, entry.time = 0, 0.0
        return
    entry.size = 0 if entry.kind == "folder" else status.st_size
    entry.time = status.st_mtime


def _kind(name: str, known: dict[str, Kind]) -> Kind:
    """Return what a file is, asking once for each ending: a folder of 100,000 pictures has three."""
    ending = name[max(0, name.rfind(".")) :]
    if ending not in known:
        known[ending] = kind_of(name)
    return known[ending]
