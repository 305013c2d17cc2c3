"""`python -m vlmtui.demo.train`: trains the demo model from scratch, or goes on where it was stopped.

    python -m vlmtui.demo.train --dir demo-train --minutes 100
    python -m vlmtui.demo.train --dir demo-train --export vlmtui/demo/weights [--mean-with other/checkpoint.pt]
    python -m vlmtui.demo.train --dir more-training --minutes 60 --start vlmtui/demo/weights

The folder holds `tokenizer.json`, `checkpoint.pt` (model, moving average, optimisers), `curve.jsonl` (one line each
evaluation: exact match by kind on fixed held-out questions) and `pid`. A run that is stopped (SIGTERM, Ctrl+C) keeps
its checkpoint and goes on with the same command; `--steps` instead of `--minutes` makes it repeatable to the bit on
one machine.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import signal
import sys
import time
from collections import defaultdict, deque
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from random import Random

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from vlmtui.demo.train import batches, loop
from vlmtui.demo.train.checkpoint import IMAGE_TOKENS, build_model, build_processor, store
from vlmtui.demo.train.tokenizer import train_tokenizer

HELD_OUT_SEED = 1_000_003
DEV: dict[str, int] = {"single": 4, "chat": 1, "later": 1, "split": 2, "album": 6, "film": 6}
"""Held-out batches of each type in an evaluation while training."""

_maker: batches.BatchMaker | None = None


def _start_maker(tokenizer_file: str, seed: int) -> None:
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _maker = batches.BatchMaker(Path(tokenizer_file), seed)


def _make(index: int, kind: str) -> batches.Batch:
    assert _maker is not None
    return _maker.make(index, kind)


def mix(progress: float) -> dict[str, float]:
    """How often each type of batch is drawn: single pictures alone at first."""
    if progress < 0.3:
        return {"first": 0.5, "single": 0.08, "chat": 0.2, "eye": 0.22}
    if progress < 0.4:
        return {"first": 0.15, "single": 0.31, "chat": 0.08, "later": 0.02, "split": 0.08, "album": 0.12, "film": 0.12,
                "eye": 0.12}  # fmt: skip
    return {"single": 0.38, "first": 0.05, "chat": 0.06, "later": 0.03, "split": 0.1, "album": 0.15, "film": 0.15,
            "eye": 0.08}  # fmt: skip


class Threads:
    """Chooses between one thread and all of them by what was measured of late: on a shared machine threads that
    wait for one of their own that has lost its core are slower than a single one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pace: dict[int, float] = {}
        self._count = 0

    def choose(self) -> int:
        """Sets and returns the number of threads for the next step."""
        self._count += 1
        choices = sorted({1, self._most})
        best = min(choices, key=lambda n: self._pace.get(n, 0.0))
        if self._count % 24 < 2:
            best = choices[0] if best != choices[0] else choices[-1]
        torch.set_num_threads(best)
        return best

    def measured(self, threads: int, seconds_a_token: float) -> None:
        """Takes in how long the step took."""
        before = self._pace.get(threads, seconds_a_token)
        self._pace[threads] = before + 0.4 * (seconds_a_token - before)


def _tensors(batch: batches.Batch) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in batch.items()}


