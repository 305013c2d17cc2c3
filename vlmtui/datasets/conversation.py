"""A row as the conversation that it stands for: who says what, with which pictures, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from vlmtui.datasets.pictures import Picture, pictures_in
from vlmtui.datasets.schema import Schema

_IMAGE_TOKEN = re.compile(r"[ \t]*<(?:image|video)>[ \t]*\n?")
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "chatgpt": "assistant"}
_MOST_TURNS = 400

Branch = Literal["", "chosen", "rejected"]


@dataclass(slots=True)
class Turn:
    """What one side says.

    Attributes:
        role: `system`, `user`, `assistant`, or what the row says.
        text: untrusted; without tokens that stand for pictures.
        pictures: shown with it, in their order.
        branch: of a preference pair: which of the two answers this belongs to; empty for what both share.
    """

    role: str
    text: str
    pictures: list[Picture] = field(default_factory=list)
    branch: Branch = ""


class _Supply:
    """The pictures of a row's columns, handed out one by one to the places that stand for them."""

    def __init__(self, row: dict[str, Any], schema: Schema) -> None:
        self._left = [picture for name in schema.pictures for picture in pictures_in(row.get(name))]
        self.short = 0

    def take(self, count: int) -> list[Picture]:
        taken, self._left = self._left[:count], self._left[count:]
        self.short += count - len(taken)
        return taken

    def rest(self) -> list[Picture]:
        return self.take(len(self._left))

    @property
    def left(self) -> int:
        return len(self._left)


def as_conversation(row: dict[str, Any], schema: Schema) -> list[Turn]:
    """Return `row` as turns; those of preference pairs with their branch. [] where the schema is unknown.

    Pictures stand where the row puts them (`{"type": "image"}`, `<image>`); where it does not say, before the first
    question. Nothing is opened.
    """
    return _converse(row, schema)[0]


def problems_of(row: dict[str, Any], schema: Schema) -> list[str]:
    """Return what keeps `row` from being a good example, one line each; [] for a good one.

    Files are not looked for here; see `vlmtui.datasets.pictures.resolve`.
    """
    if schema.kind == "unknown":
        return []
    turns, supply = _converse(row, schema)
    found = [f"{name} is missing" for part, name in schema.columns.items() if row.get(name) is None and part != "label"]
    if not found and schema.kind not in ("prompt",):
        answers = [turn for turn in turns if turn.role == "assistant"]
        branches: list[Branch] = ["chosen", "rejected"] if "chosen" in schema.columns else [""]
        for branch in branches:
            texts = [turn.text for turn in answers if turn.branch == branch]
            if not texts or not texts[-1].strip():
                found.append(f"{branch or 'the answer'} is empty" if texts else f"there is no {branch or 'answer'}")
    if schema.kind == "kto" and _flag(row.get(schema.columns["label"])) is None:
        found.append(f"{schema.columns['label']} is neither true nor false")
    if supply.short:
        number = supply.short
        found.append(f"{number} picture{'s' if number != 1 else ''} fewer than the places for them")
    if schema.pictures and not any(turn.pictures for turn in turns):
        found.append(f"{schema.pictures[0]} holds no picture")
    return found


def _converse(row: dict[str, Any], schema: Schema) -> tuple[list[Turn], _Supply]:
    supply = _Supply(row, schema)
    columns = schema.columns
    turns: list[Turn] = []
    if "messages" in columns:
        turns = _turns(row.get(columns["messages"]), "user", supply)
    elif schema.kind != "unknown":
        if "prompt" in columns:
            turns = _turns(row.get(columns["prompt"]), "user", supply)
        if "chosen" in columns:
            chosen = _turns(row.get(columns["chosen"]), "assistant", supply if "prompt" not in columns else None)
            rejected = _turns(row.get(columns["rejected"]), "assistant", None)
            shared = 0
            while shared < min(len(chosen), len(rejected)) and _same(chosen[shared], rejected[shared]):
                shared += 1
            if shared == len(chosen) == len(rejected) and shared:
                shared -= 1  # both answers are the same: they are still two answers
            turns += chosen[:shared] if "prompt" not in columns or shared else []
            turns += _of_branch(chosen[shared:], "chosen") + _of_branch(rejected[shared:], "rejected")
        elif "completion" in columns:
            value = row.get(columns["completion"])
            if schema.kind == "caption" and not turns:
                turns = [Turn("user", "")]
            turns += _answers(value or []) if _is_list_of_texts(value) else _turns(value, "assistant", None)
    if supply.left and turns:
        place = next((turn for turn in turns if turn.role == "user"), turns[0])
        place.pictures = [*supply.rest(), *place.pictures] if not place.pictures else [*place.pictures, *supply.rest()]
    return turns, supply


def _turns(value: Any, role: str, supply: _Supply | None) -> list[Turn]:
    """Return what is said in `value`: a text, one message, or a list of messages."""
    if value is None:
        return []
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return [_said(role, _text_of(value), supply)]
    turns: list[Turn] = []
    for item in value[:_MOST_TURNS]:
        if not isinstance(item, dict):
            turns.append(_said(role, _text_of(item), supply))
        elif "from" in item:
            who = str(item.get("from"))
            turns.append(_said(_ROLES.get(who.lower(), who), item.get("value"), supply))
        elif "user" in item and "role" not in item:
            turns.append(_said("user", item.get("user"), supply))
            turns.append(_said("assistant", item.get("assistant"), supply))
        else:
            who = str(item.get("role") or role)
            turns.append(_said(_ROLES.get(who.lower(), who), item.get("content"), supply))
    return turns


def _said(role: str, content: Any, supply: _Supply | None) -> Turn:
    """Return one turn: its text, and the pictures that its parts or its tokens stand for."""
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        text = "" if content is None else _text_of(content)
        places = len(_IMAGE_TOKEN.findall(text))
        if not places:
            return Turn(role, text)
        return Turn(role, _IMAGE_TOKEN.sub("", text).strip("\n"), supply.take(places) if supply is not None else [])
    texts: list[str] = []
    pictures: list[Picture] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(part, str):
            texts.append(part)
        elif kind in ("image", "video", "image_url"):
            own = pictures_in({key: item for key, item in part.items() if key != "type" and item is not None} or None)
            pictures += own or (supply.take(1) if supply is not None else [])
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            texts.append(part["text"])
    return Turn(role, "\n".join(texts), pictures)


def _text_of(value: Any) -> str:
    """Return any value as text."""
    if isinstance(value, str):
        return value
    try:
        return str(value)
    except RecursionError:
        return "(nested too deeply)"


def _answers(value: list[Any]) -> list[Turn]:
    """Return several right answers (VQAv2, ChartQA) as one turn."""
    ordered = right_answers(value)
    return [Turn("assistant", "  |  ".join(ordered))] if ordered else []


def right_answers(value: Any) -> list[str]:
    """Return the right answers in a cell that lists several: each once, the most frequent first; else []."""
    if not value or not _is_list_of_texts(value) or any(isinstance(item, dict) and "role" in item for item in value):
        return []
    counts: dict[str, int] = {}
    for item in value[:200]:
        text = _text_of(item.get("answer", item) if isinstance(item, dict) else item)
        counts[text] = counts.get(text, 0) + 1
    return sorted(counts, key=lambda text: -counts[text])


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(not isinstance(item, dict) or "answer" in item for item in value)


def _of_branch(turns: list[Turn], branch: Branch) -> list[Turn]:
    for turn in turns:
        turn.branch = branch
    return turns


def _same(one: Turn, other: Turn) -> bool:
    return one.role == other.role == "user" and one.text == other.text


def _flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
