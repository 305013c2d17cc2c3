"""Engines that are there at once, for tests: forked from one process that has imported torch and transformers.

    python -P -m tests.engine_nursery SOCKET        the nursery
    python -IS tests/engine_nursery.py SOCKET       an engine from it, in the caller's place

What is forked runs `vlmtui.engine.host.main` as the program's own child does, on the caller's three streams; only the
six seconds of imports are not paid for again. The second command stands in for it: it ends as the engine ends, and the
engine ends with it, also by SIGKILL. Tests that look at the start itself, or at the hub, take the real thing.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

_LONGEST = 1 << 20


def stand_in(address: str) -> None:
    """Have an engine made that reads and writes this process's streams; end as it ends."""
    with socket.socket(socket.AF_UNIX) as nursery:
        nursery.connect(address)
        told = json.dumps({"environment": dict(os.environ), "directory": os.getcwd()}).encode()  # noqa: PTH109
        socket.send_fds(nursery, [len(told).to_bytes(4, "big")], [0, 1, 2])
        nursery.sendall(told)
        for stream in (0, 1):  # the engine has them now: its ends are the only ones
            os.close(stream)
        said = nursery.recv(16)
    code = int(said) if said else -signal.SIGKILL
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def keep(address: str) -> None:
    """Import what an engine needs; then make engines until the process that started this one is gone."""
    import gc
    import selectors

    import torch  # noqa: F401
    import transformers
    from transformers.models.idefics3 import modeling_idefics3, processing_idefics3  # noqa: F401
    from transformers.models.llama import modeling_llama  # noqa: F401
    from transformers.models.smolvlm import modeling_smolvlm, processing_smolvlm  # noqa: F401

    from vlmtui.engine import generation, loading  # noqa: F401

    assert transformers.AutoProcessor and transformers.AutoModelForImageTextToText  # they are imported when named
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    engines: dict[socket.socket, int] = {}  # the stand-in's connection, and the engine
    with selectors.DefaultSelector() as selector:
        selector.register(listening, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    for pid in engines.values():
                        os.kill(pid, signal.SIGKILL)
                    return
                if key.fileobj is listening:
                    asked, _ = listening.accept()
                    pid = _engine_for(asked)
                    engines[asked] = pid
                    selector.register(asked, selectors.EVENT_READ)
                    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, asked)
                elif isinstance(key.fileobj, socket.socket):  # the stand-in is gone
                    selector.unregister(key.fileobj)
                    if (pid := engines.pop(key.fileobj, 0)) > 0:
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)
                    key.fileobj.close()
                elif isinstance(key.fileobj, int):  # an engine has ended
                    selector.unregister(key.fileobj)
                    os.close(key.fileobj)
                    if (pid := engines.pop(key.data, 0)) > 0:
                        _, status = os.waitpid(pid, 0)
                        key.data.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _engine_for(asked: socket.socket) -> int:
    """Fork an engine for the stand-in at the other end of `asked`; return its process id."""
    size, streams, _, _ = socket.recv_fds(asked, 4, 3)
    told = b""
    while len(told) < int.from_bytes(size, "big"):
        told += asked.recv(_LONGEST)
    pid = os.fork()
    if pid:
        for stream in streams:
            os.close(stream)
        return pid
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 256)
        given = json.loads(told)
        os.environ.clear()
        os.environ.update(given["environment"])
        os.chdir(given["directory"])
        from vlmtui.engine.host import main

        os._exit(main())
    finally:
        os._exit(70)


if __name__ == "__main__":
    stand_in(sys.argv[1]) if sys.flags.isolated else keep(sys.argv[1])
