"""The child's own manners, spoken to line by line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from vlmtui.engine.protocol import (
    Event,
    Failed,
    Finished,
    Generate,
    Hello,
    Load,
    Loaded,
    Sampling,
    Shutdown,
    Stop,
    Tokens,
    decode_event,
    encode,
)
from vlmtui.models.hardware import usable_cores

from .asking import turn

# Runs in the child before anything else: from the moment torch is there, everything prints.
_NOISE = """
import os, subprocess, sys, threading, time

def shout():
    while "torch" not in sys.modules:
        time.sleep(0.005)
    while True:
        print("NOISE through print")
        sys.__stdout__.write("NOISE through __stdout__\\n")
        os.write(1, b"NOISE through the descriptor\\n")
        subprocess.run(["echo", "NOISE of a grandchild"])
        time.sleep(0.02)

threading.Thread(target=shout, daemon=True).start()
"""


class Child:
    """An engine's child, and its lines."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, line: bytes) -> None:
        """Write `line` as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def next(self) -> Event:
        """Return the next event; a line that is none fails the test."""
        assert self.process.stdout is not None
        return decode_event(self.process.stdout.readline())

    def until(self, *kinds: type[Event]) -> list[Event]:
        """Return the events up to one of `kinds`."""
        events = [self.next()]
        while not isinstance(events[-1], kinds):
            events.append(self.next())
        return events


@contextmanager
def child(log: Path, **environment: str) -> Iterator[Child]:
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "vlmtui.engine.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | environment,
        )
    try:
        yield Child(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def test_a_library_that_prints_cannot_corrupt_the_protocol(smolvlm2: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise"
    noise.mkdir()
    (noise / "usercustomize.py").write_text(_NOISE)
    (noise / "sitecustomize.py").write_text(_NOISE)
    log = tmp_path / "engine.log"
    with child(log, PYTHONPATH=str(noise)) as engine:
        assert isinstance(engine.next(), Hello)
        engine.send(encode(Load(id=1, model=str(smolvlm2))))
        assert isinstance(engine.until(Loaded, Failed)[-1], Loaded)
        engine.send(encode(Generate(id=2, turns=(turn("Hi"),), sampling=Sampling(max_new_tokens=300))))
        events = engine.until(Finished, Failed)
        assert isinstance(events[-1], Finished)
        assert sum(event.count for event in events if isinstance(event, Tokens)) == 300
    written = log.read_text()
    for way in ("print", "__stdout__", "the descriptor"):
        assert f"NOISE through {way}" in written
    assert "NOISE of a grandchild" in written


def test_inference_leaves_the_terminal_a_core(smolvlm2: Path, tmp_path: Path) -> None:
    with child(tmp_path / "log") as engine:
        engine.next()
        engine.send(encode(Load(id=1, model=str(smolvlm2))))
        engine.until(Loaded)
        engine.send(encode(Generate(id=2, turns=(turn("Hi"),), sampling=Sampling(max_new_tokens=100))))
        engine.until(Tokens)
        process = psutil.Process(engine.process.pid)
        before, began = process.cpu_times(), time.perf_counter()
        engine.send(encode(Generate(id=3, turns=(turn("Hi"),), sampling=Sampling(max_new_tokens=900))))
        while not isinstance(event := engine.next(), Finished) or event.id != 3:
            pass
        after, took = process.cpu_times(), time.perf_counter() - began
        used = (after.user - before.user + after.system - before.system) / took
        assert used < max(1, usable_cores() - 1) + 0.3


def test_hello_comes_before_anything_heavy(tmp_path: Path) -> None:
    with child(tmp_path / "log") as engine:
        hello = engine.next()
        assert isinstance(hello, Hello)
        assert hello.pid == engine.process.pid
        maps = Path(f"/proc/{hello.pid}/maps").read_text() if sys.platform == "linux" else ""
        assert "libtorch" not in maps


def test_rubbish_on_its_stdin_is_survived(tmp_path: Path) -> None:
    with child(tmp_path / "log") as engine:
        engine.next()
        engine.send(b"no json\n\xff\xfe\n{}\n" + b'{"type":"load"}\n' + b'{"type":"generate","id":1,"turns":"x"}\n')
        engine.send(encode(Generate(id=7, turns=(turn("Hi"),))))
        failure = engine.next()
        assert isinstance(failure, Failed)
        assert (failure.id, failure.code) == (7, "no_model")


def test_what_was_stopped_before_it_began_does_not_begin(smolvlm2: Path, tmp_path: Path) -> None:
    with child(tmp_path / "log") as engine:
        engine.next()
        engine.send(encode(Stop(target=3)) + encode(Load(id=3, model=str(smolvlm2))))
        assert engine.next() == Finished(id=3, reason="stopped")


def test_it_ends_when_stdin_does_and_when_asked(tmp_path: Path) -> None:
    for last in (b"", encode(Shutdown())):
        with child(tmp_path / "log") as engine:
            engine.next()
            engine.send(last)
            if not last:
                assert engine.process.stdin is not None
                engine.process.stdin.close()
            assert engine.process.wait(timeout=10) == 0


def test_a_module_in_the_users_folder_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('hostile')")
    (tmp_path / "msgspec.py").write_text("raise SystemExit('hostile')")
    process = subprocess.run(
        [sys.executable, "-P", "-m", "vlmtui.engine.host"], input=b"", capture_output=True, cwd=tmp_path, timeout=30
    )
    assert process.returncode == 0
    assert b"hostile" not in process.stderr
