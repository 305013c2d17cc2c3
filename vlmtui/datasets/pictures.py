"""The pictures of a row, in all the forms that data sets keep them: paths, bytes, structs of both, data URLs, lists."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmtui.datasets.rows import WITHHELD
from vlmtui.media.kinds import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from vlmtui.safetext import safe_line

MOST_A_ROW = 64
_DEEPEST = 4
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\x00", b"MM\x00*")
_DATA_URL = re.compile(r"data:image/[\w.+-]{1,20};base64,")
_SUFFIXES = tuple(PICTURE_SUFFIXES | VIDEO_SUFFIXES)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a row holds or names.

    Attributes:
        path: as the row has it, untrusted; empty for one of bytes alone.
        data: its bytes; None for a path. `WITHHELD` bytes are b"".
    """

    path: str = ""
    data: bytes | None = None


def looks_like_picture(value: Any, depth: int = 0) -> bool:
    """Return whether a cell holds pictures, by what it looks like."""
    if isinstance(value, list):
        return bool(value) and depth < _DEEPEST and all(looks_like_picture(item, depth + 1) for item in value[:4])
    if value is WITHHELD:
        return True
    if isinstance(value, bytes):
        return value.startswith(_MAGIC)
    if isinstance(value, dict):
        return set(value) <= {"bytes", "path"} and bool(value)
    if isinstance(value, str):
        if _DATA_URL.match(value):
            return True
        return len(value) < 1024 and "\n" not in value and value.lower().split("?")[0].endswith(_SUFFIXES)
    return False


def pictures_in(value: Any, depth: int = 0) -> list[Picture]:
    """Return the pictures in a cell of a column of pictures, at most `MOST_A_ROW`; [] for an empty one."""
    if depth > _DEEPEST:
        return []
    if isinstance(value, list | tuple):
        found: list[Picture] = []
        for item in value[:MOST_A_ROW]:
            found += pictures_in(item, depth + 1)
        return found[:MOST_A_ROW]
    if value is WITHHELD:
        return [Picture(data=b"")]
    if isinstance(value, bytes):
        return [Picture(data=value)]
    if isinstance(value, dict):
        path = value.get("path") or value.get("file_name") or ""
        path = path if isinstance(path, str) else ""
        data = value.get("bytes", b"" if set(value) == {"path"} and not path else None)
        if isinstance(data, bytes):
            return [Picture(path, data)]
        inner = value.get("url") or value.get("image") or value.get("image_url")
        if not path and inner is not None and inner is not value:
            return pictures_in(inner, depth + 1)
        return [Picture(path)] if path else []
    if isinstance(value, str) and value:
        if found_url := _DATA_URL.match(value):
            try:
                return [Picture(data=base64.b64decode(value[found_url.end() :], validate=False))]
            except (binascii.Error, ValueError):
                return [Picture(data=b"damaged base64")]
        return [Picture(value)]
    return []


def resolve(path: str, root: Path) -> Path | str:
    """Return the file that a row names, or one line that says why it may not or cannot be opened.

    It must lie within `root` when all links are followed; nothing is fetched from the network.
    """
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", path):
        return f"{safe_line(path, 80)}: a web address; pictures are not fetched"
    try:
        inside = root.resolve()
        place = (inside / path).resolve()
        if not place.is_relative_to(inside):
            return f"{safe_line(path, 80)} lies outside of the data set's folder and is not opened"
        if not place.is_file():
            return f"{safe_line(path, 80)} is not in the data set's folder"
    except (OSError, RuntimeError, ValueError):
        return f"{safe_line(path, 80)} is a name that no file can have"
    return place
