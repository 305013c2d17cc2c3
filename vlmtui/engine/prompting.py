"""From a conversation with pictures and videos to what the model takes.

For the SmolVLM family the layout is made here from the processor's own pieces (its picture and video processors, its
text for a picture and for a video), in the order in which they stand in the conversation: pictures may then be cut into
tiles while frames of a video are not, and both may stand in one conversation. For pictures alone or one video alone
the result is what the processor itself makes. Every part of a message is typed: the family's template silently drops a
message whose content is a plain string.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from PIL import Image

from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.loading import Checkpoint, chat_template
from vlmtui.engine.protocol import ImagePart, TextPart, Turn, VideoPart
from vlmtui.media.errors import PictureError, VideoError
from vlmtui.media.pictures import open_picture
from vlmtui.media.videos import Sampled, sample_frames

FRAMES_INTRO = "Following are the frames of a video in temporal order."
"""How frames are announced to a checkpoint that does not take videos itself."""

_MOST_MEDIA = 64


@dataclass
class Prompt:
    """A prompt as the model takes it.

    Attributes:
        inputs: keyword arguments of `generate`, on the model's device: input_ids (1, tokens), attention_mask, and for
            pictures pixel_values (1, tiles, 3, tile, tile) with its mask.
        tokens: of the prompt, image tokens included.
        image_tokens: `<image>` tokens among them.
        tiles: that the vision tower sees.
    """

    inputs: dict[str, Any]
    tokens: int
    image_tokens: int
    tiles: int


@dataclass
class _Medium:
    """A picture, a frame that stands as a picture, or a video; `cut` says whether it may be cut into tiles."""

    picture: Image.Image | None = None
    video: Sampled | None = None
    cut: bool = False


@dataclass
class _Conversation:
    """Messages as chat templates take them, and the media in the order of their placeholders."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    media: list[_Medium] = field(default_factory=list)


def prepare(
    checkpoint: Checkpoint, turns: tuple[Turn, ...], splitting: bool | None, check: Callable[[], None]
) -> Prompt:
    """Return the prompt for the conversation `turns`, whose last turn is to be answered.

    Args:
        checkpoint: what answers.
        turns: the conversation; pictures and videos are read and decoded here.
        splitting: cut pictures into tiles; None for the checkpoint's choice on this device.
        check: raises when the request was stopped; called between media.

    Raises:
        EngineFailure: a picture or video cannot be read, or the prompt does not fit.
    """
    conversation = _read(checkpoint, turns, check)
    cut = checkpoint.loaded.processor.splitting if splitting is None else splitting
    text = _written(checkpoint, conversation.messages)
    if checkpoint.in_family:
        inputs, tiles = _laid_out(checkpoint.processor, text, conversation.media, cut, check)
    else:
        inputs, tiles = _by_processor(checkpoint.processor, text, conversation.media)
    inputs = {name: value.to(checkpoint.model.device) for name, value in inputs.items()}
    ids = inputs["input_ids"]
    image_id = getattr(checkpoint.model.config, "image_token_id", None)
    prompt = Prompt(
        inputs=inputs,
        tokens=int(ids.shape[1]),
        image_tokens=int((ids == image_id).sum()) if image_id is not None else 0,
        tiles=tiles,
    )
    context = checkpoint.loaded.context
    if prompt.tokens >= context:
        remedy = "start a new conversation, or attach fewer pictures"
        if cut and prompt.image_tokens:
            remedy = "turn splitting off, attach fewer pictures, or start a new conversation"
        raise EngineFailure(
            "too_long",
            f"the prompt has {prompt.tokens:,} tokens ({prompt.image_tokens:,} of pictures) "
            f"and the model takes {context:,}",
            remedy,
        )
    return prompt


def _read(checkpoint: Checkpoint, turns: tuple[Turn, ...], check: Callable[[], None]) -> _Conversation:
    """Open every picture and video, and bring the turns to typed messages."""
    conversation = _Conversation()
    takes_videos = checkpoint.in_family and checkpoint.loaded.video
    special = _placeholders(checkpoint.processor)
    for turn in turns:
        parts: list[dict[str, Any]] = []
        for part in turn.parts:
            check()
            match part:
                case TextPart():
                    parts.append({"type": "text", "text": special.sub(_defused, part.text)})
                case ImagePart():
                    parts.append({"type": "image"})
                    conversation.media.append(_Medium(picture=_picture(part), cut=True))
                case VideoPart() if takes_videos:
                    parts.append({"type": "video"})
                    conversation.media.append(_Medium(video=_video(part)))
                case VideoPart():
                    frames = _video(part).frames
                    parts.append({"type": "text", "text": f"{FRAMES_INTRO}\n"})
                    parts.extend({"type": "image"} for _ in frames)
                    conversation.media.extend(_Medium(picture=Image.fromarray(frame)) for frame in frames)
        if parts:
            conversation.messages.append({"role": turn.role, "content": parts})
        if len(conversation.media) > _MOST_MEDIA:
            raise EngineFailure(
                "too_long",
                f"more than {_MOST_MEDIA} pictures and frames in one conversation",
                "start a new conversation, or attach fewer",
            )
    if not conversation.messages:
        raise EngineFailure("internal", "there is nothing to answer", "write a question")
    return conversation


