"""An endpoint in place of a model here: streaming, stop, errors with remedies, retries; a real `transformers serve`."""

from __future__ import annotations

import base64
import io
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
import pytest_asyncio
from PIL import Image

from vlmtui.cli import main
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import TextPart, Tokens, Turn

from .asking import at_most, everything, failed, finished, loaded, text_of, turn
from .endpoint import WORDS, Endpoint, endpoint

KEY = "sk-VerySecretKey123"


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint() as running:
        yield running


@pytest_asyncio.fixture
async def client(server: Endpoint, tmp_path: Path) -> AsyncIterator[EngineClient]:
    engine = EngineClient(log=tmp_path / "engine.log")
    yield engine
    await engine.close()


async def test_a_conversation_with_pictures(client: EngineClient, server: Endpoint, media: Path) -> None:
    model = loaded(await everything(client.load("", endpoint=server.address)))
    assert (model.name, model.context, model.endpoint) == ("smolvlm", 4096, server.address)
    turns = [
        Turn(role="system", parts=(TextPart(text="Be brief."),)),
        turn("What is it?", media / "wide.png"),
        Turn(role="assistant", parts=(TextPart(text="Noise."),)),
        turn("And now?", media / "clip.mp4"),
    ]
    events = await everything(client.generate(turns, sampling=at_most(50)))
    assert text_of(events) == "".join(WORDS)
    end = finished(events)
    assert (end.reason, end.prompt_tokens, end.completion_tokens) == ("end", 77, len(WORDS))

    (body,) = server.asked
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    picture, question = body["messages"][1]["content"]
    assert question == {"type": "text", "text": "What is it?"}
    data = picture["image_url"]["url"].removeprefix("data:image/png;base64,")
    sent, here = Image.open(io.BytesIO(base64.b64decode(data))), Image.open(media / "wide.png")
    assert sent.tobytes() == here.convert("RGB").tobytes()
    frames = [part for part in body["messages"][3]["content"] if part["type"] == "image_url"]
    assert len(frames) == 8
    assert "temporal order" in body["messages"][3]["content"][0]["text"]
    if Path("/proc/self/maps").exists():
        assert "libtorch" not in Path(f"/proc/{client.pid}/maps").read_text()

    end = finished(await everything(client.generate([turn("Hi")], sampling=at_most(2))))
    assert end.reason == "length"


async def test_a_stop_closes_the_connection(client: EngineClient, server: Endpoint) -> None:
    import threading

    loaded(await everything(client.load("", endpoint=server.address)))
    server.pause = threading.Event()
    events = []
    async for event in client.generate([turn("Hi")]):
        events.append(event)
        if isinstance(event, Tokens):
            await client.stop()
    assert finished(events).reason == "stopped"
    assert WORDS[0] in text_of(events)
    assert server.gone.wait(10)


async def test_what_is_refused_for_now_is_tried_again(client: EngineClient, server: Endpoint) -> None:
    loaded(await everything(client.load("", endpoint=server.address)))
    server.refusals = [(503, {"Retry-After": "0"}, ""), (429, {"Retry-After": "0"}, '{"error": "slow down"}')]
    assert text_of(await everything(client.generate([turn("Hi")]))) == "".join(WORDS)
    assert len(server.asked) == 3
    server.strict = True
    assert text_of(await everything(client.generate([turn("Hi")]))) == "".join(WORDS)
    assert "stream_options" not in server.asked[-1]


async def test_failures_say_what_to_do(client: EngineClient, server: Endpoint) -> None:
    loaded(await everything(client.load("", endpoint=server.address)))
    server.break_off = True
    events = await everything(client.generate([turn("Hi")]))
    assert text_of(events) == "".join(WORDS[:2])  # what came is not lost, and not asked for twice
    assert failed(events).code == "no_network"
    assert len(server.asked) == 1
    server.break_off = False
    said = "This model's maximum context length is 4096 tokens"
    for status, body, code, word in (
        (400, f'{{"error": {{"message": "{said}"}}}}', "too_long", said),
        (404, '{"message": "The model `x` does not exist."}', "no_such_model", "does not exist"),
        (418, "a teapot", "bad_endpoint", "418"),
    ):
        server.refusals = [(status, {}, body)]
        failure = failed(await everything(client.generate([turn("Hi")])))
        assert (failure.code, word in failure.cause) == (code, True)

    server.models = [{"id": "a", "max_model_len": 1}, {"id": "b", "max_model_len": 1}]
    failure = failed(await everything(client.load("", endpoint=server.address)))
    assert "a, b" in failure.cause and "--model" in failure.remedy
    assert "a, b" in failed(await everything(client.load("c", endpoint=server.address))).remedy
    assert loaded(await everything(client.load("b", endpoint=server.address))).name == "b"
    for wrong in ("ftp://x", "http://me:secret@host/v1", "http://"):
        failure = failed(await everything(client.load("", endpoint=wrong)))
        assert failure.code == "bad_endpoint"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        failure = failed(await everything(client.load("", endpoint=nobody)))
        assert (failure.code, "start the server" in failure.remedy) == ("no_network", True)


async def test_the_key_comes_from_the_environment_and_is_never_told(
    server: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = KEY
    client = EngineClient(log=tmp_path / "engine.log")
    failure = failed(await everything(client.load("", endpoint=server.address)))
    assert (failure.code, "VLMTUI_API_KEY" in failure.remedy) == ("gated", True)
    await client.close()
    monkeypatch.setenv("VLMTUI_API_KEY", KEY)
    loaded(await everything(client.load("", endpoint=server.address)))
    assert server.keys[-1] == f"Bearer {KEY}"
    server.refusals = 2 * [(400, {}, f'{{"error": "bad key {KEY}"}}')]  # a server that talks too much
    failure = failed(await everything(client.generate([turn("Hi")])))
    assert KEY not in failure.cause + failure.remedy
    if Path(f"/proc/{client.pid}/cmdline").exists():
        assert KEY not in Path(f"/proc/{client.pid}/cmdline").read_text()
    await client.close()
    assert KEY not in (tmp_path / "engine.log").read_text()


def test_ask(server: Endpoint, media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "--endpoint", server.address, "What is it?", str(media / "tall.png")]) == 0
    assert capsys.readouterr().out == "".join(WORDS)
    assert main(["ask", "--endpoint", server.address, "--model", "other", "Hi"]) == 1
    assert "smolvlm" in capsys.readouterr().err


def test_a_real_transformers_serve(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The demo model behind `transformers serve` says what it says here."""
    from vlmtui.demo import weights_path
    from vlmtui.demo.workspace import write_workspace

    write_workspace(tmp_path / "demo")
    picture = str(tmp_path / "demo" / "shapes" / "three-shapes.png")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from transformers.cli.transformers import main; main()", "serve"]
    command += [str(weights_path()), "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    log = (tmp_path / "serve.log").open("w")
    serving = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    try:
        end = monotonic() + 240
        while True:
            assert serving.poll() is None and monotonic() < end, (tmp_path / "serve.log").read_text()[-2000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
                break
            except urllib.error.HTTPError:
                break  # it cannot list, for the hub's cache is empty
            except OSError:
                sleep(0.2)
        address = f"http://127.0.0.1:{port}/v1"
        question = "What is in the top left?"
        assert main(["ask", "--endpoint", address, "--model", str(weights_path()), question, picture]) == 0
        there = capsys.readouterr().out
        assert main(["ask", "--model", "demo", "--resolution", "full", question, picture]) == 0
        assert there.strip() == capsys.readouterr().out.strip() != ""
    finally:
        serving.terminate()
        serving.wait(20)
        log.close()
