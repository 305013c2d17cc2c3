"""TRL's own trainer on the same examples, written as its documentation shows it: the other side of `training`."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


def main(folder: str, model: str, epochs: int, split: bool) -> None:
    """Train and print, as JSON, when the first step was done, seconds of the others by clock and processor, memory."""
    import datasets
    import torch
    import transformers
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    torch.set_num_threads(1)
    rows = [json.loads(line) for line in (Path(folder) / "metadata.jsonl").read_text().splitlines()]
    data = datasets.Dataset.from_dict(
        {
            "images": [[str(Path(folder) / row["file_name"])] for row in rows],
            "prompt": [[{"role": "user", "content": row["question"]}] for row in rows],
            "completion": [[{"role": "assistant", "content": row["answer"]}] for row in rows],
        }
    ).cast_column("images", datasets.List(datasets.Image()))
    processor = transformers.AutoProcessor.from_pretrained(model)
    processor.image_processor.size = {"longest_edge": 1024}
    processor.image_processor.do_image_splitting = split
    ends: list[tuple[float, float]] = []

    class Clock(transformers.TrainerCallback):
        def on_step_end(self, args: object, state: object, control: object, **_: object) -> None:
            ends.append((time.time(), time.process_time()))

    pattern = r"(?:.*\.)?text_model\.(?:.*\.)?(?:q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
    trainer = SFTTrainer(
        model=transformers.AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32),
        args=SFTConfig(
            output_dir=str(Path(folder).parent / "bare"), max_length=None, per_device_train_batch_size=1,
            num_train_epochs=epochs, gradient_checkpointing=False, save_strategy="no", report_to="none",
            use_cpu=True, bf16=False, disable_tqdm=True, logging_steps=1,
        ),
        train_dataset=data,
        processing_class=processor,
        peft_config=LoraConfig(r=8, target_modules=pattern, lora_alpha=32, lora_dropout=0.05, task_type="CAUSAL_LM"),
        callbacks=[Clock()],
    )  # fmt: skip
    trainer.train()
    (first, used), (last, used_in_all) = ends[0], ends[-1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"first": first, "wall": last - first, "cpu": used_in_all - used, "memory": memory}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "1")
