"""A picture as a model of the SmolVLM family is given it: the tiles themselves, and a sheet that shows them.

The tiles are, pixel for pixel, what transformers' `Idefics3ImageProcessorPil` makes before it normalises (tested); the
processors on torchvision round differently, by a few levels of 255.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from vlmtui.media.protocol import Label
from vlmtui.models.processor import ProcessorSettings, tiled_size

_GAP = 1
"""Cells between tiles, across; above each there is a row for its label."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """What a model is given of one picture.

    Attributes:
        rows, columns: of the grid; 0 x 0 when the picture is not cut.
        tiles: the grid's, by rows; empty when it is not cut.
        whole: the global view: the whole picture squashed into one tile; the only one when it is not cut.
        tokens: image tokens of each.
    """

    rows: int
    columns: int
    tiles: list[Image.Image]
    whole: Image.Image
    tokens: int

    @property
    def count(self) -> int:
        """How many the model gets."""
        return len(self.tiles) + 1


def model_tiles(image: Image.Image, settings: ProcessorSettings) -> Tiles:
    """Return what a model with this processor is given of `image` (RGB, as `open_picture` returns it).

    As the processors do it: scaled to the longest edge, then (when splitting) to whole tiles, then cut; the global view
    is made of the second, not of the picture. Each step rounds to 8 bits, so none may be left out.
    """
    tile, how = settings.tile_px, Image.Resampling.LANCZOS
    first, second = tiled_size(image.width, image.height, settings)
    image = image.resize(first, how)
    if second is None:
        return Tiles(0, 0, [], image.resize((tile, tile), how), settings.tokens_per_tile)
    image = image.resize(second, how)
    if max(second) <= tile:
        return Tiles(0, 0, [], image, settings.tokens_per_tile)
    rows, columns = second[1] // tile, second[0] // tile
    cut = [
        image.crop((column * tile, row * tile, (column + 1) * tile, (row + 1) * tile))
        for row in range(rows)
        for column in range(columns)
    ]
    return Tiles(rows, columns, cut, image.resize((tile, tile), how), settings.tokens_per_tile)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile is on a sheet: its first cell, below its label, and the label's wordings, longest first."""

    column: int
    row: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """How the tiles are laid out.

    Attributes:
        columns, rows: cells of the whole sheet.
        wide, high: cells of a tile.
        places: of the grid's tiles by rows, then of the global view.
        labelled: whether there is a row for labels above each row of tiles.
    """

    columns: int
    rows: int
    wide: int
    high: int
    places: list[Place]
    labelled: bool

    def labels(self) -> list[Label]:
        """Return what stands above the tiles, in the longest wording that all of the grid's have room for."""
        if not self.labelled:
            return []
        depth = next((at for at in range(3) if all(len(place.words[at]) <= self.wide for place in self.places[:-1])), 2)
        found = [(place, place.words[depth]) for place in self.places[:-1]]
        last = self.places[-1]
        found.append((last, next((words for words in last.words if len(words) <= self.wide), last.words[-1])))
        return [
            Label(row=place.row - 1, column=place.column, text=words)
            for place, words in found
            if len(words) <= self.wide
        ]


def sheet(rows: int, columns: int, tokens: int, room: tuple[int, int], cell: tuple[int, int]) -> Sheet:
    """Return the layout of a grid of `rows` x `columns` square tiles and the global view, as large as it fits.

    The global view stands on the right of the grid or below it, whichever leaves the larger tiles.

    Args:
        rows, columns: of the grid; 0 x 0 for the global view alone.
        tokens: image tokens of a tile.
        room: cells there are: columns, rows.
        cell: pixels of a cell: width, height.
    """
    most = max(1, room[0]), max(1, room[1])
    across = [(columns + 1, max(1, rows)), (max(1, columns), rows + 1)] if rows else [(1, 1)]
    best = None
    for beside, (wide, high) in enumerate(across):
        for label in (1, 0):
            gap = _GAP if label else 0
            high_cells = most[1] // high - label
            wide_cells = (most[0] - gap * (wide - 1)) // wide
            fitted = min(high_cells, int(wide_cells * cell[0] / cell[1]))
            tile = (min(wide_cells, round(fitted * cell[1] / cell[0])), fitted)
            # A label costs a row for each row of tiles: worth it while the tiles stay large enough to be read.
            good = tile[1] * (1.0 if label == 0 or tile[1] >= 3 else 0.0) * (1.5 if label else 1.0)
            if fitted >= 1 and tile[0] >= 1 and (best is None or good > best[0]):
                best = (good, beside, tile, label, gap)
    if best is None:
        best = (0.0, 0, (1, 1), 0, 0)
    _, beside, (wide, high), label, gap = best
    step_x, step_y = wide + gap, high + label
    places = [
        Place(
            column * step_x,
            row * step_y + label,
            _words(row + 1, column + 1, tokens),
        )
        for row in range(rows)
        for column in range(columns)
    ]
    whole = (columns * step_x, label) if rows and beside == 0 else (0, rows * step_y + label)
    said = "global view" if rows else "the only tile"
    places.append(Place(*whole, (f"{said} · {tokens}", f"{said[:6]} {tokens}", "all" if rows else "1")))
    return Sheet(
        min(most[0], max(place.column for place in places) + wide),
        min(most[1], max(place.row for place in places) + high),
        wide, high, places, bool(label),
    )  # fmt: skip


def _words(row: int, column: int, tokens: int) -> tuple[str, ...]:
    return f"row {row} col {column} · {tokens}", f"r{row}c{column} {tokens}", f"{row},{column}"


def drawn(tiles: Tiles, laid: Sheet, dots: tuple[float, float], ground: int) -> Image.Image:
    """Return the sheet as an RGB picture.

    Args:
        tiles: What is shown.
        laid: Where.
        dots: Dots of a cell: across, down.
        ground: Colour between the tiles, 0xRRGGBB.
    """
    colour = (ground >> 16 & 255, ground >> 8 & 255, ground & 255)
    canvas = Image.new("RGB", (round(laid.columns * dots[0]), round(laid.rows * dots[1])), colour)
    size = max(1, round(laid.wide * dots[0])), max(1, round(laid.high * dots[1]))
    for place, tile in zip(laid.places, [*tiles.tiles, tiles.whole], strict=True):
        small = tile.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        canvas.paste(small, (round(place.column * dots[0]), round(place.row * dots[1])))
    return canvas
