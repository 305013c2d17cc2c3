"""Pasted paths: in every spelling that terminals use, and never what is more than paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmtui.ui.pasting import pasted_files


@pytest.mark.parametrize(
    "text",
    ["{0}/a b.png", "'{0}/a b.png'", "{0}/a\\ b.png ", "file://{0}/a%20b.png", "a b.png", "./sub/../a b.png\n"],
)
def test_a_path_is_known_in_every_spelling(tmp_path: Path, text: str) -> None:
    (tmp_path / "a b.png").touch()
    assert pasted_files(text.format(tmp_path), tmp_path) == [tmp_path / "a b.png"]


def test_several_files_keep_their_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.mp4"):
        (tmp_path / name).touch()
    assert pasted_files("b.png\na.mp4", tmp_path) == pasted_files("'b.png' a.mp4", tmp_path)
    assert [file.name for file in pasted_files("b.png a.mp4", tmp_path)] == ["b.png", "a.mp4"]


@pytest.mark.parametrize(
    "text", ["", "what is in a.png?", "missing.png", "a.txt", "file://elsewhere/a.png", "\0.png", "'a.png"]
)
def test_other_text_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "a.txt").touch()
    assert pasted_files(text, tmp_path) == []
