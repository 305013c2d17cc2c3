"""PEFT adapters for tests, made in a process of their own: the tests' process imports no torch.

    python -m tests.adapter_maker CHECKPOINT BASE FOLDER…

A folder whose name begins with `dora` gets a DoRA one, one with `eyes` a LoRA of the vision tower too; the weights
are random, by the folder's name.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path

_WRITING = r".*text_model.*\.(q_proj|v_proj|down_proj)"


def make_adapters(checkpoint: Path, place: Path, *names: str, base: str = "") -> list[Path]:
    """Write adapters for `checkpoint`, which they name as `base` (default: its folder), and return their folders."""
    folders = [place / name for name in names]
    command = [sys.executable, "-m", "tests.adapter_maker", checkpoint, base or checkpoint, *folders]
    subprocess.run([str(word) for word in command], check=True, cwd=Path(__file__).parent.parent, capture_output=True)
    return folders


def write_adapters(checkpoint: str, base: str, *folders: str) -> None:
    """Do the same in this process, for tests that have imported torch anyway."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    for folder in map(Path, folders):
        torch.manual_seed(zlib.crc32(folder.name.encode()))
        model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.float32)
        config = LoraConfig(
            r=4,
            lora_alpha=32,
            use_dora=folder.name.startswith("dora"),
            target_modules=r".*(q_proj|v_proj)" if folder.name.startswith("eyes") else _WRITING,
            init_lora_weights=False,
        )
        get_peft_model(model, config).save_pretrained(folder)
        file = folder / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"base_model_name_or_path": base}))


if __name__ == "__main__":
    write_adapters(*sys.argv[1:])
