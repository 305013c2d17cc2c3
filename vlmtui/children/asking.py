"""The terminal's side of a child that is asked in frames: asyncio inside the caller's loop, nothing heavy imported."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from vlmtui.children.frames import MAX_FRAME, PREFIX_BYTES
from vlmtui.children.logs import open_log

_R = TypeVar("_R")


class ChildEnded(Exception):
    """The child ended before it answered; `how` says how, e.g. `signal SIGKILL`."""

    def __init__(self, how: str) -> None:
        self.how = how
        super().__init__(how)


class AskedChild(Generic[_R]):
    """One child process: started when it is first asked, and anew after it died.

    Args:
        module: what the child runs, as `python -m` takes it.
        decode: makes of a frame's body the number of the request and the reply to it; None for what answers nobody and
            has been dealt with (a greeting, progress). Raises `msgspec.DecodeError`, which ends the child.
        log: where the child's stderr goes (what libraries print); nowhere if None.
        environment: added to this process's environment.
    """

    def __init__(
        self,
        module: str,
        decode: Callable[[bytes], tuple[int, _R] | None],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._module = module
        self._decode = decode
        self._log = log
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[_R]] = {}
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> asyncio.subprocess.Process:
        """Return the child, started if there is none.

        Raises:
            OSError: it cannot be started.
        """
        async with self._starting:
            if self.pid is not None and self._reader is not None and not self._reader.done():
                assert self._process is not None
                return self._process
            log = open_log(self._log) if self._log is not None else None
            try:
                # -P: the folder that is browsed must not become a place that Python imports from.
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", self._module,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL,
                    start_new_session=True, env=self._variables(),
                )  # fmt: skip
            finally:
                if log is not None:
                    log.close()
            self._reader = asyncio.create_task(self._read(self._process), name=f"replies of {self._module}")
            return self._process

    async def ask(self, id: int, make: Callable[[], bytes], timeout_s: float | None) -> _R:
        """Return the reply to the request `id`, the frame that `make` returns. A child that takes longer is ended.

        Raises:
            ChildEnded: it ended before it answered.
            TimeoutError: it took longer than `timeout_s`.
            OSError: it cannot be started.
        """
        process = await self.start()
        future: asyncio.Future[_R] = asyncio.get_running_loop().create_future()
        frame = make()
        self._waiting[id] = future
        try:
            assert process.stdin is not None
            process.stdin.write(frame)
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            _kill(process)
            raise
        finally:
            self._waiting.pop(id, None)

    async def close(self) -> None:
        """End the child: by the end of its input, after a second by force."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            _kill(process)
            await process.wait()
        if self._reader is not None:
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand replies to those who wait, until the child ends; then tell the rest."""
        stream = process.stdout
        assert stream is not None
        with suppress(asyncio.IncompleteReadError, OSError, msgspec.DecodeError):
            while (length := int.from_bytes(await stream.readexactly(PREFIX_BYTES), "big")) <= MAX_FRAME:
                decoded = self._decode(await stream.readexactly(length))
                if decoded is None:
                    continue
                id, reply = decoded
                future = self._waiting.pop(id, None)
                if future is not None and not future.done():
                    future.set_result(reply)
        _kill(process)
        how = _ending(await process.wait())
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ChildEnded(how))
        self._waiting.clear()

    def _variables(self) -> dict[str, str]:
        """Return the child's environment: ours, plus where this package lies when it is not installed."""
        variables = dict(os.environ)
        home = Path(__file__).parents[2]
        if home.name not in ("site-packages", "dist-packages"):
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, (str(home), variables.get("PYTHONPATH", ""))))
        variables.update(self._environment)
        return variables


def _kill(process: asyncio.subprocess.Process) -> None:
    # Not `process.kill()`: that looks first whether the child has ended, and so takes its exit status away from
    # asyncio, which then knows no better than 255.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def _ending(status: int) -> str:
    if status < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
        return f"signal {-status}"
    return f"exit status {status}"
