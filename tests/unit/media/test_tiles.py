"""What the model is given of a picture: the tiles, against the image processors themselves, to the pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.media.made import scene
from vlmtui.media.tiles import model_tiles, sheet
from vlmtui.models.processor import ProcessorSettings, image_cost


def _given(kind: Any, image: Image.Image, settings: ProcessorSettings) -> np.ndarray:
    """Return what a processor makes of `image`: tiles x height x width x 3, un-normalised, 0 to 255."""
    processor = kind(size={"longest_edge": settings.longest_edge}, max_image_size={"longest_edge": settings.tile_px})
    values = processor([[image]], do_image_splitting=settings.splitting)["pixel_values"][0]
    return np.rint((np.asarray(values) * 0.5 + 0.5) * 255).transpose(0, 2, 3, 1)


@pytest.mark.parametrize("splitting", [True, False])
@pytest.mark.parametrize("size", [(300, 200), (64, 48), (37, 500), (1000, 40), (256, 256), (1, 1)])
@pytest.mark.parametrize("shape", [(64, 256), (96, 384), (64, 64)])
def test_tiles_are_the_processors_own(size: tuple[int, int], shape: tuple[int, int], splitting: bool) -> None:
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.smolvlm.image_processing_smolvlm import SmolVLMImageProcessor

    settings = ProcessorSettings(*shape, tokens_per_tile=16, splitting=splitting)
    image = scene(*size) if min(size) > 10 else Image.new("RGB", size, (9, 200, 77))
    tiles = model_tiles(image, settings)
    ours = np.stack([np.asarray(tile) for tile in [*tiles.tiles, tiles.whole]]).astype(float)
    assert np.array_equal(ours, _given(Idefics3ImageProcessorPil, image, settings))
    # The one on torchvision weighs pixels in whole numbers: it differs by single levels, at edges by some more.
    assert np.abs(ours - _given(SmolVLMImageProcessor, image, settings)).mean() < 0.5
    cost = image_cost(*size, settings)
    assert (tiles.rows, tiles.columns, tiles.count) == (cost.rows, cost.columns, cost.tiles)


def test_at_the_published_size() -> None:
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    settings = ProcessorSettings(512, 2048, 64)
    image = scene(640, 480)
    tiles = model_tiles(image, settings)
    ours = np.stack([np.asarray(tile) for tile in [*tiles.tiles, tiles.whole]])
    assert np.array_equal(ours, _given(Idefics3ImageProcessorPil, image, settings)) and tiles.count == 13


@pytest.mark.parametrize("room", [(120, 40), (60, 20), (30, 60), (20, 8), (3, 3), (1, 1)])
@pytest.mark.parametrize("grid", [(0, 0), (1, 4), (3, 4), (4, 4), (4, 1), (12, 9)])
def test_every_tile_has_its_place_in_the_room(grid: tuple[int, int], room: tuple[int, int]) -> None:
    laid = sheet(*grid, 64, room, (10, 20))
    assert len(laid.places) == grid[0] * grid[1] + 1
    if laid.wide * (grid[1] or 1) > room[0] or laid.high * (grid[0] or 1) > room[1]:
        assert (laid.wide, laid.high) == (1, 1)  # there is no room: one cell each, cut off at the edge
        return
    taken: set[tuple[int, int]] = set()
    for place in laid.places:
        here = {(place.column + x, place.row + y) for x in range(laid.wide) for y in range(laid.high)}
        assert not taken & here
        taken |= here
    for label in laid.labels():
        cells = {(label.column + x, label.row) for x in range(len(label.text))}
        assert not taken & cells
        assert label.column + len(label.text) <= laid.columns and label.row < laid.rows
    if (room, grid) == ((120, 40), (3, 4)):
        assert [label.text for label in laid.labels()][:2] == ["row 1 col 1 · 64", "row 1 col 2 · 64"]
        assert laid.labels()[-1].text == "global view · 64"
