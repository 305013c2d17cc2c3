"""The figures of a conversation: what is remembered between questions, the speed of answers, a very long answer.

    python -m tests.benchmarks.chat [FILE.json]

Every ratio has both of its sides measured in this run. The model has the shape of SmolVLM2-256M and random weights, in
float32 on the CPU. `transformers serve` is compared with where it is installed (`pip install 'transformers[serving]'`).
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from tests.benchmarks.first_light import _THREADS, Bench, _key_times
from tests.benchmarks.table import Figure, median, percentile, report
from tests.e2e.terminal import Terminal
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Finished, ImagePart, Loaded, Sampling, TextPart, Tokens, Turn
from vlmtui.models.processor import Resolution

_ROOT = Path(__file__).parent.parent.parent
_QUESTIONS = ("Describe the picture.", "And what is in the corner?")
_ANSWER = 8  # tokens of the first answer
_LONG = 10_000
_LATE = 9_900  # keys are pressed once so many tokens are there


@contextmanager
def _loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def _loaded(bench: Bench, model: Path) -> EngineClient:
    client = EngineClient(log=bench.workspace.parent / "engine.log")
    async for event in client.load(str(model)):
        assert not hasattr(event, "cause"), event
        if isinstance(event, Loaded):
            assert event.dtype == "float32"
    return client


async def _answer(client: EngineClient, turns: list[Turn], resolution: Resolution, tokens: int) -> tuple[str, Finished]:
    """Return the answer's text, and how it ended."""
    text = ""
    sampling = Sampling(max_new_tokens=tokens)
    async for event in client.generate(turns, sampling=sampling, resolution=resolution):
        if isinstance(event, Tokens):
            text += event.text
        if isinstance(event, Finished):
            return text, event
    raise AssertionError("no answer")


async def _second_turn(bench: Bench, resolution: Resolution) -> tuple[Finished, Finished, str]:
    """Return how turn 2 ended after turn 1, how it ended in an engine that remembers nothing, and the first answer."""
    first = Turn(role="user", parts=(ImagePart(path=str(_square(bench))), TextPart(text=_QUESTIONS[0])))
    client = await _loaded(bench, bench.large)
    said, _ = await _answer(client, [first], resolution, _ANSWER)
    turns = [
        first,
        Turn(role="assistant", parts=(TextPart(text=said),)),
        Turn(role="user", parts=(TextPart(text=_QUESTIONS[1]),)),
    ]
    text, again = await _answer(client, turns, resolution, 2)
    await client.close()
    client = await _loaded(bench, bench.large)
    # The first picture pays for what is lazy; this one is another.
    await _answer(client, [Turn(role="user", parts=(ImagePart(path=str(bench.picture)),))], "off", 2)
    whole, anew = await _answer(client, turns, resolution, 2)
    await client.close()
    assert text == whole, "another answer than by a full recomputation"
    assert anew.known_tokens < 8  # the words before the picture
    assert anew.known_pictures == 0
    return again, anew, said


def _square(bench: Bench) -> Path:
    """Return a picture that becomes 17 tiles."""
    path = bench.workspace / "square.png"
    if not path.exists():
        Image.open(bench.picture).resize((640, 640)).save(path)
    return path


def remembering(bench: Bench) -> tuple[list[Figure], float, str]:
    """Seconds to the first token of turn 2, against the same with everything read and seen anew; for 17 tiles and 1."""
    figures: list[Figure] = []
    seconds, said = 0.0, ""
    for resolution, target in (("off", 0.50), ("full", 0.20)):
        again, anew, answer = asyncio.run(_second_turn(bench, resolution))  # type: ignore[arg-type]
        tiles = again.image_tokens // 64
        figures.append(
            Figure(
                f"first token of turn 2, {tiles} tile{'s' if tiles > 1 else ''}, against full recomputation",
                again.ttft_s / anew.ttft_s,
                target,
                detail=f"{again.ttft_s:.2f} s against {anew.ttft_s:.2f} s; {again.known_tokens:,} of "
                f"{again.prompt_tokens:,} tokens known",
            )
        )
        seconds, said = again.ttft_s, answer
    return figures, seconds, said


