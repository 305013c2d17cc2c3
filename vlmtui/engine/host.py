"""The engine's child process: `python -m vlmtui.engine.host`. Requests on stdin, events on the real stdout.

Two threads. The main one reads requests and does nothing slow, so that `Stop` is heard while a token is being made;
the worker runs loads and generations, one after the other. When stdin ends, the terminal's process is gone (even by
kill -9) and this one ends at once, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import psutil

from vlmtui.engine.failures import EngineFailure, Stopped, failed, without_secrets
from vlmtui.engine.protocol import (
    PROTOCOL_VERSION,
    Adapt,
    Batch,
    Compare,
    Event,
    Finished,
    Generate,
    Hello,
    Load,
    LoadProgress,
    Pull,
    Shutdown,
    Stop,
    decode_request,
    encode,
)
from vlmtui.models.hardware import threads_for, usable_cores

if TYPE_CHECKING:
    from vlmtui.engine.batching import Sizes
    from vlmtui.engine.loading import Checkpoint
    from vlmtui.engine.remote import Remote

_Work = Load | Adapt | Pull | Generate | Batch | Compare

_NICENESS = 5
_PATIENCE_S = 0.2

_log = logging.getLogger("vlmtui.engine")


class Outlet:
    """The way to the terminal's process: one event a line, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, event: Event) -> None:
        """Write `event` whole. If nobody reads any more, the process ends."""
        line = memoryview(encode(event))
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except BrokenPipeError:
                os._exit(0)


class StopFlags:
    """Which requests were told to stop. A request may be stopped before it has begun."""

    def __init__(self) -> None:
        self._stopped: set[int] = set()

    def stop(self, request: int) -> None:
        """Mark `request`."""
        self._stopped.add(request)

    def is_stopped(self, request: int) -> bool:
        """Return whether `request` was told to stop. Cheap: it is asked at each layer."""
        return request in self._stopped

    def check(self, request: int) -> None:
        """Raise `Stopped` if `request` was told to stop."""
        if request in self._stopped:
            raise Stopped

    def forget(self, request: int) -> None:
        """Drop `request`, which has ended."""
        self._stopped.discard(request)


