"""Training against TRL's own trainer on the same recipe and machine: `python -m tests.benchmarks.training [PICTURES]`.

A 256M-shaped model, LoRA on its text tower, one thread. From the command to the end of the first step, in turns, the
best of each; then one epoch with pictures in one tile, and three epochs with pictures in five tiles, with and without
cached features, with the memory of the process. Minutes; read, not asserted. On a busy machine the processor's own
seconds (`cpu`) say more than the clock's. `first` as the only argument measures the first step alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.tiny_model import checkpoint
from vlmtui.runs.events import Logged, read_events
from vlmtui.runs.folder import every
from vlmtui.training.digits import write_digits

_TURNS = 3
RECIPE = """\
method: sft
model_name_or_path: {model}
dataset_name: pictures
output_dir: out-{name}
use_peft: true
lora_r: 8
num_train_epochs: {epochs}
learning_rate: 2.0e-5
per_device_train_batch_size: 1
gradient_checkpointing: false
logging_steps: 1
save_strategy: "no"
eval_fraction: 0.0
image_splitting: {split}
image_longest_edge: 1024
cache_features: {cache}
"""


@dataclass(frozen=True)
class Case:
    """How pictures are cut, and how often all of them are seen."""

    split: bool
    epochs: int


@dataclass(frozen=True)
class Times:
    """What one side took: from its command to the end of its first step, all steps after it by clock and by processor,
    bytes at most."""

    first: float
    wall: float
    cpu: float
    memory: int


def ours(folder: Path, model: str, case: Case, cache: str, turn: int | str = "") -> Times:
    """Run a training of ours in a process of its own, as `vlmtui train` does."""
    name = f"{case.split}-{cache}{turn}".lower()
    values = {"model": model, "name": name, "cache": cache, "epochs": case.epochs, "split": str(case.split).lower()}
    (folder / "recipe.yaml").write_text(RECIPE.format(**values))
    environment = {**os.environ, "VLMTUI_RUNS": str(folder / f"runs-{name}"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "vlmtui", "train", str(folder / "recipe.yaml")]
    began = time.time()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    (run,) = every(folder / f"runs-{name}")
    steps = [event for event in read_events(run.events_file) if isinstance(event, Logged) and "loss" in event.values]
    spans = [later.at - earlier.at for earlier, later in pairwise(steps)]
    cpu = sum(span * step.values["cpu_use"] for span, step in zip(spans, steps[1:], strict=True))
    return Times(steps[0].at - began, sum(spans), cpu, run.status().memory)


def bare(folder: Path, model: str, case: Case) -> Times:
    """Run the same of TRL's own trainer."""
    words = [str(folder / "pictures"), model, str(case.epochs), str(int(case.split))]
    command = [sys.executable, "-m", "tests.benchmarks.bare_trl", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.time()
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.strip().splitlines()[-1])
    return Times(found["first"] - began, found["wall"], found["cpu"], found["memory"])


def first_step(folder: Path, model: str) -> None:
    """Print how long both sides take from the command to the end of the first step: the best of some turns."""
    take_pictures(folder, 1)
    case = Case(split=False, epochs=1)
    both = [(bare(folder, model, case).first, ours(folder, model, case, "true", turn).first) for turn in range(_TURNS)]
    trl, vlmtui = (min(times) for times in zip(*both, strict=True))
    print(f"from the command to the first step, best of {_TURNS} turns")
    print(f"trl {trl:.1f} s, vlmtui {vlmtui:.1f} s ({vlmtui / trl:.2f}x); all: {both}", flush=True)


def take_pictures(folder: Path, count: int) -> None:
    """Make `pictures` in `folder` a data set of so many."""
    digits = folder / "digits"
    if not digits.exists():
        write_digits(digits)
    (folder / "pictures").mkdir(exist_ok=True)
    lines = (digits / "train" / "metadata.jsonl").read_text().splitlines()[:count]
    for line in lines:
        file = json.loads(line)["file_name"]
        (folder / "pictures" / file).write_bytes((digits / "train" / file).read_bytes())
    (folder / "pictures" / "metadata.jsonl").write_text("\n".join(lines) + "\n")


def main(pictures: int) -> None:
    """Run all and print the tables; without pictures the first step alone."""
    model = str(checkpoint("smolvlm", "256M"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first_step(folder, model)
        if not pictures:
            return
        take_pictures(folder, pictures)
        for case in (Case(split=False, epochs=1), Case(split=True, epochs=3)):
            tiles = "5 tiles" if case.split else "1 tile"
            print(f"\n{pictures} pictures in {tiles}, {case.epochs} epochs, steps after the first")
            trl = bare(folder, model, case)
            _say("trl", trl, trl)
            for cache in ("false", "true"):
                _say(f"vlmtui, cache_features: {cache}", ours(folder, model, case, cache), trl)


def _say(who: str, one: Times, trl: Times) -> None:
    print(
        f"{who:<30} first step {one.first:7.1f} s ({one.first / trl.first:.2f}x)  steps {one.wall:7.1f} s "
        f"({trl.wall / one.wall:.2f}x as fast)  cpu {one.cpu:7.1f} s ({trl.cpu / one.cpu:.2f}x)  "
        f"memory {one.memory / 1e9:.2f} GB ({one.memory / trl.memory:.2f}x)",
        flush=True,
    )


if __name__ == "__main__":
    main(0 if sys.argv[1:] == ["first"] else int(sys.argv[1]) if len(sys.argv) > 1 else 4)
