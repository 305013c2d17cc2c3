"""A conversation as data: what was said, about which files, and how each answer went.

It is a tree: each message knows the one that it follows. An edited question and an answer that was generated again
stand beside the first one, as its versions; `messages` is the path through the tree that is on show.

Plain structs that msgspec writes as JSON; they know neither widgets nor the engine. The session turns them into the
engine's turns, the chat widget shows them.
"""

from __future__ import annotations

import secrets
import time
from typing import Literal

import msgspec

from vlmtui.chats.answering import Answering
from vlmtui.models.sampling import FrameSampling

Role = Literal["system", "user", "assistant"]
State = Literal["done", "streaming", "stopped", "failed"]
Reason = Literal["", "end", "length", "stopped"]


def new_id() -> str:
    """Return a name that no other message or conversation has."""
    return secrets.token_hex(8)


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
        pictures: pictures and videos in the prompt.
        known_pictures: those among them that did not have to be looked at again.
        known_tokens: of the prompt, those that were read for an earlier question and not again.
        saved_s: about how many seconds that saved.
        continued: how often the answer went on after it was stopped or cut.
        earlier_tokens: tokens of the answer before it went on last.
        part: how far a video that is read in parts is, in words; empty once the answer is there.
    """

    prompt_tokens: int = 0
    image_tokens: int = 0
    tiles: int = 0
    completion_tokens: int = 0
    ttft_s: float = 0.0
    tokens_per_s: float = 0.0
    reason: Reason = ""
    pictures: int = 0
    known_pictures: int = 0
    known_tokens: int = 0
    saved_s: float = 0.0
    continued: int = 0
    earlier_tokens: int = 0
    part: str = ""


class ChatMessage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One message.

    Attributes:
        role: who speaks.
        text: as it was typed or generated, untouched; made safe where it is shown.
        attachments: absolute paths of the pictures and videos that belong to it, in order.
        hashes: of what the attachments held when they were asked about, by path; see `vlmtui.chats.content`.
        samplings: for videos among them, which frames the model is sent; by path, where it is not the default.
        state: `done`, or for an answer `streaming`, `stopped` (by the user; the text stays) or `failed`.
        error: what went wrong, one line; only when failed.
        remedy: what to do about it, one line; only when failed.
        stats: what the answer took.
        id: its name in the conversation.
        parent: the name of the message that it follows; empty for the first.
        created: seconds since 1970; orders the versions.
    """

    role: Role
    text: str = ""
    attachments: tuple[str, ...] = ()
    hashes: dict[str, str] = {}
    samplings: dict[str, FrameSampling] = {}
    state: State = "done"
    error: str = ""
    remedy: str = ""
    stats: AnswerStats = msgspec.field(default_factory=AnswerStats)
    id: str = msgspec.field(default_factory=new_id)
    parent: str = ""
    created: float = msgspec.field(default_factory=time.time)


