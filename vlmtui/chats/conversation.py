"""A conversation as data: what was said, about which files, and how each answer went.

Plain structs that msgspec writes as JSON; they know neither widgets nor the engine. The session turns them into the
engine's turns, the chat widget shows them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vlmtui.models.sampling import FrameSampling

Role = Literal["system", "user", "assistant"]
State = Literal["done", "streaming", "stopped", "failed"]
Reason = Literal["", "end", "length", "stopped"]


class AnswerStats(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an answer took.

    Attributes:
        prompt_tokens: all tokens of the prompt, image tokens included.
        image_tokens: `<image>` tokens among them.
        tiles: tiles that the vision tower saw.
        completion_tokens: tokens of the answer.
        ttft_s: seconds from the request to the first token.
        tokens_per_s: over the tokens after the first; 0.0 where there are fewer than two.
        reason: why the answer ended; empty while it has not.
    """

    prompt_tokens: int = 0
    image_tokens: int = 0
    tiles: int = 0
    completion_tokens: int = 0
    ttft_s: float = 0.0
    tokens_per_s: float = 0.0
    reason: Reason = ""


class ChatMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message.

    Attributes:
        role: who speaks.
        text: as it was typed or generated, untouched; made safe where it is shown.
        attachments: absolute paths of the pictures and videos that belong to it, in order.
        samplings: for videos among them, which frames the model is sent; by path, where it is not the default.
        state: `done`, or for an answer `streaming`, `stopped` (by the user; the text stays) or `failed`.
        error: what went wrong, one line; only when failed.
        remedy: what to do about it, one line; only when failed.
        stats: what the answer took.
    """

    role: Role
    text: str = ""
    attachments: tuple[str, ...] = ()
    samplings: dict[str, FrameSampling] = {}
    state: State = "done"
    error: str = ""
    remedy: str = ""
    stats: AnswerStats = msgspec.field(default_factory=AnswerStats)


class Conversation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Messages in the order they were said."""

    messages: list[ChatMessage] = msgspec.field(default_factory=list)

    def ask(self, text: str, attachments: tuple[str, ...] = ()) -> ChatMessage:
        """Append the user's question and return it."""
        message = ChatMessage(role="user", text=text, attachments=attachments)
        self.messages.append(message)
        return message

    def begin_answer(self) -> ChatMessage:
        """Append an answer that is about to stream, in place of a failed one at the end, and return it."""
        if self.failed is not None:
            self.messages.pop()
        message = ChatMessage(role="assistant", state="streaming")
        self.messages.append(message)
        return message

    @property
    def streaming(self) -> ChatMessage | None:
        """The answer that is being written, if one is."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.state == "streaming" else None

    @property
    def failed(self) -> ChatMessage | None:
        """The last answer, if it failed: it can be asked for again."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.state == "failed" else None

    def for_the_model(self) -> list[ChatMessage]:
        """Return the messages a model should see, to answer the last question.

        Answers that are unfinished, failed or empty are left out. A question whose answer failed is left out with it
        as soon as another question follows: a picture that cannot be read would fail every later turn too.
        """
        kept: list[ChatMessage] = []
        for index, message in enumerate(self.messages):
            following = self.messages[index + 1] if index + 1 < len(self.messages) else None
            if message.role == "assistant":
                if message.state in ("done", "stopped") and message.text.strip():
                    kept.append(message)
                elif kept and kept[-1].role == "user" and following is not None:
                    kept.pop()
            else:
                kept.append(message)
        return kept
