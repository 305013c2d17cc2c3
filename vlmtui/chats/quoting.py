"""Pieces of a message to take along: its code, or all of it as a quotation."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def code_blocks(text: str) -> list[str]:
    """Return what stands between the fences of the Markdown `text`, block by block; one left open goes to the end."""
    blocks: list[str] = []
    lines: list[str] | None = None
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if lines is None:
            if found is not None:
                fence, lines = found[1], []
        elif found is not None and found[1].startswith(fence) and not line.strip().strip(fence[0]):
            blocks.append("\n".join(lines))
            lines = None
        else:
            lines.append(line)
    if lines:
        blocks.append("\n".join(lines))
    return blocks


def quoted(text: str) -> str:
    """Return `text` as a Markdown quotation, with an empty line below to write on."""
    return "".join(f"> {line}".rstrip() + "\n" for line in text.strip().splitlines()) + "\n"
