"""Searching files: what is found and where, rows of data sets, long lines, what is no text, giving it up."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmtui.finding import searching
from vlmtui.finding.client import FileSearch
from vlmtui.finding.protocol import FileFound, Search, Searched
from vlmtui.finding.rows_of_lines import rows_of_lines
from vlmtui.finding.searching import matcher, places_in_file, spans_in


def _found(file: Path, **search: object) -> list[tuple[int, list[str]]]:
    """The line and the texts of each place."""
    places, _ = places_in_file(os.fsencode(file), matcher(Search(**search)))  # type: ignore[arg-type]
    return [(place.line, [place.text[start:end] for start, end in place.spans]) for place in places]


@given(
    st.lists(st.text("abAé\x00 ", max_size=9), max_size=12),
    st.text("abé", min_size=1, max_size=3),
    st.booleans(),
    st.integers(16, 400),
)
def test_exactly_the_lines_with_the_text_are_found_wherever_the_blocks_end(
    lines: list[str], text: str, case: bool, block: int
) -> None:
    import io

    data = b"#\n" + b"#" * 9000 + b"\n" + "\n".join(lines).encode()  # what is no text is told by its beginning
    before, searching._BLOCK = searching._BLOCK, block
    try:
        places, more = searching._places(io.BytesIO(data), matcher(Search(text, case=case)))
    finally:
        searching._BLOCK = before
    flags = 0 if case else re.IGNORECASE
    wanted = [n for n, line in enumerate(lines, start=3) if re.search(re.escape(text), line, flags)]
    assert [place.line for place in places] == wanted
    assert not more
    for place in places:
        for start, end in place.spans:
            assert re.fullmatch(re.escape(text), place.text[start:end], flags)


def test_case_whole_words_and_regular_expressions(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("Cat cats\nconcat\nÄRGER ärger cat\r\n", encoding="utf-8")
    assert _found(file, text="cat") == [(1, ["Cat", "cat"]), (2, ["cat"]), (3, ["cat"])]
    assert _found(file, text="cat", case=True) == [(1, ["cat"]), (2, ["cat"]), (3, ["cat"])]
    assert _found(file, text="cat", whole=True) == [(1, ["Cat"]), (3, ["cat"])]
    assert _found(file, text="ärger") == [(3, ["ÄRGER", "ärger"])]
    assert _found(file, text=r"ä\w+|^con", regex=True) == [(2, ["con"]), (3, ["ÄRGER", "ärger"])]
    assert _found(file, text="x*", regex=True) == []


def test_a_line_of_some_megabytes_is_shown_in_parts(tmp_path: Path) -> None:
    file = tmp_path / "one line.json"
    file.write_bytes(b'{"a": "' + "é".encode() * 700_000 + b" needle " + b"y" * 900_000 + b"needle" + b'"}')
    places, more = places_in_file(os.fsencode(file), matcher(Search("needle")))
    assert [place.line for place in places] == [1, 1]
    assert not more
    assert all(len(place.text) < 300 and "\ufffd" not in place.text for place in places)


def test_what_is_no_text_or_no_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"needle\0needle")
    assert _found(tmp_path / "a.txt", text="needle") == []
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(OSError, match="no regular file"):
        places_in_file(os.fsencode(tmp_path / "pipe.txt"), matcher(Search("x")))


def test_rows_are_counted_as_the_data_set_is_read(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"a": 1}\n\n{"a": 2}\n  \n{"a": 3}', encoding="utf-8")
    assert rows_of_lines(lines, [1, 3, 5]) == [1, 2, 3]
    table = tmp_path / "b.csv"
    table.write_text('name;text\nx;"two\nlines"\n\ny;5" wide\nz;last\n', encoding="utf-8")
    assert rows_of_lines(table, [1, 2, 3, 5, 6]) == [0, 1, 1, 2, 3]
    assert rows_of_lines(tmp_path / "c.txt", [4]) == [0]


def test_places_in_names_are_those_of_the_decoded_path() -> None:
    assert spans_in("é/Bild_bild.png".encode(), matcher(Search("bild"))) == [(2, 6), (7, 11)]


async def _searched(folder: Path, search: Search) -> tuple[list[FileFound], Searched]:
    said: list[Searched] = []
    assert await FileSearch(folder, search, said.append).run() == ""
    return [file for each in said for file in each.found], said[-1]


async def test_the_child_searches_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "needle.txt").write_text("needle")
    (tmp_path / "b needle.png").touch()
    (tmp_path / "a.jsonl").write_text('{"q": "hay"}\n{"q": "Needle"}\n', encoding="utf-8")
    hostile = os.fsdecode(b"deep/\xff\x1b]0;x.txt")
    (tmp_path / hostile).write_bytes(b"\x1b]52;c;x\x07 needle \xff\n")
    found, last = await _searched(tmp_path, Search("needle"))
    assert [file.path for file in found] == [b"a.jsonl", b"b needle.png", os.fsencode(hostile)]
    assert [(place.line, place.row) for place in found[0].places] == [(2, 2)]
    assert found[1].spans == [(2, 8)]
    assert (last.done, last.files, last.full, last.unread) == (True, 3, False, 0)
    assert (await _searched(tmp_path, Search("(", regex=True)))[1].wrong


async def test_a_search_that_never_ends_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 60, encoding="utf-8")
    search = FileSearch(tmp_path, Search(r"(a|aa)+$b", regex=True), lambda _: None)
    running = asyncio.create_task(search.run())
    while search._child._process is None:
        await asyncio.sleep(0.01)
    await search.close()
    async with asyncio.timeout(60):
        await running
