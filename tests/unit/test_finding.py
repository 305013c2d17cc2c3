"""Finding files: what letters match, what is meant first, hostile names, and a walk past hidden folders."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vlmtui.finding.client import FileFinder
from vlmtui.finding.matching import Segment, letters_of, places_in
from vlmtui.finding.protocol import Found


def _is_subsequence(letters: bytes, path: bytes) -> bool:
    rest = iter(path)
    return all(letter in rest for letter in letters)


@given(
    st.lists(st.text("abAB/_é", min_size=1, max_size=12), min_size=1, max_size=30),
    st.text("ab/é", min_size=1, max_size=4),
)
def test_exactly_the_paths_with_the_letters_in_order_match(paths: list[str], typed: str) -> None:
    encoded = [os.fsencode(path) for path in paths]
    letters = letters_of(typed)
    ranked, count = Segment(encoded).rank(letters, 100)
    wanted = {at for at, path in enumerate(paths) if _is_subsequence(letters, path.lower().encode())}
    assert {index for _, index in ranked} == wanted
    assert count == len(wanted)


@given(
    st.lists(st.text("ab/_", min_size=1, max_size=9), min_size=1, max_size=20),
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=8),
)
def test_what_was_asked_before_changes_no_answer(paths: list[str], typed: list[str]) -> None:
    encoded = [os.fsencode(path) for path in paths]
    asked = Segment(encoded)
    for text in typed:
        assert asked.rank(text.encode(), 5) == Segment(encoded).rank(text.encode(), 5)


def test_a_name_with_the_letters_together_comes_before_one_with_them_apart() -> None:
    paths = [b"model/readme.txt", b"a/mx_o_d_el.py", b"deep/down/model.py", b"supermodel.py", b"x/mo/del.txt"]
    ranked, _ = Segment(paths).rank(b"model", 10)
    assert [paths[index] for _, index in ranked][:3] == [b"deep/down/model.py", b"supermodel.py", b"a/mx_o_d_el.py"]


def test_the_marked_letters_are_the_ones_in_the_name() -> None:
    assert places_in("model/my_model.py", "model") == [9, 10, 11, 12, 13]
    assert places_in("abc/xyz", "ax") == [0, 4]


async def _ask(finder: FileFinder, answers: list[Found], letters: str) -> Found:
    finder.ask(letters)
    before = len(answers)
    async with asyncio.timeout(60):
        while not any(found.done for found in answers[before:]):
            await asyncio.sleep(0.01)
    return answers[-1]


async def test_the_child_walks_a_folder_and_answers(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "picture.png").touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "back").symlink_to(tmp_path)
    for name in (b"a picture.png", b"odd\xff\nname.png", b"old picture.png", b"sub/picture.jpg"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).touch()  # noqa: PTH118
    answers: list[Found] = []
    finder = FileFinder(tmp_path, ["old picture.png", "gone picture.png"], answers.append)
    running = asyncio.create_task(finder.run())
    try:
        everything = await _ask(finder, answers, "")
        assert everything.files == 5  # the link is an entry; what it leads to is not walked again
        assert everything.rows[0].path == b"old picture.png"
        assert b"odd\xff\nname.png" in {row.path for row in everything.rows}
        found = await _ask(finder, answers, "PICT")
        assert [row.path for row in found.rows] == [b"old picture.png", b"sub/picture.jpg", b"a picture.png"]
        assert (await _ask(finder, answers, "zzz")).matches == 0
        # One letter more is looked for in what is left, one less in all again.
        for letters, count in (("pi", 3), ("pic", 3), ("picx", 0), ("p", 4), ("jpg", 1), ("jp", 1)):
            assert (await _ask(finder, answers, letters)).matches == count, letters
    finally:
        await finder.close()
        await running
