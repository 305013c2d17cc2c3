"""What a data set is, and its rows as conversations: the published forms, each as its authors wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vlmtui.datasets.conversation import Turn, as_conversation, problems_of
from vlmtui.datasets.pictures import Picture, resolve
from vlmtui.datasets.schema import detect

_PNG = b"\x89PNG\r\n\x1a\n"
_IMAGE = {"bytes": _PNG, "path": None}


def _say(role: str, text: str, *, image: bool = False) -> dict[str, Any]:
    return {"role": role, "content": [*([{"type": "image"}] if image else []), {"type": "text", "text": text}]}


# name, row, kind, columns of pictures, methods, turns as (role, text, pictures, branch)
_CASES: list[tuple[str, dict[str, Any], str, list[str], list[str], list[tuple[str, str, int, str]]]] = [
    (
        "messages",
        {"messages": [_say("user", "what?", image=True), _say("assistant", "a cat")], "images": [_IMAGE]},
        "messages",
        ["images"],
        ["SFT"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "")],
    ),
    (
        "prompt and completion",
        {"prompt": [_say("user", "what?")], "completion": [_say("assistant", "a cat")], "image": "a.png"},
        "prompt-completion",
        ["image"],
        ["SFT"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "")],
    ),
    (
        "preference",
        {
            "images": [_IMAGE],
            "prompt": [_say("user", "what?", image=True)],
            "chosen": [_say("assistant", "a cat")],
            "rejected": [_say("assistant", "a dog")],
        },
        "preference",
        ["images"],
        ["DPO", "MPO"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "chosen"), ("assistant", "a dog", 0, "rejected")],
    ),
    (
        "preference with the prompt in both",
        {
            "chosen": [_say("user", "what?"), _say("assistant", "yes")],
            "rejected": [_say("user", "what?"), _say("assistant", "no")],
        },
        "preference",
        [],
        ["DPO", "MPO"],
        [("user", "what?", 0, ""), ("assistant", "yes", 0, "chosen"), ("assistant", "no", 0, "rejected")],
    ),
    (
        "KTO",
        {"prompt": "what?", "completion": "a cat", "label": True, "image": _IMAGE},
        "kto",
        ["image"],
        ["KTO"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "")],
    ),
    (
        "ChartQA",
        {"image": _IMAGE, "query": "how many?", "label": ["14"], "human_or_machine": "human"},
        "chartqa",
        ["image"],
        ["SFT"],
        [("user", "how many?", 1, ""), ("assistant", "14", 0, "")],
    ),
    (
        "RLAIF-V raw",
        {
            "ds_name": "x",
            "image": _IMAGE,
            "question": "what?",
            "chosen": "a cat",
            "rejected": "a dog",
            "origin_dataset": "y",
            "idx": "0",
            "image_path": "x/1.jpg",
        },
        "rlaif-v",
        ["image"],
        ["DPO", "MPO"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "chosen"), ("assistant", "a dog", 0, "rejected")],
    ),
    (
        "LLaVA",
        {
            "id": "1",
            "image": "coco/1.jpg",
            "conversations": [{"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "a cat"}],
        },
        "llava",
        ["image"],
        ["SFT"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "")],
    ),
    (
        "VQAv2",
        {"image": _IMAGE, "question": "what?", "answers": [{"answer": "cat"}, {"answer": "dog"}, {"answer": "cat"}]},
        "vqa",
        ["image"],
        ["SFT"],
        [("user", "what?", 1, ""), ("assistant", "cat  |  dog", 0, "")],
    ),
    (
        "Cauldron",
        {"images": [_IMAGE], "texts": [{"user": "what?", "assistant": "a cat", "source": "x"}]},
        "cauldron",
        ["images"],
        ["SFT"],
        [("user", "what?", 1, ""), ("assistant", "a cat", 0, "")],
    ),
    (
        "captions",
        {"file_name": "a.png", "text": "a cat"},
        "caption",
        ["file_name"],
        ["SFT"],
        [("user", "", 1, ""), ("assistant", "a cat", 0, "")],
    ),
]


@pytest.mark.parametrize("case", _CASES, ids=[case[0] for case in _CASES])
def test_published_forms(case: tuple[Any, ...]) -> None:
    _, row, kind, pictures, fits, turns = case
    schema = detect([], [row])
    assert (schema.kind, schema.pictures, schema.fits) == (kind, pictures, fits)
    found = as_conversation(row, schema)
    assert [(turn.role, turn.text, len(turn.pictures), turn.branch) for turn in found] == turns
    assert problems_of(row, schema) == []
    assert schema.missing  # no form is enough for every method


def test_pictures_go_where_the_row_puts_them() -> None:
    row = {
        "images": ["a.png", "b.png", "c.png"],
        "messages": [_say("user", "one", image=True), _say("assistant", "yes"), _say("user", "two", image=True)],
    }
    turns = as_conversation(row, detect([], [row]))
    assert [[p.path for p in turn.pictures] for turn in turns] == [["a.png", "c.png"], [], ["b.png"]]
    inline = {
        "messages": [{"role": "user", "content": [{"type": "image", "image": "x.png"}, {"type": "text", "text": "?"}]}]
    }
    assert as_conversation(inline, detect([], [inline]))[0].pictures == [Picture("x.png")]


def test_what_is_missing_is_said_in_plain_words() -> None:
    asked = detect([], [{"prompt": "what?"}])
    assert asked.fits == ["GRPO"] and any(line.startswith("SFT: an answer") for line in asked.missing)
    assert asked.missing[0].startswith("pictures: no column")
    assert detect(["a", "b"], [{"a": 1, "b": 2}]).missing[0].startswith("any method: columns such as")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completion": None}, "completion is missing"),
        ({"completion": [_say("assistant", " ")]}, "the answer is empty"),
        ({"completion": []}, "there is no answer"),
        ({"images": []}, "1 picture fewer"),
        ({"images": None}, "holds no picture"),
    ],
)
def test_bad_rows_say_what_is_wrong(change: dict[str, Any], said: str) -> None:
    good = {"images": ["a.png"], "prompt": [_say("user", "?", image=True)], "completion": [_say("assistant", "x")]}
    schema = detect([], [good])
    assert problems_of(good, schema) == []
    assert said in " ".join(problems_of({**good, **change}, schema))


def test_odd_values_are_shown_and_never_raise() -> None:
    good = {"images": ["a.png"], "prompt": "?", "completion": "x"}
    schema = detect([], [good])
    deep: Any = []
    for _ in range(900):
        deep = [deep]
    for odd in (
        None,
        7,
        1.5,
        True,
        [],
        {},
        [None],
        [[1]],
        {"role": 1},
        [{"role": None, "content": {"a": 1}}],
        deep,
        {"content": [None, 3]},
    ):
        for name in good:
            row = {**good, name: odd}
            assert all(isinstance(turn, Turn) and isinstance(turn.text, str) for turn in as_conversation(row, schema))
            problems_of(row, schema)
            detect([], [row])


def test_pictures_stay_within_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "data"
    (root / "in").mkdir(parents=True)
    (root / "in" / "a.png").write_bytes(_PNG)
    (tmp_path / "secret.png").write_bytes(_PNG)
    (tmp_path / "data-evil").mkdir()
    (tmp_path / "data-evil" / "b.png").write_bytes(_PNG)
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    assert resolve("in/a.png", root) == root / "in" / "a.png"
    assert resolve(str(root / "in" / "a.png"), root) == root / "in" / "a.png"
    for outside in ("../secret.png", "/etc/passwd", "link.png", "../data-evil/b.png", "in/../../secret.png"):
        assert "outside of" in str(resolve(outside, root)), outside
    assert "not fetched" in str(resolve("https://example.org/a.png", root))
    assert "not in the data set's folder" in str(resolve("in/b.png", root))
    assert "no file can have" in str(resolve("a\0b", root))
    assert "\x1b" not in str(resolve("\x1b]52;c;x\x07.png", root))