class Run:
    """A training run in a folder."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder: Path = options.dir
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "tokenizer.json"
        if options.start and not file.exists():
            file.write_bytes((options.start / "tokenizer.json").read_bytes())
        if not file.exists():
            train_tokenizer(options.seed).save(str(file))
        self.pool = ProcessPoolExecutor(1, get_context("fork"), _start_maker, (str(file), options.seed))
        self.pool.submit(_make, 0, "chat").result()  # forks the worker before torch starts its threads
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.tokenizer = Tokenizer.from_file(str(file))
        self.model = build_model(self.tokenizer)
        if options.start:
            state = {name: weight.float() for name, weight in load_file(options.start / "model.safetensors").items()}
            missing, unexpected = self.model.load_state_dict(state, strict=False)
            if unexpected or set(missing) - {"lm_head.weight"}:  # that one is tied to the embeddings
                raise ValueError(f"{options.start} is not a demo model: {[*missing, *unexpected][:3]}")
        self.model.set_attn_implementation("eager")  # faster than sdpa at this width on a CPU
        self.head = loop.MapHead(self.model.config.vision_config.hidden_size)
        self.words = loop.Words(self.tokenizer)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizers = loop.optimizers(self.model, self.head, options.rate, not options.adamw)
        self.places = loop.PlaceHead(self.model.config.text_config.hidden_size, IMAGE_TOKENS)
        self.summaries = loop.SummaryHead(self.model.config.text_config.hidden_size)
        self.coming = loop.ComingHead(self.model.config.text_config.hidden_size)
        heads = (self.places, self.summaries, self.coming)
        self.optimizers.append(
            torch.optim.AdamW([{"params": list(head.parameters()), "peak": options.rate} for head in heads])
        )
        self.step, self.elapsed = 0, 0.0
        self.stopping = False
        self.threads = Threads(options.threads)
        if (self.folder / "checkpoint.pt").exists():
            self.load()
        self.started = time.time()
        self.dev: list[tuple[str, list[str], dict[str, Tensor]]] = []
        self.mix = json.loads(options.mix) if options.mix else None

    def load(self) -> None:
        """Goes on from the folder's checkpoint."""
        state = torch.load(self.folder / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.head.load_state_dict(state["head"])
        self.places.load_state_dict(state["places"])
        self.summaries.load_state_dict(state["summaries"])
        self.coming.load_state_dict(state["coming"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.step, self.elapsed = state["step"], state["elapsed"]

    def save(self) -> None:
        """Writes the checkpoint, whole or not at all."""
        state = {
            "model": self.model.state_dict(), "average": self.average.state_dict(), "head": self.head.state_dict(),
            "places": self.places.state_dict(), "summaries": self.summaries.state_dict(),
            "coming": self.coming.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step, "elapsed": self.seconds(),
        }  # fmt: skip
        part = self.folder / "checkpoint.pt.part"
        torch.save(state, part)
        part.replace(self.folder / "checkpoint.pt")

    def seconds(self) -> float:
        """Seconds trained so far, earlier starts included."""
        return float(self.elapsed) + time.time() - self.started

    def progress(self) -> float:
        """0 at the start, 1 at the end of the budget."""
        if self.options.steps:
            return float(self.step / self.options.steps)
        return float(self.seconds() / (self.options.minutes * 60))

    def evaluate(self) -> dict[str, float]:
        """Exact match by kind on held-out questions, with the averaged weights."""
        if not self.dev:
            maker = batches.BatchMaker(self.folder / "tokenizer.json", HELD_OUT_SEED)
            for kind, number in DEV.items():
                for index in range(number):
                    batch = _tensors(maker.make(index, kind))
                    self.dev.append((kind, [k for row in maker.last_kinds for k in row], batch))
        scores: dict[str, list[bool]] = defaultdict(list)
        with torch.no_grad():
            for kind, names, batch in self.dev:
                right = loop.losses(self.average, None, batch, score=True).right
                assert right is not None and len(right) == len(names)
                for name, good in zip(names, right.tolist(), strict=True):
                    scores[name if kind == "single" else f"{kind}/{name}"].append(good)
                    if kind != "single":
                        scores[kind].append(good)
        return {name: round(sum(good) / len(good), 4) for name, good in sorted(scores.items())}

    def train(self) -> None:
        """Trains until the budget is spent or the run is told to stop."""
        queue: deque[tuple[str, Future[batches.Batch]]] = deque()
        chooser = Random(self.options.seed + self.step)
        submitted = self.step
        window: dict[str, list[float]] = defaultdict(list)
        next_evaluation = time.time() + self.options.every / 3
        while self.progress() < 1 and not self.stopping:
            progress = self.progress()
            while len(queue) < 6:
                weights = self.mix or mix(progress)
                kind = chooser.choices(list(weights), list(weights.values()))[0]
                submitted += 1
                queue.append((kind, self.pool.submit(_make, submitted, kind)))
            kind, coming = queue.popleft()
            batch = _tensors(coming.result())
            threads, begun = self.threads.choose(), time.perf_counter()
            answer_loss, map_loss, word_loss = self.one_step(batch, progress)
            work = 64 * len(batch["pixels"]) + (2 * batch["ids"].numel() if "ids" in batch else 0)
            self.threads.measured(threads, (time.perf_counter() - begun) / work)
            window[f"{threads} threads"].append(1.0)
            if "ids" in batch:
                window[kind].append(answer_loss)
                window[f"inside {kind}"].append(self.inside)
            if map_loss:
                window["maps"].append(map_loss)
                window["words"].append(word_loss)
            if time.time() >= next_evaluation:
                self.report(window, progress)
                window.clear()
                self.save()
                next_evaluation = time.time() + self.options.every
        self.save()
        self.report(window, self.progress())
        self.pool.shutdown(cancel_futures=True)

    def one_step(self, batch: dict[str, Tensor], progress: float) -> tuple[float, float, float]:
        """One step of the optimisers; returns the losses on answers, maps and words."""
        factor = loop.learning_rate(progress)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        guide = 1.0 if progress < 0.6 else 0.5  # the guiding losses matter less once the answers come
        with torch.autocast("cpu", torch.bfloat16, enabled=not self.options.float32):
            if "ids" in batch:
                guides = (self.places, self.summaries, self.coming)
                result = loop.losses(self.model, self.head, batch, self.words, False, *guides)
            else:
                result = loop.eye_losses(self.model, self.head, self.words, batch)
            loss = result.answers + guide * (result.maps + 0.5 * result.words)
            if result.inside is not None:
                loss = loss + result.inside
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        loop.hold_scale(self.model)
        self.step += 1
        decay = min(0.999, 1 - 10 / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        self.inside = float(result.inside.detach()) if result.inside is not None else 0.0
        return float(result.answers.detach()), float(result.maps.detach()), float(result.words.detach())

    def report(self, window: dict[str, list[float]], progress: float) -> None:
        """Appends one line to the curve."""
        line = {
            "step": self.step, "seconds": round(self.seconds()), "progress": round(progress, 4),
            "threads": {name[0]: len(steps) for name, steps in window.items() if name.endswith("threads")},
            "loss": {name: round(sum(losses) / len(losses), 4) for name, losses in sorted(window.items())
                     if not name.endswith("threads")},
            "exact": self.evaluate(),
        }  # fmt: skip
        with (self.folder / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def export(self, folder: Path, others: list[Path]) -> None:
        """Writes the averaged weights as a checkpoint in the published form, and the curve beside them.

        Args:
            folder: where to.
            others: checkpoints of other ends of this training; what is written is the mean of all. Ends that the
                learning rate was brought to zero at lie around one minimum, and their mean lies lower than each
                (Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima").
        """
        ends = [torch.load(path, weights_only=True, map_location="cpu")["average"] for path in others]
        ends.append(self.average.state_dict())
        mean = {name: torch.stack([end[name].float() for end in ends]).mean(0) for name in ends[-1]}
        self.average.load_state_dict(mean)
        self.average.set_attn_implementation("sdpa")
        store(self.average, build_processor(self.tokenizer), folder)
        curve = self.folder / "curve.jsonl"
        if curve.exists():
            (folder / "curve.jsonl").write_bytes(curve.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m vlmtui.demo.train", description="Train the demo model.")
    parser.add_argument("--dir", type=Path, default=Path("demo-train"), help="folder of the run")
    parser.add_argument("--minutes", type=float, default=100, help="budget of time, pauses included")
    parser.add_argument("--steps", type=int, default=0, help="budget of steps instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--adamw", action="store_true", help="AdamW for every weight instead of Muon for the matrices")
    parser.add_argument("--float32", action="store_true", help="compute in float32 (default: bfloat16 where it can)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=float, default=180, help="seconds between evaluations and checkpoints")
    parser.add_argument("--mix", help='share of each type of batch as JSON, such as {"single": 0.5, "film": 0.5}')
    parser.add_argument("--start", type=Path, metavar="FOLDER", help="begin from stored weights, not from random ones")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write the weights there and train no further")
    parser.add_argument(
        "--mean-with",
        type=Path,
        action="append",
        default=[],
        metavar="CHECKPOINT",
        help="with --export: the mean with the checkpoint.pt of another end; can be given again",
    )
    options = parser.parse_args(arguments)
    run = Run(options)
    if options.export:
        if not run.step:
            print(f"{options.dir} holds no checkpoint: train first, or give its folder with --dir", file=sys.stderr)
            return 1
        run.export(options.export, options.mean_with)
        run.pool.shutdown()
        return 0

    def stop(*_: object) -> None:
        run.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    (run.folder / "pid").write_text(f"{os.getpid()}\n")
    run.train()
    return 0


if __name__ == "__main__":
    sys.exit(main())
