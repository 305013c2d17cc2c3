"""Trainings that are there at once, for tests: forked from one process that has imported torch and TRL.

    python -P -m tests.unit.training.nursery

What is forked runs `vlmtui.training.worker.main` in a session of its own, as the program's own child does; only the
seconds of imports are not paid for again. Tests that look at the start itself take the real thing.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil


class Nursery:
    """Stands in for `psutil.Popen` where a run is started."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-m", "tests.unit.training.nursery"]
        root = Path(__file__).parents[3]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
        )  # fmt: skip

    def start(self, command: list[str], *, env: dict[str, str], stdout: Any, **_: Any) -> SimpleNamespace:
        """Fork the training that `command` names; return its process."""
        assert "vlmtui.training.worker" in command
        assert self._process.stdin is not None and self._process.stdout is not None
        told = {"run": command[-1], "log": str(stdout.name), "environment": env}
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        return SimpleNamespace(pid=pid, poll=lambda: None if psutil.pid_exists(pid) else 1)

    def close(self) -> None:
        """End it; trainings that are still there go on, as they do when the program ends."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def keep() -> None:
    """Import what a training needs; then fork trainings until standard input ends."""
    sys.modules["bitsandbytes"] = None  # type: ignore[assignment]  # as for every recipe that packs nothing
    import trl

    from vlmtui.training import halving, stage, worker  # noqa: F401

    assert trl.SFTTrainer and trl.SFTConfig  # they are imported when named
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what has ended is gone
    for line in sys.stdin:
        told = json.loads(line)
        pid = os.fork()
        if pid:
            print(pid, flush=True)  # noqa: T201 - to who asked
            continue
        code = 70
        try:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            log = os.open(told["log"], os.O_WRONLY | os.O_APPEND)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, stream in ((0, nothing), (1, log), (2, log)):
                os.dup2(stream, number)
            os.environ.clear()
            os.environ.update(told["environment"])
            code = worker.main(told["run"])
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


if __name__ == "__main__":
    keep()
    os._exit(0)  # nothing of it has to be put away
