"""Starting a run on several processes: `accelerate launch` of the same trainer, once on each node. No torch here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import sleep

import msgspec

from vlmtui.models.hardware import usable_cores
from vlmtui.runs.folder import RunFolder
from vlmtui.runs.status import Identity, identity
from vlmtui.training.recipe import Launch

RANK = "vlmtui.training.rank"
SUPERVISOR = "VLMTUI_SUPERVISOR"
"""Who the ranks belong to: they end when that process does."""

_LOOK_EVERY_S = 0.2
_TAIL = 65_536
_DEATH = re.compile(r"\brank\s*:\s*(\d+).*?exitcode\s*:\s*(-?\d+)", re.DOTALL)
_ENDED_BY_LAUNCHER = -15
_SIGNALS = {-9: "it was killed, likely because memory was full", -11: "it crashed (segmentation fault)"}


class RankFailure(msgspec.Struct, frozen=True, kw_only=True):
    """What a rank says when it fails: cause and remedy, one line each; `memory`: there was not enough of it."""

    rank: int
    cause: str
    remedy: str = ""
    memory: bool = False


def launch_words(launch: Launch, node: int = 0, port: int | None = None) -> list[str]:
    """Return the options of `accelerate launch` for `launch`.

    Args:
        node: which machine this is.
        port: of the first process, where the launch names none.
    """
    words = ["--num_processes", str(launch.processes), "--num_machines", str(launch.nodes), "--machine_rank", str(node)]
    if launch.config_file:
        words = ["--config_file", launch.config_file, *words]
    else:
        words += ["--mixed_precision", "no", "--dynamo_backend", "no"]  # the trainer says it itself
        if launch.processes > 1:
            words.append("--multi_gpu")  # without a GPU the ranks are on the CPU, by gloo
    host, _, named = launch.address.partition(":")
    if host:
        words += ["--main_process_ip", host]
    if named or port:
        words += ["--main_process_port", named or str(port)]
    return words


def run_ranks(run: RunFolder, launch: Launch, stopped: Callable[[], bool], node: int = 0) -> RankFailure | None:
    """Run this node's ranks to their end; return what went wrong, if anything did.

    A stop is theirs to hear: the first rank looks at the run's folder.
    """
    for path in (run.path / "ranks").glob("*.json"):
        path.unlink()
    cores = max(1, usable_cores() * launch.nodes // launch.processes)
    me = identity()
    environment = {
        **os.environ,
        SUPERVISOR: f"{me.pid}:{me.started}",
        "PYTHONSAFEPATH": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(cores)),
    }
    words = launch_words(launch, node, _free_port())
    command = [sys.executable, "-P", "-m", "accelerate.commands.launch", *words, "-m", RANK, str(run.path)]
    began = run.log_file.stat().st_size if run.log_file.exists() else 0
    with run.log_file.open("ab") as log, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
    ) as process:  # fmt: skip
        while (code := process.poll()) is None:
            if stopped() and not run.stop_file.exists():
                run.stop_file.touch()
            sleep(_LOOK_EVERY_S)
    return None if code == 0 else _why(run, began, code)


def rank_log(run: RunFolder, rank: int) -> Path:
    """Return where a rank's output goes; the first's is the run's log."""
    return run.log_file if rank == 0 else run.path / "ranks" / f"{rank}.log"


def supervisor() -> Identity | None:
    """Return the process that started this rank; None where it was started by hand."""
    pid, _, started = os.environ.get(SUPERVISOR, "").partition(":")
    if not pid:
        return None
    return Identity(pid=int(pid), started=float(started), host=socket.gethostname())


def _why(run: RunFolder, began: int, code: int) -> RankFailure:
    """Return what went wrong first: who was killed, for whose sake the others fail; else who said so first."""
    with run.log_file.open("rb") as stream:
        stream.seek(max(began, run.log_file.stat().st_size - _TAIL))
        text = stream.read().decode("utf-8", "replace")
    deaths = [(int(rank), int(how)) for rank, how in _DEATH.findall(text)]
    killed = next((one for one in deaths if one[1] < 0 and one[1] != _ENDED_BY_LAUNCHER), None)
    if killed is not None:
        return _death(run, *killed)
    said = sorted((run.path / "ranks").glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in said:
        try:
            return msgspec.json.decode(path.read_bytes(), type=RankFailure)
        except (OSError, msgspec.DecodeError):
            continue
    if deaths:
        return _death(run, *deaths[-1])  # the launcher names the root cause last
    return RankFailure(rank=-1, cause=f"the launcher ended with exit code {code}", remedy=f"see {run.log_file}")


def _death(run: RunFolder, rank: int, how: int) -> RankFailure:
    cause = f"rank {rank} died: {_SIGNALS.get(how, f'exit code {how}')}"
    return RankFailure(
        rank=rank, cause=cause, remedy=f"its log is {rank_log(run, rank)}; `vlmtui runs resume {run.id}`"
    )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
