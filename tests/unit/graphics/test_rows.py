"""Rows of a picture: what the terminal is sent is what Textual's own way would have shown."""

from __future__ import annotations

import os
import random

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from vlmtui.ui.graphics.kitty import numbers
from vlmtui.ui.graphics.rows import half_block_rows, kitty_rows, shade_rows, sixel_rows

GROUND = Style.parse("on #102030")
CONSOLE = Console(color_system="truecolor", force_terminal=True, width=200)


def _padding(left: int, right: int) -> tuple[Strip, Strip]:
    return Strip([Segment(" " * left, GROUND)], left), Strip([Segment(" " * right, GROUND)], right)


def _screen(*lines: str, width: int = 40) -> pyte.Screen:
    screen = pyte.Screen(width, len(lines))
    stream = pyte.Stream(screen)
    for row, line in enumerate(lines):
        stream.feed(f"\x1b[{row + 1};1H{line}")
    return screen


def _cells(screen: pyte.Screen, row: int = 0) -> list[tuple[str, str, str]]:
    return [(c.data, c.fg, c.bg) for c in (screen.buffer[row][x] for x in range(screen.columns))]


@pytest.mark.parametrize("pattern", ["noise", "flat", "stripes"])
@pytest.mark.parametrize("indexed", [False, True])
def test_output_and_segments_show_the_same(pattern: str, indexed: bool) -> None:
    columns, rows = 20, 5
    size = columns * rows * 2 * (1 if indexed else 3)
    if pattern == "noise":
        pixels = random.Random(1).randbytes(size)
    elif pattern == "flat":
        pixels = bytes([7]) * size
    else:
        pixels = bytes(255 if (i // 12) % 2 else 9 for i in range(size))
    for row in half_block_rows(pixels, columns, rows, _padding(3, 4), indexed=indexed):
        assert row.cell_length == 27
        fast = row.render(CONSOLE)
        plain = Strip(list(row)).render(CONSOLE)
        assert _cells(_screen(fast)) == _cells(_screen(plain))
        assert len(fast) <= len(plain)


def test_half_blocks_have_the_upper_pixel_in_front() -> None:
    (row,) = half_block_rows(bytes((1, 2, 3)) + bytes((4, 5, 6)), 1, 1, _padding(0, 0), indexed=False)
    assert _cells(_screen(row.render(CONSOLE)))[0] == ("▀", "010203", "040506")


def test_a_row_can_be_cut_joined_and_tinted() -> None:
    row = half_block_rows(os.urandom(10 * 2 * 3), 10, 1, _padding(2, 2), indexed=False)[0]
    whole = _cells(_screen(row.render(CONSOLE)))[:14]
    left, middle, right = row.divide([5, 9, 14])
    assert (left.cell_length, middle.cell_length, right.cell_length) == (5, 4, 5)
    assert _cells(_screen("".join(part.render(CONSOLE) for part in (left, middle, right))))[:14] == whole
    assert _cells(_screen(row.crop(4, 8).render(CONSOLE)))[:4] == whole[4:8]
    assert row.crop(0, 14) is row and row.divide([14]) == [row]
    assert Strip.join([row, Strip.blank(1)]).cell_length == 15
    assert row.text == "  " + "▀" * 10 + "  "


def test_shades_are_text() -> None:
    rows = shade_rows("░▒\n▓█".encode(), _padding(1, 1), GROUND)
    assert [row.text for row in rows] == [" ░▒ ", " ▓█ "]


def test_placeholders_name_picture_row_and_column() -> None:
    rows = kitty_rows(0x123456, 4, 3, _padding(1, 1))
    for place, row in enumerate(rows):
        assert row.cell_length == 6
        assert "\x1b[38;2;18;52;86m" in row.render(CONSOLE)
        for text in (row.text[1:-1], "".join(part.text for part in row.divide([3, 6]))[1:-1]):
            found = [text[i : i + 3] for i in range(0, len(text), 3)]
            assert found == ["\U0010eeee" + numbers()[place] + numbers()[column] for column in range(4)]
        style = list(row)[1].style
        assert style is not None and style.color is not None
        assert style.color.get_ansi_codes() == ("38", "2", "18", "52", "86")


def test_sixels_are_painted_after_blank_cells_and_leave_the_cursor_behind_them() -> None:
    sixel = b'\x1bP0;1;0q"1;1;8;6#0;2;0;0;0#0~\x1b\\'
    (row,) = sixel_rows([sixel], 4, _padding(2, 2), GROUND, CONSOLE)
    output = row.render(CONSOLE)
    assert output.index("    ") < output.index("\x1bP")
    before, _, after = output.partition("\x1b7")
    assert before.count(" ") == 2
    assert after.endswith(f"\x1b8\x1b[4C{_padding(2, 2)[1].render(CONSOLE)}")


def test_a_covered_part_of_a_sixel_row_is_blank_and_an_uncovered_one_is_painted_again() -> None:
    (row,) = sixel_rows([b"\x1bPq~\x1b\\"], 10, _padding(2, 2), GROUND, CONSOLE)
    for part in row.divide([6, 14]):
        assert "\x1bP" not in part.render(CONSOLE) and set(part.text) == {" "}
    uncovered = row.crop(0, 8)
    assert uncovered.cell_length == 8
    assert "\x1bP" in uncovered.render(CONSOLE) and uncovered.render(CONSOLE).endswith("\x1b[6C")
    further = row.crop(0, 13)  # past the picture: what lies beside it is blanked too
    assert further.cell_length == 13 and further.render(CONSOLE).endswith("\x1b[10C\x1b[48;2;16;32;48m \x1b[0m")
    assert "\x1bP" not in row.crop(0, 2).render(CONSOLE)  # nothing of the picture was uncovered
    assert "\x1bP" not in row.crop(3, 8).render(CONSOLE)


def test_a_picture_of_4000_cells_costs_the_terminal_little() -> None:
    """The segments that Textual would make, filter and render take ten times as long; see the module."""
    import time

    pixels = os.urandom(100 * 80 * 3)
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for row in half_block_rows(pixels, 100, 40, _padding(10, 10), indexed=False):
            row.render(CONSOLE)
        best = min(best, time.perf_counter() - began)
    plain_best = 10.0
    rows = half_block_rows(pixels, 100, 40, _padding(10, 10), indexed=False)
    began = time.perf_counter()
    for row in rows:
        strip = Strip(list(row))
        "".join(Strip.render_style(s.style or Style(), s.text, ColorSystem.TRUECOLOR) for s in strip)
    plain_best = time.perf_counter() - began
    assert best < plain_best / 2
