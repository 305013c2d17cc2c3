"""Files in what was pasted or dragged into the terminal: it sends their paths as text, each in its own spelling."""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vlmtui.media.kinds import kind_of

_LONGEST = 8192


def pasted_files(text: str, folder: Path) -> list[Path]:
    """Return the pictures and videos that `text` names and nothing else; [] where it is anything more or other.

    Known are plain paths (one a line), quoted and escaped ones as shells write them, and `file:` addresses; relative
    ones belong to `folder`.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return []
    spellings = [text.splitlines()]
    with suppress(ValueError):  # an open quote
        spellings.append(shlex.split(text))
    for words in spellings:
        files = [_file(word.strip(), folder) for word in words if word.strip()]
        found = [file for file in files if file is not None]
        if found and len(found) == len(files):
            return found
    return []


def _file(word: str, folder: Path) -> Path | None:
    if word.startswith("file:"):
        address = urlsplit(word)
        if address.netloc not in ("", "localhost"):
            return None
        word = unquote(address.path)
    if kind_of(word) not in ("picture", "video"):
        return None
    try:
        file = Path(os.path.normpath(folder / Path(word).expanduser()))
        return file if file.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None
