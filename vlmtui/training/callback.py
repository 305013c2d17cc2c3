"""The seam to TRL's trainers: what they log becomes events, a stop becomes a checkpoint and an end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Literal

from transformers import TrainerCallback

from vlmtui.runs.events import Answer, Answers, Evaluated, Logged
from vlmtui.training import ranks
from vlmtui.training.answering import answer
from vlmtui.training.examples import Example
from vlmtui.training.machine_use import MachineUse
from vlmtui.training.metrics import score
from vlmtui.training.recipe import Looks
from vlmtui.training.reporting import Reporter


class ReportCallback(TrainerCallback):
    """Tells a `Reporter` what the trainer does.

    Attributes:
        scores: what each evaluation of this attempt found, by step.
    """

    def __init__(
        self,
        reporter: Reporter,
        stage: str,
        looks: Looks,
        held_out: list[Example],
        processor: Any,
        plain: Callable[[str], str],
        batch: int,
    ) -> None:
        self._reporter = reporter
        self._stage = stage
        self._looks = looks
        self._held_out = held_out
        self._processor = processor
        self._plain = plain
        self._batch = batch
        self._began = self._since = time.monotonic()
        self._first = self._last = 0
        self._tokens: float | None = None
        self._stops = False
        self._use = MachineUse()
        self.scores: dict[int, dict[str, float]] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = self._since = time.monotonic()
        self._first = self._last = state.global_step
        self._tokens = None if state.global_step else 0.0  # a resumed run counts from its first log on
        self._reporter.set("running", stage=self._stage, step=state.global_step, steps=state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        done = state.global_step - self._first
        eta = (time.monotonic() - self._began) / max(1, done) * (state.max_steps - state.global_step)
        self._reporter.set(step=state.global_step, epoch=float(state.epoch or 0), eta_s=eta)
        self._stops = ranks.any_says(self._reporter.stopped)  # all ranks stop at the same step
        if self._stops and state.global_step < state.max_steps:
            control.should_save = True
            control.should_training_stop = True
            control.should_evaluate = False
        return control

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if self._stops and state.global_step < state.max_steps:
            control.should_save = control.should_evaluate = False  # the end of a stop is not the end of an epoch
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        values = {name: float(value) for name, value in (logs or {}).items() if _is_number(value)}
        values.pop("epoch", None)
        if not values and not _not_finite(logs or {}):
            return
        if any(name.startswith("eval_") for name in values):
            self.scores.setdefault(state.global_step, {}).update(values)
            return
        if "train_runtime" not in values:  # the summary at the end is of one attempt only
            now, steps = time.monotonic(), state.global_step - self._last
            batch = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
            if steps > 0 and now > self._since:
                values["samples_per_s"] = steps * batch / (now - self._since)
                if self._tokens is not None and "num_tokens" in values:
                    values["tokens_per_s"] = (values["num_tokens"] - self._tokens) / (now - self._since)
            self._tokens = values.get("num_tokens", self._tokens)
            self._since, self._last = now, state.global_step
        if "train_runtime" not in values:
            values |= self._use.read()
        if "loss" in values:
            self._reporter.set(loss=values["loss"])
        self._reporter.say(
            Logged(
                stage=self._stage,
                step=state.global_step,
                epoch=float(state.epoch or 0),
                values=values,
                not_finite=_not_finite(logs or {}),
            )
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        if not ranks.is_first():
            return
        began = time.monotonic()
        answers = answer(
            getattr(model, "module", model),
            self._processor,
            self._held_out,
            plain=self._plain,
            longest=self._looks.eval_max_new_tokens,
            batch=self._batch,
            stopped=lambda: self._reporter.stopped,
        )
        step = state.global_step
        values = self.scores.setdefault(step, {})
        if len(answers) == len(self._held_out):
            values.update(score(answers, [one.references for one in self._held_out]))
        self._reporter.say(Evaluated(stage=self._stage, step=step, values=dict(values)))
        if answers:
            self._reporter.say(Answers(stage=self._stage, step=step, answers=list(map(_kept, self._held_out, answers))))
        spent = time.monotonic() - began
        self._since += spent  # the speed of the training is without its evaluations
        self._began += spent


def _kept(example: Example, given: str) -> Answer:
    return Answer(
        row=example.row,
        prompt=example.prompt[-1].text[:2000],
        reference=example.answer[:2000],
        answer=given,
        pictures=[one.path for one in example.pictures if one.path],
    )


def _not_finite(logs: dict[str, Any]) -> dict[str, Literal["nan", "inf", "-inf"]]:
    """Return what is no number, as a word."""
    found: dict[str, Literal["nan", "inf", "-inf"]] = {}
    for name, value in logs.items():
        if isinstance(value, float) and not math.isfinite(value):
            found[name] = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
