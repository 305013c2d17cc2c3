"""From rows to examples: every published form of rows, and every bad row named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vlmtui.training.examples import DESCRIBE, FRAMES_INTRO, UnfitData
from vlmtui.training.reading import Examples, read_examples
from vlmtui.training.recipe import Data, Method

USER = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Which?"}]}]


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": [{"type": "text", "text": text}]}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8), "red").save(place / name)
    (tmp_path / "outside.png").write_bytes((place / "a.png").read_bytes())
    (place / "cut.png").write_bytes((place / "a.png").read_bytes()[:40])
    return place


def read(folder: Path, rows: list[Any], method: Method = "sft", **keys: Any) -> Examples:
    path = folder / "rows.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return read_examples(Data(dataset_name=str(path), **({"eval_fraction": 0.0} | keys)), method, seed=0)


@pytest.mark.parametrize(
    ("row", "prompt", "answer"),
    [
        ({"images": ["a.png"], "prompt": USER, "completion": said("red")}, "Which?", "red"),
        ({"images": ["a.png"], "messages": [*USER, *said("red")]}, "Which?", "red"),
        ({"image": "a.png", "query": "How many?", "label": ["14"], "human_or_machine": 0}, "How many?", "14"),
        (
            {"image": "a.png", "conversations": [
                {"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat"}]},
            "What?", "A cat",
        ),
        (
            {"image": "a.png", "question": "Who?", "answers": [
                {"answer": "she"}, {"answer": "he"}, {"answer": "he"}]},
            "Who?", "he",
        ),
        ({"images": ["a.png"], "texts": [{"user": "Why?", "assistant": "So."}]}, "Why?", "So."),
        ({"file_name": "a.png", "text": "A red square"}, DESCRIBE, "A red square"),
        ({"images": ["a.png"], "prompt": "Which?", "chosen": "red", "rejected": "blue"}, "", ""),
        ({"image": "a.png", "prompt": "Which?", "completion": "red", "label": True}, "Which?", "red"),
    ],
)  # fmt: skip
def test_the_published_forms_of_rows(folder: Path, row: dict[str, Any], prompt: str, answer: str) -> None:
    if "chosen" in row:
        (example,) = read(folder, [row], "dpo").train
        assert (example.answer, example.rejected) == ("red", "blue")
        return
    (example,) = read(folder, [row]).train
    assert example.prompt[-1].text == prompt
    assert example.answer == answer == example.references[0]
    assert [one.path for one in example.pictures] == [str(folder / "a.png")]
    assert example.prompt[-1].pictures == 1


def test_each_answer_of_a_conversation_is_an_example(folder: Path) -> None:
    talk = [*USER, *said("red"), {"role": "user", "content": "And how large?"}, *said("small")]
    one, two = read(folder, [{"images": ["a.png"], "messages": talk}]).train
    assert (one.answer, two.answer) == ("red", "small")
    assert [message.role for message in two.prompt] == ["user", "assistant", "user"]
    assert [message.pictures for message in two.prompt] == [1, 0, 0]


def test_a_video_becomes_frames_in_their_order(folder: Path) -> None:
    from vlmtui.demo.workspace import write_workspace

    clip = write_workspace(folder / "demo") / "videos" / "moving.mp4"
    row = {"video": str(clip.relative_to(folder)), "question": "Which way?", "answer": "left"}
    (example,) = read(folder, [row]).train
    assert len(example.pictures) == example.prompt[0].pictures == 8
    assert example.prompt[0].text.startswith(FRAMES_INTRO)
    assert all(one.data for one in example.pictures)


def test_every_bad_row_is_named_and_none_is_lost(folder: Path) -> None:
    good = {"image": "a.png", "question": "Q", "answer": "A"}
    bad = {
        1: {**good, "image": "../outside.png"},
        2: {**good, "image": "/etc/passwd"},
        3: {**good, "image": "missing.png"},
        4: {**good, "image": "cut.png"},
        5: {**good, "answer": ""},
        6: {**good, "image": "https://example.org/a.png"},
        7: '{"image": "a.png", "question',
        8: {**good, "image": None},
    }
    found = read(folder, [good, *bad.values(), good])
    assert [one.row for one in found.bad] == list(bad)
    assert [one.row for one in found.train] == [0, 9]
    assert found.rows == 10
    reasons = {one.row: one.reason for one in found.bad}
    for row, words in {1: "outside", 2: "outside", 3: "not in the data set", 4: "damaged", 6: "web address"}.items():
        assert words in reasons[row], reasons


def test_bad_preferences(folder: Path) -> None:
    good = {"images": ["a.png"], "prompt": "Q", "chosen": "x", "rejected": "y"}
    found = read(folder, [good, {**good, "rejected": "x"}, {**good, "chosen": ""}], "dpo")
    assert [one.row for one in found.bad] == [1, 2]


def test_preferences_and_judged_answers_for_each_method(folder: Path) -> None:
    pair = {"images": ["a.png"], "prompt": "Q", "chosen": "x", "rejected": "y"}
    assert [(one.answer, one.good) for one in read(folder, [pair], "kto").train] == [("x", True), ("y", False)]
    assert [one.answer for one in read(folder, [pair]).train] == ["x"]
    judged = [{"image": "a.png", "prompt": "Q", "completion": "A", "label": flag} for flag in (True, False)]
    assert [one.good for one in read(folder, judged, "kto").train] == [True, False]
    found = read(folder, judged)
    assert ([one.row for one in found.train], [one.row for one in found.bad]) == ([0], [1])


def test_columns_named_by_the_recipe(folder: Path) -> None:
    row = {"pic": "a.png", "q": "Q", "gold": "A", "other": "x"}
    columns = {"prompt": "q", "completion": "gold", "images": "pic"}
    (example,) = read(folder, [row], columns=columns).train
    assert (example.prompt[0].text, example.answer, len(example.pictures)) == ("Q", "A", 1)
    (example,) = read(folder, [row], columns={"completion": "gold", "images": "pic"}).train  # a caption
    assert (example.prompt[0].text, example.answer) == (DESCRIBE, "A")
    with pytest.raises(UnfitData, match="no column 'Q'"):
        read(folder, [row], columns={"prompt": "Q"})
    with pytest.raises(UnfitData, match="columns: "):
        read(folder, [row])


def test_data_that_the_method_cannot_use(folder: Path) -> None:
    with pytest.raises(UnfitData, match="better and a worse"):
        read(folder, [{"image": "a.png", "question": "Q", "answer": "A"}], "dpo")


def test_the_split_is_the_seeds_and_whole_rows(folder: Path) -> None:
    talk = [*USER, *said("1"), {"role": "user", "content": "?"}, *said("2")]
    rows = [{"images": ["a.png"], "messages": talk}] * 40
    one, again = (read(folder, rows, eval_fraction=0.25) for _ in range(2))
    held = [example.row for example in one.evaluation]
    assert len(set(held)) == 10 and len(held) == 20
    assert not set(held) & {example.row for example in one.train}
    assert held == [example.row for example in again.evaluation]
    assert held != [example.row for example in read_other_seed(folder)]
    assert len(read(folder, rows, eval_fraction=None).evaluation) == 8
    assert not read(folder, rows, max_rows=10, eval_fraction=None).evaluation


def read_other_seed(folder: Path) -> list[Any]:
    data = Data(dataset_name=str(folder / "rows.jsonl"), eval_fraction=0.25)
    return read_examples(data, "sft", seed=1).evaluation


def test_parquet_with_bytes_is_read_whole(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = (folder / "a.png").read_bytes()
    rows = [{"image": {"bytes": data, "path": "x.png"}, "query": f"{n}?", "label": [str(n)]} for n in range(70)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet", row_group_size=30)
    found = read_examples(Data(dataset_name=str(folder / "rows.parquet"), eval_fraction=0.0), "sft", seed=0)
    assert [example.answer for example in found.train] == [str(n) for n in range(70)]
    assert all(example.pictures[0].data == data for example in found.train)
    spilled = read_examples(Data(dataset_name=str(folder / "rows.parquet")), "sft", 0, folder / "spill").train
    (path,) = {example.pictures[0].path for example in spilled}  # one picture, so one file
    assert Path(path).read_bytes() == data and spilled[0].pictures[0].data is None


def test_the_rows_of_a_hub_data_set_keep_their_bytes(folder: Path) -> None:
    import datasets

    from vlmtui.training.reading import _hub_split

    features = datasets.Features(
        {"images": datasets.List(datasets.Image()), "question": datasets.Value("string"),
         "answer": datasets.ClassLabel(names=["no", "yes"])}
    )  # fmt: skip
    rows = {"images": [[str(folder / "a.png")]], "question": ["Red?"], "answer": [1]}
    split = _hub_split(datasets.Dataset.from_dict(rows, features=features))
    ((number, row),) = split.rows
    assert (number, row.values["answer"]) == (0, "yes")
    assert set(row.values["images"][0]) == {"bytes", "path"}
