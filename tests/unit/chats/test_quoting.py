"""What is taken from a message: its code, whole and without fences, or all of it as a quotation."""

from __future__ import annotations

from vlmtui.chats.quoting import code_blocks, quoted


def test_code_blocks_are_what_stands_between_the_fences() -> None:
    text = "One:\n```python\nprint('```')\n\n# end\n```\nTwo:\n~~~~\n~~~\n~~~~\n```\nopen"
    assert code_blocks(text) == ["print('```')\n\n# end", "~~~", "open"]
    assert code_blocks("no `code` here") == []


def test_every_line_is_quoted() -> None:
    assert quoted("one\n\ntwo\n") == "> one\n>\n> two\n\n"
