"""What `generate` alone reaches: the engine's tokens per second are compared with this.

    python -m tests.benchmarks.bare_generate MODEL PICTURE PROMPT TOKENS THREADS [again]

Prints one JSON object: `tokens_per_s` over the tokens after the first, as the engine counts them. With `again`, one
more for each line that it is given, so that two sides can be measured in turn for long.
"""

from __future__ import annotations

import json
import os
import sys
import time

import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor


def main(folder: str, picture: str, prompt: str, tokens: int, threads: int, again: bool) -> None:
    """Time two calls of `generate`, of one token and of `tokens`, and print the rate between them."""
    torch.set_num_threads(threads)
    os.nice(5)  # as the engine does: on a busy machine both sides wait alike
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32, use_safetensors=True).eval()
    processor = AutoProcessor.from_pretrained(folder)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(
        text=text, images=[Image.open(picture).convert("RGB")], return_tensors="pt", do_image_splitting=False
    )

    def seconds(count: int) -> float:
        before = time.perf_counter()
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=count, min_new_tokens=count, do_sample=False)
        spent = time.perf_counter() - before
        made = output.shape[1] - inputs["input_ids"].shape[1]
        assert made == count, f"the model stopped after {made} of {count} tokens"
        return spent

    seconds(8)
    while True:
        first, whole = seconds(1), seconds(tokens)
        print(json.dumps({"tokens_per_s": (tokens - 1) / (whole - first), "ttft_s": first}), flush=True)
        if not again or not sys.stdin.readline():
            break


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6:] == ["again"])
