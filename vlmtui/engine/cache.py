"""What a loaded checkpoint remembers between questions: what it saw of each picture, and the conversation it is in.

Two things cost seconds before the first word of an answer: the vision tower over each picture, and reading the prompt.
What the vision tower made of a picture is kept by the picture's content, and the keys and values of the last
conversation are kept as they are, so that the next question reads only what is new.

Both belong to one checkpoint in one precision under one adapter, and go with it.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

from vlmtui.media.errors import PictureError
from vlmtui.media.files import open_regular

FEATURES_ROOM = 512 * 1024 * 1024
"""Bytes that features of pictures may take: about 200 pictures of 17 tiles for SmolVLM-256M, 90 for 2.2B."""

_CHUNK = 1024 * 1024
_MOST_STAMPS = 4096
_TICK_NS = 100_000_000


@dataclass(frozen=True)
class Seen:
    """What the vision tower made of a picture, or of all frames of a video.

    Attributes:
        layouts: the text that stands in the prompt for each of its placeholders.
        tiles: that the vision tower saw.
        features: image tokens x width of the text model, on the CPU.
        seconds: that it took.
        shown: width and height of a picture; None for a video.
    """

    layouts: tuple[str, ...]
    tiles: int
    features: torch.Tensor
    seconds: float
    shown: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return int(self.features.numel() * self.features.element_size())


class Features:
    """Features by the key of what they show, bounded in bytes; those that were not used for longest go first."""

    def __init__(self, room: int = FEATURES_ROOM) -> None:
        self._room = room
        self._kept: OrderedDict[bytes, Seen] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Seen | None:
        """Return what is kept under `key`; it is the newest from now on."""
        seen = self._kept.get(key)
        if seen is not None:
            self._kept.move_to_end(key)
        return seen

    def put(self, key: bytes, seen: Seen) -> None:
        """Keep `seen`, unless it alone is larger than the room."""
        if seen.size > self._room:
            return
        if (old := self._kept.pop(key, None)) is not None:
            self.size -= old.size
        self._kept[key] = seen
        self.size += seen.size
        while self.size > self._room:
            _, oldest = self._kept.popitem(last=False)
            self.size -= oldest.size

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.size = 0


@dataclass
class Past:
    """The part of a prompt that was read already: its keys and values, layer by layer.

    Attributes:
        marks: one number a position: the token, or for an image token a negative number made of the picture's key. Two
            pictures of the same layout have the same tokens, so tokens alone would take one for the other.
        cache: as `generate` takes and fills it.
    """

    marks: list[int]
    cache: DynamicCache

    def __len__(self) -> int:
        return len(self.marks)


@dataclass
class Memory:
    """What one loaded checkpoint remembers.

    Attributes:
        features: of pictures and videos.
        seconds_a_token: what reading a token of a prompt took, in the longest one that was read at once.
    """

    features: Features = field(default_factory=Features)
    seconds_a_token: float = 0.0
    _longest_read: int = 0
    _past: Past | None = None
    _whose: tuple[str, ...] = ()
    _stamps: dict[tuple[int, ...], bytes] = field(default_factory=dict)

    def recall(self, marks: Sequence[int], whose: tuple[str, ...], config: Any) -> Past:
        """Return what is known of the prompt `marks`: all of it but the last token at most, which has to be read again.

        It is taken out: whoever fails while the answer is made leaves nothing behind. `keep` puts it back.

        Args:
            marks: of the prompt, see `Past`.
            whose: names the weights; the conversation of others is dropped.
            config: the text model's, which says how many layers there are.
        """
        past, self._past = self._past, None
        if past is None or whose != self._whose:
            past = Past([], DynamicCache(config=config))
        self._whose = whose
        length = min(common_prefix(past.marks, marks), len(marks) - 1)
        if length < len(past) and not length:
            past = Past([], DynamicCache(config=config))
        _crop(past, length)
        return past

    def keep(self, past: Past, marks: Sequence[int]) -> None:
        """Keep the conversation, up to where all layers have read it, where there is as much free memory again.

        Args:
            past: from `recall`, filled by `generate`.
            marks: of the whole prompt and the answer's tokens.
        """
        layers = past.cache.layers
        if not layers or any(type(layer) is not DynamicLayer for layer in layers):
            return
        # The token made last was not read; a stop while the prompt is read leaves some layers behind the others.
        past.marks = list(marks)
        _crop(past, min(len(past), *(layer.get_seq_length() for layer in layers)))
        keys = layers[0].keys
        if past.marks and keys is not None:
            size = sum(2 * layer.keys.numel() * layer.keys.element_size() for layer in layers)
            if _free(keys.device) > size:
                self._past = past

    def beside(self) -> Memory:
        """Return one that knows the same pictures, for another conversation: this one's stays as it is."""
        return Memory(self.features, self.seconds_a_token, _stamps=self._stamps)

    def learn_speed(self, tokens: int, seconds: float) -> None:
        """Note that reading `tokens` of a prompt took `seconds`; the longest one tells best what one token takes."""
        if tokens >= self._longest_read:
            self._longest_read, self.seconds_a_token = tokens, seconds / tokens

    def forget(self) -> None:
        """Let go of everything that takes memory."""
        self.features.clear()
        self._past = None

    def content(self, path: str, check: Callable[[], None]) -> tuple[bytes, tuple[int, ...]]:
        """Return the hash of the file's content, and what changes when the file does.

        Raises:
            PictureError: it is no file that can be read.
        """
        stamp = stamp_of(path)
        if (known := self._stamps.get(stamp)) is not None:
            return known, stamp
        digest = hashlib.sha256()
        with open_regular(path, PictureError) as stream:
            while chunk := stream.read(_CHUNK):
                check()
                digest.update(chunk)
        if len(self._stamps) >= _MOST_STAMPS:
            self._stamps.clear()
        # A file that changed just now may change again within the same tick of the clock.
        if stamp and time.time_ns() - stamp[-1] > _TICK_NS:
            self._stamps[stamp] = digest.digest()
        return digest.digest(), stamp


def stamp_of(path: str) -> tuple[int, ...]:
    """Return what changes when the file at `path` does; one that is not there has a stamp that no file has."""
    try:
        state = Path(path).stat()
    except (OSError, ValueError):
        return ()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


def mark_of(key: bytes) -> int:
    """Return the number that stands for each image token of what has this key; negative, so no token's."""
    return -1 - int.from_bytes(hashlib.sha256(key).digest()[:7], "big")


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many numbers both begin with."""
    for at, (mine, yours) in enumerate(zip(one, other, strict=False)):
        if mine != yours:
            return at
    return min(len(one), len(other))


def _crop(past: Past, length: int) -> None:
    """Cut every layer, each from its own length, and the marks to `length`."""
    del past.marks[length:]
    for layer in past.cache.layers:
        layer.crop(min(0, length - layer.get_seq_length()))


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
