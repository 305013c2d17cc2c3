"""An alert told outside the terminal: to a command of the user's, and to an address. No shell, and not for ever."""

from __future__ import annotations

import asyncio
import json
import math
import os
import shlex
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from vlmtui.monitor.protocol import Alert, RunRow
from vlmtui.safetext import safe_line

LONGEST_S = 10.0
"""So long may a command or an address take."""
_KEPT = 2000


def as_json(row: RunRow, alert: Alert) -> bytes:
    """Return an alert as a command gets it on its standard input, and an address as the body of a POST."""
    loss = row.loss if row.loss is not None and math.isfinite(row.loss) else None
    run = {"path": row.path, "title": row.title, "state": row.state, "stage": row.stage, "step": row.step,
           "steps": row.steps, "loss": loss, "device": row.device}  # fmt: skip
    about = {"code": alert.code, "line": alert.line, "remedy": alert.remedy, "error": alert.error,
             "step": alert.step if alert.step >= 0 else None}  # fmt: skip
    return json.dumps({"version": 1, "at": time.time(), "run": run, "alert": about}).encode() + b"\n"


async def tell_outside(command: str, webhook: str, body: bytes, *, longest_s: float = LONGEST_S) -> list[str]:
    """Tell the command and the address, those that are not empty; return a line for each that could not be told."""
    failures = []
    if command:
        try:
            failures.append(await _run(command, body, longest_s))
        except OSError as error:
            failures.append(f"alert_command cannot be started: {error.strerror or error}")
    failures += [await _post(webhook, body, longest_s)] if webhook else []
    return [safe_line(line, 300) for line in failures if line]


async def _run(command: str, body: bytes, longest_s: float) -> str:
    # Files, not pipes: what the command leaves running may hold its end of a pipe for ever, and need not read it.
    with TemporaryFile() as told, TemporaryFile() as said:
        told.write(body)
        told.seek(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *shlex.split(command), stdin=told, stdout=asyncio.subprocess.DEVNULL, stderr=said,
                start_new_session=True, cwd=Path.home(),
            )  # fmt: skip
        except (ValueError, TypeError) as error:  # no word at all is a TypeError
            return f"alert_command: {error}"
        try:
            async with asyncio.timeout(longest_s):
                code = await process.wait()
        except TimeoutError:
            return f"alert_command took longer than {longest_s:.0f} s and was ended"
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        said.seek(max(0, said.seek(0, os.SEEK_END) - _KEPT))
        lines = said.read(_KEPT).decode("utf-8", "replace").strip().splitlines()
        return "" if code == 0 else f"alert_command ended with exit code {code}" + (f": {lines[-1]}" if lines else "")


async def _post(address: str, body: bytes, longest_s: float) -> str:
    """Send the alert; what stands in the address behind the host may be a secret, and is never shown."""
    try:
        parts = urlsplit(address)
        host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host:
        return "alert_webhook is no http address"
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str] = loop.create_future()

    def answer(line: str) -> None:
        if not answered.done():
            answered.set_result(line)

    def send() -> None:
        line = _sent(address, body, longest_s)
        with suppress(RuntimeError):  # the terminal was closed meanwhile
            loop.call_soon_threadsafe(answer, line)

    # Not one of the loop's own threads: the program would wait for a slow address when it ends.
    threading.Thread(target=send, daemon=True).start()
    try:
        async with asyncio.timeout(longest_s):
            line = await answered
    except TimeoutError:
        line = f"did not answer within {longest_s:.0f} s"
    return f"alert_webhook: {host} {line}" if line else ""


def _sent(address: str, body: bytes, longest_s: float) -> str:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class NoRedirect(HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:  # what is posted goes where the user said, or nowhere
            return None

    request = Request(address, data=body, headers={"Content-Type": "application/json", "User-Agent": "vlmtui"})
    try:
        with build_opener(NoRedirect).open(request, timeout=longest_s):
            return ""
    except HTTPError as error:
        return f"answered with {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        return f"cannot be reached: {getattr(error, 'reason', None) or error}"
