"""A conversation as the text that a model reads: the checkpoint's own template, each picture laid out in its place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.loading import Checkpoint, chat_template
from vlmtui.engine.looking import Medium


@dataclass
class Conversation:
    """A conversation as chat templates take it.

    Attributes:
        messages: with typed parts.
        media: of each message, a SmolVLM's pictures and videos.
        pictures: of a checkpoint of another family.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    media: list[list[Medium]] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)


def written(checkpoint: Checkpoint, messages: list[dict[str, Any]]) -> str:
    """Return the conversation as one text with a placeholder for each picture and video.

    Where the last message is an answer, the text ends within it: the model goes on from there.
    """
    processor = checkpoint.processor
    goes_on = messages[-1]["role"] == "assistant"
    if chat_template(processor) is None:
        return _plain(messages, processor)
    try:
        return str(
            processor.apply_chat_template(messages, add_generation_prompt=not goes_on, continue_final_message=goes_on)
        )
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


def laid_out(processor: Any, text: str, media: list[Medium]) -> str:
    """Return a SmolVLM's prompt with each picture and video laid out in its place."""
    image, video = processor.image_token, getattr(processor, "video_token", None)
    words = [re.escape(word) for word in (image, video) if word]
    pieces = re.split(f"({'|'.join(words)})", text)
    layouts = [(video if medium.as_video else image, layout) for medium in media for layout in medium.layouts]
    if [piece for piece in pieces if piece in (image, video)] != [word for word, _ in layouts]:
        places = sum(piece in (image, video) for piece in pieces)
        raise EngineFailure(
            "internal",
            f"the chat template wrote {places} places for {len(layouts)} pictures and videos",
            "choose another checkpoint: this one's template does not fit its processor",
        )
    following = iter(layout for _, layout in layouts)
    return "".join(next(following) if piece in (image, video) else piece for piece in pieces)
