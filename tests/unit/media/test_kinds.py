"""What a file is, by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmtui.media.kinds import kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "picture"), ("A.JPG", "picture"), ("clip.MP4", "video"), ("x.webm", "video"), ("q.jsonl", "dataset"),
        ("t.parquet", "dataset"), ("README", "text"), ("notes.md", "text"), ("program", "other"), ("png", "other"),
        (".png", "other"), ("a.png.exe", "other"), ("", "other"), ("a.svg", "other"), ("a\n.png", "picture"),
    ],
)  # fmt: skip
def test_kind_by_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind
    assert kind_of(Path(name)) == kind
