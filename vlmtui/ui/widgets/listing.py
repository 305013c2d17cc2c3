"""What a folder holds, read off the event loop: plain data, no widget."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vlmtui.media.kinds import kind_of

Kind = Literal["folder", "picture", "video", "dataset", "text", "other", "note"]

_DIGITS = re.compile(r"\d+")


class Entry:
    """A line of the explorer: a folder, a file, or a note such as "permission denied".

    Made by the hundred thousand for one folder, hence slots and the parent instead of a path.
    """

    __slots__ = ("children", "depth", "expanded", "kind", "name", "parent", "reading")

    def __init__(self, name: str, kind: Kind, parent: Entry | None) -> None:
        self.name = name
        self.kind: Kind = kind
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.expanded = False
        self.reading = False
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


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found in a folder: `entries` in order, or `error`, one line that says why there are none."""

    entries: list[Entry]
    error: str = ""


def natural_key(name: str) -> str:
    """Return a key by which `img2` sorts before `img10` and case does not matter.

    A plain string, not a tuple of parts: a hundred thousand of them sort in a moment, in C.
    """
    return _DIGITS.sub(lambda digits: digits[0].lstrip("0").zfill(20), name.casefold()) + "\0" + name


def read_folder(parent: Entry, *, hidden: bool) -> Listing:
    """List the folder of `parent`: folders first, then files, each in natural order. Never raises.

    Folders are told from files without a `stat` each, by what the directory itself says.

    Args:
        hidden: include names that start with a dot.
    """
    path = parent.path
    kinds: dict[str, Kind] = {}
    folders: list[tuple[str, Entry]] = []
    files: list[tuple[str, Entry]] = []
    try:
        with os.scandir(path) as found:
            for item in found:
                name = item.name
                if name[0] == "." and not hidden:
                    continue
                try:
                    is_folder = item.is_dir()
                except OSError:
                    is_folder = False  # e.g. a link that points at itself
                if is_folder:
                    folders.append((natural_key(name), Entry(name, "folder", parent)))
                else:
                    files.append((natural_key(name), Entry(name, _kind(name, kinds), parent)))
    except OSError as error:
        return Listing([], error.strerror or type(error).__name__)
    folders.sort(key=_first)
    files.sort(key=_first)
    return Listing([entry for _, entry in folders] + [entry for _, entry in files])


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


def _kind(name: str, known: dict[str, Kind]) -> Kind:
    """Return what a file is, asking once for each ending: a folder of 100,000 pictures has three."""
    ending = name[max(0, name.rfind(".")) :]
    if ending not in known:
        known[ending] = kind_of(name)
    return known[ending]


def _first(pair: tuple[str, Entry]) -> str:
    return pair[0]
