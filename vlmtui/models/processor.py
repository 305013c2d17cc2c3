"""What a picture costs a model of the SmolVLM family, without loading a processor.

Source of the arithmetic: the Idefics3/SmolVLM image processors of transformers. A picture is scaled (UP as well as
down) until its longest edge is `longest_edge`, brought to whole tiles, and cut; a global view is added when it was cut.
With splitting off it is squashed into one tile.

How many tiles that are is the user's choice (`Resolution`): each one costs image tokens, and seconds on a CPU.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import msgspec

_MOST_PX = 4096

Resolution = Literal["auto", "off", "2", "3", "4", "full", "fit"]
"""How pictures are cut. `off`: squashed into one tile. `2` to `4`: the longest edge is so many tiles. `full`: as many
as the checkpoint's own processor takes. `fit`: no more than the picture has pixels for, so that a small one is not
scaled up. `auto`: `off` on a CPU, where each tile takes seconds; else as the checkpoint's own processor does. Never
more tiles a side than the checkpoint's own."""

RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)

RESOLUTION_WORDS: dict[Resolution, str] = {
    "auto": "one tile on a CPU, else the model's own",
    "off": "one tile: fastest, least detail",
    "2": "2 tiles along the longest edge",
    "3": "3 tiles along the longest edge",
    "4": "4 tiles along the longest edge",
    "full": "as many tiles as the model takes",
    "fit": "as many as the picture has pixels for",
}
"""What each means, in a few words."""


class ProcessorSettings(msgspec.Struct, frozen=True):
    """How a checkpoint's processor treats pictures.

    Attributes:
        tile_px: edge of a square tile, in pixels (`max_image_size.longest_edge`).
        longest_edge: what the longest edge is scaled to before cutting, in pixels (`size.longest_edge`).
        tokens_per_tile: image tokens a tile becomes (`image_seq_len`).
        splitting: whether pictures are cut into tiles (`do_image_splitting`).
        upscale: whether small pictures are scaled up to `longest_edge`, as the published processors do; else to the
            next whole tile only.
    """

    tile_px: int
    longest_edge: int
    tokens_per_tile: int
    splitting: bool = True
    upscale: bool = True


class ImageCost(msgspec.Struct, frozen=True):
    """What one picture becomes: a grid of `rows` x `columns` tiles, plus the global view when it is cut."""

    rows: int
    columns: int
    tiles: int
    tokens: int


def at_resolution(settings: ProcessorSettings, resolution: Resolution) -> ProcessorSettings:
    """Return what `settings` (a checkpoint's own) become at `resolution`."""
    match resolution:
        case "auto":
            return settings
        case "off":
            return msgspec.structs.replace(settings, splitting=False)
        case "full":
            return msgspec.structs.replace(settings, splitting=True)
        case "fit":
            return msgspec.structs.replace(settings, splitting=True, upscale=False)
    longest = min(settings.longest_edge, int(resolution) * settings.tile_px)
    return msgspec.structs.replace(settings, splitting=True, longest_edge=longest)


def longest_edge_of(width: int, height: int, settings: ProcessorSettings) -> int:
    """Return what the longest edge of a picture of `width` x `height` pixels is scaled to before it is cut."""
    if settings.upscale or not settings.splitting:
        return settings.longest_edge
    return min(settings.longest_edge, math.ceil(max(width, height) / settings.tile_px) * settings.tile_px)


def image_cost(width: int, height: int, settings: ProcessorSettings) -> ImageCost:
    """Return the tiles and image tokens of a picture of `width` x `height` pixels.

    `tokens` counts `<image>` tokens only, not the marks for rows and columns around them.
    """
    if not settings.splitting:
        return ImageCost(0, 0, 1, settings.tokens_per_tile)
    edge = longest_edge_of(width, height, settings)
    wide, high = _whole_tiles(*_scaled(width, height, edge), settings.tile_px)
    if wide <= settings.tile_px and high <= settings.tile_px:
        return ImageCost(0, 0, 1, settings.tokens_per_tile)
    rows, columns = high // settings.tile_px, wide // settings.tile_px
    tiles = rows * columns + 1
    return ImageCost(rows, columns, tiles, tiles * settings.tokens_per_tile)


def tiled_size(width: int, height: int, settings: ProcessorSettings) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Return the sizes (width, height) that a picture is scaled to, one after the other, before it is cut.

    The second is whole tiles; it is None when splitting is off, where the picture is squashed into one tile instead.
    """
    first = _scaled(width, height, longest_edge_of(width, height, settings))
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
