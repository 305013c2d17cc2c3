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
