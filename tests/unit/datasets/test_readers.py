"""Rows out of every kind of file: as other libraries read them, whatever the file is like; bad rows never stop one."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vlmtui.datasets import delimited, json_array, json_lines
from vlmtui.datasets.errors import DatasetError
from vlmtui.datasets.opening import is_dataset, open_dataset
from vlmtui.datasets.rows import Row, Source

_QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def rows_of(path: Path) -> list[Row]:
    """Return all rows of the data set at `path`, read one way in pages and another way one by one."""
    source: Source = open_dataset(path).source
    try:
        while not source.complete:
            source.advance()
        pages: list[Row] = []
        while page := source.read(len(pages), 7):
            pages += page
        assert len(pages) == source.rows
        for number in {0, source.rows // 2, source.rows - 1} if pages else ():
            again = source.read(number, 1)[0]
            assert (again.values, again.error) == (pages[number].values, pages[number].error)
        return pages
    finally:
        source.close()


@_QUICK
@given(
    rows=st.lists(st.dictionaries(_TEXT, _TEXT | st.integers(-(2**40), 2**40) | st.none(), max_size=4), max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\n\n", "\n \t\n"]),
    last=st.booleans(),
    bom=st.booleans(),
    ascii=st.booleans(),
    block=st.sampled_from([16, 64, 128 * 1024]),
)
def test_json_lines(
    tmp_path: Path, rows: list[dict[str, object]], end: str, last: bool, bom: bool, ascii: bool, block: int
) -> None:
    text = end.join(json.dumps(row, ensure_ascii=ascii) for row in rows) + (end if last and rows else "")
    path = tmp_path / "rows.jsonl"
    path.write_bytes(text.encode("utf-8-sig" if bom else "utf-8"))
    if not path.stat().st_size:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "_BLOCK", block)
        found = rows_of(path)
    assert [row.values for row in found] == rows
    assert not any(row.error for row in found)


@_QUICK
@given(
    rows=st.lists(
        st.lists(_TEXT.map(lambda t: t.replace("\r", "").replace("\0", "")), min_size=3, max_size=3), max_size=12
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    bom=st.booleans(),
    block=st.sampled_from([16, 64, 64 * 1024]),
)
@example(rows=[["a\nb", 'say "so"', ""], ["", "", "x,y"]], end="\r\n", quoting=csv.QUOTE_MINIMAL, bom=True, block=16)
def test_csv(tmp_path: Path, rows: list[list[str]], end: str, quoting: int, bom: bool, block: int) -> None:
    held = io.StringIO()
    writer = csv.writer(held, lineterminator=end, quoting=quoting)
    writer.writerow(["question", "answer", "n"])
    writer.writerows(rows)
    path = tmp_path / "rows.csv"
    path.write_bytes(held.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_BLOCK", block)
        found = rows_of(path)
    assert [[*row.values.values()] for row in found] == rows
    assert not any(row.error for row in found)


@_QUICK
@given(
    rows=st.lists(
        st.dictionaries(_TEXT, _TEXT | st.lists(st.integers(0, 99), max_size=3), max_size=4), min_size=1, max_size=12
    ),
    wrapped=st.booleans(),
    indent=st.sampled_from([None, 2]),
    ascii=st.booleans(),
    window=st.sampled_from([16, 64, 128 * 1024]),
)
def test_json(
    tmp_path: Path, rows: list[dict[str, object]], wrapped: bool, indent: int | None, ascii: bool, window: int
) -> None:
    value = {"version": 1, "info": {"x": [1, 2]}, "data": rows, "after": 3} if wrapped else rows
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(value, ensure_ascii=ascii, indent=indent), encoding="utf-8")
    source = open_dataset(path).source
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "_WINDOW", window)
        while not source.complete:
            source.advance()
    assert [row.values for row in source.read(0, 99)] == rows
    source.close()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_other_encodings(tmp_path: Path, encoding: str, name: str) -> None:
    text = {"a.csv": "q,a\nwarum?,weil ü\n", "a.jsonl": '{"q": "warum?", "a": "weil ü"}\n'}.get(name)
    (tmp_path / name).write_text(text or '[{"q": "warum?", "a": "weil ü"}]', encoding=encoding)
    assert rows_of(tmp_path / name)[0].values == {"q": "warum?", "a": "weil ü"}


def test_bad_lines_are_error_rows_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [
        b'{"a": 1}',
        b"{'a': 1}",
        b"[1, 2]",
        b'{"a": "\xe9"}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 2}',
        b'{"a": "cut',
    ]
    path.write_bytes(b"\n".join(lines))
    found = rows_of(path)
    assert [bool(row.error) for row in found] == [False, True, True, True, True, True, False, True]
    assert "a list, not an object" in found[2].error
    assert "0xe9" in found[3].error and found[3].values == {"a": "\ufffd"}
    assert "nested too deeply" in found[4].error
    assert "cut off" in found[7].error
    assert found[6].values == {"a": 2}


def test_a_row_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MAX_ROW", 300_000)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        b'{"a": 1}\n{"a": "' + b"x" * 700_000 + b'"}\n{"a": 3}\n{"a": "' + b"y" * 200_000 + b'"}\n{"a": 5}'
    )
    found = rows_of(path)
    assert [bool(row.error) for row in found] == [False, True, False, False, False]
    assert "larger than" in found[1].error
    assert found[2].values == {"a": 3} and found[4].values == {"a": 5}


def test_csv_oddities(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'q;a;\nx;1;2\ny;1\nz;1;2;3\n\nw;"two\nlines";2\nv;\xff;2\nlast;"open')
    found = rows_of(path)
    assert found[0].values == {"q": "x", "a": "1", "column 3": "2"} and not found[0].error
    assert "2 cells, but 3 columns" in found[1].error
    assert "4 cells" in found[2].error and found[2].values["(more)"] == "3"
    assert found[3].values["a"] == "two\nlines" and not found[3].error
    assert "0xff" in found[4].error
    assert "not closed" in found[5].error and len(found) == 6


def test_one_quote_too_many_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", 256)
    monkeypatch.setattr(delimited, "_LONGEST_QUOTED", 4096)
    path = tmp_path / "rows.csv"
    path.write_text("q,a\n" + "x,1\n" * 10 + 'bad,"oh\n' + "y,2\n" * 3000)
    found = rows_of(path)
    assert len(found) == 3011
    assert [number for number, row in enumerate(found) if row.error] == [10]
    assert found[3010].values == {"q": "y", "a": "2"}


def test_a_bad_element_of_an_array_is_an_error_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"a": 1}, {"a": oops, "b": "]}"}, {"a": 3}, 7, {"a": 4}')
    found = rows_of(path)
    assert [bool(row.error) for row in found] == [False, True, False, True, False]
    assert found[4].values == {"a": 4}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", b'{"model": "x"}', "no table of rows"),
        ("a.json", b"7", "no table of rows"),
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b"\x00\x01\x02", "no text"),
        ("a.csv", b"\n\n", "no first line"),
        ("a.parquet", b"PAR1 nonsense PAR1", "damaged"),
        ("a.arrow", b"nonsense and more", "damaged"),
        ("a.txt", b"words", "no kind"),
    ],
)
def test_what_is_no_data_set_is_one_clear_line(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=said) as caught:
        open_dataset(path)
    assert caught.value.remedy


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(DatasetError, match="named pipe"):
        open_dataset(tmp_path / "a.jsonl")


def test_pictures_with_metadata(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    (tmp_path / "train" / "metadata.jsonl").write_text('{"file_name": "a.png", "text": "a cat"}\n')
    (tmp_path / "test" / "metadata.csv").write_text("file_name,text\nb.png,a dog\n")
    opened = open_dataset(tmp_path)
    assert opened.splits == ["train", "test"] and opened.split == "train"
    assert opened.source.root == tmp_path / "train"
    test = open_dataset(tmp_path, "test").source
    test.advance()
    assert test.read(0, 9)[0].values == {"file_name": "b.png", "text": "a dog"}
    assert is_dataset(tmp_path) and not is_dataset(tmp_path / "nothing")


def test_saved_data_sets_and_parquet(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    rows = [
        {"question": f"q{i}", "image": {"bytes": b"\x89PNG" + bytes([i % 256]), "path": f"{i}.png"}, "kind": i % 2}
        for i in range(1500)
    ]
    features = datasets.Features(
        {
            "question": datasets.Value("string"),
            "image": datasets.Image(decode=False),
            "kind": datasets.ClassLabel(names=["no", "yes"]),
        }
    )
    made = datasets.Dataset.from_list(rows, features=features)
    datasets.DatasetDict({"train": made, "test": made.select(range(3))}).save_to_disk(
        str(tmp_path / "saved"), num_shards={"train": 2, "test": 1}
    )
    made.to_parquet(str(tmp_path / "rows.parquet"), batch_size=400)
    for path in (tmp_path / "saved", tmp_path / "rows.parquet"):
        opened = open_dataset(path)
        source = opened.source
        assert source.rows == 1500 and source.columns() == ["question", "image", "kind"]
        for number in (0, 399, 400, 1499, 700):
            light, whole = source.read(number, 1)[0], source.read(number, 1, whole=True)[0]
            assert light.values["question"] == whole.values["question"] == f"q{number}"
            assert whole.values["image"] == rows[number]["image"]
            assert light.values["image"] == {"path": f"{number}.png"}
            assert whole.values["kind"] == ("yes" if number % 2 else "no")
        assert len(source.read(1490, 64)) == 10
        source.close()
    assert open_dataset(tmp_path / "saved").splits == ["train", "test"]


def test_a_saved_data_set_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "secret.arrow").write_bytes(b"secret")
    (tmp_path / "evil" / "dataset_info.json").write_text("{}")
    (tmp_path / "evil" / "state.json").write_text('{"_data_files": [{"filename": "../secret.arrow"}]}')
    with pytest.raises(DatasetError, match="no Arrow files in the folder"):
        open_dataset(tmp_path / "evil")
    (tmp_path / "evil" / "dataset_dict.json").write_text('{"splits": ["../other"]}')
    with pytest.raises(DatasetError, match="no data set"):
        open_dataset(tmp_path / "evil")
