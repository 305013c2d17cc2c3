"""Where a run stands: a small file that is replaced in one piece, and what is true of it when its process is gone.

A process is known by its number AND when it started: numbers are given again. A run whose process is gone without
having said how it ended has crashed, whatever its file says.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Literal

import msgspec
import psutil

State = Literal["queued", "starting", "running", "stopping", "stopped", "finished", "failed", "crashed"]
ENDED: frozenset[State] = frozenset({"stopped", "finished", "failed", "crashed"})
"""The states in which nothing happens any more."""

SILENT_S = 120.0
"""A run on another machine is taken for crashed when it has been silent for so long; here its process is asked."""

_SAME_START_S = 1.0


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A process: its number, when it started (seconds since 1970), and on which machine."""

    pid: int
    started: float
    host: str


class Status(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Where a run stands, as its process last said.

    Attributes:
        state: as the process said; see `state_of` for what is true.
        process: who says so.
        heartbeat: when this was written, in seconds since 1970.
        stage: `sft`, `dpo`.
        step, steps: within the stage.
        epoch: of the data set.
        loss: the last one that was logged.
        eta_s: seconds that the stage will still take; 0 where that is not known yet.
        checkpoint: the last good one, within the run's folder; empty for none.
        memory: bytes that the process held at most so far.
        free: bytes of memory that the machine had left.
        cause, remedy: why it failed, one line each.
    """

    state: State = "queued"
    process: Identity
    heartbeat: float = 0.0
    stage: str = ""
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    eta_s: float = 0.0
    checkpoint: str = ""
    memory: int = 0
    free: int = 0
    cause: str = ""
    remedy: str = ""


def identity(pid: int | None = None) -> Identity:
    """Return the identity of the process `pid`, of this one by default; raises `psutil.NoSuchProcess`."""
    process = psutil.Process(pid)
    return Identity(pid=process.pid, started=process.create_time(), host=socket.gethostname())


def alive(process: Identity) -> bool:
    """Return whether that very process runs on this machine; one that ended and was not waited for does not."""
    if process.pid <= 1:
        return False
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started) < _SAME_START_S
        return same and found.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # it is there, and somebody else's
        return False


def state_of(status: Status, now: float | None = None) -> State:
    """Return the true state: what the process said, unless it is gone."""
    if status.state in ENDED:
        return status.state
    if status.process.host != socket.gethostname():
        silent = (time.time() if now is None else now) - status.heartbeat
        return "crashed" if silent > SILENT_S else status.state
    return status.state if alive(status.process) else "crashed"


def write_status(path: Path, status: Status) -> None:
    """Replace the file at `path` in one piece; the time is put in.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    status.heartbeat = time.time()
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_bytes(msgspec.json.encode(status))
    aside.replace(path)


def read_status(path: Path) -> Status:
    """Return what the file at `path` says.

    Raises:
        OSError: it cannot be read.
        msgspec.DecodeError: it is none.
    """
    return msgspec.json.decode(path.read_bytes(), type=Status)
