"""From a picture or video in a conversation to what stands for it in the prompt, and what the model sees of it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import torch
from PIL import Image

from vlmtui.engine.cache import Memory, Seen, stamp_of
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import ImagePart, VideoPart
from vlmtui.media.errors import MediaError, PictureError, VideoError
from vlmtui.media.pictures import open_picture
from vlmtui.media.videos import Sampled, sample_frames
from vlmtui.models.processor import ProcessorSettings, at_resolution, image_cost, longest_edge_of


@dataclass
class Medium:
    """A picture or a video as a SmolVLM is given it.

    Attributes:
        key: of its content and of everything that decides what the model sees of it.
        layouts: the text for each of its placeholders: one for a picture or a video, one a frame where a checkpoint
            does not take videos.
        tokens: image tokens.
        tiles: that the vision tower sees.
        size: width and height of a picture; None for a video.
        as_video: whether the template has one placeholder for a whole video.
        image: a picture that is not cut into tiles yet: that takes longer than to know how many it will be.
        settings: how it will be cut.
        pixels: 1 x tiles x 3 x tile x tile; None where `seen` or `image` is there.
        mask: 1 x tiles x tile x tile; None where the processor makes none.
        seen: what the vision tower made of it before.
    """

    key: bytes
    layouts: tuple[str, ...]
    tokens: int
    tiles: int
    size: tuple[int, int] | None = None
    as_video: bool = False
    image: Image.Image | None = None
    settings: ProcessorSettings | None = None
    pixels: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    seen: Seen | None = None


def whose(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return what names the weights that answer: keys and values of others are of no use."""
    loaded = checkpoint.loaded
    return loaded.name, loaded.revision, loaded.dtype, loaded.device, *checkpoint.over.acting


