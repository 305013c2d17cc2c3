"""What the user writes down about a run: a name, a note, tags, and whether it was put away."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from vlmtui.runs.folder import RunError

NOTES_FILE = "notes.json"


class Notes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The user's own words about a run.

    Attributes:
        title: in place of the job's; empty for that.
        note: any text.
        tags: words.
        archived: it is listed only when asked for.
    """

    title: str = ""
    note: str = ""
    tags: list[str] = []
    archived: bool = False


def read_notes(run: Path) -> Notes:
    """Return the notes in the folder `run`; empty ones where there are none, or none that can be read."""
    try:
        return msgspec.json.decode((run / NOTES_FILE).read_bytes(), type=Notes)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Notes()


def write_notes(run: Path, notes: Notes) -> None:
    """Replace the notes in the folder `run` in one piece.

    Raises:
        RunError: they cannot be written.
    """
    aside = run / f".{NOTES_FILE}.{os.getpid()}"
    try:
        aside.write_bytes(msgspec.json.encode(notes))
        aside.replace(run / NOTES_FILE)
    except OSError as error:
        raise RunError(f"the notes cannot be written: {error.strerror or error}", "free some space") from None