def _picture(part: ImagePart) -> Image.Image:
    try:
        return open_picture(part.path)
    except PictureError as error:
        raise EngineFailure("bad_picture", error.cause, error.remedy) from error


def _video(part: VideoPart) -> Sampled:
    try:
        return sample_frames(part.path, part.sampling, longest_edge=512)
    except VideoError as error:
        raise EngineFailure("bad_video", error.cause, error.remedy) from error


def _placeholders(processor: Any) -> re.Pattern[str]:
    """Return what matches the processor's special words: in a question they are text, not commands."""
    tokenizer = processor.tokenizer
    words = {*tokenizer.all_special_tokens, "<image>", "<video>"}
    words |= {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    for name in ("image_token", "video_token"):
        word = getattr(processor, name, None)
        if isinstance(word, str):
            words.add(word)
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True) if len(word) > 1))


def _defused(found: re.Match[str]) -> str:
    """Return a special word as a person would read it and no tokenizer would take it: `<image>` as `< image>`."""
    return f"{found[0][0]} {found[0][1:]}"


def _written(checkpoint: Checkpoint, messages: list[dict[str, Any]]) -> str:
    """Return the conversation as one text with a placeholder for each picture and video."""
    processor = checkpoint.processor
    if chat_template(processor) is None:
        return _plain(messages, processor)
    try:
        return str(processor.apply_chat_template(messages, add_generation_prompt=True))
    except Exception as error:  # a template is a program by somebody else
        raise EngineFailure(
            "internal",
            f"the checkpoint's chat template cannot write this conversation: {error}",
            "leave out the system prompt, or choose another checkpoint",
        ) from error


def _plain(messages: list[dict[str, Any]], processor: Any) -> str:
    """Return the conversation for a checkpoint without a template: placeholders and text, as they were trained on."""
    image = getattr(processor, "image_token", "<image>")
    video = getattr(processor, "video_token", "<video>")
    pieces = [
        "".join({"image": image, "video": video}.get(part["type"]) or part["text"] for part in message["content"])
        for message in messages
    ]
    return "\n".join(pieces)


def _laid_out(
    processor: Any, text: str, media: list[_Medium], cut: bool, check: Callable[[], None]
) -> tuple[dict[str, Any], int]:
    """Return the inputs for a checkpoint of the family, and how many tiles there are."""
    image, video = processor.image_token, getattr(processor, "video_token", None)
    words = [re.escape(word) for word in (image, video) if word]
    pieces = re.split(f"({'|'.join(words)})", text)
    placeholders = [piece for piece in pieces if piece in (image, video)]
    expected = [image if medium.video is None else video for medium in media]
    if placeholders != expected:
        raise EngineFailure(
            "internal",
            f"the chat template wrote {len(placeholders)} places for {len(media)} pictures and videos",
            "choose another checkpoint: this one's template does not fit its processor",
        )
    pixels: list[torch.Tensor] = []
    masks: list[torch.Tensor] = []
    waiting = iter(media)
    for index, piece in enumerate(pieces):
        if piece not in (image, video):
            continue
        check()
        medium = next(waiting)
        if medium.video is not None:
            made = processor.video_processor(
                videos=[[Image.fromarray(frame) for frame in medium.video.frames]],
                video_metadata=[_metadata(medium.video)],
                do_sample_frames=False,
                return_metadata=True,
                return_tensors="pt",
            )
            pieces[index] = processor.replace_video_token(made, 0)
        else:
            made = processor.image_processor(
                [[medium.picture]],
                do_image_splitting=cut and medium.cut,
                return_row_col_info=True,
                return_tensors="pt",
            )
            pieces[index] = processor.replace_image_token(made, 0)
        pixels.append(made["pixel_values"])
        if "pixel_attention_mask" in made:
            masks.append(made["pixel_attention_mask"])
    inputs = dict(processor.tokenizer("".join(pieces), return_tensors="pt", add_special_tokens=False))
    if pixels:
        inputs["pixel_values"] = torch.cat(pixels, dim=1)
        if len(masks) == len(pixels):
            inputs["pixel_attention_mask"] = torch.cat(masks, dim=1)
    return inputs, sum(part.shape[1] for part in pixels)


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


def _by_processor(processor: Any, text: str, media: list[_Medium]) -> tuple[dict[str, Any], int]:
    """Return the inputs for a checkpoint of another family: whatever its own processor makes."""
    pictures = [medium.picture for medium in media]
    try:
        made = processor(text=[text], images=pictures or None, return_tensors="pt")
    except ValueError as error:
        raise EngineFailure(
            "internal",
            f"the checkpoint's processor refused the conversation: {error}",
            "attach other or fewer pictures",
        ) from error
    return {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}, len(pictures)
