"""Loading, int8 weights and adapters on a model of SmolVLM-256M's shape: `python -m tests.benchmarks.models [JSON]`.

The other side of each ratio is a bare script with transformers alone, or the engine's own load. Both sides run one
after the other. Minutes; read, not asserted. On a busy machine the figures say little: more `RUNS` help, of which the
fastest counts.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from PIL import Image

from tests.adapter_maker import make_adapters
from tests.benchmarks.table import Figure, median, report
from tests.tiny_model import checkpoint
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Failed, Finished, ImagePart, Loaded, Sampling, Side, SideSays, TextPart, Tokens, Turn
from vlmtui.models.adapters import AdapterUse
from vlmtui.models.hardware import Quantize, threads_for, usable_cores

TOKENS = 48
TURNS = 6
BASE_BYTES = 4 * 256_484_928
ASKED = 40
"""Pictures of the demo model's evaluation, in each of its tables; and a fifth of that of albums and films."""
RUNS = 1
PROMPT = "What is in this picture?"

BARE = """
import os, sys, torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
os.nice(5)
torch.set_num_threads(int(sys.argv[3]))
model = AutoModelForImageTextToText.from_pretrained(sys.argv[1], dtype=torch.float32, use_safetensors=True).eval()
processor = AutoProcessor.from_pretrained(sys.argv[1])
parts = [{"type": "image"}, {"type": "text", "text": sys.argv[4]}]
text = processor.apply_chat_template([{"role": "user", "content": parts}], add_generation_prompt=True)
image = Image.open(sys.argv[2]).convert("RGB")
inputs = processor(text=text, images=[image], return_tensors="pt", do_image_splitting=False)
with torch.inference_mode():
    model.generate(**inputs, max_new_tokens=1, do_sample=False)
"""


def main() -> None:
    """Measure, and print the table."""
    folder, threads = checkpoint("smolvlm", "256M"), threads_for(usable_cores(), usable_cores())
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        picture = place / "picture.png"
        Image.effect_noise((512, 512), 80).convert("RGB").save(picture)
        adapters = make_adapters(folder, place, "one", "two")
        bare_starts, own_starts = [], []
        for _ in range(RUNS):
            bare_starts.append(_bare_start(folder, picture, threads))
            own_starts.append(asyncio.run(_own_start(folder, picture)))
        small, plain = asyncio.run(_rates(folder, picture, threads))
        reload, first, switch = asyncio.run(_switching(folder, adapters))
        alone, beside = asyncio.run(_beside(folder, picture, adapters[0]))
    compared = _compared(folder, threads)
    agreement, right = compared["agreement"], compared["right"]
    lost = right["float32"] - right["int8"]
    report(
        "Models, 256M-shaped",
        [
            Figure(
                "decode with int8 against float32 generate", small / plain, 1.5, at_most=False,
                detail=f"{small:.1f} / {plain:.1f} tokens a second, {threads} thread(s), medians of {TURNS} in turn",
            ),
            Figure(
                "process start to first token against a bare script", min(own_starts) / min(bare_starts), 1.1,
                detail=f"{min(own_starts):.1f} / {min(bare_starts):.1f} s, one tile",
            ),
            Figure(
                "adapter switch against a reload", 100 * switch / reload, 5, unit="%",
                detail=f"{1000 * switch:.0f} ms / {reload:.1f} s; read from the disk first: {1000 * first:.0f} ms",
            ),
            Figure(
                "memory: base and adapter side by side against one of them", beside.memory / alone.memory, 1.1,
                detail=f"{beside.memory / 1e9:.2f} / {alone.memory / 1e9:.2f} GB, weights {BASE_BYTES / 1e9:.2f} GB; "
                f"tokens a second of both together: {beside.rate:.1f}, of one alone {alone.rate:.1f}",
            ),
            Figure(
                "share of right answers lost with int8, demo model's evaluation", lost, 0.01, unit="",
                detail=f"{right['float32']:.4f} / {right['int8']:.4f} of {right['asked']} answers right",
            ),
            Figure(
                "top-1 agreement of int8 with float32", 100 * agreement["demo"], 97, at_most=False, unit="%",
                detail=f"demo model, 200 tokens of text; random weights, where all is close: "
                f"{100 * agreement['random']:.0f} %",
            ),
        ],
    )  # fmt: skip


def _bare_start(folder: Path, picture: Path, threads: int) -> float:
    before = time.perf_counter()
    command = [sys.executable, "-c", BARE, str(folder), str(picture), str(threads), PROMPT]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - before


async def _own_start(folder: Path, picture: Path) -> float:
    before = time.perf_counter()
    client = EngineClient()
    try:
        await _load(client, folder, "none")
        async for event in client.generate([_turn(picture)], sampling=Sampling(max_new_tokens=1)):
            if isinstance(event, Tokens | Failed):
                return time.perf_counter() - before
        raise RuntimeError("no token came")
    finally:
        await client.close()


