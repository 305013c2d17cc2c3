"""Making a conversation fit that is too long for the model: what an offer of the engine's changes."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec

from vlmtui.chats.conversation import Conversation
from vlmtui.engine.protocol import Offer
from vlmtui.media.kinds import kind_of
from vlmtui.media.protocol import MediaInfo
from vlmtui.models.processor import ProcessorSettings, Resolution, image_cost
from vlmtui.models.sampling import MOST_FRAMES, FrameSampling, Timeline, frames_in_all


def fit(conversation: Conversation, offer: Offer, samplings: dict[Path, FrameSampling]) -> Resolution | None:
    """Take `offer`: change which frames are shown, or which questions; return the resolution that is to be used.

    Args:
        conversation: that was too long.
        offer: what was chosen.
        samplings: which frames of a video go with the next question, by path; changed with the conversation's.

    Returns:
        A resolution where the offer is one, else None.
    """
    shown = conversation.for_the_model()
    match offer.kind:
        case "resolution":
            return cast(Resolution, offer.value)
        case "frames":
            for message in shown:
                for path in message.attachments:
                    if kind_of(path) == "video":
                        before = message.samplings.get(path, FrameSampling())
                        fewer = msgspec.structs.replace(before, mode="uniform", frames=int(offer.value))
                        message.samplings = message.samplings | {path: fewer}
                        samplings[Path(path)] = fewer
        case "drop":
            questions = [message for message in shown if message.role == "user"]
            conversation.starts_at = questions[int(offer.value)].id
    return None


def cost_words(info: MediaInfo, processor: ProcessorSettings | None, sampling: FrameSampling | None) -> str:
    """Return how large a picture is, or how many frames of a video are sent, and the image tokens that it costs.

    Args:
        info: the file.
        processor: how the model's pictures are cut; None where no model is loaded.
        sampling: which frames of a video; None for the usual ones.
    """
    if info.kind == "video":
        if not info.frames or not info.fps:
            return ""
        frames = frames_in_all(sampling or FrameSampling(), Timeline(info.frames, info.fps))
        words = f"{frames:,} frame{'s' * (frames != 1)}{' in parts' * (frames > MOST_FRAMES)}"
        return words if processor is None else f"{words} · {frames * processor.tokens_per_tile:,} tokens"
    if not info.width or not info.height:
        return ""
    words = f"{info.width}×{info.height}"
    return words if processor is None else f"{words} · {image_cost(info.width, info.height, processor).tokens:,} tokens"


def words_of(offer: Offer) -> str:
    """Return what an offer does, for people."""
    match offer.kind:
        case "resolution" if offer.value == "off":
            return "Show each picture as one tile"
        case "resolution" if offer.value == "full":
            return "Cut pictures into as many tiles as the model takes"
        case "resolution":
            return f"Cut pictures into {offer.value} tiles along the longest edge"
        case "frames":
            return f"Show {offer.value} frame{'' if offer.value == '1' else 's'} of each video"
        case "drop":
            return f"Leave out the oldest {'question' if offer.value == '1' else f'{offer.value} questions'}"
