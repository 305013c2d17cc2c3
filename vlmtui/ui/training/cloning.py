"""A run's recipe as a new one: the same text under another name, and what was changed in it since."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from vlmtui.runs.folder import RunFolder
from vlmtui.runs.notes import read_notes
from vlmtui.safetext import safe_line, safe_text
from vlmtui.training.beginning import free_name
from vlmtui.training.editing import NoMapping, given, shown, with_key
from vlmtui.ui.training.document import Document, Origin, UnfitFile

_COUNT = re.compile(r"-\d+$")
_WIDE = 60


def clone_of(run: RunFolder, folder: Path) -> Document:
    """Return the recipe of `run` as a new document beside the one that it was started from.

    The paths in a recipe begin at its file's folder, so that is where the new one is kept; where it is gone, or not
    known, in `folder`. Where the result goes is another place than the first one's.

    Raises:
        RunError: the run's folder is damaged.
        UnfitFile: the run has left no recipe that can be edited.
    """
    job = run.job()
    try:
        text = run.recipe_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text.strip():
        raise UnfitFile(f"{job.title} has left no recipe")
    if safe_text(text) != text:
        raise UnfitFile(f"the recipe of {job.title} holds control characters")
    source = Path(job.source) if job.source else None
    home = source.parent if source is not None and source.parent.is_dir() else folder
    path = free_name(home, _COUNT.sub("", source.stem if source is not None else "recipe"))
    origin = Origin(run=run.id, title=read_notes(run.path).title or job.title, text=text)
    return Document(path, _with_another_result(text, home), origin=origin)


def _with_another_result(text: str, home: Path) -> str:
    try:
        before = shown(given(text)["output_dir"])
        stem, number = _COUNT.sub("", before), 2
        while (home / f"{stem}-{number}").exists():
            number += 1
        return with_key(text, "output_dir", _quoted(f"{stem}-{number}"))
    except (NoMapping, KeyError):
        return text


def _quoted(text: str) -> str:
    return str(yaml.safe_dump(text, allow_unicode=True, width=10_000)).removesuffix("...\n").strip()


def changes(document: Document) -> list[str]:
    """Return what is another than in the run that the document was made from, a line a key; [] where it is from none.

    Raises:
        NoMapping: the text has to be mended first.
    """
    if document.origin is None:
        return []
    before, now = given(document.origin.text), given(document.text)
    lines = []
    for key in [*before, *(key for key in now if key not in before)]:
        old, new = before.get(key), now.get(key)
        if old != new and (old is None or new is None or not _mean_the_same(old, new)):
            lines.append(safe_line(f"{key}: {_short(old)} → {_short(new)}", 200))
    return lines


def _mean_the_same(old: str, new: str) -> bool:
    try:
        return bool(_value(old) == _value(new))
    except yaml.YAMLError:
        return False


def _value(written: str) -> Any:
    value = yaml.safe_load(written)
    try:  # `2e-4` is a text to YAML 1.1, and a number to TRL
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _short(written: str | None) -> str:
    if written is None:
        return "default"
    return written if len(written) <= _WIDE else f"{written[: _WIDE - 1]}…"
