"""What a picture costs a model of the SmolVLM family, without loading a processor.

Source of the arithmetic: the Idefics3/SmolVLM image processors of transformers. A picture is scaled (UP as well as
down) until its longest edge is `longest_edge`, brought to whole tiles, and cut; a global view is added when it was cut.
With splitting off it is squashed into one tile.
"""

from __future__ import annotations

import math

import msgspec


class ProcessorSettings(msgspec.Struct, frozen=True):
    """How a checkpoint's processor treats pictures.

    Attributes:
        tile_px: edge of a square tile, in pixels (`max_image_size.longest_edge`).
        longest_edge: what the longest edge is scaled to before cutting, in pixels (`size.longest_edge`).
        tokens_per_tile: image tokens a tile becomes (`image_seq_len`).
        splitting: whether pictures are cut into tiles (`do_image_splitting`).
    """

    tile_px: int
    longest_edge: int
    tokens_per_tile: int
    splitting: bool = True


class ImageCost(msgspec.Struct, frozen=True):
    """What one picture becomes: a grid of `rows` x `columns` tiles, plus the global view when it is cut."""

    rows: int
    columns: int
    tiles: int
    tokens: int


def image_cost(width: int, height: int, settings: ProcessorSettings) -> ImageCost:
    """Return the tiles and image tokens of a picture of `width` x `height` pixels.

    `tokens` counts `<image>` tokens only, not the marks for rows and columns around them.
    """
    if not settings.splitting:
        return ImageCost(0, 0, 1, settings.tokens_per_tile)
    scaled_width, scaled_height = _scaled(width, height, settings.longest_edge)
    columns = math.ceil(scaled_width / settings.tile_px)
    rows = math.ceil(scaled_height / settings.tile_px)
    if rows == 1 and columns == 1:
        return ImageCost(0, 0, 1, settings.tokens_per_tile)
    tiles = rows * columns + 1
    return ImageCost(rows, columns, tiles, tiles * settings.tokens_per_tile)


def _scaled(width: int, height: int, longest_edge: int) -> tuple[int, int]:
    """Return the size with the longest edge at `longest_edge`, the other made even and at least 1, as transformers does."""
    if width >= height:
        other = int(longest_edge / (width / height))
        return longest_edge, max(1, other + other % 2)
    other = int(longest_edge * (width / height))
    return max(1, other + other % 2), longest_edge