def serving(bench: Bench, ours: float, said: str) -> Figure | None:
    """The same turn 2, at full resolution, by `transformers serve`, which was asked turn 1 before; as many threads."""
    if any(importlib.util.find_spec(name) is None for name in ("fastapi", "uvicorn", "openai")):
        print("transformers serve is not installed (pip install 'transformers[serving]'): not compared with")
        return None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(bench.large), "--port", str(port)]
    process = subprocess.Popen(
        ["nice", "-n", "5", *command, "--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32"],
        env=os.environ | {"OMP_NUM_THREADS": str(_THREADS), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        data = base64.b64encode(_square(bench).read_bytes()).decode()
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        first = {"role": "user", "content": [picture, {"type": "text", "text": _QUESTIONS[0]}]}
        _ask_server(port, bench.large, [first], _ANSWER)
        turns = [
            first,
            {"role": "assistant", "content": [{"type": "text", "text": said}]},
            {"role": "user", "content": [{"type": "text", "text": _QUESTIONS[1]}]},
        ]
        theirs = _ask_server(port, bench.large, turns, 2)
    finally:
        process.terminate()
        process.wait()
    return Figure(
        "first token of turn 2, 17 tiles, against transformers serve",
        ours / theirs,
        0.5,
        detail=f"{ours:.2f} s against {theirs:.2f} s",
    )


def _ask_server(port: int, model: Path, messages: list[object], tokens: int) -> float:
    """Return the seconds to the first piece of the server's answer; the server may still be starting."""
    body = {"model": str(model), "messages": messages, "max_tokens": tokens, "stream": True, "temperature": 0}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    deadline = time.perf_counter() + 300
    while True:
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=1200) as answer:
                for line in answer:
                    if b'"content":"' in line.replace(b" ", b"") and b'"content":""' not in line.replace(b" ", b""):
                        first = time.perf_counter() - began
                        answer.read()
                        return first
            raise AssertionError("the server's answer was empty")
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        except OSError:
            assert time.perf_counter() < deadline, "the server never came up"
            time.sleep(0.5)


def decoding(bench: Bench, tokens: int = 48, turns: int = 12) -> Figure:
    """Tokens a second by the engine, as it says, against `generate` alone with as many threads; in turn, many times."""

    async def ours(client: EngineClient) -> float:
        question = Turn(role="user", parts=(ImagePart(path=str(bench.picture)), TextPart(text=_QUESTIONS[0])))
        return (await _answer(client, [question], "off", tokens))[1].tokens_per_s

    command = [sys.executable, "-m", "tests.benchmarks.bare_generate", str(bench.large), str(bench.picture)]
    command += [_QUESTIONS[0], str(tokens), str(_THREADS), "again"]
    pairs = []
    with _loop() as loop, subprocess.Popen(command, cwd=_ROOT, stdin=-1, stdout=-1, stderr=-3, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        client = loop.run(_loaded(bench, bench.large))
        loop.run(ours(client))  # not counted: it pays for what is lazy, as the other side has
        for turn in range(turns):  # each side waits while the other is measured
            if turn:
                process.stdin.write("again\n")
                process.stdin.flush()
            bare = float(json.loads(process.stdout.readline())["tokens_per_s"])
            pairs.append((loop.run(ours(client)), bare))
        process.stdin.close()
        process.wait()
        loop.run(client.close())
    mine, other = (median([pair[side] for pair in pairs]) for side in (0, 1))
    return Figure(
        "decode, tokens/s against bare generate",
        mine / other,
        0.97,
        at_most=False,
        detail=f"{mine:.1f} against {other:.1f} ({_THREADS} threads, medians of {turns})",
    )


def long_answer(bench: Bench) -> Figure:
    """Milliseconds from a key press to the paint that shows it, near the end of an answer of 10,000 tokens."""
    model = bench.workspace.parent / "demo-without-end-long"
    shutil.copytree(bench.small, model)
    file = model / "config.json"
    config = json.loads(file.read_text())
    config["text_config"]["max_position_embeddings"] = 16_384
    file.write_text(json.dumps(config))
    bench.settings(max_new_tokens=_LONG + 2000)
    with bench.open(model) as terminal:
        terminal.press("f6", "f6")
        terminal.type(_QUESTIONS[0])
        terminal.press("enter")
        terminal.wait_for("answering", 120)
        _wait_for_tokens(terminal, _LATE)
        times = _key_times(terminal)
        made = _tokens_in_context(terminal)
        assert "answering" in terminal.text, "the answer ended before the keys did"
    return Figure(
        "10,000-token answer: key to paint, p95",
        percentile(times, 0.95) * 1000,
        50,
        unit="ms",
        detail=f"{len(times)} keys, from {_LATE:,} to {made:,} tokens; median {median(times) * 1000:.0f} ms",
    )


def _wait_for_tokens(terminal: Terminal, tokens: int) -> None:
    """Wait until the context holds so many; the emulated screen is brought up to date seldom, for it takes a core."""
    deadline = time.perf_counter() + 900
    while _tokens_in_context(terminal) < tokens:
        assert time.perf_counter() < deadline, "the answer never grew so long"
        pause = time.perf_counter() + 2
        while (left := pause - time.perf_counter()) > 0:
            terminal.read_raw(left)
        terminal.catch_up()


def _tokens_in_context(terminal: Terminal) -> int:
    found = re.findall(r"context ([\d,]+)/", terminal.text)
    return int(found[-1].replace(",", "")) if found else 0


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory(prefix="vlmtui-bench-") as directory:
        bench = Bench(Path(directory))
        figures, seconds, said = remembering(bench)
        figures.append(decoding(bench))
        figures.append(long_answer(bench))
        if (served := serving(bench, seconds, said)) is not None:
            figures.append(served)
    report("A conversation (256M-shaped, random weights)", figures)


if __name__ == "__main__":
    main()
