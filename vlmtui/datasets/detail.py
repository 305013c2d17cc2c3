"""A row as the protocol sends it: a line of the table, or everything about it."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from vlmtui.datasets.cells import cell_text
from vlmtui.datasets.conversation import Turn, as_conversation
from vlmtui.datasets.extracted import MAX_PICTURE, Extracted
from vlmtui.datasets.pictures import MOST_A_ROW, Picture, pictures_in, resolve
from vlmtui.datasets.protocol import PictureFile, RowDetail, RowLine, TurnText
from vlmtui.datasets.rows import Row
from vlmtui.datasets.table import Table

_MOST_TEXT = 100_000
_MOST_FIELD = 8_000
_DRAWN = 16
"""So many of a row's pictures are made ready to be drawn."""


def line_of(number: int, row: Row, table: Table) -> RowLine:
    """Return a row as a line of the table."""
    pictures = set(table.schema.pictures)
    if row.error and not any(name in row.values for name in table.columns):
        return RowLine(number, [cell_text(value) for value in row.values.values()][:1], row.error)
    cells = [cell_text(row.values.get(name), picture=name in pictures) for name in table.columns]
    return RowLine(number, cells, next(iter(table.problems(row)), ""))


def detail_of(id: int, number: int, table: Table, extracted: Extracted) -> RowDetail:
    """Return everything about row `number`: its conversation, its pictures as files, its other columns."""
    rows = table.source.read(number, 1, whole=True)
    if not rows:
        return RowDetail(id=id, row=number, problems=["there is no such row"])
    row, schema = rows[0], table.schema
    problems = table.problems(row)
    turns = as_conversation(row.values, schema)
    pictures = [picture for turn in turns for picture in turn.pictures]
    used = {*schema.columns.values(), *schema.pictures} if turns else set()
    if not pictures:
        pictures = [picture for name in schema.pictures for picture in pictures_in(row.values.get(name))]
    pictures = pictures[:MOST_A_ROW]
    files = [_file_of(picture, number, place, table, extracted) for place, picture in enumerate(pictures)]
    fields = [
        (name, _field_text(value, picture=name in schema.pictures))
        for name, value in row.values.items()
        if name not in used and value is not None
    ]
    return RowDetail(
        id=id, row=number, turns=_texts(turns), pictures=files, fields=fields, problems=problems,
    )  # fmt: skip


def _texts(turns: list[Turn]) -> list[TurnText]:
    found: list[TurnText] = []
    at = 0
    for turn in turns:
        numbers = [n for n in range(at, at + len(turn.pictures)) if n < MOST_A_ROW]
        at += len(turn.pictures)
        text = turn.text
        if len(text) > _MOST_TEXT:
            text = f"{text[:_MOST_TEXT]}… ({len(turn.text):,} characters)"
        found.append(TurnText(role=turn.role[:40], text=text, pictures=numbers, branch=turn.branch))
    return found


def _file_of(picture: Picture, row: int, place: int, table: Table, extracted: Extracted) -> PictureFile:
    name = PurePosixPath(picture.path.replace("\\", "/")).name[:200] if picture.path else ""
    if picture.data is None:
        found = resolve(picture.path, table.source.root)
        if isinstance(found, str):
            return PictureFile(name=name, note=found)
        return PictureFile(file=str(found), name=name)
    name = name or f"picture {place + 1}"
    if place >= _DRAWN:
        return PictureFile(name=name, note=f"only the first {_DRAWN} pictures of a row are drawn")
    if not picture.data:
        return PictureFile(name=name, note="the row holds no bytes for it")
    if len(picture.data) > MAX_PICTURE:
        return PictureFile(name=name, note=f"larger than {MAX_PICTURE // 1024**2} MB")
    try:
        file = extracted.file_of(picture.data, f"row{row + 1}-{place + 1}")
    except OSError as error:
        return PictureFile(name=name, note=f"the cache folder cannot be written: {error.strerror or error}")
    return PictureFile(file=str(file), name=name)


def _field_text(value: Any, *, picture: bool) -> str:
    if picture or isinstance(value, str | bytes | bool | int | float):
        return cell_text(value, _MOST_FIELD, picture=picture)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)[:_MOST_FIELD]
    except (TypeError, ValueError, RecursionError):
        return cell_text(value, _MOST_FIELD)
