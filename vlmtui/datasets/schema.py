"""What a data set is: which column says what, which training methods that is enough for, and what the others lack."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from vlmtui.datasets.pictures import looks_like_picture

Kind = Literal[
    "messages", "prompt-completion", "preference", "kto", "chartqa", "rlaif-v", "llava", "vqa", "cauldron", "caption",
    "prompt", "unknown",
]  # fmt: skip

_TITLES: dict[Kind, str] = {
    "messages": "Conversations (messages)",
    "prompt-completion": "Prompt and completion",
    "preference": "Preference pairs",
    "kto": "Answers judged good or bad (KTO)",
    "chartqa": "ChartQA",
    "rlaif-v": "RLAIF-V (raw)",
    "llava": "LLaVA conversations",
    "vqa": "Questions and answers",
    "cauldron": "Conversations (user and assistant texts)",
    "caption": "Captions",
    "prompt": "Prompts without answers",
    "unknown": "Unknown columns",
}
_IMAGE_NAMES = ("images", "image", "img", "image_path", "image_paths", "file_name", "picture", "pictures", "frames")
_VIDEO_NAMES = ("videos", "video", "video_path")
_QUESTIONS = ("question", "query", "instruction", "input")
_ANSWERS = ("answer", "answers", "label", "multiple_choice_answer", "output", "response", "completion")
_CAPTIONS = ("caption", "captions", "sentences", "text", "description")


class Schema(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found out about the columns.

    Attributes:
        kind: stable, for programs.
        title: for people.
        columns: the column for each part: `prompt`, `completion`, `messages`, `chosen`, `rejected`, `label`.
        pictures: the columns that hold pictures or videos.
        fits: TRL's methods that it can train: `SFT`, `DPO`, `MPO`, `KTO`, `GRPO`.
        missing: what the others need, in plain words, one line each.
    """

    kind: Kind = "unknown"
    title: str = _TITLES["unknown"]
    columns: dict[str, str] = {}
    pictures: list[str] = []
    fits: list[str] = []
    missing: list[str] = []


def detect(columns: list[str], sample: list[dict[str, Any]]) -> Schema:
    """Return what rows with these columns are.

    Args:
        columns: as the file names them; [] to take them from the sample.
        sample: the first good rows.
    """
    names = list(dict.fromkeys([*columns, *(name for row in sample for name in row)]))
    by_name = {name.lower(): name for name in reversed(names)}
    pictures = _picture_columns(names, sample)

    def first(*wanted: str) -> str:
        return next((by_name[name] for name in wanted if name in by_name), "")

    def values(name: str) -> list[Any]:
        return [row[name] for row in sample if row.get(name) is not None]

    kind, found = _kind(first, values, pictures)
    fits, missing = _methods(kind, found)
    if kind != "unknown" and not pictures:
        missing.insert(0, "pictures: no column holds any, so this is text alone")
    return Schema(kind=kind, title=_TITLES[kind], columns=found, pictures=pictures, fits=fits, missing=missing)


def _kind(first: Any, values: Any, pictures: list[str]) -> tuple[Kind, dict[str, str]]:
    prompt = first("prompt", *_QUESTIONS)
    chosen, rejected = first("chosen"), first("rejected")
    if chosen and rejected:
        raw = bool(first("ds_name") or first("origin_dataset")) and first("question")
        found = {"prompt": prompt, "chosen": chosen, "rejected": rejected}
        return ("rlaif-v" if raw else "preference"), {part: name for part, name in found.items() if name}
    completion, label = first("completion", "completions"), first("label", "labels")
    if prompt and completion and label and _all_flags(values(label)):
        return "kto", {"prompt": prompt, "completion": completion, "label": label}
    for name in filter(None, (first("messages"), first("conversations"), first("conversation"))):
        turn = next((turn for talk in values(name) if isinstance(talk, list) for turn in talk[:1]), None)
        if isinstance(turn, dict) and "from" in turn:
            return "llava", {"messages": name}
        if isinstance(turn, dict) and "role" in turn:
            return "messages", {"messages": name}
    texts = first("texts")
    talks = values(texts) if texts else []
    turn = next((turn for talk in talks if isinstance(talk, list) for turn in talk[:1]), None)
    if isinstance(turn, dict) and "user" in turn:
        return "cauldron", {"messages": texts}
    if first("prompt") and completion:
        return "prompt-completion", {"prompt": prompt, "completion": completion}
    if first("query") and label and (first("human_or_machine") or any(isinstance(v, list) for v in values(label))):
        return "chartqa", {"prompt": first("query"), "completion": label}
    question, answer = first(*_QUESTIONS), first(*_ANSWERS)
    if question and answer and answer != question:
        return "vqa", {"prompt": question, "completion": answer}
    if prompt and answer:
        return "prompt-completion", {"prompt": prompt, "completion": answer}
    caption = first(*_CAPTIONS)
    if caption and pictures and caption not in pictures:
        return "caption", {"completion": caption}
    if prompt:
        return "prompt", {"prompt": prompt}
    return "unknown", {}


def _all_flags(found: list[Any]) -> bool:
    """Return whether all labels say yes or no: true and false, 1 and 0, as words too (CSV)."""
    return all(isinstance(v, bool) or v in (0, 1) or str(v).lower() in ("true", "false", "0", "1") for v in found)


def _methods(kind: Kind, found: dict[str, str]) -> tuple[list[str], list[str]]:
    """Return the methods that the rows are enough for, and what each other one lacks."""
    dpo = "DPO: a better and a worse answer to each prompt (columns chosen and rejected)"
    kto = "KTO: whether each answer is good (a column label, true or false)"
    sft = "SFT: an answer to each prompt (a column completion, or a turn of the assistant in messages)"
    if kind in ("preference", "rlaif-v"):
        missing = [
            "SFT: one answer a prompt; the chosen ones can be taken (a column completion)",
            "KTO: one answer a row (a column completion) and whether it is good (a column label)",
        ]
        if "prompt" not in found:
            missing.insert(0, "prompt: not in a column of its own; what chosen and rejected begin with alike is taken")
        return ["DPO", "MPO"], missing
    if kind == "kto":
        return ["KTO"], ["SFT: rows whose label is true can be taken, without the column label", dpo]
    if kind == "prompt":
        return ["GRPO"], [sft, dpo]
    if kind == "unknown":
        return [], ["any method: columns such as prompt and completion, messages, question and answer, or a caption"]
    return ["SFT"], [dpo, kto]


def _picture_columns(names: list[str], sample: list[dict[str, Any]]) -> list[str]:
    """Return the columns that hold pictures: by what is in them, or by their name while nothing is."""
    found: list[str] = []
    for name in names:
        values = [row[name] for row in sample if row.get(name) not in (None, "", [])]
        known = name.lower() in _IMAGE_NAMES + _VIDEO_NAMES or name.lower().endswith(("_file_name", "file_names"))
        could_be = known and all(isinstance(value, str | list | dict) for value in values)
        if could_be or (values and all(looks_like_picture(value) for value in values[:20])):
            found.append(name)
    # RLAIF-V names each picture twice: its bytes in `image`, and in `image_path` where they came from.
    bytes_too = [name for name in found if any(not _is_path(row.get(name)) for row in sample if row.get(name))]
    if len(found) > 1 and bytes_too:
        found = [name for name in found if name in bytes_too or not name.lower().endswith("_path")]
    return found


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith("data:")
