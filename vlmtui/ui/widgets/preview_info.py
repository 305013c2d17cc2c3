"""What stands under a preview: name, size, mode, and what the file will cost the model."""

from __future__ import annotations

from pathlib import PurePath

import msgspec

from vlmtui.media.protocol import MediaInfo
from vlmtui.media.view import Window
from vlmtui.models.processor import ProcessorSettings, image_cost
from vlmtui.safetext import safe_line

VIDEO_FRAMES = 8
"""Frames of a video that a question takes when nothing else is said (as `vlmtui.engine.protocol.VideoPart`)."""


def facts_line(info: MediaInfo) -> str:
    """Return what the file is: `640x480 · RGB · PNG · 182 KB`."""
    facts: list[str] = []
    if info.width:
        facts.append(f"{info.width}x{info.height}")
    if info.kind == "video":
        if info.duration:
            facts.append(_duration(info.duration))
        if info.frames:
            facts.append(f"{info.frames:,} frames" if info.frames != 1 else "1 frame")
        if info.fps:
            facts.append(f"{info.fps:.4g} fps")
    elif info.kind in ("dataset", "text"):
        facts.append(info.kind)
    facts += [safe_line(fact, 12) for fact in (info.mode, info.format) if fact]
    facts.append(size_text(info.bytes))
    if info.animated:
        facts.append("animated")
    return " · ".join(facts)


def cost_line(info: MediaInfo, processor: ProcessorSettings | None, width: int = 0) -> str:
    """Return what the file will cost the model in tiles and image tokens; empty where that is not known.

    The longest wording that fits into `width` cells; 0 for the longest there is.
    """
    wordings = _cost_wordings(info, processor)
    return next((words for words in wordings if not width or len(words) <= width), wordings[-1])


def _cost_wordings(info: MediaInfo, processor: ProcessorSettings | None) -> list[str]:
    if processor is None or not info.width or not info.height:
        return [""]
    if info.kind == "video":
        frames = min(VIDEO_FRAMES, info.frames) if info.frames else VIDEO_FRAMES
        said = f"{_count(frames, 'frame')} · {_count(frames * processor.tokens_per_tile, 'token')}"
        return [f"{said} (1 tile a frame)", said]
    cost = image_cost(info.width, info.height, processor)
    said = f"{_count(cost.tiles, 'tile')} · {_count(cost.tokens, 'token')}"
    if processor.splitting:
        return [said]
    full = image_cost(info.width, info.height, msgspec.structs.replace(processor, splitting=True))
    if full.tiles <= cost.tiles:
        return [said]
    return [
        f"{said} (not split; {full.tiles} tiles · {full.tokens:,} tokens at full resolution)",
        f"{said} (full: {full.tiles} tiles · {full.tokens:,})",
        f"{said} (not split)",
        said,
    ]


def view_line(info: MediaInfo, seen: Window) -> str:
    """Return how closely a picture is looked at, and at which part: `200 % · x 100–420, y 80–320 of 640x480`."""
    percent = f"{seen.zoom * 100:.3g} %"
    if seen.whole:
        return f"{percent} · all of {info.width}x{info.height}"
    part = f"x {seen.left:.0f}–{seen.right:.0f}, y {seen.top:.0f}–{seen.bottom:.0f}"
    return f"{percent} · {part} of {info.width}x{info.height}"


def tiles_line(info: MediaInfo, processor: ProcessorSettings, width: int = 0) -> str:
    """Return what the model is given of a picture: `As the model sees it: 3 x 4 tiles + global view, 512 px each`.

    The longest wording that fits into `width` cells; 0 for the longest there is.
    """
    cost = image_cost(info.width, info.height, processor)
    edge = f"{processor.tile_px} px"
    if cost.tiles == 1:
        wordings = [f"As the model sees it: 1 tile, {edge}", f"1 tile, {edge}"]
    else:
        grid = f"{cost.rows} x {cost.columns} tiles"
        wordings = [
            f"As the model sees it: {grid} + global view, {edge} each",
            f"Model's view: {grid} + global view, {edge}",
            f"{grid} + global view, {edge}",
            f"{grid} + global",
        ]
    return next((words for words in wordings if not width or len(words) <= width), wordings[-1])


def name_line(info: MediaInfo) -> str:
    """Return the file's name as it may be shown."""
    return safe_line(PurePath(info.path).name, 200)


def size_text(size: int) -> str:
    """Return a number of bytes for people: `182 KB`."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError("not reached")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
