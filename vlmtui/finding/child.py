"""A child process that is spoken to in JSON lines: started, read to its end, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

import msgspec

_LONGEST_LINE = 4 * 1024 * 1024


class LineChild:
    """One run of the module `module`; to be closed."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = (sys.executable, "-P", "-m", module, *arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._ended = asyncio.Event()

    def send(self, message: msgspec.Struct) -> None:
        """Write one line, if the child runs."""
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(msgspec.json.encode(message) + b"\n")

    async def run(self, started: Callable[[], None], receive: Callable[[bytes], None]) -> str:
        """Run it until it ends or is closed.

        Args:
            started: called once, when it can be spoken to.
            receive: called with each line.

        Returns:
            What it said last on its standard error; else how it ended, empty for an end as it should be.

        Raises:
            OSError: it cannot be started.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, start_new_session=True, limit=_LONGEST_LINE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        process = self._process
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        try:
            started()
            while line := await process.stdout.readline():
                receive(line)
            said = (await errors).decode("utf-8", "replace").strip().splitlines()
            code = await process.wait()
            return said[-1] if said else f"exit code {code}" if code else ""
        finally:
            await self._end(process, errors)
            self._ended.set()

    async def close(self) -> None:
        """End the child, if it was started, and wait for its end."""
        if self._process is not None:
            _kill(self._process)
            await self._ended.wait()

    async def _end(self, process: asyncio.subprocess.Process, errors: asyncio.Future[bytes]) -> None:
        _kill(process)
        assert process.stdout is not None
        while await process.stdout.read(65536):  # to its end, so that the pipe is closed with it
            pass
        await errors
        await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """It keeps nothing that could be lost."""
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
