"""Checkpoints from a hub: a real download in the real child process, from a hub that runs here."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import LoadProgress
from vlmtui.models.cache import cached, cached_models

from .asking import at_most, everything, failed, finished, loaded, turn
from .hub import COMMIT, Hub, hub

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def variables(smolvlm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Hub, dict[str, str]]]:
    """A hub with several names for the same checkpoint, and the environment in which it is found."""
    names = ("model", "other", "stopped", "killed")
    with hub(**{f"owner__{name}": smolvlm2 for name in names}) as running:
        yield (
            running,
            {
                "HF_ENDPOINT": running.address,
                "HF_HUB_OFFLINE": "0",
                "HF_HUB_DISABLE_XET": "1",
                "HF_HOME": str(tmp_path_factory.mktemp("hub")),
                **dict.fromkeys(("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"), ""),
            },
        )


@pytest.fixture
def server(variables: tuple[Hub, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    running, environment = variables
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    running.seen.clear()
    yield running
    running.refuse = None
    running.slow = None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(
    variables: tuple[Hub, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EngineClient]:
    client = EngineClient(log=tmp_path_factory.mktemp("log") / "engine.log")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables[1].items():
            patch.setenv(name, value)
        await client.start()
    yield client
    await client.close()


async def test_a_download_is_reported_in_bytes_and_cached(server: Hub, engine: EngineClient, smolvlm2: Path) -> None:
    assert not cached("owner/model")
    events = await everything(engine.load("owner/model"))
    model = loaded(events)
    assert (model.name, model.revision) == ("owner/model", COMMIT)
    progress = [event for event in events if isinstance(event, LoadProgress) and event.stage == "download"]
    size = sum(path.stat().st_size for path in smolvlm2.iterdir() if path.name != "config.json")  # which came first
    assert progress[-1].done == progress[-1].total == size
    assert cached("owner/model")
    assert ("owner/model", True) in [(model.id, model.complete) for model in cached_models()]
    finished(await everything(engine.generate([turn("Hi")], sampling=at_most(2))))

    server.refuse = (503, "")  # the hub is down: the cache serves
    assert loaded(await everything(engine.load("owner/model"))).revision == COMMIT


async def test_what_the_hub_can_refuse(server: Hub, engine: EngineClient) -> None:
    assert failed(await everything(engine.load("owner/nothing"))).code == "no_such_model"
    failure = failed(await everything(engine.load("owner/other", revision="v9")))
    assert (failure.code, "revision" in failure.cause) == ("no_such_model", True)
    server.refuse = (403, "GatedRepo")
    failure = failed(await everything(engine.load("owner/other")))
    assert (failure.code, "HF_TOKEN" in failure.remedy) == ("gated", True)


async def test_a_repository_of_something_else(
    server: Hub, engine: EngineClient, tmp_path: Path, smolvlm2: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.md").write_text("a data set")
    pickled = Path(shutil.copytree(smolvlm2, tmp_path / "pickled"))
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    text = tmp_path / "text"
    text.mkdir()
    (text / "config.json").write_text('{"model_type": "llama"}')
    server.repositories |= {"owner/empty": tmp_path / "empty", "owner/pickled": pickled, "owner/text": text}
    assert failed(await everything(engine.load("owner/empty"))).code == "no_such_model"
    assert failed(await everything(engine.load("owner/pickled"))).code == "not_safetensors"
    assert not any("pytorch_model.bin" in path for path, _ in server.seen)
    assert failed(await everything(engine.load("owner/text"))).code == "not_vision_language"
    assert all(path.endswith("config.json") for path, _ in server.seen if "/text/resolve/" in path)


async def test_a_download_can_be_stopped_and_goes_on_later(server: Hub, engine: EngineClient) -> None:
    server.slow = threading.Event()
    events = []
    async for event in engine.load("owner/stopped"):
        events.append(event)
        if isinstance(event, LoadProgress) and event.done > 0 and event.stage == "download":
            await engine.stop()
            server.slow.set()
    assert finished(events).reason == "stopped"
    assert not cached("owner/stopped")
    server.slow = None
    loaded(await everything(engine.load("owner/stopped")))


async def test_kill_9_amid_a_download(server: Hub, engine: EngineClient) -> None:
    server.slow = threading.Event()
    events = []
    async for event in engine.load("owner/killed"):
        events.append(event)
        if isinstance(event, LoadProgress) and event.done > 0 and event.stage == "download":
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
    assert failed(events).code == "engine_died"
    assert not cached("owner/killed")
    server.slow.set()
    server.slow = None
    loaded(await everything(engine.load("owner/killed")))


async def test_no_hub_at_all(
    server: Hub, engine: EngineClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(await everything(engine.load("owner/model")))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    client = EngineClient(log=tmp_path / "engine.log")
    assert loaded(await everything(client.load("owner/model"))).revision == COMMIT  # from the cache
    before = time.perf_counter()
    failure = failed(await everything(client.load("owner/nothing")))
    assert failure.code == "no_network"
    assert "demo" in failure.remedy
    assert time.perf_counter() - before < 5  # at once, not after the library's retries
    await client.close()


async def test_the_token_is_used_and_never_logged(server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_SecretSecretSecret")
    server.refuse = (401, "")
    client = EngineClient(log=tmp_path / "engine.log")
    failure = failed(await everything(client.load("owner/other")))
    await client.close()
    assert any(header == "Bearer hf_SecretSecretSecret" for _, header in server.seen)
    assert "SecretSecret" not in failure.cause + failure.remedy + (tmp_path / "engine.log").read_text()
