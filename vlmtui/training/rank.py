"""One of several processes that train together: `python -m vlmtui.training.rank FOLDER`, as accelerate starts it.

The first writes events, status and checkpoints; the others say nothing unless they fail.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.runs.folder import RunFolder
from vlmtui.runs.status import alive
from vlmtui.training.imports import leave_out_unneeded
from vlmtui.training.launch import RankFailure, rank_log, supervisor
from vlmtui.training.recipe import Recipe
from vlmtui.training.reporting import Reporter

_LOOK_EVERY_S = 1.0


class Silent:
    """In a rank beside the first: has a reporter's words and says none of them."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.stopped = False
        self.status = None

    def set(self, state: Any = None, **fields: Any) -> None:
        """Say nothing."""

    def say(self, event: Any) -> None:
        """Say nothing."""

    def note(self, text: str, level: str = "info") -> None:
        """Say nothing."""


def main(folder: str) -> int:
    """Train as this process's part; return 0 when it finished or was stopped, else 1."""
    run = RunFolder(Path(folder))
    number = int(os.environ.get("RANK", "0"))
    (run.path / "ranks").mkdir(exist_ok=True)
    if number:
        log = os.open(rank_log(run, number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
    threading.Thread(target=_end_with_the_run, name="supervisor", daemon=True).start()
    try:
        _train(run, number)
    except BaseException as error:
        from vlmtui.training.failures import is_out_of_memory, understand

        traceback.print_exc()
        failure = understand(error)
        said = RankFailure(
            rank=number, cause=f"rank {number}: {failure.cause}", remedy=failure.remedy, memory=is_out_of_memory(error)
        )
        (run.path / "ranks" / f"{number}.json").write_bytes(msgspec.json.encode(said))
        return 1
    return 0


def _train(run: RunFolder, number: int) -> None:
    recipe = msgspec.convert(run.job().recipe, Recipe)
    leave_out_unneeded(recipe)
    from accelerate import PartialState

    from vlmtui.training.halving import as_before
    from vlmtui.training.loading import on_cpu_only
    from vlmtui.training.ranks import wait_for_all
    from vlmtui.training.stage import run_stage

    state = PartialState(cpu=on_cpu_only())
    owner = supervisor()
    reporter: Any = Reporter(run, owner=owner) if number == 0 else Silent(run)
    before: Path | None = None
    try:
        for stage in recipe.stages:
            result = run.results / stage.method
            if not result.exists() and not run_stage(recipe, as_before(stage, run.path), reporter, before):
                break
            wait_for_all()
            before = result
    finally:
        if number == 0:
            reporter.leave()
    state.destroy_process_group()


def _end_with_the_run() -> None:
    """End at once when who started the ranks is gone, even by kill -9: nobody would end them."""
    owner = supervisor()
    while owner is not None:
        if not alive(owner):
            os._exit(1)
        time.sleep(_LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
