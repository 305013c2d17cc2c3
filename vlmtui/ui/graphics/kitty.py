"""The kitty graphics protocol with Unicode placeholders: the picture is sent once, and text cells show it.

Placeholders are ordinary characters, so whatever moves, covers or erases text does the same to the picture: nothing
has to be kept in step with the rest of the screen. Source: the protocol's description, "Unicode placeholders".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache

_PLACEHOLDER = "\U0010eeee"
_CHUNK = 4096
# The combining characters that number rows and columns, in the protocol's order: the n-th stands for n.
_NUMBER_RANGES = (
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9 5ab-5ac "
    "5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d 73f-741 743 745 "
    "747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87 135d-135f 17dd 193a 1a17 "
    "1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9 1dcb-1dcc 1dd1-1de6 1dfe 20d0-20d1 "
    "20d4-20d7 20db-20dc 20e1 20e7 20e9 20f0 2cef-2cf1 2de0-2dff a66f a67c-a67d a6f0-a6f1 a8e0-a8f1 aab0 aab2-aab3 "
    "aab7-aab8 aabe-aabf aac1 fe20-fe26 10a0f 10a38 1d185-1d189 1d1aa-1d1ad 1d242-1d244"
)
MOST_CELLS = 297
"""Rows and columns that can be numbered."""


@cache
def numbers() -> tuple[str, ...]:
    """Return the characters that stand for 0, 1, 2, … (297 of them)."""
    found: list[str] = []
    for part in _NUMBER_RANGES.split():
        first, _, last = part.partition("-")
        found.extend(chr(code) for code in range(int(first, 16), int(last or first, 16) + 1))
    return tuple(found)


def placeholder_row(row: int, columns: int) -> str:
    """Return the text of `columns` cells that show row `row` of a picture.

    Each cell names its row and column, though the protocol lets neighbours be left out: any part of the line may be
    painted without the rest.
    """
    number = numbers()
    return "".join([f"{_PLACEHOLDER}{number[row]}{number[column]}" for column in range(columns)])


def transmit(png: bytes, image_id: int, columns: int, rows: int, *, tmux: bool = False) -> str:
    """Return the sequences that send `png` as picture `image_id` for `columns` x `rows` placeholder cells.

    The terminal answers nothing (`q=2`): an answer would arrive as input. The picture appears where its placeholders
    are painted, not before.
    """
    pieces = list(_chunks(base64.standard_b64encode(png).decode()))
    out: list[str] = []
    for place, piece in enumerate(pieces):
        more = int(place < len(pieces) - 1)
        keys = f"a=T,U=1,f=100,i={image_id},c={columns},r={rows},q=2,m={more}" if place == 0 else f"q=2,m={more}"
        out.append(_wrapped(f"\x1b_G{keys};{piece}\x1b\\", tmux))
    return "".join(out)


def delete(image_id: int, *, tmux: bool = False) -> str:
    """Return the sequence that removes picture `image_id` and frees its memory in the terminal."""
    return _wrapped(f"\x1b_Ga=d,d=I,i={image_id},q=2\x1b\\", tmux)


def _wrapped(sequence: str, tmux: bool) -> str:
    """Return `sequence`, for tmux wrapped so that it is passed through to the terminal outside."""
    if not tmux:
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def _chunks(text: str) -> Iterator[str]:
    for start in range(0, max(1, len(text)), _CHUNK):
        yield text[start : start + _CHUNK]