class Engine:
    """What runs in the worker thread: the loaded checkpoint, and requests one after the other."""

    def __init__(self, outlet: Outlet, flags: StopFlags) -> None:
        self._outlet = outlet
        self._flags = flags
        self._checkpoint: Checkpoint | None = None
        self._remote: Remote | None = None
        self._sizes: Sizes | None = None
        self._requests: queue.SimpleQueue[tuple[_Work, float] | None] = queue.SimpleQueue()

    def put(self, request: _Work | None) -> None:
        """Take a request to serve after those that wait; None to end."""
        self._requests.put(None if request is None else (request, time.perf_counter()))

    def run(self) -> None:
        """Serve requests until None comes."""
        while (item := self._requests.get()) is not None:
            self._serve(*item)

    def _serve(self, request: _Work, asked_at: float) -> None:
        """Run one request; whatever happens, it is answered and the engine goes on."""
        failed_here = True
        try:
            self._flags.check(request.id)
            if isinstance(request, Load):
                self._load(request, asked_at)
            elif isinstance(request, Adapt):
                self._adapt(request)
            elif isinstance(request, Pull):
                self._pull(request)
            elif isinstance(request, Batch):
                self._batch(request)
            elif isinstance(request, Compare):
                self._compare(request, asked_at)
            else:
                self._generate(request, asked_at)
            failed_here = False
        except Stopped:
            self._outlet.send(Finished(id=request.id, reason="stopped"))
        except EngineFailure as error:
            _log.warning("request %d failed: %s: %s", request.id, error.code, without_secrets(error.cause))
            self._send_failure(request.id, error)
        except BaseException as error:  # a library's SystemExit must not end the engine either
            _log.error("request %d failed: %s", request.id, without_secrets(_trace(error)))
            self._send_failure(request.id, error)
        finally:
            self._flags.forget(request.id)
            if failed_here:
                _free_gpu()

    def _send_failure(self, request: int, error: BaseException) -> None:
        event = failed(request, error)
        if event.code == "out_of_memory" and self._checkpoint is not None:
            self._checkpoint.memory.forget()  # the next try has what it took
        self._outlet.send(event)

    def _load(self, request: Load, asked_at: float) -> None:
        if request.endpoint:
            from vlmtui.engine import remote

            self._remote = remote.connect(request, lambda: self._flags.is_stopped(request.id), asked_at)
            self._checkpoint = self._sizes = None
            self._outlet.send(self._remote.loaded)
            return
        self._outlet.send(LoadProgress(id=request.id, stage="libraries", total=1))
        from vlmtui.engine import generation, loading  # noqa: F401 - both now: the first question must not wait

        def release() -> None:
            self._checkpoint = None
            self._sizes = None
            self._remote = None

        self._checkpoint = loading.load(
            request,
            report=self._outlet.send,
            check=lambda: self._flags.check(request.id),
            release=release,
            asked_at=asked_at,
        )
        self._outlet.send(self._checkpoint.loaded)

    def _adapt(self, request: Adapt) -> None:
        if self._remote is not None:
            raise EngineFailure("no_model", "an endpoint answers: adapters need a model loaded here", "load one")
        if self._checkpoint is None:
            raise EngineFailure("no_model", "no checkpoint is loaded", "choose one first")
        from vlmtui.engine import loading

        loaded = loading.adapt(self._checkpoint, request.adapters, lambda: self._flags.check(request.id))
        self._outlet.send(msgspec.structs.replace(loaded, id=request.id))

    def _pull(self, request: Pull) -> None:
        from vlmtui.engine import resolving

        self._outlet.send(resolving.pull(request, self._outlet.send, lambda: self._flags.check(request.id)))

    def _generate(self, request: Generate, asked_at: float) -> None:
        if self._remote is not None:
            self._remote.generate(
                request,
                send=self._outlet.send,
                stopped=lambda: self._flags.is_stopped(request.id),
                asked_at=asked_at,
            )
            return
        if self._checkpoint is None:
            raise EngineFailure("no_model", "no checkpoint is loaded", "choose one first")
        from vlmtui.engine import generation, long_videos

        (long_videos.answer if request.chunk_s else generation.generate)(
            self._checkpoint,
            request,
            send=self._outlet.send,
            stopped=lambda: self._flags.is_stopped(request.id),
            asked_at=asked_at,
        )

    def _batch(self, request: Batch) -> None:
        if self._remote is not None:
            raise EngineFailure("no_model", "an endpoint answers: a batch needs a model loaded here", "load one")
        if self._checkpoint is None:
            raise EngineFailure("no_model", "no checkpoint is loaded", "choose one first")
        from vlmtui.engine import batching

        self._sizes = self._sizes or batching.Sizes()  # what was found out holds for the next batch too
        batching.answer(
            self._checkpoint,
            request,
            sizes=self._sizes,
            send=self._outlet.send,
            stopped=lambda: self._flags.is_stopped(request.id),
        )

    def _compare(self, request: Compare, asked_at: float) -> None:
        if self._remote is not None:
            from vlmtui.engine.sides import compare_remotely

            compare_remotely(
                self._remote,
                request,
                send=self._outlet.send,
                stopped=lambda: self._flags.is_stopped(request.id),
                asked_at=asked_at,
            )
            return
        if self._checkpoint is None:
            raise EngineFailure("no_model", "no checkpoint is loaded", "choose one first")
        from vlmtui.engine import comparing

        comparing.answer(
            self._checkpoint,
            request,
            send=self._outlet.send,
            stopped=lambda: self._flags.is_stopped(request.id),
        )


def main() -> int:
    """Serve the terminal's process until its end of the pipe closes."""
    requests, outlet = _take_pipes()
    outlet.send(Hello(version=PROTOCOL_VERSION, pid=os.getpid()))
    _be_quiet()
    flags = StopFlags()
    engine = Engine(outlet, flags)
    worker = threading.Thread(target=engine.run, name="engine", daemon=True)
    worker.start()
    current: set[int] = set()
    for line in requests:
        try:
            request = decode_request(line)
        except msgspec.DecodeError as error:
            _log.error("a line that is no request: %s", error)
            continue
        if isinstance(request, Stop):
            flags.stop(request.target)
        elif isinstance(request, Shutdown):
            for number in current:
                flags.stop(number)
            engine.put(None)
            worker.join(_PATIENCE_S)
            break
        else:
            current.add(request.id)
            engine.put(request)
    _leave()
    return 0


def _take_pipes() -> tuple[BinaryIO, Outlet]:
    """Keep stdin and stdout for the protocol; whatever reads or prints from here on meets /dev/null and the log."""
    real_in, real_out = os.dup(0), os.dup(1)  # not inherited by grandchildren
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - they live as long as the process
    sys.stdout = sys.stderr
    return open(real_in, "rb"), Outlet(real_out)  # noqa: PTH123


def _be_quiet() -> None:
    """Lower the priority, leave the terminal a core, log to stderr (the log file), end quietly when told to."""
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    # Read by OpenMP when torch is loaded. Two threads on the halves of one core are slower than one.
    cores = usable_cores()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads_for(cores, psutil.cpu_count(logical=False) or cores)))
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s"
    )
    signal.signal(signal.SIGTERM, _on_terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _on_terminate(signum: int, frame: FrameType | None) -> None:
    _leave()


def _leave() -> None:
    """End now: nothing here is worth keeping, and a running thread must not hold the process."""
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    os._exit(0)


def _free_gpu() -> None:
    """Give back what a failed request held on a GPU, so that the next one has room."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _trace(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error))


if __name__ == "__main__":
    sys.exit(main())
