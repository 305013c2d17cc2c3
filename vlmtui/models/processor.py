"""What a picture costs a model of the SmolVLM family, without loading a processor.

Source of the arithmetic: the Idefics3/SmolVLM image processors of transformers. A picture is scaled (UP as well as
down) until its longest edge is `longest_edge`, brought to whole tiles, and cut; a global view is added when it was cut.
With splitting off it is squashed into one tile.
"""

from __future__ import annotations

import math

import msgspec

_MOST_PX = 4096


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
    wide, high = _whole_tiles(*_scaled(width, height, settings.longest_edge), settings.tile_px)
    if wide <= settings.tile_px and high <= settings.tile_px:
        return ImageCost(0, 0, 1, settings.tokens_per_tile)
    rows, columns = high // settings.tile_px, wide // settings.tile_px
    tiles = rows * columns + 1
    return ImageCost(rows, columns, tiles, tiles * settings.tokens_per_tile)


def tiled_size(width: int, height: int, settings: ProcessorSettings) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return the sizes (width, height) that a picture is scaled to, one after the other, before it is cut.

    The second is whole tiles; it is None when splitting is off, where the picture is squashed into one tile instead.
    """
    first = _scaled(width, height, settings.longest_edge)
    return first, _whole_tiles(*first, settings.tile_px) if settings.splitting else None


def _scaled(width: int, height: int, longest_edge: int) -> tuple[int, int]:
    """Return the size (width, height) with the longest edge at `longest_edge`, the other even and at least 1.

    Beyond 4,096 pixels it is scaled down again. Truncation and order are those of transformers, to the pixel.
    """
    aspect = width / height
    if width >= height:
        width = longest_edge
        height = int(width / aspect)
        height += height % 2
    else:
        height = longest_edge
        width = int(height * aspect)
        width += width % 2
    width, height = max(1, width), max(1, height)
    aspect = width / height
    if width >= height and width > _MOST_PX:
        width = _MOST_PX
        height = int(width / aspect)
    elif height > width and height > _MOST_PX:
        height = _MOST_PX
        width = int(height * aspect)
    return max(1, width), max(1, height)


def _whole_tiles(width: int, height: int, tile: int) -> tuple[int, int]:
    """Return the size (width, height) scaled up to whole tiles: the longer edge first, the other by the aspect."""
    aspect = width / height
    if width >= height:
        width = math.ceil(width / tile) * tile
        height = math.ceil(int(width / aspect) / tile) * tile
    else:
        height = math.ceil(height / tile) * tile
        width = math.ceil(int(height * aspect) / tile) * tile
    return width, height
