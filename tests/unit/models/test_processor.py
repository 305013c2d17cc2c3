"""What a picture costs, against the image processors of both versions, to the tile."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vlmtui.models.catalogue import FAMILY
from vlmtui.models.processor import (
    RESOLUTION_WORDS,
    RESOLUTIONS,
    ImageCost,
    ProcessorSettings,
    Resolution,
    at_resolution,
    image_cost,
    longest_edge_of,
)

# Tiles and longest edges: small stand-ins for the published 512/2048 and 384/1536, and some that do not divide.
_SHAPES = [(32, 128), (24, 96), (32, 32), (16, 100), (48, 32)]
_SIDE = st.one_of(st.integers(1, 4), st.integers(1, 300), st.integers(1, 8).map(lambda n: n * 32), st.integers(1, 3000))


@cache
def _processors(tile: int, longest: int) -> list[Any]:
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.smolvlm.image_processing_smolvlm import SmolVLMImageProcessor

    sizes = {"size": {"longest_edge": longest}, "max_image_size": {"longest_edge": tile}}
    return [kind(**sizes) for kind in (Idefics3ImageProcessorPil, SmolVLMImageProcessor)]


def _really(
    processor: Any, width: int, height: int, splitting: bool, longest: int | None = None
) -> tuple[int, int, int]:
    """Return rows, columns and tiles that the processor makes of a picture."""
    picture = Image.new("RGB", (width, height), (9, 200, 30))
    sizes = {} if longest is None else {"size": {"longest_edge": longest}}
    made = processor([[picture]], return_row_col_info=True, do_image_splitting=splitting, **sizes)
    return made["rows"][0][0], made["cols"][0][0], len(made["pixel_values"][0])


@settings(max_examples=150, deadline=None)
@given(width=_SIDE, height=_SIDE, shape=st.sampled_from(_SHAPES), splitting=st.booleans())
def test_tiles_are_those_of_both_processors(width: int, height: int, shape: tuple[int, int], splitting: bool) -> None:
    if width * height > 300_000:
        height = max(1, 300_000 // width)
    cost = image_cost(width, height, ProcessorSettings(*shape, tokens_per_tile=16, splitting=splitting))
    for processor in _processors(*shape):
        assert (cost.rows, cost.columns, cost.tiles) == _really(processor, width, height, splitting)
    assert cost.tokens == cost.tiles * 16


@settings(max_examples=100, deadline=None)
@given(
    width=_SIDE,
    height=_SIDE,
    shape=st.sampled_from(_SHAPES),
    resolution=st.sampled_from(RESOLUTIONS),
    own=st.booleans(),
)
def test_tiles_at_each_resolution_are_those_of_both_processors(
    width: int, height: int, shape: tuple[int, int], resolution: Resolution, own: bool
) -> None:
    if width * height > 300_000:
        height = max(1, 300_000 // width)
    settings_ = at_resolution(ProcessorSettings(*shape, tokens_per_tile=16, splitting=own), resolution)
    cost = image_cost(width, height, settings_)
    longest = longest_edge_of(width, height, settings_)
    for processor in _processors(*shape):
        really = _really(processor, width, height, settings_.splitting, longest)
        assert (cost.rows, cost.columns, cost.tiles) == really
    most = image_cost(width, height, at_resolution(settings_, "full"))
    assert cost.tiles <= most.tiles or resolution == "auto"


def test_what_each_resolution_costs() -> None:
    own = ProcessorSettings(512, 2048, 64, splitting=False)
    tiles = {
        name: [image_cost(*size, at_resolution(own, name)).tiles for size in ((48, 48), (640, 480), (4000, 3000))]
        for name in RESOLUTIONS
    }
    assert tiles == {
        "auto": [1, 1, 1],
        "off": [1, 1, 1],
        "2": [5, 5, 5],
        "3": [10, 10, 10],
        "4": [17, 13, 13],
        "full": [17, 13, 13],
        "fit": [1, 5, 13],
    }
    assert set(RESOLUTION_WORDS) == set(RESOLUTIONS)
    assert at_resolution(ProcessorSettings(64, 128, 16), "4").longest_edge == 128  # never more than the model's own


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(1, 30_000),
    height=st.integers(1, 30_000),
    shape=st.sampled_from([(512, 2048), (384, 1536), (364, 1820)]),
)
def test_published_sizes_by_the_processors_own_arithmetic(width: int, height: int, shape: tuple[int, int]) -> None:
    cost = image_cost(width, height, ProcessorSettings(*shape, tokens_per_tile=64))
    for processor in _processors(*shape):
        assert processor.get_number_of_image_patches(height, width) == (cost.tiles, cost.rows, cost.columns)


@pytest.mark.parametrize("size", [(30_000, 1), (1, 30_000), (1, 1), (4096, 4096), (1000, 4), (513, 512)])
@pytest.mark.parametrize("shape", [(512, 2048), (384, 1536)])
def test_extreme_pictures_at_the_published_sizes(size: tuple[int, int], shape: tuple[int, int]) -> None:
    cost = image_cost(*size, ProcessorSettings(*shape, tokens_per_tile=64))
    assert (cost.rows, cost.columns, cost.tiles) == _really(_processors(*shape)[0], *size, True)


def test_what_the_papers_say() -> None:
    thumbnail = {entry.tokens_per_tile: entry for entry in FAMILY}
    for tokens, whole in ((64, 1088), (81, 1377)):
        entry = thumbnail[tokens]
        settings_ = ProcessorSettings(entry.tile_px, entry.longest_edge, tokens)
        assert image_cost(48, 48, settings_) == ImageCost(4, 4, 17, whole)
        off = ProcessorSettings(entry.tile_px, entry.longest_edge, tokens, splitting=False)
        assert image_cost(48, 48, off) == ImageCost(0, 0, 1, tokens)


def test_a_longest_edge_beyond_4096_is_clipped() -> None:
    assert image_cost(10, 10, ProcessorSettings(512, 5000, 64)).rows == 4096 // 512
