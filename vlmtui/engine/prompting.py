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

from vlmtui.engine.cache import Memory, mark_of
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.fitting import too_long
from vlmtui.engine.loading import Checkpoint, chat_template
from vlmtui.engine.looking import Medium, as_frames, as_picture, medium_of, pixels_of
from vlmtui.engine.protocol import ImagePart, TextPart, Turn, VideoPart
from vlmtui.engine.writing import Conversation, laid_out, written
from vlmtui.models.processor import ProcessorSettings, Resolution, at_resolution

FRAMES_INTRO = "Following are the frames of a video in temporal order."
"""How frames are announced to a checkpoint that does not take videos itself."""

_MOST_MEDIA = 64


@dataclass
class Prompt:
    """A prompt as the model takes it.

    Attributes:
        ids: input_ids and attention_mask, each 1 x tokens, on the model's device; for a checkpoint of another family
            whatever else its processor makes, pixels included.
        tokens: of the prompt, image tokens included.
        image_tokens: `<image>` tokens among them.
        tiles: that the vision tower sees.
        media: a SmolVLM's pictures and videos in their order; pixels or features of each.
        image_id: the number of the `<image>` token.
        processor: the checkpoint's.
    """

    ids: dict[str, Any]
    tokens: int
    image_tokens: int
    tiles: int
    media: list[Medium] = field(default_factory=list)
    image_id: int | None = None
    processor: Any = None

    @property
    def inputs(self) -> dict[str, Any]:
        """Keyword arguments of `generate` for reading everything anew: pixel_values (1 x tiles x 3 x tile x tile) too.

        Only for a prompt that was prepared without a memory: of known pictures there are no pixels.
        """
        if not self.media:
            return self.ids
        device = self.ids["input_ids"].device
        made = [pixels_of(self.processor, medium) for medium in self.media]
        inputs = self.ids | {"pixel_values": torch.cat([pixels for pixels, _ in made], dim=1).to(device)}
        masks = [mask for _, mask in made if mask is not None]
        if len(masks) == len(made):
            inputs["pixel_attention_mask"] = torch.cat(masks, dim=1).to(device)
        return inputs

    def marks(self) -> list[int]:
        """Return one number a position, the same for two prompts as far as the model is shown the same."""
        tokens: list[int] = self.ids["input_ids"][0].tolist()
        shown = (mark for medium in self.media for mark in [mark_of(medium.key)] * medium.tokens)
        return [next(shown, token) if token == self.image_id else token for token in tokens]


def prepare(
    checkpoint: Checkpoint,
    turns: tuple[Turn, ...],
    resolution: Resolution,
    check: Callable[[], None],
    memory: Memory | None = None,
) -> Prompt:
    """Return the prompt for the conversation `turns`, whose last turn is to be answered.

    Args:
        checkpoint: what answers.
        turns: the conversation; pictures and videos are read and decoded here.
        resolution: into how many tiles pictures are cut.
        check: raises when the request was stopped; called between media.
        memory: where pictures that were seen before are looked for; None to decode each of them.

    Raises:
        EngineFailure: a picture or video cannot be read, or the prompt does not fit.
    """
    settings = at_resolution(checkpoint.loaded.processor, resolution)
    conversation = _read(checkpoint, turns, settings, check, memory)
    text = written(checkpoint, conversation.messages)
    media = [medium for some in conversation.media for medium in some]
    if checkpoint.in_family:
        text = laid_out(checkpoint.processor, text, media)
        ids = dict(checkpoint.processor.tokenizer(text, return_tensors="pt", add_special_tokens=False))
        tiles = sum(medium.tiles for medium in media)
    else:
        ids, tiles = _by_processor(checkpoint.processor, text, conversation.pictures), len(conversation.pictures)
    ids = {name: value.to(checkpoint.model.device) for name, value in ids.items()}
    image_id = getattr(checkpoint.model.config, "image_token_id", None)
    prompt = Prompt(
        ids=ids,
        tokens=int(ids["input_ids"].shape[1]),
        image_tokens=int((ids["input_ids"] == image_id).sum()) if image_id is not None else 0,
        tiles=tiles,
        media=media,
        image_id=image_id,
        processor=checkpoint.processor,
    )
    if prompt.tokens >= checkpoint.loaded.context:
        raise too_long(checkpoint, conversation, settings, prompt.tokens, prompt.image_tokens)
    return prompt


def _read(
    checkpoint: Checkpoint,
    turns: tuple[Turn, ...],
    settings: ProcessorSettings,
    check: Callable[[], None],
    memory: Memory | None,
) -> Conversation:
    """Open every picture and video, and bring the turns to typed messages."""
    conversation = Conversation()
    special = _placeholders(checkpoint.processor)
    # The template writes the space between `Assistant:` and the answer that the model itself began its answer with.
    spaced = chat_template(checkpoint.processor) is not None
    count = 0
    for turn in turns:
        parts: list[dict[str, Any]] = []
        media: list[Medium] = []
        for part in turn.parts:
            check()
            if isinstance(part, TextPart):
                first = spaced and turn.role == "assistant" and not parts
                text = part.text.removeprefix(" ") if first else part.text
                parts.append({"type": "text", "text": special.sub(_defused, text)})
            elif checkpoint.in_family:
                media.append(medium_of(checkpoint, part, settings, memory, check))
                parts += _shown(checkpoint, part, media[-1])
                count += len(media[-1].layouts)
            else:
                parts += _decoded(part, conversation)
            if count + len(conversation.pictures) > _MOST_MEDIA:
                raise EngineFailure(
                    "too_long",
                    f"more than {_MOST_MEDIA} pictures and frames in one conversation",
                    "start a new conversation, or attach fewer",
                )
        if parts:
            conversation.messages.append({"role": turn.role, "content": parts})
            conversation.media.append(media)
    if not conversation.messages:
        raise EngineFailure("internal", "there is nothing to answer", "write a question")
    return conversation


def _shown(checkpoint: Checkpoint, part: ImagePart | VideoPart, medium: Medium) -> list[dict[str, Any]]:
    """Return what the template is told of a SmolVLM's picture or video."""
    if isinstance(part, ImagePart):
        return [{"type": "image"}]
    if checkpoint.loaded.video:
        return [{"type": "video"}]
    return [{"type": "text", "text": f"{FRAMES_INTRO}\n"}, *({"type": "image"} for _ in medium.layouts)]


def _decoded(part: ImagePart | VideoPart, conversation: Conversation) -> list[dict[str, Any]]:
    """The same for a checkpoint of another family, whose processor is given the pictures themselves."""
    if isinstance(part, ImagePart):
        conversation.pictures.append(as_picture(part))
        return [{"type": "image"}]
    frames = as_frames(part).frames
    conversation.pictures += [Image.fromarray(frame) for frame in frames]
    return [{"type": "text", "text": f"{FRAMES_INTRO}\n"}, *({"type": "image"} for _ in frames)]


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


def _by_processor(processor: Any, text: str, pictures: list[Image.Image]) -> dict[str, Any]:
    """Return the inputs for a checkpoint of another family: whatever its own processor makes."""
    try:
        made = processor(text=[text], images=pictures or None, return_tensors="pt")
    except ValueError as error:
        raise EngineFailure(
            "internal",
            f"the checkpoint's processor refused the conversation: {error}",
            "attach other or fewer pictures",
        ) from error
    return {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
