"""A run's folder: where its files lie, how it is made, found and listed."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.paths import runs_directory
from vlmtui.runs.status import ENDED, State, Status, identity, read_status, state_of, write_status

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_RESERVE = 64 * 1024


class RunError(Exception):
    """A run that is not there, or cannot do what is asked: a cause and a remedy, one line each."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(f"{cause}: {remedy}" if remedy else cause)
        self.cause = cause
        self.remedy = remedy


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to do; written once.

    Attributes:
        id: its folder's name.
        title: for people.
        created: seconds since 1970.
        device: whose queue it waits in: `cpu`, `cuda:0`, ….
        recipe: resolved: every key that was given or that differs from TRL's default, paths absolute.
        source: the recipe's file; its folder is where relative paths began.
        output: where the result goes.
        overwrite: whether an older result there may be replaced.
        cloned_from: the id of the run whose recipe this one's was changed from; empty for none.
    """

    id: str
    title: str
    created: float
    device: str
    recipe: dict[str, Any]
    source: str = ""
    output: str = ""
    overwrite: bool = False
    cloned_from: str = ""


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def id(self) -> str:
        """The run's name: its folder's."""
        return self.path.name

    @property
    def job_file(self) -> Path:
        return self.path / "job.json"

    @property
    def recipe_file(self) -> Path:
        return self.path / "recipe.yaml"

    @property
    def status_file(self) -> Path:
        return self.path / "status.json"

    @property
    def events_file(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def log_file(self) -> Path:
        return self.path / "log.txt"

    @property
    def stop_file(self) -> Path:
        return self.path / "stop"

    @property
    def reserve_file(self) -> Path:
        """Some room that is given back when the disk is full, so that the end can still be written down."""
        return self.path / ".reserve"

    @property
    def results(self) -> Path:
        return self.path / "results"

    def checkpoints(self, stage: str) -> Path:
        """Return where a stage's checkpoints lie."""
        return self.path / "checkpoints" / stage

    def last_checkpoint(self, stage: str) -> Path | None:
        """Return the stage's newest whole checkpoint; one that is being written has another name."""
        found = [
            (int(match[1]), path)
            for path in (self.checkpoints(stage).iterdir() if self.checkpoints(stage).is_dir() else ())
            if (match := _CHECKPOINT.fullmatch(path.name)) and (path / "trainer_state.json").is_file()
        ]
        return max(found)[1] if found else None

    def job(self) -> Job:
        """Return what the run is to do; raises `RunError`."""
        try:
            return msgspec.json.decode(self.job_file.read_bytes(), type=Job)
        except (OSError, msgspec.DecodeError) as error:
            raise RunError(f"the run {self.id} is damaged: {error}", f"remove {self.path}") from None

    def status(self) -> Status:
        """Return where the run stands, with its true state; raises `RunError`."""
        try:
            status = read_status(self.status_file)
        except (OSError, msgspec.DecodeError) as error:
            raise RunError(f"the run {self.id} is damaged: {error}", f"remove {self.path}") from None
        state = state_of(status)
        if state == "crashed" and status.state != "crashed":
            status.state = state
            status.checkpoint = self._newest() or status.checkpoint
            status.cause, status.remedy = self._why_crashed(status)
        elif state in ("starting", "running") and self.stop_file.exists():
            status.state = "stopping"
        return status

    def state(self) -> State:
        """Return the run's true state; raises `RunError`."""
        return self.status().state

    def _newest(self) -> str:
        """Return the checkpoint that a process wrote last, within the folder: it may have died before it said so."""
        stages = self.path.joinpath("checkpoints").glob("*/")
        found = [path for stage in stages if (path := self.last_checkpoint(stage.name)) is not None]
        newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
        return str(newest.relative_to(self.path)) if newest is not None else ""

    def _why_crashed(self, status: Status) -> tuple[str, str]:
        cause = "its process was killed, or died without a word"
        if status.free and status.free < 512 * 1024 * 1024:
            cause += f"; the machine had {status.free / 1e6:.0f} MB of memory left, so it was likely killed for that"
        if status.checkpoint:
            return cause, f"`vlmtui runs resume {self.id}` goes on from {Path(status.checkpoint).name}"
        return cause, f"`vlmtui runs resume {self.id}` begins it again: it had no checkpoint yet"


