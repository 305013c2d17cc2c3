"""The SmolVLM family as it is published: what the model picker offers. No network, no torch."""

from __future__ import annotations

from typing import Literal

import msgspec

from vlmtui.models.cache import cached

__all__ = ["FAMILY", "CatalogueEntry", "by_id", "cached"]


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A published checkpoint.

    Attributes:
        id: on the hub.
        version: 1 (`idefics3`) or 2 (`smolvlm`).
        kind: base checkpoints complete text; instruct checkpoints answer.
        parameters: how many.
        quantisable: those of linear layers, `lm_head` left out: what 8-bit and 4-bit weights make smaller.
        context: positions of the text model.
        memory_gb: published GPU memory for one picture, in GB (for 256M: "less than 1").
        video_memory_gb: the same for a video; 0.0 where none is published.
        download_gb: size of the download, estimated from the precision the weights are stored in.
        video: whether its processor takes videos itself.
        tile_px: edge of a tile, in pixels.
        longest_edge: what the longest edge of a picture is scaled to, in pixels.
        tokens_per_tile: image tokens a tile becomes.
        note: what it is for, in a few words.
    """

    id: str
    version: Literal[1, 2]
    kind: Literal["base", "instruct"]
    parameters: int
    quantisable: int
    context: int
    memory_gb: float
    video_memory_gb: float = 0.0
    download_gb: float
    video: bool
    tile_px: int
    longest_edge: int
    tokens_per_tile: int
    note: str


class _Size(msgspec.Struct, frozen=True):
    """What all checkpoints of one size share."""

    parameters: int
    quantisable: int
    context: int
    memory_gb: float
    video_memory_gb: float
    tile_px: int
    longest_edge: int
    tokens_per_tile: int


_256M = _Size(256_484_928, 198_180_864, 8_192, 1.0, 1.38, 512, 2048, 64)
_500M = _Size(507_482_304, 411_303_936, 8_192, 1.23, 1.8, 512, 2048, 64)
_2B = _Size(2_246_272_880, 2_042_000_000, 16_384, 5.02, 5.2, 384, 1536, 81)


def _entry(
    name: str, size: _Size, note: str, *, version: Literal[1, 2] = 1, kind: Literal["base", "instruct"] = "instruct"
) -> CatalogueEntry:
    stored = 4 if version == 2 else 2  # SmolVLM2 is published in float32, v1 in bfloat16
    return CatalogueEntry(
        id=f"HuggingFaceTB/{name}",
        version=version,
        kind=kind,
        parameters=size.parameters,
        quantisable=size.quantisable,
        context=size.context,
        memory_gb=size.memory_gb,
        video_memory_gb=size.video_memory_gb if version == 2 else 0.0,
        download_gb=round(size.parameters * stored / 1e9, 2),
        video=version == 2,
        tile_px=size.tile_px,
        longest_edge=size.longest_edge,
        tokens_per_tile=size.tokens_per_tile,
        note=note,
    )


FAMILY: tuple[CatalogueEntry, ...] = (
    _entry("SmolVLM2-256M-Video-Instruct", _256M, "pictures and videos; the smallest", version=2),
    _entry("SmolVLM2-500M-Video-Instruct", _500M, "pictures and videos; a good start", version=2),
    _entry("SmolVLM2-2.2B-Instruct", _2B, "pictures and videos; the best answers", version=2),
    _entry("SmolVLM-256M-Instruct", _256M, "pictures; the smallest of the first version"),
    _entry("SmolVLM-500M-Instruct", _500M, "pictures"),
    _entry("SmolVLM-Instruct", _2B, "pictures; the course's model"),
    _entry("SmolVLM-Instruct-DPO", _2B, "pictures; tuned on preferences"),
    _entry("SmolVLM-Synthetic", _2B, "pictures; trained on synthetic data"),
    _entry("SmolVLM-256M-Base", _256M, "to fine-tune: completes text", kind="base"),
    _entry("SmolVLM-500M-Base", _500M, "to fine-tune: completes text", kind="base"),
    _entry("SmolVLM-Base", _2B, "to fine-tune: completes text", kind="base"),
)
"""Every checkpoint of the family, the ones to begin with first."""


def by_id(model: str) -> CatalogueEntry | None:
    """Return the family's checkpoint with the hub id `model`, if it is one."""
    return next((entry for entry in FAMILY if entry.id == model), None)
