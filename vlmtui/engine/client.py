"""The terminal's side of the engine: starts the child, sends requests, yields its events. Cheap to import.

Asyncio inside the caller's loop: one task reads the child's lines, nothing polls, no thread is made. The client knows
no widget. One request runs at a time; a second one waits for the first (in order), and `stop` stops the running one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack, cast

import msgspec

from vlmtui.children.logs import open_log
from vlmtui.engine.protocol import (
    PROTOCOL_VERSION,
    Adapt,
    Answers,
    Batch,
    BatchRow,
    Compare,
    Event,
    Failed,
    Finished,
    Generate,
    Hello,
    Load,
    Loaded,
    LoadProgress,
    PartRead,
    Pull,
    Pulled,
    Request,
    Sampling,
    Shutdown,
    Side,
    SideSays,
    Started,
    Stop,
    Tokens,
    Turn,
    decode_event,
    encode,
)
from vlmtui.models.adapters import AdapterError, AdapterUse, parse
from vlmtui.models.hardware import Quantize
from vlmtui.models.processor import Resolution
from vlmtui.paths import log_directory

_LONGEST_LINE = 64 * 1024 * 1024
_GRACE_S = 2.0

_Some = TypeVar("_Some")

_log = logging.getLogger(__name__)


class LoadOptions(TypedDict, total=False):
    """How a checkpoint is loaded, beside its name; as in `vlmtui.engine.protocol.Load`, and `adapter` is one to lay
    over it, as `--adapter` takes it."""

    revision: str | None
    device: str
    dtype: str
    offline: bool
    adapter: str
    adapters: Sequence[AdapterUse]
    quantize: Quantize
    endpoint: str


class EngineClient:
    """The engine's child process, as asynchronous streams of typed events.

    Args:
        log: where the child's output and its libraries' go; None for the user's log folder.
        on_exit: called in the loop with the exit code when a child ends that was not closed by us (also while idle).

    Attributes:
        loaded: the checkpoint that is loaded now, None when there is none (also after a crash).
    """

    def __init__(self, *, log: Path | None = None, on_exit: Callable[[int], None] | None = None) -> None:
        self.loaded: Loaded | None = None
        self._log_path = log
        self._on_exit = on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._next_id = 1
        self._running: int | None = None
        self._events: asyncio.Queue[Event] | None = None
        self._wanted: Load | None = None
        self._stop_asked = False
        self._closing = False
        self._deaths: asyncio.Future[int] | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id; None when there is no child."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def busy(self) -> bool:
        """Whether a load or a generation is running."""
        return self._running is not None

    async def start(self) -> None:
        """Start the child, if there is none. It answers at once; torch is imported at the first load.

        Raises:
            OSError: the child cannot be started.
        """
        async with self._starting:
            if self.pid is not None:
                return
            if self._reader is not None:
                await self._reader  # the old child's last words first
            self.loaded = None
            self._closing = False
            with open_log(self._log_path or log_directory() / "engine.log") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",  # a file torch.py in the user's folder must not be imported
                    "-m",
                    "vlmtui.engine.host",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,  # the terminal's Ctrl+C is ours to handle, not the child's
                    env=_environment(),
                    limit=_LONGEST_LINE,
                )
            self._reader = asyncio.create_task(self._read(self._process), name="engine events")

    def load(
        self, model: str, **options: Unpack[LoadOptions]
    ) -> AsyncGenerator[LoadProgress | Loaded | Finished | Failed, None]:
        """Load a checkpoint: `demo`, a hub id, or a folder. With an `endpoint`, its model of that name answers, and
        nothing is loaded.

        Ends with `Loaded`, `Failed` or, stopped, `Finished`.
        """
        return self._in_turn(self._load(_load_request(model, options)), Loaded)

    def load_with_first_question(self, model: str, **options: Unpack[LoadOptions]) -> None:
        """As `load`, but not yet: no child is started before something is asked."""
        self._wanted = _load_request(model, options)

    def adapt(self, adapters: Sequence[AdapterUse]) -> AsyncGenerator[Loaded | Finished | Failed, None]:
        """Lay these adapters, and no others, over the checkpoint that is loaded, which is not read again.

        Ends with `Loaded`, `Failed` (what acted before acts on) or, stopped, `Finished`.
        """
        return self._in_turn(self._adapt(tuple(adapters)), Loaded)

    def pull(
        self, model: str, *, revision: str | None = None, offline: bool = False
    ) -> AsyncGenerator[LoadProgress | Pulled | Finished | Failed, None]:
        """Fetch the hub's checkpoint into its cache; nothing is loaded, and what is loaded stays.

        Ends with `Pulled`, `Failed` or, stopped, `Finished`; what has arrived by then is kept.
        """
        request = Pull(id=self._number(), model=model, revision=revision, offline=offline)
        return self._in_turn(
            cast("AsyncGenerator[LoadProgress | Pulled | Finished | Failed]", self._ask(request)), Pulled
        )

    def generate(
        self,
        turns: tuple[Turn, ...] | list[Turn],
        *,
        sampling: Sampling | None = None,
        resolution: Resolution = "auto",
        chunk_s: float = 0.0,
    ) -> AsyncGenerator[LoadProgress | Loaded | Started | PartRead | Tokens | Finished | Failed, None]:
        """Answer the last user turn. Ends with `Finished` or `Failed`; `chunk_s` as in `Generate`.

        When the child had died (or the last load failed), the checkpoint that was last loaded well is loaded first,
        in a new child if need be: then `LoadProgress` and `Loaded` come before `Started`. Leaving the iteration early
        stops the generation.
        """
        request = Generate(
            id=self._number(),
            turns=tuple(turns),
            sampling=sampling or Sampling(),
            resolution=resolution,
            chunk_s=chunk_s,
        )
        return self._in_turn(self._generate(request))

    def batch(
        self,
        rows: Sequence[BatchRow],
        *,
        sampling: Sampling | None = None,
        resolution: Resolution = "auto",
        most: int = 0,
    ) -> AsyncGenerator[Answers | Finished | Failed, None]:
        """Answer `rows`, several at a time (at most `most`; 0: as many as go well), with the checkpoint that is loaded.

        Ends with `Finished` or `Failed`; rows whose `Answers` have come by then are answered for good.
        """
        request = Batch(
            id=self._number(),
            rows=tuple(rows),
            sampling=sampling or Sampling(),
            resolution=resolution,
            most=most,
        )
        return self._in_turn(cast("AsyncGenerator[Answers | Finished | Failed]", self._ask(request)))

    def compare(
        self,
        turns: Sequence[Turn],
        sides: Sequence[Side],
        *,
        sampling: Sampling | None = None,
        resolution: Resolution = "auto",
    ) -> AsyncGenerator[LoadProgress | Loaded | SideSays | Finished | Failed, None]:
        """Ask each of `sides` of the checkpoint that is loaded the same; as `generate` else. Ends likewise.

        What the conversation knows, and the adapters that act, are the same afterwards.
        """
        request = Compare(
            id=self._number(),
            turns=tuple(turns),
            sides=tuple(sides),
            sampling=sampling or Sampling(),
            resolution=resolution,
        )
        return self._in_turn(
            cast("AsyncGenerator[LoadProgress | Loaded | SideSays | Finished | Failed]", self._generate(request))
        )

    async def stop(self) -> None:
        """Stop what is running, generation or load; its stream ends with `Finished(reason="stopped")`."""
        if self._running is not None:
            self._stop_asked = True
            await self._send(Stop(target=self._running))

    async def died(self) -> int:
        """Wait until a child ends that was not closed by us, also an idle one; return its exit code."""
        if self._deaths is None or self._deaths.done():
            self._deaths = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._deaths)

    async def close(self) -> None:
        """End the child: asked first, then told, then killed. Streams that still run end with `Failed`."""
        self._closing = True
        process = self._process
        if process is None:
            return
        await self._send(Shutdown())
        if process.stdin is not None:
            process.stdin.close()
        for insist in (process.terminate, process.kill):
            try:
                await asyncio.wait_for(asyncio.shield(process.wait()), _GRACE_S)
                break
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    insist()
        await process.wait()
        if self._reader is not None:
            await self._reader
        self.loaded = None

    async def _in_turn(self, events: AsyncGenerator[_Some, None], *last: type) -> AsyncGenerator[_Some, None]:
        """Hand out `events` once the requests before are over.

        The turn ends when the last event (`Finished`, `Failed` or one of `last`) is handed out, not when the caller has
        dealt with it: whoever gets `Failed` may load again from inside the loop.
        """
        await self._turn.acquire()
        mine = True
        try:
            async with contextlib.aclosing(events):
                async for event in events:
                    if mine and isinstance(event, (Finished, Failed, *last)):
                        mine = False
                        self._turn.release()
                    yield event
        finally:
            if mine:
                self._turn.release()

    async def _load(self, wanted: Load) -> AsyncGenerator[LoadProgress | Loaded | Finished | Failed, None]:
        """Run a load; keep `loaded` true to what the child has, and remember the last checkpoint that loaded well."""
        if self._wanted is None:
            self._wanted = wanted  # a first question after a failed first load tries it again
        self.loaded = None
        request = msgspec.structs.replace(wanted, id=self._number())
        async with contextlib.aclosing(self._ask(request)) as events:
            async for event in events:
                if isinstance(event, Loaded):
                    self.loaded = event
                    self._wanted = wanted
                yield event  # type: ignore[misc]

    async def _adapt(self, adapters: tuple[AdapterUse, ...]) -> AsyncGenerator[Loaded | Finished | Failed, None]:
        async with contextlib.aclosing(self._ask(Adapt(id=self._number(), adapters=adapters))) as events:
            async for event in events:
                if isinstance(event, Loaded):
                    self.loaded = event
                    if self._wanted is not None:  # an engine that dies comes back with them
                        self._wanted = msgspec.structs.replace(self._wanted, adapters=adapters)
                yield event  # type: ignore[misc]

    async def _generate(
        self, request: Generate | Compare
    ) -> AsyncGenerator[LoadProgress | Loaded | Started | PartRead | Tokens | Finished | Failed, None]:
        """Load what was last loaded well, where nothing is loaded; then answer."""
        if self.pid is None or self.loaded is None:
            if self._wanted is None:
                yield Failed(id=0, code="no_model", cause="no checkpoint is loaded", remedy="choose one first")
                return
            async with contextlib.aclosing(self._load(self._wanted)) as events:
                async for event in events:
                    yield event
            if self.loaded is None:
                return
        async with contextlib.aclosing(self._ask(request)) as answer:
            async for piece in answer:
                yield piece  # type: ignore[misc]

    async def _ask(self, request: Load | Adapt | Pull | Generate | Batch | Compare) -> AsyncGenerator[Event, None]:
        """Send `request` and yield its events up to the last one."""
        self._running = request.id
        self._stop_asked = False
        try:
            await self.start()
        except OSError as error:
            self._running = None
            yield Failed(
                id=request.id,
                code="engine_died",
                cause=f"the engine cannot be started: {error}",
                remedy="run `vlmtui doctor`, or install vlmtui again",
            )
            return
        events: asyncio.Queue[Event] = asyncio.Queue()
        self._events = events
        ended = False
        try:
            if self.pid is None:
                ended = True
                yield self._death(request.id)
                return
            await self._send(request)
            if self._stop_asked:  # while the child was starting
                await self._send(Stop(target=request.id))
            while not ended:
                event = await events.get()
                ended = isinstance(event, Loaded | Pulled | Finished | Failed)
                if ended:
                    self._running = None
                yield event
        finally:
            if self._events is events:
                self._events = None
            if self._running == request.id:
                self._running = None
            if not ended:  # the caller went away: what it asked for is not wanted any more
                self._post(Stop(target=request.id))

    def _number(self) -> int:
        number = self._next_id
        self._next_id += 1
        return number

    async def _send(self, message: Request) -> None:
        """Write `message`; a child that is gone is noticed by the reader, not here."""
        self._post(message)
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                await process.stdin.drain()

    def _post(self, message: Request) -> None:
        """Hand `message` to the pipe without waiting."""
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(encode(message))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand the child's events to the running request until the child ends; then say so."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than any event can be: skip what is buffered and go on
                _log.error("the engine sent a line of more than %d bytes", _LONGEST_LINE)
                continue
            if not line:
                break
            try:
                event = decode_event(line)
            except msgspec.DecodeError as error:
                _log.error("the engine sent a line that is no event: %s: %r", error, line[:200])
                continue
            if isinstance(event, Hello):
                if event.version != PROTOCOL_VERSION:
                    _log.error("the engine speaks version %d, not %d", event.version, PROTOCOL_VERSION)
                    process.kill()
            elif self._events is not None and event.id == self._running:
                self._events.put_nowait(event)
        code = await process.wait()
        self.loaded = None
        if self._events is not None and self._running is not None:
            self._events.put_nowait(self._death(self._running))
        if not self._closing:
            if self._deaths is not None and not self._deaths.done():
                self._deaths.set_result(code)
            if self._on_exit is not None:
                self._on_exit(code)

    def _death(self, request: int) -> Failed:
        """Return what to say about a child that is gone."""
        code = self._process.returncode if self._process is not None else None
        if self._closing:
            return Failed(id=request, code="engine_died", cause="the engine was closed", remedy="open vlmtui again")
        remedy = "ask again: the checkpoint is loaded anew"
        if code == -signal.SIGKILL:
            remedy += "; if it dies again, memory may be short: choose a smaller checkpoint"
        return Failed(id=request, code="engine_died", cause=f"the engine died ({_ending(code)})", remedy=remedy)


def _load_request(model: str, options: LoadOptions) -> Load:
    """Return the request, numbered when it is sent."""
    return Load(
        id=0,
        model=model,
        revision=options.get("revision"),
        device=options.get("device", "auto"),
        dtype=options.get("dtype", "auto"),
        offline=options.get("offline", False),
        adapters=(*_one(options.get("adapter", "")), *options.get("adapters", ())),
        quantize=options.get("quantize", "none"),
        endpoint=options.get("endpoint", ""),
    )


def _one(adapter: str) -> tuple[AdapterUse, ...]:
    """Return the adapter that `adapter` names; what is wrong with it is the child's to say."""
    try:
        return (parse(adapter),) if adapter else ()
    except AdapterError:
        return (AdapterUse(adapter),)


def _ending(code: int | None) -> str:
    """Return how a process with the exit code `code` ended, in words."""
    if code is None:
        return "it is gone"
    if code < 0:
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"
    return f"exit code {code}"


def _environment() -> dict[str, str]:
    """Return the child's environment: the user's, with the libraries kept quiet."""
    environment = dict(os.environ)
    environment["HF_HUB_DISABLE_TELEMETRY"] = "1"
    environment["TOKENIZERS_PARALLELISM"] = "false"
    environment["PYTHONUNBUFFERED"] = "1"
    environment["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    environment.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "0")
    return environment
