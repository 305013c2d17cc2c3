"""How many plots fit the terminal, and where each goes."""

from __future__ import annotations

from typing import NamedTuple

_LEAST_WIDTH = 34
_LEAST_HEIGHT = 8
_MOST_ACROSS = 5


class Tile(NamedTuple):
    """A plot's place in the widget, in cells, and its number among all plots."""

    plot: int
    x: int
    y: int
    width: int
    height: int


def lay_out(plots: int, width: int, height: int, chosen: int, *, single: bool = False) -> list[Tile]:
    """Return the plots that are on show: a page of them, the one that has the plot `chosen`.

    Args:
        plots: how many there are.
        width, height: of the widget, in cells.
        chosen: the plot that must be seen.
        single: only that one, as large as it gets.
    """
    if not plots or width < 1 or height < 1:
        return []
    chosen = max(0, min(chosen, plots - 1))
    if single:
        return [Tile(chosen, 0, 0, width, height)]
    across = max(1, min(width // _LEAST_WIDTH, _MOST_ACROSS, plots))
    down = max(1, min(height // _LEAST_HEIGHT, -(-plots // across)))
    across = min(across, -(-plots // down)) if plots <= across * down else across
    page = chosen // (across * down)
    tiles: list[Tile] = []
    for place in range(across * down):
        plot = page * across * down + place
        if plot >= plots:
            break
        row, column = divmod(place, across)
        left, right = column * width // across, (column + 1) * width // across
        top, bottom = row * height // down, (row + 1) * height // down
        tiles.append(Tile(plot, left, top, right - left - (column < across - 1), bottom - top))
    return tiles


def pages(plots: int, width: int, height: int, chosen: int) -> tuple[int, int]:
    """Return the page on show, counted from 1, and how many there are."""
    shown = len(lay_out(plots, width, height, 0)) or 1
    return chosen // shown + 1, -(-plots // shown) or 1
