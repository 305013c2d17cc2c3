"""A conversation as an OpenAI-compatible endpoint takes it: typed parts, pictures as data URLs, videos as frames."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.protocol import ImagePart, TextPart, Turn, VideoPart
from vlmtui.media.errors import PictureError, VideoError
from vlmtui.media.pictures import open_picture
from vlmtui.media.videos import sample_frames

LONGEST_EDGE = 2048
"""Pictures are scaled down to this before they are sent: no SmolVLM looks closer."""
_SMALL_PX = 512 * 512  # up to here a picture is sent without loss

FRAMES = "Following are the frames of a video in temporal order."


def messages_of(turns: tuple[Turn, ...]) -> list[dict[str, Any]]:
    """Return `turns` as messages.

    Raises:
        EngineFailure: a picture or a video cannot be used.
    """
    return [{"role": turn.role, "content": [piece for part in turn.parts for piece in _pieces(part)]} for turn in turns]


def _pieces(part: TextPart | ImagePart | VideoPart) -> list[dict[str, Any]]:
    match part:
        case TextPart():
            return [{"type": "text", "text": part.text}]
        case ImagePart():
            try:
                return [_picture(open_picture(part.path))]
            except PictureError as error:
                raise EngineFailure("bad_picture", error.cause, error.remedy) from error
        case VideoPart():
            try:
                sampled = sample_frames(part.path, part.sampling)
            except VideoError as error:
                raise EngineFailure("bad_video", error.cause, error.remedy) from error
            pieces: list[dict[str, Any]] = [{"type": "text", "text": FRAMES}]
            for frame, seconds in zip(sampled.frames, sampled.times, strict=True):
                stamp = f"Frame at {int(seconds) // 60:02d}:{int(seconds) % 60:02d}:"
                pieces += [{"type": "text", "text": stamp}, _picture(Image.fromarray(frame))]
            return pieces


def _picture(image: Image.Image) -> dict[str, Any]:
    image.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    stream = io.BytesIO()
    if image.width * image.height <= _SMALL_PX:
        kind = "png"
        image.save(stream, "PNG")
    else:
        kind = "jpeg"
        image.save(stream, "JPEG", quality=92)
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}"}}
