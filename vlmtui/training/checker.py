"""The child that says what a recipe would do: `python -m vlmtui.training.checker`. Nothing of it is kept."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from vlmtui.children.frames import frame, take_frames
from vlmtui.children.streams import take_over_standard_streams, write_whole
from vlmtui.training.checking import Question, Reply
from vlmtui.training.recipe import Recipe

_NICENESS = 5
_TEXT_TOKENS = 128
_READ = 1 << 16
_NEWEST_WINS = ("memory", "columns")


def main() -> None:
    """Answer questions until standard input ends."""
    source, sink = take_over_standard_streams()
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    answers = _Answers()
    buffer = bytearray()
    while data := os.read(source, _READ):
        buffer += data
        questions = [msgspec.json.decode(body, type=Question) for body in take_frames(buffer)]
        newest = {one.what: one.id for one in questions}
        for question in questions:
            stale = question.what in _NEWEST_WINS and question.id < newest[question.what]
            reply = Reply(id=question.id) if stale else answers.to(question)
            write_whole(sink, frame(msgspec.json.encode(reply)))


class _Answers:
    """Keeps the examples that were read last, to show any of them."""

    def __init__(self) -> None:
        self._device = ""
        self._shown: list[Any] = []
        self._pictures: TemporaryDirectory[str] | None = None

    def to(self, question: Question) -> Reply:
        """Return what was found; whatever fails is said."""
        try:
            self._look_at(question.device)
            return Reply(id=question.id, found=getattr(self, f"_{question.what}")(question))
        except Exception as error:
            from vlmtui.training.failures import understand

            failure = understand(error)
            return Reply(id=question.id, cause=failure.cause, remedy=failure.remedy)

    def _look_at(self, device: str) -> None:
        """Let torch see the device that is meant, before it is imported; later only the CPU or that one counts."""
        if not self._device:
            os.environ["CUDA_VISIBLE_DEVICES"] = device.partition(":")[2] if device.startswith("cuda") else ""
            self._device = device

    def _memory(self, question: Question) -> dict[str, Any]:
        return memory_of(question.recipe)

    def _examine(self, question: Question) -> dict[str, Any]:
        from vlmtui.training.preflight import as_lines, examine

        self._shown = []
        self._pictures = TemporaryDirectory(prefix="vlmtui-")
        report = examine(question.recipe, self._shown, Path(self._pictures.name))
        return report | {"lines": as_lines(report, labels=False)}

    def _probe(self, question: Question) -> dict[str, Any]:
        from vlmtui.training.probing import probe, probe_line

        found = probe(question.recipe)
        return found | {"line": probe_line(found)}

    def _columns(self, question: Question) -> dict[str, Any]:
        from vlmtui.training.columns import look_at_columns

        return look_at_columns(question.recipe, question.stage)

    def _label(self, question: Question) -> dict[str, Any]:
        from vlmtui.training.labels import inspect

        found, processor, plain = self._shown[question.stage]
        examples = found.train
        return inspect(examples[question.number % len(examples)], processor, plain) | {"of": len(examples)}


def memory_of(recipe: Recipe) -> dict[str, Any]:
    """Return an estimate for examples of one picture and some text: how long they are is known after a dry run only."""
    from vlmtui.training.loading import load_processor, on_cpu_only
    from vlmtui.training.memory import estimate
    from vlmtui.training.outline import outline

    on_cpu = on_cpu_only()
    processor = load_processor(recipe, on_cpu=on_cpu)
    towers, config = outline(recipe)
    pictures = processor.image_processor
    tiles = 1
    if pictures.do_image_splitting:
        longest, tile = (int(one["longest_edge"]) for one in (pictures.size, pictures.max_image_size))
        tiles += (-(-longest // tile)) ** 2
    trl = recipe.stages[-1].trl
    parts = estimate(
        recipe, config, towers,
        batch=int(trl.get("per_device_train_batch_size", 8)),
        tokens=_TEXT_TOKENS + tiles * int(processor.image_seq_len), tiles=tiles, on_cpu=on_cpu,
    )  # fmt: skip
    return {"memory": parts, "trainable": sum(one[0] for one in towers.values()), "tiles": tiles}


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError, msgspec.DecodeError):
        main()
