"""What stands under a video: what it is, and which frames of it the model is sent at what cost."""

from __future__ import annotations

from pathlib import PurePath

from textual.content import Content
from textual.style import Style

from vlmtui.media.protocol import FrameDrawn
from vlmtui.models.processor import ProcessorSettings
from vlmtui.models.sampling import IN_PARTS, MOST_FRAMES, FrameSampling, Timeline, frames_in_all
from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.preview_info import size_text
from vlmtui.ui.widgets.scrub_bar import clock

COUNTS = (1, 2, 3, 4, 6, 8, 10, 12, 15, 16, 20, 24, 32, 48, 64)
"""Frames that `+` and `-` go through; 15 is the course's exercise."""
RATES = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Frames a second that `+` and `-` go through."""


def video_facts(drawn: FrameDrawn) -> str:
    """Return what the video is, and which frame is on show."""
    info = drawn.picture.info
    rate = f"{drawn.fps:.4g} fps" + (" on average" if drawn.variable else "")
    said = [
        safe_line(PurePath(info.path).name, 60), f"frame {drawn.index + 1:,} of {drawn.total:,}",
        f"{info.width}x{info.height}", rate, safe_line(info.format, 8), size_text(info.bytes),
    ]  # fmt: skip
    return " · ".join(part for part in said if part)


def sampling_words(sampling: FrameSampling) -> str:
    """Return how frames are chosen: `8 frames, evenly` or `1 fps, at most 64`."""
    if sampling.mode == "uniform":
        return f"{sampling.frames} frame{'s' * (sampling.frames != 1)}, evenly"
    return f"{sampling.fps:g} fps, {'in parts' if sampling.in_parts else f'at most {sampling.most}'}"


def sampling_line(
    sampling: FrameSampling, sent: int | None, processor: ProcessorSettings | None, width: int
) -> Content:
    """Return the line that says which frames are sent and lets them be chosen by clicks.

    Args:
        sampling: How frames are chosen.
        sent: How many the model is sent; None while that is not known.
        processor: The model's.
        width: Cells there are.
    """
    pieces = [
        _button(f" {sampling_words(sampling)} ", "switch_sampling"), _button(" - ", "fewer_frames"),
        Content(" "), _button(" + ", "more_frames"),
    ]  # fmt: skip
    if sampling.ranged:
        end = "end" if sampling.end_s is None else clock(sampling.end_s)
        pieces += [Content(f"  {clock(sampling.start_s)} to {end} "), _button(" ✕ ", "clear_range")]
    if sent is not None:
        frames = f"{sent} frame{'s' * (sent != 1)}"
        wordings = [f"  the model is sent {frames}", f"  {frames}"]
        if processor is not None:
            tokens = f"{sent * processor.tokens_per_tile:,} tokens"
            tiles = f"{sent} tile{'s' * (sent != 1)}"
            wordings = [f"  the model is sent {frames} · {tiles} · {tokens}", f"  {frames} · {tokens}", f"  {tokens}"]
        room = width - sum(piece.cell_length for piece in pieces)
        said = next((words for words in wordings if len(words) <= room), wordings[-1])
        pieces.append(Content.styled(said, "$foreground 70%"))
    return Content("").join(pieces)


def stepped(sampling: FrameSampling, by: int) -> FrameSampling:
    """Return `sampling` with more frames (`by` 1) or fewer (-1)."""
    import msgspec

    if sampling.mode == "uniform":
        return msgspec.structs.replace(sampling, frames=int(_next(COUNTS, sampling.frames, by)))
    return msgspec.structs.replace(sampling, fps=_next(RATES, sampling.fps, by))


def switched(sampling: FrameSampling, timeline: Timeline) -> FrameSampling:
    """Return the next way to choose frames: evenly, by rate, and by rate in parts where one look has too few."""
    import msgspec

    if sampling.mode == "uniform":
        return msgspec.structs.replace(sampling, mode="fps", most=MOST_FRAMES)
    parts = msgspec.structs.replace(sampling, most=IN_PARTS)
    if not sampling.in_parts and frames_in_all(parts, timeline) > MOST_FRAMES:
        return parts
    return msgspec.structs.replace(sampling, mode="uniform", most=MOST_FRAMES)


def _next(steps: tuple[float, ...], now: float, by: int) -> float:
    if by > 0:
        return next((step for step in steps if step > now), steps[-1])
    return next((step for step in reversed(steps) if step < now), steps[0])


def _button(text: str, action: str) -> Content:
    return Content.styled(text, "$text on $surface-lighten-2").stylize(Style.from_meta({"video": action}))
