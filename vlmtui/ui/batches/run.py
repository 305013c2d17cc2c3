"""A batch that the workbench has started: the same command as in a terminal, in a process of its own.

So the chat stays usable, and whatever happens to the workbench, the journal on the disk has every answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from vlmtui.batches.command import progress_words
from vlmtui.batches.events import Begun, Done, Ended, Event, Loading, Paused, Resumed, decode
from vlmtui.batches.job import Job, Row
from vlmtui.batches.journal import JournalError, journal_of, read_journal
from vlmtui.batches.words import words_of

_LONGEST_LINE = 64 * 1024 * 1024
_GRACE_S = 3.0

State = Literal["starting", "running", "pausing", "paused", "stopping", "done", "stopped", "failed"]


class Shown(NamedTuple):
    """A row of the result with the absolute path of its file."""

    path: str
    row: Row


class BatchRun:
    """One run of the command.

    Attributes:
        job: what is done.
        out: where the result goes.
        state: what it does now.
        rows: what is done, those of earlier runs first.
        line: how far it is, or how it ended, in one line; untrusted.
        done, failed, total: files.
        device: where the model runs; empty until it is known.
    """

    def __init__(self, job: Job, out: Path, changed: Callable[[], None], *, model_options: list[str]) -> None:
        """Args:
        changed: called when anything has changed.
        model_options: where and how the model is loaded, as words of the command.
        """
        self.job = job
        self.out = out
        self.state: State = "starting"
        self.rows: list[Shown] = []
        self.line = "starting"
        self.done = self.failed = self.total = 0
        self.device = ""
        self._changed = changed
        self._words = [*words_of(job, out), *model_options]
        self._process: asyncio.subprocess.Process | None = None
        self._ended = asyncio.Event()

    @property
    def active(self) -> bool:
        """Whether its process is at work or waits."""
        return self.state not in ("done", "stopped", "failed")

    async def work(self) -> None:
        """Run the command to its end."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "vlmtui", *self._words, "--json", "--controlled",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                start_new_session=True, limit=_LONGEST_LINE,
            )  # fmt: skip
            await self._read(self._process)
        except (OSError, ValueError) as error:  # no process, a NUL in a word
            self._end("failed", f"the batch cannot be started: {error}")
        finally:
            self._ended.set()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        said = asyncio.ensure_future(process.stderr.read())
        async for line in process.stdout:
            try:
                await self._take(decode(line))
            except msgspec.DecodeError:  # e.g. what a library prints
                continue
            self._changed()
        lines = (await said).decode("utf-8", "replace").strip().splitlines()
        code = await process.wait()
        if self.active:  # it ended without a word about it
            reason = lines[-1].removeprefix("vlmtui: ") if lines else f"the batch's process ended with code {code}"
            self._end("failed", reason)

    async def _take(self, event: Event) -> None:
        match event:
            case Begun():
                self.total, self.done, self.failed = event.total, event.done, event.failed
                if event.done:
                    with contextlib.suppress(OSError, JournalError):
                        _, rows = await asyncio.to_thread(read_journal, journal_of(self.out))
                        self.rows = [Shown(path, row) for path, row in rows.items()]
            case Loading():
                self.line = event.line
            case Done():
                if self.state == "starting":
                    self.state = "running"
                self.rows.extend(map(Shown, event.paths, event.rows))
                self.done, self.failed, self.device = event.done, event.failed, event.device
                self.line = progress_words(event)
            case Paused():
                self.state = "paused"
            case Resumed():
                self.state = "running"
            case Ended():
                self.done, self.failed = event.done, event.failed
                self._end(event.reason, event.line)

    def _end(self, state: State, line: str) -> None:
        self.state, self.line = state, line
        self._changed()

    def pause(self) -> None:
        """Let it wait; its model stays loaded."""
        if self.state in ("starting", "running"):
            self.state = "pausing"
            self._say(b"pause")

    def resume(self) -> None:
        """Let it go on."""
        if self.state in ("pausing", "paused"):
            self.state = "running"
            self._say(b"resume")

    def stop(self) -> None:
        """End it within a token; it can be gone on with."""
        if self.active:
            self.state = "stopping"
            self._say(b"stop")

    def _say(self, word: bytes) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(word + b"\n")
        self._changed()

    async def close(self) -> None:
        """End it: asked first, then killed."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()  # which is a word, too
        try:
            await asyncio.wait_for(self._ended.wait(), _GRACE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await self._ended.wait()
