"""Processes that die: the engine's, and the one that started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import LoadProgress, Started, Tokens

from .asking import at_most, everything, failed, finished, loaded, text_of, turn


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "engine.log"


async def test_kill_9_amid_an_answer(smolvlm2: Path, media: Path, log: Path) -> None:
    exits: list[int] = []
    client = EngineClient(log=log, on_exit=exits.append)
    loaded(await everything(client.load(str(smolvlm2))))
    question = [turn("What is it?", media / "wide.png")]
    whole = await everything(client.generate(question, sampling=at_most(80)))
    first = client.pid
    assert first is not None
    events = []
    async for event in client.generate(question, sampling=at_most(900)):
        events.append(event)
        if isinstance(event, Tokens):
            os.kill(first, signal.SIGKILL)
    failure = failed(events)
    assert failure.code == "engine_died"
    assert "SIGKILL" in failure.cause
    assert "ask again" in failure.remedy
    assert (client.loaded, client.pid) == (None, None)
    assert exits == [-signal.SIGKILL]

    events = await everything(client.generate(question, sampling=at_most(80)))  # the same question, offered again
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("LoadProgress") < kinds.index("Loaded") < kinds.index("Started")
    assert text_of(events) == text_of(whole)
    assert client.pid not in (None, first)
    await client.close()
    assert exits == [-signal.SIGKILL]  # being closed is no accident


async def test_kill_9_amid_a_load(smolvlm2: Path, log: Path) -> None:
    client = EngineClient(log=log)
    events = []
    async for event in client.load(str(smolvlm2)):
        events.append(event)
        if isinstance(event, LoadProgress) and client.pid is not None:
            os.kill(client.pid, signal.SIGKILL)
    assert failed(events).code == "engine_died"
    loaded(await everything(client.load(str(smolvlm2))))
    await client.close()


async def test_the_caller_may_load_again_from_inside_the_loop(smolvlm2: Path, log: Path) -> None:
    client = EngineClient(log=log)
    loaded(await everything(client.load(str(smolvlm2))))
    assert client.pid is not None
    async for event in client.generate([turn("Hi")], sampling=at_most(900)):
        if isinstance(event, Started) and client.pid is not None:
            os.kill(client.pid, signal.SIGKILL)
        if type(event).__name__ == "Failed":
            async with asyncio.timeout(60):
                loaded(await everything(client.load(str(smolvlm2))))
    finished(await everything(client.generate([turn("Hi")], sampling=at_most(2))))
    await client.close()


async def test_the_death_of_an_idle_engine_is_noticed(log: Path) -> None:
    exits: list[int] = []
    client = EngineClient(log=log, on_exit=exits.append)
    await client.start()
    waiting = asyncio.create_task(client.died())
    await asyncio.sleep(0)
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    assert await asyncio.wait_for(waiting, 10) == -signal.SIGKILL
    assert exits == [-signal.SIGKILL]
    await client.start()
    assert client.pid is not None
    await client.close()


async def test_close_amid_an_answer_ends_the_child_and_the_stream(smolvlm2: Path, log: Path) -> None:
    client = EngineClient(log=log)
    loaded(await everything(client.load(str(smolvlm2))))
    pid = client.pid
    assert pid is not None
    events = []
    async for event in client.generate([turn("Go on")], sampling=at_most(900)):
        events.append(event)
        if isinstance(event, Tokens) and client.pid is not None:
            await client.close()
    assert events[-1].__class__.__name__ in ("Failed", "Finished")
    assert not psutil.pid_exists(pid)
    await client.close()  # twice is fine


async def test_close_before_start_is_fine(log: Path) -> None:
    await EngineClient(log=log).close()


async def test_sigterm_ends_the_child_cleanly(log: Path) -> None:
    client = EngineClient(log=log)
    await client.start()
    waiting = asyncio.create_task(client.died())
    await asyncio.sleep(0.5)  # the handler is set just after the first line
    assert client.pid is not None
    os.kill(client.pid, signal.SIGTERM)
    assert await asyncio.wait_for(waiting, 10) == 0


async def test_a_question_before_any_load(log: Path) -> None:
    client = EngineClient(log=log)
    assert failed(await everything(client.generate([turn("Hi")]))).code == "no_model"


async def test_an_engine_that_cannot_be_started(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert failed(await everything(EngineClient(log=log).load("demo"))).code == "engine_died"


async def test_an_engine_that_cannot_import(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    client = EngineClient(log=log)
    assert failed(await everything(client.load("demo"))).code == "engine_died"


_PARENT = """
import asyncio, sys
from pathlib import Path
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Tokens, Sampling, Turn, TextPart

async def main():
    client = EngineClient(log=Path(sys.argv[2]))
    async for event in client.load(sys.argv[1]):
        pass
    turns = [Turn(role="user", parts=(TextPart(text="Go on"),))]
    while True:
        async for event in client.generate(turns, sampling=Sampling(max_new_tokens=900)):
            if isinstance(event, Tokens):
                print(client.pid, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_child_ends_with_its_parent_amid_an_answer(smolvlm2: Path, log: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(smolvlm2), str(log)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(number)
    parent.wait()
    before = time.perf_counter()
    child.wait(timeout=10)
    assert time.perf_counter() - before < 5
