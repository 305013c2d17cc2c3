"""Answers many conversations, several at a time: left-padded, with what costs alike together, as many as go well.

Each answer is the one that the conversation would get alone. Rows of a group are padded on the left and masked, so a
row sees nothing of another; only the order in which a sum is rounded may differ with the size of a group. Where two
tokens are equally likely to the last digits (a near-tie, as at half precision on a GPU), that may decide between them.
Sampled answers (a temperature above 0) share one stream of chance, and are others than alone.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from transformers.generation.stopping_criteria import StoppingCriteria, StoppingCriteriaList

from vlmtui.engine.failures import EngineFailure, Stopped, failed
from vlmtui.engine.generation import _settings as settings_of
from vlmtui.engine.generation import _stoppable_prompt as stoppable_prompt
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.prompting import prepare
from vlmtui.engine.protocol import Answer, Answers, Batch, BatchRow, Event, Finished

MOST = 256
"""Rows that are answered at a time, at most."""

_FIRST_TILES = 8  # in the first group of its kind
_GAIN = 1.05  # a larger group must answer so many times more a second, else the smaller one is kept
_HELD_BYTES = 512 * 1024 * 1024  # of pictures that wait for others of their kind

_log = logging.getLogger(__name__)


@dataclass
class _Ready:
    """A row whose prompt is made.

    Attributes:
        key: the row's.
        inputs: of `generate`.
        tiles, tokens: of the prompt.
        longest: answer that it has room for, in tokens.
        seconds: that making the prompt took.
    """

    key: int
    inputs: dict[str, Any]
    tiles: int
    tokens: int
    longest: int
    seconds: float

    @property
    def bytes(self) -> int:
        """What it takes while it waits."""
        return sum(value.numel() * value.element_size() for value in self.inputs.values())

    def kind(self, *, padded: bool) -> tuple[Any, ...]:
        """Return what rows have in common that are answered together."""
        pixels = self.inputs.get("pixel_values")
        shape = None if pixels is None else tuple(pixels.shape[-2:])
        masked = "pixel_attention_mask" in self.inputs
        return self.tiles, self.longest, shape, masked, 0 if padded else self.tokens


class Trial:
    """Finds how many rows of one kind are best answered at a time: doubled while that answers more a second."""

    def __init__(self, first: int, most: int = MOST) -> None:
        self.size = min(first, most)
        self._most = most
        self._best = 0
        self._rate = 0.0
        self.settled = False

    def took(self, rows: int, seconds: float, *, may_grow: bool) -> None:
        """Learn from a group of `rows`; one that was not full says nothing."""
        if self.settled or rows < self.size or seconds <= 0:
            return
        rate = rows / seconds
        if rate < self._rate * _GAIN:
            self.size, self.settled = self._best, True
            return
        self._best, self._rate = rows, rate
        if rows < self._most and may_grow:
            self.size = min(2 * rows, self._most)
        else:
            self.settled = True

    def too_many(self, rows: int) -> None:
        """Learn that memory ran out with `rows`: from now on at most half of them."""
        self._most = self.size = max(1, rows // 2)
        self.settled = True


class Sizes:
    """How many rows of each kind are answered at a time, while a checkpoint stays loaded."""

    def __init__(self) -> None:
        self._trials: dict[tuple[Any, ...], Trial] = {}

    def of(self, kind: tuple[Any, ...]) -> Trial:
        """Return what is known about rows of `kind`, whose first item is their number of tiles."""
        if kind not in self._trials:
            self._trials[kind] = Trial(max(1, _FIRST_TILES // max(1, kind[0])))
        return self._trials[kind]


def answer(
    checkpoint: Checkpoint,
    request: Batch,
    *,
    sizes: Sizes,
    send: Callable[[Event], None],
    stopped: Callable[[], bool],
) -> None:
    """Answer the rows of `request`: sends `Answers` for each group, then `Finished`.

    A row that cannot be answered gets an `Answer` that says why, and the others go on.

    Args:
        checkpoint: what answers.
        request: the conversations, and how tokens are chosen.
        sizes: how many go at a time; what is found out is kept there.
        send: takes the events.
        stopped: whether the user has said stop; asked at each layer of a prompt and at each token.

    Raises:
        Stopped: rows whose `Answers` were not sent yet are not answered.
        EngineFailure: no row can be answered any more, e.g. because the GPU failed.
    """
    _Work(checkpoint, request, sizes, send, stopped).run()
    send(Finished(id=request.id, reason="end"))


class _Work:
    """One request: rows wait, by kind, until there are enough of them to be answered together."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        request: Batch,
        sizes: Sizes,
        send: Callable[[Event], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._checkpoint = checkpoint
        self._request = request
        self._sizes = sizes
        self._send = send
        self._stopped = stopped
        self._waiting: dict[tuple[Any, ...], list[_Ready]] = {}
        # A penalty for repetition counts the tokens of the padding too.
        self._padded = request.sampling.repetition_penalty == 1.0

    def run(self) -> None:
        """Answer all rows."""
        if self._request.sampling.seed is not None:
            torch.manual_seed(self._request.sampling.seed)
        for row in self._request.rows:
            self._check()
            began = time.perf_counter()
            try:
                ready = self._prepared(row)
            except Exception as error:  # whatever is wrong with a file is a row of the result
                self._send_failure(row.key, error, time.perf_counter() - began)
                continue
            # Other families' inputs are not ours to lay together.
            kind = ready.kind(padded=self._padded) if self._checkpoint.in_family else (0, row.key)
            group = self._waiting.setdefault(kind, [])
            group.append(ready)
            if not self._checkpoint.in_family or len(group) >= self._at_most(kind):
                self._answer_waiting(kind)
            elif sum(waiting.bytes for group in self._waiting.values() for waiting in group) > _HELD_BYTES:
                self._answer_waiting(max(self._waiting, key=lambda kind: sum(r.bytes for r in self._waiting[kind])))
        for kind in list(self._waiting):
            self._answer_waiting(kind)

    def _check(self) -> None:
        if self._stopped():
            raise Stopped

    def _prepared(self, row: BatchRow) -> _Ready:
        began = time.perf_counter()
        prompt = prepare(self._checkpoint, row.turns, self._request.resolution, self._check)
        room = self._checkpoint.loaded.context - prompt.tokens
        return _Ready(
            key=row.key,
            inputs=prompt.inputs,
            tiles=prompt.tiles,
            tokens=prompt.tokens,
            longest=max(1, min(self._request.sampling.max_new_tokens, room)),
            seconds=time.perf_counter() - began,
        )

    def _at_most(self, kind: tuple[Any, ...]) -> int:
        size = self._sizes.of(kind).size
        return min(size, self._request.most) if self._request.most else size

    def _answer_waiting(self, kind: tuple[Any, ...]) -> None:
        """Answer all rows of `kind` that wait, in groups; a group that memory is too small for in smaller ones."""
        waiting = self._waiting.pop(kind)
        while waiting:
            count = min(len(waiting), self._at_most(kind) if self._checkpoint.in_family else 1)
            group = waiting[:count]
            try:
                self._answer_group(kind, group)
            except Exception as error:
                failure = failed(self._request.id, error)
                if failure.code == "bad_device":  # nothing will be answered any more
                    raise
                if count == 1:
                    self._send_failure(group[0].key, error, group[0].seconds)
                else:
                    if failure.code != "out_of_memory":
                        _log.warning("a group of %d rows failed: %s", count, failure.cause)
                    self._sizes.of(kind).too_many(count)
                    count = 0
            del waiting[:count]
            if count == 0:  # out of the handler: the error held on to every tensor of the group
                _free_memory()

    def _answer_group(self, kind: tuple[Any, ...], group: list[_Ready]) -> None:
        began = time.perf_counter()
        before = _memory_used()
        answers = _answers(self._checkpoint, self._request, group, self._check)
        seconds = time.perf_counter() - began
        if self._checkpoint.in_family:
            grown = max(0, _memory_used() - before)
            self._sizes.of(kind).took(len(group), seconds, may_grow=4 * grown < psutil.virtual_memory().available)
        seconds += sum(row.seconds for row in group)
        self._send(Answers(id=self._request.id, rows=tuple(answers), seconds=seconds))

    def _send_failure(self, key: int, error: Exception, seconds: float) -> None:
        if not isinstance(error, EngineFailure):
            _log.warning("row %d failed: %s", key, error, exc_info=error)
        failure = failed(self._request.id, error)
        row = Answer(key=key, code=failure.code, cause=failure.cause, remedy=failure.remedy)
        self._send(Answers(id=self._request.id, rows=(row,), seconds=seconds))


def _answers(checkpoint: Checkpoint, request: Batch, group: list[_Ready], check: Callable[[], None]) -> list[Answer]:
    """Return the answers to a group of rows of one kind, in their order."""
    model, tokenizer = checkpoint.model, checkpoint.processor.tokenizer
    inputs = _together([row.inputs for row in group], model.generation_config.pad_token_id or 0)
    halt = _Halt(check)
    with torch.inference_mode(), stoppable_prompt(model, check) as prompt_done:
        halt.on_first = prompt_done
        made = model.generate(
            **inputs,
            **settings_of(request.sampling),
            max_new_tokens=group[0].longest,
            stopping_criteria=StoppingCriteriaList([halt]),
        )
    ends = model.generation_config.eos_token_id
    ends = {ends} if isinstance(ends, int) else set(ends or ())
    answers: list[Answer] = []
    for row, ids in zip(group, made[:, inputs["input_ids"].shape[1] :].tolist(), strict=True):
        count = next((at for at, token in enumerate(ids, 1) if token in ends), len(ids))
        text = tokenizer.decode(ids[:count], skip_special_tokens=True, clean_up_tokenization_spaces=False)
        answers.append(Answer(key=row.key, text=text, tokens=count))
    return answers


def _together(inputs: list[dict[str, Any]], padding: int) -> dict[str, Any]:
    """Return the inputs of several rows as one: ids (rows x tokens) padded on the left, pixels (rows x tiles x …)."""
    if len(inputs) == 1:
        return inputs[0]
    longest = max(int(row["input_ids"].shape[1]) for row in inputs)
    joined: dict[str, Any] = {}
    for name, first in inputs[0].items():
        values = [row[name] for row in inputs]
        if first.dim() == 2:  # ids and their mask, 1 x tokens
            filler = padding if name == "input_ids" else 0
            values = [torch.nn.functional.pad(v, (longest - v.shape[1], 0), value=filler) for v in values]
        joined[name] = torch.cat(values)
    return joined


class _Halt(StoppingCriteria):
    """Leaves the generation after the token during which the user said stop."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._mask: torch.Tensor | None = None
        self.on_first: Callable[[], None] = lambda: None

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self._check()
        if self._mask is None:
            self.on_first()
            self._mask = torch.zeros(input_ids.shape[0], device=input_ids.device, dtype=torch.bool)
        return self._mask


def _memory_used() -> int:
    """Return the most bytes of memory that this process ever had; where the system does not say, what it has now."""
    try:
        import resource
        import sys

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    except ImportError:
        return int(psutil.Process().memory_info().rss)


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
