"""Conversations as files: Markdown to read, JSON to bring back, a data set's row to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import msgspec

from vlmtui.chats.conversation import Conversation, new_id, path_to
from vlmtui.media.kinds import kind_of
from vlmtui.safetext import safe_line, safe_text

Form = Literal["markdown", "json", "dataset"]
FORMS: tuple[Form, ...] = ("markdown", "json", "dataset")
SUFFIXES: dict[Form, str] = {"markdown": ".md", "json": ".json", "dataset": ".jsonl"}

_FORMAT = "vlmtui-conversation"
_MOST_BYTES = 256 * 2**20


class ExportError(ValueError):
    """A conversation cannot be written in this form, or a file is not one; the text says why and what to do."""


class _File(msgspec.Struct, kw_only=True):
    format: str
    version: int
    conversation: Conversation


def exported(conversation: Conversation, form: Form) -> str:
    """Return `conversation` in `form`, ending in a line break.

    Raises:
        ExportError: a data set's row cannot hold it.
    """
    if form == "markdown":
        return as_markdown(conversation)
    if form == "json":
        whole = _File(format=_FORMAT, version=1, conversation=conversation)
        return msgspec.json.format(msgspec.json.encode(whole)).decode() + "\n"
    return json.dumps(as_row(conversation), ensure_ascii=False) + "\n"


def as_markdown(conversation: Conversation) -> str:
    """Return what is on show as Markdown; pictures and videos as links to their files."""
    parts = [f"# {safe_line(conversation.name) or 'Conversation'}"]
    if conversation.model:
        parts.append(f"Model: {safe_line(conversation.model)}")
    for message in conversation.messages:
        parts.append({"user": "## Question", "assistant": "## Answer", "system": "## System"}[message.role])
        for path in message.attachments:
            sign = "" if kind_of(Path(path)) == "video" else "!"
            name = safe_line(Path(path).name).replace("[", "\\[").replace("]", "\\]")
            parts.append(f"{sign}[{name}](<{safe_line(path)}>)")
        if message.text:
            parts.append(safe_text(message.text))
        if message.state == "failed":
            parts.append(f"*Failed: {safe_line(message.error)}*")
        elif message.state == "stopped":
            parts.append("*Stopped*")
    return "\n\n".join(parts) + "\n"


def as_row(conversation: Conversation) -> dict[str, Any]:
    """Return the answered questions on show as `{"images": [path, …], "messages": [{"role", "content"}, …]}`.

    The content is made of typed parts, with one `{"type": "image"}` for each of the images, in their order.

    Raises:
        ExportError: nothing is answered yet, or there is a video: a row holds pictures.
    """
    images: list[str] = []
    messages: list[dict[str, Any]] = []
    said = conversation.for_the_model()
    while said and said[-1].role != "assistant":
        said.pop()
    for message in said:
        for path in message.attachments:
            if kind_of(Path(path)) == "video":
                raise ExportError(f"{safe_line(Path(path).name)} is a video, a data set's row holds pictures only")
        images += message.attachments
        content: list[dict[str, str]] = [{"type": "image"} for _ in message.attachments]
        if message.text:
            content.append({"type": "text", "text": message.text})
        messages.append({"role": message.role, "content": content})
    if not messages:
        raise ExportError("no question of this conversation is answered yet")
    return {"images": images, "messages": messages}


def imported(data: bytes) -> Conversation:
    """Return the conversation that was exported as JSON, under a new id.

    Raises:
        ExportError: `data` is something else.
    """
    if len(data) > _MOST_BYTES:
        raise ExportError("the file is larger than 256 MB: that is no conversation")
    try:
        whole = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ExportError(f"this is no exported conversation ({error}); export one with --as json") from error
    if whole.format != _FORMAT or whole.version != 1:
        raise ExportError("this is no conversation that this version of vlmtui can read; update vlmtui")
    conversation = whole.conversation
    everything = {message.id: message for message in conversation.everything()}
    if len(everything) != len(conversation.everything()):
        raise ExportError("two messages have the same id: the file is damaged")
    if conversation.messages and path_to(conversation.messages[-1].id, everything) != conversation.messages:
        raise ExportError("the messages do not follow each other: the file is damaged")
    conversation.id = new_id()
    for message in everything.values():
        if message.state == "streaming":
            message.state = "stopped"
    return conversation