async def _rates(folder: Path, picture: Path, threads: int) -> tuple[float, float]:
    """Return tokens a second of the engine with int8 weights and of `generate` alone in float32: medians, in turn."""
    words = ["-m", "tests.benchmarks.bare_generate", str(folder), str(picture), PROMPT, str(TOKENS), str(threads)]
    bare = await asyncio.create_subprocess_exec(sys.executable, *words, "again", stdin=-1, stdout=-1, stderr=-3)
    assert bare.stdin is not None
    assert bare.stdout is not None
    client = EngineClient()
    try:
        await _load(client, folder, "int8")
        await _rate(client, picture)  # not counted: it pays for what is lazy, as the other side has
        ours, theirs = [], []
        for turn in range(TURNS):  # each side waits while the other is measured
            if turn:
                bare.stdin.write(b"again\n")
            theirs.append(float(json.loads(await bare.stdout.readline())["tokens_per_s"]))
            ours.append(await _rate(client, picture))
        bare.stdin.close()
        await bare.wait()
        return median(ours), median(theirs)
    finally:
        await client.close()


async def _rate(client: EngineClient, picture: Path) -> float:
    rate = 0.0
    async for event in client.generate([_turn(picture)], sampling=Sampling(max_new_tokens=TOKENS)):
        if isinstance(event, Finished):
            rate = event.tokens_per_s
    return rate


async def _switching(folder: Path, adapters: list[Path]) -> tuple[float, float, float]:
    """Return seconds of a reload with libraries in memory, of an adapter's first laying over, and of a switch."""
    client = EngineClient()
    try:
        await _load(client, folder, "none")
        reload = (await _load(client, folder, "none")).seconds
        uses = [(AdapterUse(str(adapter)),) for adapter in adapters]
        first = await _adapt(client, uses[0])
        await _adapt(client, uses[1])
        return reload, first, median([await _adapt(client, uses[number % 2]) for number in range(10)])
    finally:
        await client.close()


async def _adapt(client: EngineClient, uses: tuple[AdapterUse, ...]) -> float:
    before = time.perf_counter()
    async for event in client.adapt(uses):
        assert isinstance(event, Loaded), event
    return time.perf_counter() - before


async def _load(client: EngineClient, folder: Path, quantize: Quantize) -> Loaded:
    async for event in client.load(str(folder), device="cpu", dtype="float32", quantize=quantize):
        assert not isinstance(event, Failed), event
        if isinstance(event, Loaded):
            return event
    raise RuntimeError("nothing was loaded")


def _turn(picture: Path) -> Turn:
    return Turn(role="user", parts=(ImagePart(path=str(picture)), TextPart(text=PROMPT)))


class Use(NamedTuple):
    """What answering took: bytes that the engine has in memory, and tokens a second of all answers together."""

    memory: int
    rate: float


async def _beside(folder: Path, picture: Path, adapter: Path) -> tuple[Use, Use]:
    """Return what an answer under an adapter takes, and then one of the base and one under the adapter together."""
    client = EngineClient()
    try:
        await _load(client, folder, "none")
        uses = (AdapterUse(str(adapter)),)
        await _adapt(client, uses)
        rate = await _rate(client, picture)
        alone = Use(_memory(client), rate)
        first = last = 0.0
        count = 0
        sides, sampling = [Side(), Side(adapters=uses)], Sampling(max_new_tokens=TOKENS)
        async for event in client.compare([_turn(picture)], sides, sampling=sampling):
            if isinstance(event, SideSays) and isinstance(event.event, Tokens):
                first, last = first or time.perf_counter(), time.perf_counter()
                count += event.event.count
        return alone, Use(_memory(client), (count - 1) / (last - first))
    finally:
        await client.close()


def _memory(client: EngineClient) -> int:
    assert client.pid is not None
    return int(psutil.Process(client.pid).memory_info().rss)


COMPARED = """
import json, sys, torch, transformers
from vlmtui.demo import weights_path
from vlmtui.demo.evaluate import __main__ as evaluation
from vlmtui.engine import int8
torch.set_num_threads(int(sys.argv[2]))
load = transformers.AutoModelForImageTextToText.from_pretrained
text = "How many shapes are there? There are three shapes: a red circle, a blue square, a green triangle. " * 12
torch.manual_seed(0)
agreement = {}
for name, folder in (("demo", weights_path()), ("random", sys.argv[1])):
    plain, small = load(folder, dtype=torch.float32).eval(), load(folder, dtype=torch.float32).eval()
    int8.quantise(small)
    ids = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt").input_ids[:, :200]
    with torch.inference_mode():
        same = plain(input_ids=ids).logits.argmax(-1) == small(input_ids=ids).logits.argmax(-1)
    agreement[name] = same.float().mean().item()

class Small(evaluation.Checkpoint):
    def __init__(self, folder):
        super().__init__(folder)
        int8.quantise(self.model)

right, number = {}, int(sys.argv[3])
for name, kind in (("float32", evaluation.Checkpoint), ("int8", Small)):
    evaluation.Checkpoint = kind
    tables = evaluation.evaluate(weights_path(), number, number // 5, 2026)
    sums = {"several pictures", "frames"}
    scores = [score for table in tables.values() for row, line in table.items() if row not in sums
              for score in line.values()]
    right["asked"] = sum(asked for _, asked in scores)
    right[name] = sum(good for good, _ in scores) / right["asked"]
print(json.dumps({"agreement": agreement, "right": right}))
"""


def _compared(folder: Path, threads: int) -> dict[str, dict[str, float]]:
    """Return what int8 weights change: the share of next tokens that stay, and of right answers before and after."""
    command = [sys.executable, "-c", COMPARED, str(folder), str(threads), str(ASKED)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
