"""Starting, stopping and going on with runs, from whichever process the user is in."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

from vlmtui.runs.folder import RunError, RunFolder
from vlmtui.runs.status import ENDED, alive, identity, read_status, write_status

WORKER = "vlmtui.training.worker"
"""The module whose process trains."""
GRACE_S = 10.0
"""A second stop ends a run at once when the first is so long ago."""

_TAKES_OVER_S = 60.0
_DIES_S = 5.0


def start(run: RunFolder) -> psutil.Popen:
    """Start the run's process in a session of its own, so that it outlives the terminal; return when it has taken over.

    Raises:
        RunError: it did not start; the run's log says why.
    """
    status = read_status(run.status_file)
    status.state, status.process, status.cause, status.remedy = "queued", identity(), "", ""
    write_status(run.status_file, status)
    run.stop_file.unlink(missing_ok=True)
    with run.log_file.open("ab") as log:
        process = psutil.Popen(
            [sys.executable, "-P", "-m", WORKER, str(run.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    end = time.monotonic() + _TAKES_OVER_S
    while time.monotonic() < end:
        if read_status(run.status_file).process.pid == process.pid:
            return process
        if process.poll() is not None:
            if read_status(run.status_file).process.pid == process.pid:
                return process
            break
        time.sleep(0.02)
    raise RunError(f"the trainer of {run.id} did not start", f"its log says why: {run.log_file}")


def resume(run: RunFolder) -> psutil.Popen:
    """Go on with a run that was stopped, failed or crashed, from its last checkpoint.

    Raises:
        RunError: it is not over, has finished, or does not start.
    """
    state = run.state()
    if state == "finished":
        raise RunError(f"{run.id} has finished", f"its result is in {run.job().output}")
    if state not in ENDED:
        raise RunError(f"{run.id} is {state}", f"`vlmtui runs watch {run.id}` shows it")
    return start(run)


def stop(run: RunFolder) -> str:
    """Ask the run to write a checkpoint and end; asked again after `GRACE_S`, end it at once. Return what was done.

    Raises:
        RunError: it is over already.
    """
    status = run.status()
    if status.state in ENDED:
        raise RunError(f"{run.id} is over: {status.state}")
    if not run.stop_file.exists():
        run.stop_file.write_text(f"{time.time()}\n")
        return f"{run.id} writes a checkpoint and ends"
    waited = time.time() - run.stop_file.stat().st_mtime
    if waited < GRACE_S:
        return f"{run.id} is ending; ask again in {GRACE_S - waited:.0f} s to end it at once"
    return _end(run)


def _end(run: RunFolder) -> str:
    """Kill the run's process and write down that it was stopped."""
    status = read_status(run.status_file)
    if status.process.host != identity().host:
        raise RunError(f"{run.id} runs on {status.process.host}", "end it there")
    if not alive(status.process):
        return f"{run.id} has ended"
    process = psutil.Process(status.process.pid)
    for child in process.children(recursive=True):
        child.kill()
    process.kill()
    end = time.monotonic() + _DIES_S
    while alive(status.process) and time.monotonic() < end:
        time.sleep(0.02)
    if alive(status.process):
        raise RunError(f"{run.id} does not die", f"look at process {status.process.pid}")
    status = read_status(run.status_file)
    if status.state not in ENDED:
        status.state, status.cause = "stopped", "it was ended at once, without a last checkpoint"
        write_status(run.status_file, status)
    return f"{run.id} was ended; {'it goes on from its last checkpoint' if status.checkpoint else 'no checkpoint yet'}"