def _who_looks(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return what names the weights that see a picture: what they saw serves under every adapter that leaves them."""
    loaded = checkpoint.loaded
    return loaded.name, loaded.revision, loaded.dtype, loaded.device, *checkpoint.over.acting_on_sight


def as_picture(part: ImagePart) -> Image.Image:
    """Return the picture.

    Raises:
        EngineFailure: it cannot be used.
    """
    try:
        return open_picture(part.path)
    except PictureError as error:
        raise EngineFailure("bad_picture", error.cause, error.remedy) from error


def as_frames(part: VideoPart) -> Sampled:
    """Return the video's frames.

    Raises:
        EngineFailure: it cannot be used.
    """
    try:
        return sample_frames(part.path, part.sampling, longest_edge=512)
    except VideoError as error:
        raise EngineFailure("bad_video", error.cause, error.remedy) from error


def medium_of(
    checkpoint: Checkpoint,
    part: ImagePart | VideoPart,
    settings: ProcessorSettings,
    memory: Memory | None,
    check: Callable[[], None],
) -> Medium:
    """Return what stands for `part`; what is known from `memory` is neither decoded nor cut again.

    Args:
        settings: how pictures are cut into tiles.
        memory: where features are looked for; None to look at everything anew.
        check: raises when the request was stopped.

    Raises:
        EngineFailure: the picture or video cannot be used.
    """
    key = b""
    stamp: tuple[int, ...] = ()
    if memory is not None:
        try:
            content, stamp = memory.content(part.path, check)
            key = hashlib.sha256(content + _how(checkpoint, part, settings)).digest()
        except MediaError:
            pass  # opening it below says what is wrong, in its own words
        if key and (seen := memory.features.get(key)) is not None:
            as_video = isinstance(part, VideoPart) and checkpoint.loaded.video
            return Medium(key, seen.layouts, seen.features.shape[0], seen.tiles, seen.shown, as_video, seen=seen)
    if isinstance(part, ImagePart):
        medium = _picture(checkpoint.processor, as_picture(part), settings)
    elif checkpoint.loaded.video:
        medium = _video(checkpoint.processor, as_frames(part))
    else:
        medium = _frames(checkpoint.processor, as_frames(part), at_resolution(settings, "off"), check)
    # A file that changed while it was read is like no other.
    medium.key = key if key and stamp == stamp_of(part.path) else os.urandom(32)
    return medium


def look(checkpoint: Checkpoint, medium: Medium, memory: Memory) -> torch.Tensor:
    """Return what the vision tower makes of `medium`: image tokens x width, on the CPU; it is kept from now on."""
    if medium.seen is None:
        began = time.perf_counter()
        device = checkpoint.model.device
        pixels, mask = pixels_of(checkpoint.processor, medium)
        options = {} if mask is None else {"pixel_attention_mask": mask.to(device)}
        made = checkpoint.model.get_image_features(pixels.to(device), return_dict=True, **options)
        features = torch.cat(list(made.pooler_output)).cpu()
        medium.seen = Seen(medium.layouts, medium.tiles, features, time.perf_counter() - began, medium.size)
        memory.features.put(medium.key, medium.seen)
        medium.pixels = medium.mask = medium.image = None
    return medium.seen.features


def pixels_of(processor: Any, medium: Medium) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return what the vision tower is given of `medium`, and its mask; a picture is cut into its tiles here.

    Raises:
        EngineFailure: the processor does not make the tiles that were counted on.
    """
    if medium.pixels is None:
        assert medium.image is not None
        assert medium.settings is not None
        made = processor.image_processor(
            [[medium.image]],
            do_image_splitting=medium.settings.splitting,
            size={"longest_edge": longest_edge_of(*medium.image.size, medium.settings)},
            return_row_col_info=True,
            return_tensors="pt",
        )
        if processor.replace_image_token(made, 0) != medium.layouts[0]:
            raise EngineFailure(
                "internal",
                f"the processor cut a picture of {medium.image.width}x{medium.image.height} otherwise than expected",
                "choose the resolution off",
            )
        medium.pixels, medium.mask = made["pixel_values"], made.get("pixel_attention_mask")
    return medium.pixels, medium.mask


def layout_of(processor: Any, size: tuple[int, int], settings: ProcessorSettings) -> str:
    """Return the text that stands in the prompt for a picture of `size`."""
    cost = image_cost(*size, settings)
    return str(processor.replace_image_token({"rows": [[cost.rows]], "cols": [[cost.columns]]}, 0))


def _how(checkpoint: Checkpoint, part: ImagePart | VideoPart, settings: ProcessorSettings) -> bytes:
    """Return what decides, besides the file's content, what the model sees."""
    if isinstance(part, ImagePart):
        how = [checkpoint.processor.image_processor.to_dict(), msgspec.to_builtins(settings)]
    else:
        owner = "video_processor" if checkpoint.loaded.video else "image_processor"
        how = [getattr(checkpoint.processor, owner).to_dict(), msgspec.to_builtins(part.sampling)]
    return json.dumps([_who_looks(checkpoint), how], default=str).encode()


def _picture(processor: Any, image: Image.Image, settings: ProcessorSettings) -> Medium:
    layout = layout_of(processor, image.size, settings)
    cost = image_cost(*image.size, settings)
    tokens = layout.count(processor.image_token)
    return Medium(b"", (layout,), tokens, cost.tiles, image.size, image=image, settings=settings)


def _video(processor: Any, video: Sampled) -> Medium:
    made = processor.video_processor(
        videos=[[Image.fromarray(frame) for frame in video.frames]],
        video_metadata=[_metadata(video)],
        do_sample_frames=False,
        return_metadata=True,
        return_tensors="pt",
    )
    layout = processor.replace_video_token(made, 0)
    pixels = made["pixel_values"]
    return Medium(
        b"",
        (layout,),
        layout.count(processor.image_token),
        pixels.shape[1],
        as_video=True,
        pixels=pixels,
        mask=made.get("pixel_attention_mask"),
    )


def _frames(processor: Any, video: Sampled, settings: ProcessorSettings, check: Callable[[], None]) -> Medium:
    """Return a video for a checkpoint that does not take videos itself: its frames as pictures, none of them cut."""
    frames: list[Medium] = []
    made: list[tuple[torch.Tensor, torch.Tensor | None]] = []
    for frame in video.frames:
        check()
        frames.append(_picture(processor, Image.fromarray(frame), settings))
        made.append(pixels_of(processor, frames[-1]))
    masks = [mask for _, mask in made if mask is not None]
    return Medium(
        b"",
        tuple(frame.layouts[0] for frame in frames),
        sum(frame.tokens for frame in frames),
        sum(frame.tiles for frame in frames),
        pixels=torch.cat([pixels for pixels, _ in made], dim=1),
        mask=torch.cat(masks, dim=1) if len(masks) == len(made) else None,
    )


def _metadata(video: Sampled) -> dict[str, Any]:
    """Return what transformers wants to know about a video; without it, it takes every video for 24 frames a second."""
    fps, total, indices = video.fps, video.timeline.total, list(video.indices)
    if video.timeline.variable:
        # The processor divides numbers of frames by one rate: in thousandths of a second it comes out at each frame's
        # own time.
        fps, total, indices = 1000.0, round(video.duration * 1000), [round(seconds * 1000) for seconds in video.times]
    height, width = video.frames[0].shape[:2]
    return {
        "total_num_frames": total,
        "fps": fps,
        "duration": video.duration,
        "frames_indices": indices,
        "height": height,
        "width": width,
        "video_backend": "opencv",
    }