def create(title: str, device: str, recipe: dict[str, Any], *, text: str = "", source: str = "", output: str = "",
           overwrite: bool = False, cloned_from: str = "", root: Path | None = None) -> RunFolder:  # fmt: skip
    """Make the folder of a new run, queued by this process.

    Args:
        title: for people, and for its name.
        device: whose queue it waits in.
        recipe: resolved.
        text: the recipe as it was written.
        source: the recipe's file.
        output: where the result goes.
        overwrite: whether an older result there may be replaced.
        cloned_from: the id of the run whose recipe this one's was changed from.
        root: where runs lie; the user's by default.

    Raises:
        OSError: it cannot be made.
    """
    root = runs_directory() if root is None else root
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    name = f"{stamp}-{_UNSAFE.sub('-', title).strip('-.')[:40] or 'run'}-{secrets.token_hex(2)}"
    aside = root / f".{name}"
    aside.mkdir(mode=0o700)
    made = RunFolder(aside)
    job = Job(
        id=name, title=title, created=now, device=device, recipe=recipe, source=source, output=output,
        overwrite=overwrite, cloned_from=cloned_from,
    )  # fmt: skip
    made.job_file.write_bytes(msgspec.json.format(msgspec.json.encode(job)))
    made.recipe_file.write_text(text, encoding="utf-8")
    made.reserve_file.write_bytes(os.urandom(_RESERVE))
    write_status(made.status_file, Status(process=identity()))
    aside.rename(root / name)
    return RunFolder(root / name)


def every(root: Path | None = None) -> list[RunFolder]:
    """Return all runs, the oldest first; folders that are being made or are something else are left out."""
    root = runs_directory() if root is None else root
    if not root.is_dir():
        return []
    return sorted(
        (RunFolder(path) for path in root.iterdir() if not path.name.startswith(".") and (path / "job.json").is_file()),
        key=lambda run: (_created(run), run.id),
    )


def find(name: str, root: Path | None = None) -> RunFolder:
    """Return the run that `name` means: its whole id, any part of it that only one has, `last`, or its folder.

    Raises:
        RunError: there is none, or several.
    """
    if ("/" in name or name.startswith(".")) and (Path(name) / "job.json").is_file():
        return RunFolder(Path(name).resolve())
    runs = every(root)
    if name == "last" and runs:
        return runs[-1]
    exact = [run for run in runs if run.id == name]
    found = exact or [run for run in runs if name and name in run.id]
    if len(found) == 1:
        return found[0]
    if found:
        raise RunError(f"{name!r} could be {len(found)} runs", f"say more: {', '.join(run.id for run in found[-3:])}")
    raise RunError(f"there is no run {name!r}", "`vlmtui runs list` names all")


def remove(run: RunFolder) -> None:
    """Delete the run's folder; its result in `output_dir` stays.

    Raises:
        RunError: it still runs, or cannot be deleted.
    """
    try:
        if run.state() not in ENDED:
            raise RunError(f"{run.id} is not over", f"`vlmtui runs stop {run.id}` first")
    except RunError as error:
        if "damaged" not in error.cause:
            raise
    try:
        aside = run.path.with_name(f".{run.id}.removed")
        run.path.rename(aside)
        shutil.rmtree(aside)
    except OSError as error:
        raise RunError(f"{run.id} cannot be deleted: {error}", f"look at {run.path}") from None


def _created(run: RunFolder) -> float:
    try:
        return run.job().created
    except RunError:
        return 0.0
