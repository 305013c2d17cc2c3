"""The batches that were begun in a folder, and which of them are not done."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vlmtui.batches.finding import BadPath, files_of
from vlmtui.batches.job import Job
from vlmtui.batches.journal import JournalError, journal_of, read_journal
from vlmtui.recently_used import recently_used, use

_MOST = 10


class Begun(msgspec.Struct, frozen=True):
    """A batch that was begun: what it is about, its result, how many files are done and how many there are."""

    job: Job
    out: Path
    done: int
    total: int


def remember(folder: Path, out: Path) -> None:
    """Keep in mind that a batch with the result `out` was begun in the workbench of `folder`."""
    use(_list(folder), str(out))


def unfinished(folder: Path) -> list[Begun]:
    """Return the batches of `folder` that have files left to do, the newest first. Reads and walks: for a thread."""
    found: list[Begun] = []
    for name in recently_used(_list(folder))[:_MOST]:
        out = Path(name)
        try:
            job, rows = read_journal(journal_of(out))
            files = files_of(job.paths)
        except (OSError, JournalError, BadPath):  # deleted since, with its journal or its files
            continue
        done = sum(file.path in rows for file in files)
        if done < len(files):
            found.append(Begun(job=job, out=out, done=done, total=len(files)))
    return found


def _list(folder: Path) -> str:
    return f"batches of {folder}"
