"""What to do about a conversation that is longer than the model's context: each offer is counted before it is made."""

from __future__ import annotations

from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.looking import Medium, layout_of
from vlmtui.engine.protocol import Offer
from vlmtui.engine.writing import Conversation, laid_out, written
from vlmtui.models.processor import ProcessorSettings, Resolution, at_resolution, image_cost

_ANSWER = 256
"""Tokens that an offer leaves for the answer, in a large context."""

_INTRO = 160
"""At most so many tokens announce a video, however few frames are shown: the characters of SmolVLM2's announcement."""

_LOWER: tuple[Resolution, ...] = ("full", "4", "3", "2", "off")


class TooLong(EngineFailure):
    """The prompt does not fit; `offers` would make it fit, each by itself."""

    def __init__(self, cause: str, remedy: str, offers: tuple[Offer, ...]) -> None:
        super().__init__("too_long", cause, remedy)
        self.offers = offers


def too_long(
    checkpoint: Checkpoint, conversation: Conversation, settings: ProcessorSettings, tokens: int, image_tokens: int
) -> TooLong:
    """Return the failure of a prompt of `tokens`, with what would make it fit.

    Args:
        settings: how its pictures were to be cut.
        image_tokens: of the prompt.
    """
    context = checkpoint.loaded.context
    limit = context - min(_ANSWER, context // 8)
    offers: list[Offer] = []
    if checkpoint.in_family:
        found = (
            _lower_resolution(checkpoint, conversation, settings, limit),
            _fewer_frames(checkpoint, conversation, tokens, limit),
            _without_oldest(checkpoint, conversation, limit),
        )
        offers = [offer for offer in found if offer is not None]
    words = [words_of(offer) for offer in offers]
    return TooLong(
        f"the prompt has {tokens:,} tokens ({image_tokens:,} of pictures) and the model takes {context:,}",
        f"{', or '.join(words)}; or start a new conversation" if words else "start a new conversation, or attach less",
        tuple(offers),
    )


def words_of(offer: Offer) -> str:
    """Return what an offer is, in a few words."""
    match offer.kind:
        case "resolution":
            return f"cut pictures at the resolution {offer.value} ({offer.tokens:,} tokens)"
        case "frames":
            return f"show {offer.value} frame{'' if offer.value == '1' else 's'} of a video ({offer.tokens:,} tokens)"
        case "drop":
            oldest = "oldest question" if offer.value == "1" else f"oldest {offer.value} questions"
            return f"leave out the {oldest} ({offer.tokens:,} tokens)"


def _lower_resolution(
    checkpoint: Checkpoint, conversation: Conversation, settings: ProcessorSettings, limit: int
) -> Offer | None:
    """Return the highest lower resolution that fits."""
    pictures = [medium for media in conversation.media for medium in media if medium.size is not None]
    if not pictures:
        return None
    own = checkpoint.loaded.processor
    before = _tiles(pictures, settings)
    for resolution in _LOWER:
        lower = at_resolution(own, resolution)
        if _tiles(pictures, lower) >= before:
            continue
        tokens = _count(checkpoint, conversation, lower)
        if tokens <= limit:
            return Offer(kind="resolution", value=resolution, tokens=tokens)
    return None


def _tiles(pictures: list[Medium], settings: ProcessorSettings) -> int:
    return sum(image_cost(*medium.size, settings).tiles for medium in pictures if medium.size is not None)


def _fewer_frames(checkpoint: Checkpoint, conversation: Conversation, tokens: int, limit: int) -> Offer | None:
    """Return the most frames of each video that fit; `tokens` of the offer is at most a little too high."""
    videos = [medium for media in conversation.media for medium in media if medium.size is None]
    tokenizer = checkpoint.processor.tokenizer
    each: list[int] = []
    for medium in videos:
        whole = len(tokenizer("".join(medium.layouts), add_special_tokens=False)["input_ids"])
        each.append(max(medium.tokens, whole - _INTRO) // medium.tiles)
    for frames in range(max((medium.tiles for medium in videos), default=1) - 1, 0, -1):
        left = tokens
        for medium, cost in zip(videos, each, strict=True):
            left -= cost * max(0, medium.tiles - frames)
        if left <= limit:
            return Offer(kind="frames", value=str(frames), tokens=left)
    return None


def _without_oldest(checkpoint: Checkpoint, conversation: Conversation, limit: int) -> Offer | None:
    """Return how few of the oldest questions, with their answers, have to go; the system prompt stays."""
    roles = [message["role"] for message in conversation.messages]
    questions = [at for at, role in enumerate(roles) if role == "user"]
    system = [at for at, role in enumerate(roles) if role == "system"]
    for dropped in range(1, len(questions)):
        kept = [*system, *range(questions[dropped], len(roles))]
        rest = Conversation([conversation.messages[at] for at in kept], [conversation.media[at] for at in kept])
        tokens = _count(checkpoint, rest, None)
        if tokens <= limit:
            return Offer(kind="drop", value=str(dropped), tokens=tokens)
    return None


def _count(checkpoint: Checkpoint, conversation: Conversation, settings: ProcessorSettings | None) -> int:
    """Return the tokens of the prompt, its pictures cut by `settings`; None for as they are laid out already."""
    processor = checkpoint.processor
    media = [medium for some in conversation.media for medium in some]
    if settings is not None:
        media = [
            medium
            if medium.size is None
            else Medium(b"", (layout_of(processor, medium.size, settings),), 0, 0, medium.size)
            for medium in media
        ]
    text = laid_out(processor, written(checkpoint, conversation.messages), media)
    return len(processor.tokenizer(text, add_special_tokens=False)["input_ids"])