class Conversation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A tree of messages, and the path through it that is on show.

    Attributes:
        messages: the path on show, in the order in which it was said.
        aside: the messages of the other versions and what follows them, in no order.
        id: its name in the store.
        title: the user's own; empty for the first question's words.
        pinned: whether it stays at the top of the list.
        workspace: the folder that was open, absolute.
        model: the checkpoint that answered last.
        answering: its own system prompt and sampling.
        created, updated: seconds since 1970.
        starts_at: the first question that the model is still shown, where older ones were left out to make room; kept
            while the conversation is open.
    """

    messages: list[ChatMessage] = msgspec.field(default_factory=list)
    aside: list[ChatMessage] = msgspec.field(default_factory=list)
    id: str = msgspec.field(default_factory=new_id)
    title: str = ""
    pinned: bool = False
    workspace: str = ""
    model: str = ""
    answering: Answering = Answering()
    created: float = msgspec.field(default_factory=time.time)
    updated: float = 0.0
    starts_at: str = ""

    def __post_init__(self) -> None:
        """Let each message follow the one before it."""
        before = ""
        for message in self.messages:
            message.parent, before = before, message.id

    @property
    def name(self) -> str:
        """What it is called: its title, or else the first question's first words. Untrusted."""
        first = next((entry.text for entry in self.messages if entry.role == "user" and entry.text.strip()), "")
        return self.title or " ".join(first.split())[:80]

    def ask(self, text: str, attachments: tuple[str, ...] = ()) -> ChatMessage:
        """Append the user's question and return it."""
        message = ChatMessage(role="user", text=text, attachments=attachments, parent=self._end)
        self.messages.append(message)
        return message

    def begin_answer(self) -> ChatMessage:
        """Append an answer that is about to stream, in place of a failed one at the end, and return it."""
        if self.failed is not None:
            self.messages.pop()
        message = ChatMessage(role="assistant", state="streaming", parent=self._end)
        self.messages.append(message)
        return message

    @property
    def _end(self) -> str:
        return self.messages[-1].id if self.messages else ""

    # ---- versions ----

    def everything(self) -> list[ChatMessage]:
        """Return every message of the tree."""
        return [*self.messages, *self.aside]

    def versions(self, message: ChatMessage) -> list[ChatMessage]:
        """Return `message` and those that stand in its place on other branches, oldest first."""
        same = [other for other in self.everything() if (other.parent, other.role) == (message.parent, message.role)]
        return sorted(same, key=lambda other: other.created)

    def branch(self, message: ChatMessage) -> None:
        """Put `message`, which is on show, and all that follows it aside: what is said next is another version of it.

        Raises:
            ValueError: it is not on show.
        """
        at = next((i for i, other in enumerate(self.messages) if other is message), None)
        if at is None:
            raise ValueError("the message is not on show")
        self.aside += self.messages[at:]
        del self.messages[at:]

    def show(self, message: ChatMessage) -> None:
        """Show the path that leads to `message`, and from there on the newest of each version."""
        everything = {other.id: other for other in self.everything()}
        following: dict[str, ChatMessage] = {}
        for other in sorted(everything.values(), key=lambda other: other.created):
            following[other.parent] = other
        path = path_to(message.id, everything)
        seen = {entry.id for entry in path}
        while path and (after := following.get(path[-1].id)) is not None and after.id not in seen:
            path.append(after)
            seen.add(after.id)
        self.messages[:] = path
        self.aside[:] = [other for other in everything.values() if other.id not in seen]

    @property
    def streaming(self) -> ChatMessage | None:
        """The answer that is being written, if one is."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.state == "streaming" else None

    def can_go_on(self, message: ChatMessage) -> bool:
        """Return whether `message` is the newest one, and an answer that was stopped or cut at its longest."""
        last = self.messages[-1] if self.messages else None
        cut = message.state == "stopped" or message.stats.reason == "length"
        return message is last and message.role == "assistant" and cut and bool(message.text.strip())

    def go_on(self, message: ChatMessage) -> None:
        """Let the newest answer be written further: one message with what it has already."""
        message.state = "streaming"
        message.stats.continued += 1
        message.stats.earlier_tokens = message.stats.completion_tokens

    @property
    def failed(self) -> ChatMessage | None:
        """The last answer, if it failed: it can be asked for again."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.state == "failed" else None

    def for_the_model(self) -> list[ChatMessage]:
        """Return the messages a model should see, to answer the last question: from `starts_at` on, where it is set.

        Answers that are unfinished, failed or empty are left out. A question whose answer failed is left out with it
        as soon as another question follows: a picture that cannot be read would fail every later turn too.
        """
        kept: list[ChatMessage] = []
        start = next((at for at, message in enumerate(self.messages) if message.id == self.starts_at), 0)
        for index, message in enumerate(self.messages):
            if index < start and message.role != "system":
                continue
            following = self.messages[index + 1] if index + 1 < len(self.messages) else None
            if message.role == "assistant":
                if message.state in ("done", "stopped") and message.text.strip():
                    kept.append(message)
                elif kept and kept[-1].role == "user" and following is not None:
                    kept.pop()
            else:
                kept.append(message)
        return kept


def path_to(leaf: str, everything: dict[str, ChatMessage]) -> list[ChatMessage]:
    """Return the messages from the first one to `leaf`, by their parents; it ends where one is missing or recurs."""
    path: list[ChatMessage] = []
    seen: set[str] = set()
    while leaf in everything and leaf not in seen:
        seen.add(leaf)
        path.append(everything[leaf])
        leaf = everything[leaf].parent
    return path[::-1]
