"""Batches of examples with as many tiles each: a batch is as long as its longest example, the rest is padding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import Sampler

from vlmtui.media.pictures import describe
from vlmtui.training.examples import Example

_WINDOW = 50
"""Batches that are sorted together: all at once would show the examples of one kind after another."""


def count_tiles(examples: list[Example], processor: Any) -> list[int]:
    """Return how many tiles the pictures of each example are cut into, from the headers of their files.

    Raises:
        MediaError: a picture cannot be read.
    """
    pictures = processor.image_processor

    def tiles(path: str) -> int:
        width, height, *_ = describe(path)
        patches, _, _ = pictures.get_number_of_image_patches(height, width)
        return max(1, int(patches))

    return [sum(tiles(one.path) for one in example.pictures) for example in examples]


class TileBuckets(Sampler[int]):
    """The order of an epoch: drawn by seed and epoch, sorted by tiles within a window, its batches shuffled again.

    A resumed run draws the same order: it depends on nothing else. Where all examples have as many tiles, the batches
    are those of any random order.
    """

    def __init__(self, tiles: list[int], batch: int, seed: int, epoch: Callable[[], int]) -> None:
        """Make batches of `batch` examples, over all processes; `tiles` are those of each example."""
        self._tiles = tiles
        self._batch = batch
        self._seed = seed
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._tiles)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + self._epoch())
        order = torch.randperm(len(self._tiles), generator=generator).tolist()
        window = self._batch * _WINDOW
        batches: list[list[int]] = []
        for start in range(0, len(order), window):
            alike = sorted(order[start : start + window], key=lambda number: self._tiles[number])
            batches += [alike[at : at + self._batch] for at in range(0, len(alike), self._batch)]
        short = [one for one in batches if len(one) < self._batch]  # at the end, or all after it would be cut elsewhere
        whole = [one for one in batches if len(one) == self._batch]
        for place in torch.randperm(len(whole), generator=generator).tolist():
            yield from whole[place]
        for one in short:
            yield from one
