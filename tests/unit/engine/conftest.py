"""Pictures, a video, and checkpoints with random weights for the engine's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny_model import checkpoint


@pytest.fixture(scope="session")
def smolvlm2() -> Path:
    """A tiny SmolVLM2, instruct."""
    return checkpoint("smolvlm")


@pytest.fixture(scope="session")
def smolvlm1() -> Path:
    """A tiny SmolVLM of the first version (idefics3), instruct."""
    return checkpoint("idefics3")


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `wide.png` (90 x 40), `tall.png` (30 x 120) and `clip.mp4` (30 frames, 10 a second)."""
    import cv2

    folder = tmp_path_factory.mktemp("media")
    rng = np.random.default_rng(0)
    for name, size in {"wide": (40, 90, 3), "tall": (120, 30, 3)}.items():
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(folder / f"{name}.png")
    writer = cv2.VideoWriter(str(folder / "clip.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 10, (96, 64))
    for number in range(30):
        writer.write(np.full((64, 96, 3), number * 8, np.uint8))
    writer.release()
    return folder
