"""The terminal's side of finding files: starts the child, asks it, and hands its answers on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from vlmtui.finding.protocol import Ask, Found

_LONGEST_LINE = 4 * 1024 * 1024


class FileFinder:
    """Finds files of one folder; to be closed."""

    def __init__(self, folder: Path, recent: list[str], found: Callable[[Found], None]) -> None:
        """Args:
        folder: Where to look.
        recent: Paths relative to it that come first where they match, newest first.
        found: Called with each answer to the newest question.
        """
        self._folder = folder
        self._recent = recent
        self._found = found
        self._process: asyncio.subprocess.Process | None = None
        self._asked = Ask(0, "")
        self._ended = asyncio.Event()

    def ask(self, letters: str) -> None:
        """Ask for files with these letters; the answers of earlier questions are dropped from here on."""
        self._asked = Ask(self._asked.id + 1, letters)
        self._send()

    async def run(self) -> str:
        """Run until closed.

        Returns:
            One line that says why it ended by itself; empty when it was closed.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "vlmtui.finding.host", str(self._folder), *self._recent,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            start_new_session=True, limit=_LONGEST_LINE, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        process = self._process
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        decode = msgspec.json.Decoder(Found).decode
        try:
            self._send()
            while line := await process.stdout.readline():
                found = decode(line)
                if found.id == self._asked.id:
                    self._found(found)
            said = (await errors).decode("utf-8", "replace").strip().splitlines()
            return said[-1] if said else f"exit code {await process.wait()}"
        finally:
            await self._end(process, errors)
            self._ended.set()

    async def close(self) -> None:
        """End the child, if it was started, and wait for its end."""
        if self._process is not None:
            self._kill(self._process)
            await self._ended.wait()

    def _send(self) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(msgspec.json.encode(self._asked) + b"\n")

    async def _end(self, process: asyncio.subprocess.Process, errors: asyncio.Future[bytes]) -> None:
        self._kill(process)
        assert process.stdout is not None
        while await process.stdout.read(65536):  # to its end, so that the pipe is closed with it
            pass
        await errors
        await process.wait()

    def _kill(self, process: asyncio.subprocess.Process) -> None:
        """It keeps nothing that could be lost."""
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
