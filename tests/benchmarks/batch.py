"""A batch against a plain loop: the same 64 pictures, one after the other with `generate`, and as `vlmtui batch` does.

    python -m tests.benchmarks.batch [FILE.json]

Both sides decode the same files, in one process, with the same weights, greedy. The batch's figure holds the search for
its size. That the answers are the same is checked, too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from PIL import Image

from tests.benchmarks.table import Figure, report
from tests.tiny_model import checkpoint
from vlmtui.demo.draw import draw
from vlmtui.demo.scene import random_scene
from vlmtui.engine import batching, loading
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import Answers, Batch, BatchRow, Event, ImagePart, Load, Sampling, TextPart, Turn

PICTURES = 64
_WARM = 4


def pictures(folder: Path) -> list[Path]:
    """Write the pictures: shapes, up to five of them, in several sizes."""
    made: list[Path] = []
    for number in range(PICTURES):
        rng = Random(number)
        size = rng.choice([(480, 360), (640, 480), (400, 600)])
        scene = random_scene(rng, shapes=1 + number % 5, with_print=False, size=size)
        made.append(folder / f"{number:02}.png")
        draw(scene).save(made[-1])
    return made


def load(model: str) -> Checkpoint:
    """Return the checkpoint, in float32 on the CPU."""
    request = Load(id=1, model=model, device="cpu", dtype="float32")
    return loading.load(
        request,
        report=lambda event: None,
        check=lambda: None,
        release=lambda: None,
        asked_at=time.perf_counter(),
    )


def one_by_one(made: Checkpoint, files: Sequence[Path], prompt: str, tokens: int) -> tuple[list[str], float]:
    """Return what a plain loop of `generate` answers, and the seconds it takes."""
    began = time.perf_counter()
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
    text = made.processor.apply_chat_template(messages, add_generation_prompt=True)
    answers: list[str] = []
    for file in files:
        with Image.open(file) as picture:
            inputs = made.processor(
                text=text, images=[picture.convert("RGB")], return_tensors="pt", do_image_splitting=False
            )
        with torch.inference_mode():
            output = made.model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        new = output[0, inputs["input_ids"].shape[1] :]
        answers.append(made.processor.tokenizer.decode(new, skip_special_tokens=True))
    return answers, time.perf_counter() - began


def together(made: Checkpoint, files: Sequence[Path], prompt: str, tokens: int) -> tuple[list[str], float, list[int]]:
    """Return what a batch answers, the seconds it takes, and how many were answered at a time."""
    began = time.perf_counter()
    events: list[Event] = []
    rows = tuple(
        BatchRow(key=key, turns=(Turn(role="user", parts=(ImagePart(path=str(file)), TextPart(text=prompt))),))
        for key, file in enumerate(files)
    )
    request = Batch(id=1, rows=rows, sampling=Sampling(max_new_tokens=tokens))
    batching.answer(made, request, sizes=batching.Sizes(), send=events.append, stopped=lambda: False)
    groups = [event for event in events if isinstance(event, Answers)]
    answers = {answer.key: answer.text for group in groups for answer in group.rows}
    return [answers[key] for key in range(len(files))], time.perf_counter() - began, [len(g.rows) for g in groups]


def compared(name: str, model: str, prompt: str, tokens: int, target: float, files: Sequence[Path]) -> Figure:
    """Return how many times as fast a batch is."""
    made = load(model)
    one_by_one(made, files[:_WARM], prompt, tokens)
    alone, alone_s = one_by_one(made, files, prompt, tokens)
    batch, batch_s, groups = together(made, files, prompt, tokens)
    same = sum(a == b for a, b in zip(alone, batch, strict=True))
    return Figure(
        name=f"{name}: batch against a loop of `generate`, {len(files)} pictures",
        value=alone_s / batch_s,
        target=target,
        at_most=False,
        detail=f"{alone_s:.1f} s / {batch_s:.1f} s, groups of {groups}, {same} of {len(files)} answers the same",
    )


def main() -> int:
    """Measure, and print the table."""
    with tempfile.TemporaryDirectory() as place:
        files = pictures(Path(place))
        figures = [compared("demo", "demo", "Describe the picture.", 64, 3.0, files)]
        print(f"{figures[0].value:.2f} x, {figures[0].detail}", file=sys.stderr)
        model = str(checkpoint("smolvlm", "256M"))
        figures.append(compared("256M-shaped, one tile", model, "Describe the picture.", 32, 1.3, files))
    report("Batches", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
