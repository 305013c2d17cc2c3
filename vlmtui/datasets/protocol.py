"""The messages between the terminal's process and the data set child: length-prefixed MessagePack, typed at both ends.

A child of its own beside the media child: going through a gigabyte must not keep a picture waiting, and what pyarrow
holds is given back when the data set is closed. Both sides import this module and nothing heavier than msgspec.
"""

from __future__ import annotations

import msgspec

from vlmtui.children.codec import Codec, Failing
from vlmtui.datasets.schema import Schema

PROTOCOL_VERSION = 1


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The base of every message; the key `type` tells them apart."""


class DatasetInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a data set is.

    Attributes:
        path: as it was asked for.
        format: `JSON Lines`, `Parquet`, …
        bytes: size of the file; 0 for a folder.
        stamp: changes when the file does.
        split, splits: the split that is open, and all there are.
        columns: by name, in their order.
        schema: what was found out about them.
        rows, complete: rows known so far, and whether that is all.
    """

    path: str
    format: str
    bytes: int = 0
    stamp: str = ""
    split: str = ""
    splits: list[str] = []
    columns: list[str] = []
    schema: Schema = Schema()
    rows: int = 0
    complete: bool = False


class RowLine(msgspec.Struct, frozen=True, array_like=True):
    """A row of the table: its number in the data set, one short text a column (untrusted), what is wrong with it."""

    row: int
    cells: list[str]
    error: str = ""


class PictureFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture of a row.

    Attributes:
        file: what to draw: a file in the data set's folder, or bytes of the row in a file of ours; empty for none.
        name: as the row has it; untrusted.
        note: why there is no file.
    """

    file: str = ""
    name: str = ""
    note: str = ""


class TurnText(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A turn of the row's conversation (see `vlmtui.datasets.conversation.Turn`).

    Attributes:
        pictures: numbers of the row's pictures, from 0.
    """

    role: str
    text: str
    pictures: list[int] = []
    branch: str = ""


class RowProblem(msgspec.Struct, frozen=True, array_like=True):
    """What is wrong with a row."""

    row: int
    line: str


# ---- requests -----------------------------------------------------------------------------------


class Open(_Message, frozen=True, kw_only=True, tag="open"):
    """Open the data set at `path` in place of the one that is open; find its rows and check them in the background."""

    id: int
    path: str
    split: str = ""


class GetRows(_Message, frozen=True, kw_only=True, tag="rows"):
    """Give lines of the table. A newer `GetRows` supersedes this one. Positions are among the filtered rows, if any."""

    id: int
    start: int
    count: int


class GetRow(_Message, frozen=True, kw_only=True, tag="row"):
    """Give everything about the row with this number. A newer `GetRow` supersedes this one."""

    id: int
    row: int


class Filter(_Message, frozen=True, kw_only=True, tag="filter"):
    """Show only rows that match; an empty expression shows all. See `vlmtui.datasets.query.parse_query`."""

    id: int
    expression: str


class Find(_Message, frozen=True, kw_only=True, tag="find"):
    """Find the next row from the position `start` on (it included) that matches; a newer `Find` ends this one."""

    id: int
    expression: str
    start: int
    backward: bool = False


class Check(_Message, frozen=True, kw_only=True, tag="check"):
    """Say whether the file is still the same."""

    id: int


class Pause(_Message, frozen=True, kw_only=True, tag="pause"):
    """Stop (or go on with) what is done in the background: nobody looks."""

    id: int
    on: bool


Request = Open | GetRows | GetRow | Filter | Find | Check | Pause


# ---- replies ------------------------------------------------------------------------------------


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """The first frame: the child is up."""

    version: int
    pid: int


class Opened(_Message, frozen=True, kw_only=True, tag="opened"):
    """The data set is open."""

    id: int
    info: DatasetInfo


class Rows(_Message, frozen=True, kw_only=True, tag="rows"):
    """Lines of the table from `start` on: fewer than asked for where they are large, none past the end."""

    id: int
    start: int
    lines: list[RowLine]


class RowDetail(_Message, frozen=True, kw_only=True, tag="row"):
    """Everything about a row.

    Attributes:
        turns: as a conversation; empty where the schema is unknown.
        fields: the other columns as name and text.
        problems: what is wrong with it, one line each.
    """

    id: int
    row: int
    turns: list[TurnText] = []
    pictures: list[PictureFile] = []
    fields: list[tuple[str, str]] = []
    problems: list[str] = []


class Found(_Message, frozen=True, kw_only=True, tag="found"):
    """The position of a row that matches; -1 when there is none."""

    id: int
    position: int


class Done(_Message, frozen=True, kw_only=True, tag="done"):
    """It is done; of a `Check`: `same` says whether the file is still the same."""

    id: int
    same: bool = True


class Progress(_Message, frozen=True, kw_only=True, tag="progress"):
    """Unasked: how far the work in the background is.

    Attributes:
        id: of the `Open` that it belongs to.
        rows, complete, share: rows found so far, whether that is all, how much of the file was looked through (0..1).
        shown: rows that the table has: those that match the filter, or all.
        filtered: how much has been filtered, 0..1; 1 without a filter.
        checked, bad: rows checked so far, and how many of them are bad.
        problems: some of the bad ones, each reported once, at most a few hundred of a data set.
    """

    id: int
    rows: int
    complete: bool
    share: float
    shown: int
    filtered: float = 1.0
    checked: int = 0
    bad: int = 0
    problems: list[RowProblem] = []


class Failure(Failing, _Message, frozen=True, kw_only=True, tag="failure"):
    """A request failed; the child goes on.

    Attributes:
        code: stable, for programs: those of `vlmtui.datasets.errors`, `superseded`, `child_died`, `timeout`,
            `internal`.
        cause, remedy: one line each.
    """

    id: int
    code: str
    cause: str
    remedy: str = ""


Reply = Hello | Opened | Rows | RowDetail | Found | Done | Progress | Failure

_CODEC: Codec[Request, Reply] = Codec(Request, Reply)
encode, decode_request, decode_reply = _CODEC.encode, _CODEC.decode_request, _CODEC.decode_reply
