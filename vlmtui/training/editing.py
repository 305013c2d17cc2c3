"""Changing one key of a recipe's text: every other line, comments included, stays what it was."""

from __future__ import annotations

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z0-9_./~-][A-Za-z0-9_./~ -]*")
_COMMENT = re.compile(r"[ \t]*(#[^\n]*)?")


class NoMapping(ValueError):
    """The text is no `key: value` lines: it has to be mended first."""


def given(text: str) -> dict[str, str]:
    """Return the keys at the top of the recipe, each with its value as it is written there, on one line.

    Raises:
        NoMapping: see there.
    """
    return {key: " ".join(text[start:end].split()) for key, (_, start, end) in _places(text).items()}


def line_of(text: str, key: str) -> int | None:
    """Return the line of `key`, from 0; None where it is not given, or cannot be found."""
    try:
        place = _places(text).get(key)
    except NoMapping:
        return None
    return None if place is None else text.count("\n", 0, place[0])


def with_key(text: str, key: str, value: str) -> str:
    """Return `text` with `key` set to `value`, written as YAML: in its place, or in a line of its own at the end.

    Raises:
        NoMapping: see there.
    """
    places = _places(text)
    if key in places:
        _, start, end = places[key]
        if start == end:  # nothing stood behind the colon
            value = f" {value}"
        elif text[start:end].endswith("\n"):  # a block: its last line break belongs to what follows
            value = f"{value}\n"
            start = len(text[:start].rstrip(" \n"))  # to the key's own line
            value = f" {value}"
        return text[:start] + value + text[end:]
    end = _before_tables(text, places)
    head = text[:end]
    return head + ("" if not head or head.endswith("\n") else "\n") + f"{key}: {value}\n" + text[end:]


def without_key(text: str, key: str) -> str:
    """Return `text` without `key` and what belongs to it.

    Raises:
        NoMapping: see there.
    """
    places = _places(text)
    if key not in places:
        return text
    begin, start, end = places[key]
    end = max(start, end)
    if not text[begin:end].endswith("\n"):
        found = _COMMENT.match(text, end)
        end = found.end() if found is not None else end
        end += text[end : end + 1] == "\n"
    return text[:begin] + text[end:]


def as_yaml(typed: str, types: tuple[str, ...]) -> str:
    """Return what was typed as it stands in a recipe: numbers and lists as they are, texts in quotes where needed.

    Args:
        types: what the key takes: `str`, `int`, ….
    """
    typed = typed.strip()
    if typed.startswith(("[", "{")) or not typed:
        return typed or '""'
    if "list" in types and "," in typed:
        return f"[{typed}]"
    is_text = "str" in types and not {"bool", "int", "float"} & set(types)
    if _PLAIN.fullmatch(typed) and (not is_text or _read(typed) == typed):
        return typed
    return str(yaml.safe_dump(typed, default_style='"', allow_unicode=True, width=10_000)).strip()


def as_mapping(values: dict[str, str]) -> str:
    """Return `values` as they stand in a recipe, in one line."""
    return str(
        yaml.safe_dump(values, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    ).strip()


def shown(written: str) -> str:
    """Return a value as it is shown to be changed: a text without its quotes."""
    value = _read(written)
    return value if isinstance(value, str) else written


def _read(written: str) -> Any:
    try:
        return yaml.safe_load(written)
    except yaml.YAMLError:
        return None


def _places(text: str) -> dict[str, tuple[int, int, int]]:
    """Return where each key begins, and where its value begins and ends."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise NoMapping(f"line {mark.line + 1} is no YAML" if mark is not None else "this is no YAML") from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise NoMapping("a recipe is lines of `key: value`")
    return {
        str(key.value): (key.start_mark.index, value.start_mark.index, value.end_mark.index)
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode)
    }


def _before_tables(text: str, places: dict[str, tuple[int, int, int]]) -> int:
    """Return where a new key goes: before `stages:` and its like, which come last by custom."""
    tables = [places[name][0] for name in ("stages", "launch") if name in places]
    return min(tables, default=len(text))
