"""A value as the text of one cell of the table, and all text in it for searching. Bounded, and not yet safe to show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vlmtui.datasets.pictures import Picture, pictures_in
from vlmtui.datasets.rows import WITHHELD

_MOST_ITEMS = 24
_MOST_SEARCHED = 1_000_000


def cell_text(value: Any, limit: int = 160, *, picture: bool = False) -> str:
    """Return `value` as at most `limit` characters.

    Args:
        picture: it is in a column of pictures.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not (picture and value.startswith("data:")):
        return value[: limit + 1]
    if picture or isinstance(value, bytes) or value is WITHHELD:
        return "  ".join(map(_picture, pictures_in(value)[:_MOST_ITEMS]))[:limit]
    if isinstance(value, list | dict):
        said = list(_texts(value, _MOST_ITEMS))
        if said and _is_talk(value):
            return " · ".join(text[:limit] for text in said)[:limit]
        if isinstance(value, list) and said and all(isinstance(item, str) for item in value[:_MOST_ITEMS]):
            return ", ".join(text[:limit] for text in said)[:limit]
        shown = value[:_MOST_ITEMS] if isinstance(value, list) else dict(list(value.items())[:_MOST_ITEMS])
        try:
            return json.dumps(shown, ensure_ascii=False, default=_short)[:limit]
        except (TypeError, ValueError, RecursionError):
            return repr(type(value))[:limit]
    return str(value)[:limit]


def searched_text(value: Any) -> str:
    """Return all text in `value`, in lower case, without the bytes of pictures; at most a million characters."""
    if isinstance(value, str):
        return value[:_MOST_SEARCHED].lower()
    parts: list[str] = []
    size = 0
    for text in _texts(value, 10_000):
        if text.startswith("data:image"):
            continue
        parts.append(text)
        size += len(text)
        if size > _MOST_SEARCHED:
            break
    return "\n".join(parts).lower()


def _picture(picture: Picture) -> str:
    name = picture.path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    if name and not picture.path.startswith("data:"):
        return name
    return f"{len(picture.data) / 1000:,.0f} KB" if picture.data else "bytes"


def _is_talk(value: Any) -> bool:
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and bool({"role", "content", "from", "value", "user", "text", "type"} & set(first))


def _texts(value: Any, most: int, depth: int = 0) -> Iterator[str]:
    """Yield the texts in `value`; of messages what is said, not who says it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, int | float):
        yield str(value)
    elif depth > 8:
        return
    elif isinstance(value, list):
        for item in value[:most]:
            yield from _texts(item, most, depth + 1)
    elif isinstance(value, dict):
        for key, item in list(value.items())[:most]:
            if key not in ("role", "from", "type"):
                yield from _texts(item, most, depth + 1)


def _short(value: Any) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)[:200]
