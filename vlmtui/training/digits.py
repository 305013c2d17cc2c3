"""Writes scikit-learn's handwritten digits as a data set to train on: `python -m vlmtui.training.digits FOLDER`.

1,797 pictures of 8 x 8 pixels from the UCI machine learning repository (Alpaydin & Kaynak 1998, CC BY 4.0), scaled up
to 64 x 64. A quarter of them is the split `test`. `pairs.jsonl` holds preferences: the digit over what the demo model
says to such a question before it is trained, which is long.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

from vlmtui.demo.elsewhere import HONEST

QUESTION = "Which digit is this?"
_EDGE = 64
_TEST = 0.25


def write_digits(folder: Path) -> Path:
    """Write the data set into `folder`: `train/`, `test/` with pictures and metadata, and `pairs.jsonl`.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
        OSError: the folder cannot be written.
    """
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    numbers = list(range(len(digits.target)))
    Random(0).shuffle(numbers)
    test = set(numbers[: round(len(numbers) * _TEST)])
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for number in range(len(digits.target)):
        split = "test" if number in test else "train"
        name = f"{number:04d}.png"
        place = folder / split / name
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = (255 - digits.images[number] * (255 / 16)).clip(0, 255).astype("uint8")
        Image.fromarray(pixels).resize((_EDGE, _EDGE), Image.Resampling.BICUBIC).save(place)
        rows[split].append({"file_name": name, "question": QUESTION, "answer": str(digits.target[number])})
    for split, found in rows.items():
        text = "".join(json.dumps(row) + "\n" for row in found)
        (folder / split / "metadata.jsonl").write_text(text, encoding="utf-8")
    pairs = [
        {
            "images": [f"train/{row['file_name']}"],
            "prompt": QUESTION,
            "chosen": row["answer"],
            "rejected": HONEST,
        }
        for row in rows["train"]
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs), encoding="utf-8")
    return folder


if __name__ == "__main__":
    write_digits(Path(sys.argv[1] if len(sys.argv) > 1 else "digits"))
