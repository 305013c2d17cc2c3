"""The journal of a batch: a file beside the result to which each answer is added, and forced to the disk, at once.

The first line is the job, every other one a file's row. After a kill at any moment it holds all answers that were ever
shown; a line that was being written is cut off and its file done again. A batch of the same job goes on from it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from vlmtui.batches.job import COLUMNS, Job, Row

_DAMAGED = "is damaged at its beginning; move it away to begin anew"


class JournalError(Exception):
    """The journal cannot be used; the message says why, for the user."""


class _Line(Row, frozen=True, kw_only=True):
    """A row with the absolute path of its file, by which it is known."""

    path: str


_JOBS: msgspec.json.Decoder[Job] = msgspec.json.Decoder(Job)
_LINES: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


def journal_of(out: Path) -> Path:
    """Return where the journal of the result `out` is."""
    return out.with_name(out.name + ".journal")


def read_journal(path: Path) -> tuple[Job, dict[str, Row]]:
    """Return the job of the journal at `path`, and the row of each file that is done, by its absolute path.

    Raises:
        JournalError: it is not a journal.
        OSError: it cannot be read.
    """
    job, done, _ = _read(path.read_bytes(), path)
    return job, done


class Journal:
    """An open journal; one process at a time has it.

    Attributes:
        path: its file.
        done: the row of each file that is done, by its absolute path.
    """

    def __init__(self, out: Path, job: Job) -> None:
        """Open the journal of the result `out`, or begin it.

        Raises:
            JournalError: it belongs to another job or another process is at it, or `out` is somebody else's.
            OSError: it cannot be written.
        """
        self.path = journal_of(out)
        self.done: dict[str, Row] = {}
        begun = self.path.exists()
        if not begun and out.exists():
            raise JournalError(f"{out} exists already and is no batch's; name another file with --out")
        self._file: IO[bytes] = self.path.open("ab+")
        try:
            self._take(begun, out, job)
        except BaseException:
            self._file.close()
            raise

    def _take(self, begun: bool, out: Path, job: Job) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(f"another vlmtui is working on {out}; wait for it or stop it") from None
        self._file.seek(0)
        data = self._file.read()
        if b"\n" not in data:  # new, or killed before the first line was there
            self._file.truncate(0)
            self._write(msgspec.json.encode(job) + b"\n")
            _sync_folder(self.path.parent)
            return
        before, self.done, end = _read(data, self.path)
        if different := before.difference(job):
            raise JournalError(
                f"{out} belongs to a batch with another {different}; name another file with --out, "
                f"or delete it and {self.path.name}"
            )
        if end < len(data):
            self._file.truncate(end)

    def add(self, rows: Mapping[str, Row]) -> None:
        """Write `rows`, by the absolute path of each file; they are on the disk when this returns.

        Raises:
            OSError: they cannot be written; none of them counts then.
        """
        lines = (msgspec.json.encode(_Line(path=path, **msgspec.structs.asdict(row))) for path, row in rows.items())
        self._write(b"".join(line + b"\n" for line in lines))
        self.done.update(rows)

    def close(self) -> None:
        """Let others have it."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        end = os.fstat(self._file.fileno()).st_size
        try:
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:  # e.g. a full disk: half a line must not stay
            os.ftruncate(self._file.fileno(), end)
            raise


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write the file at `path` so that it is there whole or as it was before.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _read(data: bytes, path: Path) -> tuple[Job, dict[str, Row], int]:
    """Return the job, the rows that are done, and where the last whole line ends."""
    lines = data.split(b"\n")
    try:
        job = _JOBS.decode(lines[0])
    except msgspec.DecodeError as error:
        raise JournalError(f"{path} {_DAMAGED}: {error}") from error
    done: dict[str, Row] = {}
    for line in lines[1:-1]:
        try:
            found = _LINES.decode(line)
        except msgspec.DecodeError:  # its file is done again
            continue
        done[found.path] = Row(**{name: getattr(found, name) for name in COLUMNS})
    return job, done, len(data) - len(lines[-1])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
