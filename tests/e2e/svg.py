"""A terminal's screen as an SVG picture, drawn cell by cell so that block characters meet without seams."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby

import pyte
from pyte.screens import Char

CELL_WIDTH = 8.4
CELL_HEIGHT = 17.0
_FONT_SIZE = 14
_FOREGROUND, _BACKGROUND = "cccccc", "1e1e1e"
_NAMED = {
    "black": "000000",
    "red": "cd3131",
    "green": "0dbc79",
    "brown": "e5e510",
    "blue": "2472c8",
    "magenta": "bc3fbc",
    "cyan": "11a8cd",
    "white": "e5e5e5",
    "brightblack": "666666",
    "brightred": "f14c4c",
    "brightgreen": "23d18b",
    "brightbrown": "f5f543",
    "brightyellow": "f5f543",
    "brightblue": "3b8eea",
    "brightmagenta": "d670d6",
    "brightcyan": "29b8db",
    "brightwhite": "ffffff",
}
# What a block character fills of its cell: left, top, width, height as shares.
_BLOCKS = {
    "▀": (0, 0, 1, 0.5),
    "▄": (0, 0.5, 1, 0.5),
    "█": (0, 0, 1, 1),
    "▌": (0, 0, 0.5, 1),
    "▐": (0.5, 0, 0.5, 1),
    "▔": (0, 0, 1, 0.125),
    "▁": (0, 0.875, 1, 0.125),
    "▂": (0, 0.75, 1, 0.25),
    "▃": (0, 0.625, 1, 0.375),
    "▅": (0, 0.375, 1, 0.625),
    "▆": (0, 0.25, 1, 0.75),
    "▇": (0, 0.125, 1, 0.875),
    "▉": (0, 0, 0.875, 1),
    "▊": (0, 0, 0.75, 1),
    "▋": (0, 0, 0.625, 1),
    "▍": (0, 0, 0.375, 1),
    "▎": (0, 0, 0.25, 1),
    "▏": (0, 0, 0.125, 1),
    "▕": (0.875, 0, 0.125, 1),
    "─": (0, 0.47, 1, 0.06),
    "━": (0, 0.44, 1, 0.12),
    "│": (0.44, 0, 0.12, 1),
    "┃": (0.38, 0, 0.24, 1),
}


def screen_as_svg(screen: pyte.Screen) -> str:
    """Return `screen` as an SVG document; one unit is one pixel."""
    width, height = screen.columns * CELL_WIDTH, screen.lines * CELL_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-size="{_FONT_SIZE}" '
        f"font-family=\"'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace\">",
        f'<rect width="100%" height="100%" fill="#{_BACKGROUND}"/>',
    ]
    for row in range(screen.lines):
        cells = [screen.buffer[row][column] for column in range(screen.columns)]
        parts += _backgrounds(row, cells)
        parts += _foregrounds(row, cells)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _colours(cell: Char) -> tuple[str, str]:
    foreground = _colour(cell.fg, _FOREGROUND)
    background = _colour(cell.bg, _BACKGROUND)
    return (background, foreground) if cell.reverse else (foreground, background)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return _NAMED.get(name, name)


def _rectangle(left: float, top: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{left * CELL_WIDTH:.2f}" y="{top * CELL_HEIGHT:.2f}" width="{width * CELL_WIDTH + 0.05:.2f}" '
        f'height="{height * CELL_HEIGHT + 0.05:.2f}" fill="#{colour}" shape-rendering="crispEdges"/>'
    )


def _backgrounds(row: int, cells: list[Char]) -> list[str]:
    parts: list[str] = []
    for colour, group in groupby(enumerate(cells), key=lambda item: _colours(item[1])[1]):
        columns = [column for column, _ in group]
        if colour != _BACKGROUND:
            parts.append(_rectangle(columns[0], row, len(columns), 1, colour))
    return parts


def _dots(character: str) -> list[tuple[float, float]]:
    """Return where the dots of a Braille character lie in its cell; few fonts for code have those."""
    code = ord(character) - 0x2800 if len(character) == 1 else 0
    if not 0 < code < 256:
        return []
    places = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
    return [(0.1 + 0.5 * x, 0.05 + 0.25 * y) for bit, (x, y) in enumerate(places) if code >> bit & 1]


def _foregrounds(row: int, cells: list[Char]) -> list[str]:
    def style(item: tuple[int, Char]) -> tuple[str, bool, bool, bool, str]:
        cell = item[1]
        # A block is a rectangle of its own kind; other characters run on as one text.
        kind = cell.data if cell.data in _BLOCKS or _dots(cell.data) else "text"
        return _colours(cell)[0], cell.bold, cell.italics, cell.underscore, kind

    parts: list[str] = []
    for (colour, bold, italic, underline, kind), group in groupby(enumerate(cells), key=style):
        run = list(group)
        start = run[0][0]
        if dots := _dots(kind):
            parts += [
                _rectangle(column + left, row + top, 0.3, 0.15, colour) for column, _ in run for left, top in dots
            ]
            continue
        if kind != "text":
            left, top, width, height = _BLOCKS[kind]
            if width == 1:
                parts.append(_rectangle(start, row + top, len(run), height, colour))
            else:
                parts += [_rectangle(column + left, row + top, width, height, colour) for column, _ in run]
            continue
        text = "".join(cell.data for _, cell in run)
        attributes = (
            (' font-weight="bold"' if bold else "")
            + (' font-style="italic"' if italic else "")
            + (' text-decoration="underline"' if underline else "")
        )
        # Stretches between wide gaps are placed one by one: renderers differ in how they stretch spaces.
        for stretch in re.finditer(r"[\u2500-\u257f]|[^\s\u2500-\u257f]+(?: [^\s\u2500-\u257f]+)*", text):
            parts.append(
                f'<text x="{(start + stretch.start()) * CELL_WIDTH:.2f}" y="{(row + 0.76) * CELL_HEIGHT:.2f}" '
                f'fill="#{colour}" textLength="{len(stretch[0]) * CELL_WIDTH:.2f}" '
                f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{attributes}>{escape(stretch[0])}</text>'
            )
    return parts
