"""Training against TRL's own trainer on the same recipe and machine: `python -m tests.benchmarks.training [PICTURES]`.

A 256M-shaped model, LoRA on its text tower, pictures in five tiles, three epochs, one thread: the first epoch beside
TRL's, and all three with and without cached features. Minutes; read, not asserted, and only on a quiet machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tiny_model import checkpoint
from vlmtui.runs.events import Logged, read_events
from vlmtui.runs.folder import every
from vlmtui.training.digits import write_digits

EPOCHS = 3
RECIPE = """\
method: sft
model_name_or_path: {model}
dataset_name: pictures
output_dir: out-{cache}
use_peft: true
lora_r: 8
num_train_epochs: {epochs}
learning_rate: 2.0e-5
per_device_train_batch_size: 1
gradient_checkpointing: false
logging_steps: 1
save_strategy: "no"
eval_fraction: 0.0
image_splitting: true
image_longest_edge: 1024
cache_features: {cache}
"""


def ours(folder: Path, model: str, pictures: int, cache: str) -> list[float]:
    """Return when each epoch ended, in seconds from the start of the process."""
    (folder / "recipe.yaml").write_text(RECIPE.format(model=model, cache=cache, epochs=EPOCHS))
    environment = {**os.environ, "VLMTUI_RUNS": str(folder / f"runs-{cache}"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "vlmtui", "train", str(folder / "recipe.yaml")]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    (run,) = every(folder / f"runs-{cache}")
    steps = [event for event in read_events(run.events_file) if isinstance(event, Logged) and "loss" in event.values]
    began = run.job().created
    return [steps[0].at - began, *(steps[(epoch + 1) * pictures - 1].at - began for epoch in range(EPOCHS))]


def bare(folder: Path, model: str) -> list[float]:
    """Return the same of TRL's own trainer."""
    command = [sys.executable, "-m", "tests.benchmarks.bare_trl", str(folder / "pictures"), model, str(EPOCHS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    found = json.loads(said.strip().splitlines()[-1])
    return [found["first_step"], *found["epochs"]]


def main(pictures: int) -> None:
    """Run all three and print the table."""
    model = str(checkpoint("smolvlm", "256M"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        digits = write_digits(folder / "digits")
        (folder / "pictures").mkdir()
        lines = (digits / "train" / "metadata.jsonl").read_text().splitlines()[:pictures]
        for line in lines:
            file = json.loads(line)["file_name"]
            (folder / "pictures" / file).write_bytes((digits / "train" / file).read_bytes())
        (folder / "pictures" / "metadata.jsonl").write_text("\n".join(lines) + "\n")
        found = {
            "trl": bare(folder, model),
            "vlmtui, looking each time": ours(folder, model, pictures, "false"),
            "vlmtui, cached features": ours(folder, model, pictures, "true"),
        }
    print(f"{'':<28}{'first step':>12}" + "".join(f"{f'epoch {n + 1}':>12}" for n in range(EPOCHS)) + f"{'x TRL':>8}")
    whole = found["trl"][-1] - found["trl"][0]
    for who, (first, *ends) in found.items():
        each = [end - start for start, end in zip([first, *ends], ends, strict=False)]
        cells = "".join(f"{seconds:>10.1f} s" for seconds in [first, *each])
        print(f"{who:<28}{cells}{whole / (ends[-1] - first):>7.2f}x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
