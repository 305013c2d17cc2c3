"""Starting a recipe's run from the workbench: by the same command as in a terminal, detached, so that it lives on."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from vlmtui.runs.folder import RunError, RunFolder, every
from vlmtui.runs.status import ENDED
from vlmtui.safetext import safe_line

OVERWRITE = "--overwrite"


@dataclass(frozen=True, slots=True)
class Started:
    """What came of it.

    Attributes:
        run: the run's id; empty where it was not started.
        before: how many runs wait or work on the same device before it.
        problem: one line, where it was not started.
        overwrite: whether it would be started if the result that is there may be replaced.
    """

    run: str = ""
    before: int = 0
    problem: str = ""
    overwrite: bool = False


async def start(recipe: Path, *, overwrite: bool = False, cloned_from: str = "") -> Started:
    """Start the recipe in the file `recipe`, a clone of the run `cloned_from`; it waits for its turn on its device."""
    words = ["train", str(recipe), "--detach", *([OVERWRITE] if overwrite else [])]
    words += ["--cloned-from", cloned_from] if cloned_from else []
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "vlmtui", *words,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            start_new_session=True, cwd=recipe.parent,
        )  # fmt: skip
        out, said = await process.communicate()
    except OSError as error:
        return Started(problem=f"No process could be started: {error.strerror or error}")
    lines = said.decode("utf-8", "replace").strip().splitlines()
    if process.returncode:
        problem = safe_line(" · ".join(lines[-3:]) or f"it ended with exit code {process.returncode}", 300)
        return Started(problem=problem, overwrite=OVERWRITE in problem)
    run = out.decode("utf-8", "replace").strip()
    return Started(run=run, before=await asyncio.to_thread(_before, run))


def _before(id: str) -> int:
    """Return how many runs wait or work on the run's device that came before it."""
    found = 0
    runs: dict[str, RunFolder] = {run.id: run for run in every()}
    device = runs[id].job().device
    for run in runs.values():
        if run.id == id:
            break
        try:
            found += run.job().device == device and run.state() not in ENDED
        except RunError:
            continue
    return found
