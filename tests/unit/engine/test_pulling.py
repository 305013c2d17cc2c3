"""Checkpoints pulled without being loaded, from a hub that runs here: a break-off, a full disk, damage, removal."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from vlmtui.cli import main
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Event, LoadProgress, Pulled
from vlmtui.models.cache import cached, cached_models, snapshot
from vlmtui.paths import hub_cache

from .asking import everything, failed, finished
from .hub import COMMIT, Hub, hub

NAME = "owner/model"


@pytest.fixture
def server(smolvlm2: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one checkpoint; the environment leads to it, and the cache is empty."""
    with hub(owner__model=smolvlm2) as running:
        running.sha256 = True
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "")
        yield running


@pytest_asyncio.fixture
async def client(server: Hub, tmp_path: Path) -> AsyncIterator[EngineClient]:
    engine = EngineClient(log=tmp_path / "engine.log")
    yield engine
    await engine.close()


def pulled(events: list[Event]) -> Pulled:
    assert isinstance(events[-1], Pulled), events[-1]
    return events[-1]


async def broken_off(client: EngineClient, server: Hub, how: str) -> list[Event]:
    """Pull until the first half of the weights is here, then break it off; return the events."""
    server.slow = threading.Event()
    events: list[Event] = []
    done = False
    async for event in client.pull(NAME):
        events.append(event)
        if isinstance(event, LoadProgress) and event.detail == "model.safetensors" and not done:
            done = True
            while not _half_here():
                await asyncio.sleep(0.01)
            if how == "kill":
                assert client.pid is not None
                os.kill(client.pid, signal.SIGKILL)
            else:
                await client.stop()
            server.slow.set()
    server.slow = None
    return events


def _half_here() -> bool:
    return _part().exists() and _part().stat().st_size > 100_000


def _part() -> Path:
    return next(iter(hub_cache().glob("models--owner--model/blobs/*.vlmtui.incomplete")), Path("/nonexistent"))


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_pull_goes_on_where_it_broke_off(server: Hub, client: EngineClient, smolvlm2: Path, how: str) -> None:
    events = await broken_off(client, server, how)
    if how == "kill":
        assert failed(events).code == "engine_died"
    else:
        assert finished(events).reason == "stopped"
    assert not cached(NAME)
    assert [model.complete for model in cached_models()] == [False]
    kept = _part().stat().st_size
    weights = (smolvlm2 / "model.safetensors").stat().st_size
    assert 0 < kept < weights

    events = await everything(client.pull(NAME))
    assert server.ranges[-1] == f"bytes={kept}-"
    first = next(event for event in events if isinstance(event, LoadProgress) and event.total)
    assert first.done >= kept  # what was there counts
    assert pulled(events).revision == COMMIT
    there = snapshot(NAME)
    assert there is not None
    for file in smolvlm2.iterdir():
        assert (there / file.name).read_bytes() == file.read_bytes()
    assert not _part().exists()


async def test_weights_come_last(server: Hub, client: EngineClient) -> None:
    pulled(await everything(client.pull(NAME)))
    fetched = [path.rsplit("/", 1)[1] for path, _ in server.seen if "/resolve/" in path]
    assert fetched[-1] == "model.safetensors"


async def test_a_damaged_file_never_gets_its_name(server: Hub, client: EngineClient) -> None:
    server.damage = True
    failure = failed(await everything(client.pull(NAME)))
    assert "damaged" in failure.cause
    assert not cached(NAME)
    server.damage = False
    pulled(await everything(client.pull(NAME)))


async def test_a_disk_that_fills_up(server: Hub, tmp_path: Path) -> None:
    """The system refuses to write on, amid the weights."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    client = EngineClient(log=tmp_path / "engine.log")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
        await client.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    failure = failed(await everything(client.pull(NAME)))
    await client.close()
    assert (failure.code, "HF_HOME" in failure.remedy) == ("disk_full", True)
    assert not cached(NAME)

    roomy = EngineClient(log=tmp_path / "engine.log")
    pulled(await everything(roomy.pull(NAME)))
    await roomy.close()
    assert server.ranges  # it went on


async def test_what_cannot_be_pulled(server: Hub, client: EngineClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failed(await everything(client.pull("/some/folder"))).code == "no_such_model"
    assert failed(await everything(client.pull("owner/none"))).code == "no_such_model"
    assert failed(await everything(client.pull(NAME, offline=True))).code == "no_network"
    assert all("/none/" in path or "owner/none" in path for path, _ in server.seen)


def test_the_command(
    server: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_SecretSecretSecret")
    monkeypatch.chdir(tmp_path)
    assert main(["models", "pull", NAME, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["revision"]) == (NAME, COMMIT)

    assert main(["models", "info", NAME, "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert (page["state"], page["parameters"], page["context"], page["family"]) == ("here", 189_392, 1024, "smolvlm")
    assert page["memory"]["4bit"] < page["memory"]["8bit"] < page["memory"]["bf16"]
    assert main(["models", "list"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(NAME)]
    assert "cache" in line and "189 k" in line and line.endswith("all")

    assert main(["models", "rm", NAME]) == 2  # nobody to ask
    assert "--yes" in capsys.readouterr().err
    assert cached(NAME)
    assert main(["models", "rm", NAME, "--yes"]) == 0
    assert not cached(NAME) and not list(hub_cache().glob("*owner--model"))
    assert main(["models", "rm", NAME, "--yes"]) == 1
    said_all = capsys.readouterr()
    assert "not in the cache" in said_all.err

    server.refuse = (401, "")
    assert main(["models", "pull", NAME]) == 1
    said_all = capsys.readouterr()
    assert "HF_TOKEN" in said_all.err and "SecretSecret" not in said_all.out + said_all.err
    assert any(header == "Bearer hf_SecretSecretSecret" for _, header in server.seen)


async def test_two_pulls_at_once_fetch_a_file_once(server: Hub, client: EngineClient, tmp_path: Path) -> None:
    other = EngineClient(log=tmp_path / "engine.log")
    both = await asyncio.gather(everything(client.pull(NAME)), everything(other.pull(NAME)))
    await other.close()
    assert [pulled(events).revision for events in both] == [COMMIT, COMMIT]
    assert cached(NAME)
