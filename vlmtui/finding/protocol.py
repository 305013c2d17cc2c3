"""What the terminal's process and the one that finds files say to each other, as JSON lines."""

from __future__ import annotations

import msgspec


class Ask(msgspec.Struct, frozen=True):
    """Find the files whose path has `letters` in this order; the newest question is the one that counts.

    Attributes:
        id: counts up; the answers carry it.
        letters: as typed; empty for the first files of all.
        most: so many rows at most.
    """

    id: int
    letters: str
    most: int = 50


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One file.

    Attributes:
        path: relative to the folder, as the system spells it (`os.fsencode`): names need not be UTF-8.
        places: where in the decoded path the letters are.
    """

    path: bytes
    places: list[int]


class Found(msgspec.Struct, frozen=True):
    """The best matches so far; sent again while the folder is still being walked.

    Attributes:
        id: of the question.
        rows: best first.
        matches: how many files match.
        files: how many files are known.
        done: whether the whole folder has been walked.
        full: whether there are more files than are kept.
    """

    id: int
    rows: list[Row]
    matches: int
    files: int
    done: bool
    full: bool = False


class Search(msgspec.Struct, frozen=True, omit_defaults=True):
    """Search the names of all files, and what is in those that hold text.

    Attributes:
        text: what to look for.
        case: capitals count.
        whole: only whole words.
        regex: `text` is a regular expression.
    """

    text: str
    case: bool = False
    whole: bool = False
    regex: bool = False


class Place(msgspec.Struct, frozen=True, array_like=True):
    """A line in which something was found, or a part of a long one.

    Attributes:
        line: its number, from 1.
        row: the number of the data set's row that it belongs to, from 1; 0 where it belongs to none.
        text: what stands there, untrusted; cut around what was found.
        spans: where in `text` it was found.
    """

    line: int
    row: int
    text: str
    spans: list[tuple[int, int]]


class FileFound(msgspec.Struct, frozen=True, array_like=True):
    """A file in whose name or content something was found.

    Attributes:
        path: relative to the folder, as the system spells it.
        spans: where in the decoded path it was found.
        places: where in its content.
        more: there are more places than these.
    """

    path: bytes
    spans: list[tuple[int, int]]
    places: list[Place]
    more: bool = False


class Searched(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was found since the last of these, in the order of the walk: near files first.

    Attributes:
        found: the files.
        files: how many files were looked at so far.
        unread: how many files could not be read.
        done: the search has ended.
        full: it ended before the last file: enough was found.
        wrong: why `text` is no regular expression; empty if it is.
    """

    found: list[FileFound] = []
    files: int = 0
    unread: int = 0
    done: bool = False
    full: bool = False
    wrong: str = ""
