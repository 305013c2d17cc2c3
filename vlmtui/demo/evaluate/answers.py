"""Answers of a checkpoint to many cases at once: real processor, `generate`, left-padded batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.video_utils import VideoMetadata

from vlmtui.demo.evaluate.cases import Case

MAX_NEW_TOKENS = 48


class Checkpoint:
    """A loaded checkpoint with its processor, computing in float32 on the CPU.

    Raises:
        OSError: if the folder holds no checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self.processor = AutoProcessor.from_pretrained(folder)
        self.model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
        self.model.eval()

    def answers(self, cases: list[Case], splitting: bool = False, batch: int = 64) -> Iterator[tuple[Case, str]]:
        """Each case with what the model says to it, in no particular order."""
        alike: dict[tuple[str, int, bool], list[Case]] = {}
        for case in cases:
            alike.setdefault((case.row, len(case.pictures), case.as_video), []).append(case)
        for (_, pictures, as_video), group in alike.items():
            size = max(4, batch // max(1, pictures // 2))
            for start in range(0, len(group), size):
                part = group[start : start + size]
                yield from zip(part, self._answer(part, splitting, as_video), strict=True)

    def _answer(self, cases: list[Case], splitting: bool, as_video: bool) -> list[str]:
        texts = [self.processor.apply_chat_template(case.messages, add_generation_prompt=True) for case in cases]
        if as_video:
            inputs = self.processor(
                text=texts, videos=[np.stack([np.asarray(p) for p in case.pictures]) for case in cases],
                video_metadata=[_metadata(len(case.pictures)) for case in cases], do_sample_frames=False,
                padding=True, return_tensors="pt",
            )  # fmt: skip
        elif not cases[0].pictures:
            inputs = self.processor(text=texts, padding=True, return_tensors="pt")
        else:
            inputs = self.processor(
                text=texts, images=[case.pictures for case in cases], do_image_splitting=splitting,
                padding=True, return_tensors="pt",
            )  # fmt: skip
        with torch.inference_mode():
            tokens = self.model.generate(**inputs, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
        said = self.processor.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in said]


def _metadata(frames: int) -> VideoMetadata:
    return VideoMetadata(total_num_frames=frames, fps=1.0, duration=float(frames), frames_indices=list(range(frames)))
