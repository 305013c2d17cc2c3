"""Answers a conversation: streams the text while it is made, stops within a token, measures honestly."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from transformers.generation.stopping_criteria import StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from vlmtui.engine.detokenizing import Detokenizer
from vlmtui.engine.failures import Stopped
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.prompting import prepare
from vlmtui.engine.protocol import Event, Finished, Generate, Sampling, Started, Tokens
from vlmtui.engine.reading import Reading

FLUSH_S = 1 / 20
"""Text is held back this long at most while tokens come, so that the terminal paints 20 times a second at most."""


def generate(
    checkpoint: Checkpoint,
    request: Generate,
    *,
    send: Callable[[Event], None],
    stopped: Callable[[], bool],
    asked_at: float,
    clock: Callable[[], float] = time.perf_counter,
    between: Callable[[], None] | None = None,
) -> None:
    """Answer `request`: sends `Started`, `Tokens`…, `Finished`.

    Args:
        checkpoint: what answers.
        request: the conversation, and how tokens are chosen.
        send: takes the events.
        stopped: whether the user has said stop; asked at each layer of the prompt and at each token.
        asked_at: when the request arrived, by `clock`.
        clock: what time is measured by, in seconds.
        between: called after each token: others may have a turn there.

    Raises:
        Stopped: before the first token.
        EngineFailure: a picture, a video or the prompt's length is at fault.
    """

    def check() -> None:
        if stopped():
            raise Stopped

    beams = request.sampling.beams
    # Beams each need a memory of their own: they read everything anew.
    prompt = prepare(checkpoint, request.turns, request.resolution, check, checkpoint.memory if beams == 1 else None)
    check()
    send(Started(id=request.id, prompt_tokens=prompt.tokens, image_tokens=prompt.image_tokens, tiles=prompt.tiles))
    room = checkpoint.loaded.context - prompt.tokens
    stream = _Stream(request.id, Detokenizer(checkpoint.processor.tokenizer), send, clock)
    halt = _Halt(stopped, clock, between)
    if request.sampling.seed is not None:
        torch.manual_seed(request.sampling.seed)
    reading = Reading(checkpoint, prompt, clock) if beams == 1 else None
    try:
        with torch.inference_mode(), _stoppable_prompt(checkpoint.model, check) as prompt_done:
            stream.on_first = halt.on_first = prompt_done
            made = checkpoint.model.generate(
                **(prompt.inputs if reading is None else reading.inputs()),
                **_settings(request.sampling),
                max_new_tokens=max(1, min(request.sampling.max_new_tokens, room)),
                streamer=stream if beams == 1 else None,
                stopping_criteria=StoppingCriteriaList([halt]),
            )
            if beams > 1:
                stream.take(made[0, prompt.tokens :].tolist(), halt.first)
    except Stopped:
        pass  # while the prompt was read: `Finished` below says it with what there is
    if reading is not None:
        reading.done(stream.ids, stream.first)
    stream.finish()
    send(
        Finished(
            id=request.id,
            reason=_reason(halt, stream, checkpoint.model.generation_config.eos_token_id, stopped),
            prompt_tokens=prompt.tokens,
            image_tokens=prompt.image_tokens,
            completion_tokens=stream.count,
            ttft_s=stream.first - asked_at if stream.count else 0.0,
            tokens_per_s=stream.tokens_per_s,
            pictures=len(prompt.media),
            known_pictures=reading.known_pictures if reading is not None else 0,
            known_tokens=reading.known_tokens if reading is not None else 0,
            saved_s=reading.saved_s if reading is not None else 0.0,
        )
    )


def _settings(sampling: Sampling) -> dict[str, Any]:
    """Return the arguments of `generate` for `sampling`; each is given, so that no checkpoint's own default acts."""
    if sampling.temperature <= 0:
        return {
            "do_sample": False,
            "temperature": None,
            "top_p": None,
            "top_k": None,
            "repetition_penalty": sampling.repetition_penalty,
            "num_beams": sampling.beams,
        }
    return {
        "do_sample": True,
        "num_beams": sampling.beams,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "repetition_penalty": sampling.repetition_penalty,
    }


def _reason(halt: _Halt, stream: _Stream, ends: Any, stopped: Callable[[], bool]) -> Any:
    ends = {ends} if isinstance(ends, int) else set(ends or ())
    if stream.ids and stream.ids[-1] in ends:
        return "end"
    return "stopped" if halt.stopped or (not stream.count and stopped()) else "length"


class _Halt(StoppingCriteria):
    """Ends the generation after the token during which the user said stop."""

    def __init__(
        self, stopped: Callable[[], bool], clock: Callable[[], float], between: Callable[[], None] | None
    ) -> None:
        self._asked = stopped
        self._clock = clock
        self._between = between
        self._masks: dict[bool, torch.Tensor] = {}
        self.stopped = False
        self.on_first: Callable[[], None] = lambda: None
        self.first = 0.0

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        if not self.first:
            self.first = self._clock()
            self.on_first()
        if self._between is not None:
            self._between()
        self.stopped = self._asked()
        mask = self._masks.get(self.stopped)
        if mask is None:  # made once: this is called at each token
            mask = torch.full((input_ids.shape[0],), self.stopped, device=input_ids.device, dtype=torch.bool)
            self._masks[self.stopped] = mask
        return mask


class _Stream(BaseStreamer):
    """Takes tokens from `generate` in its own thread and sends text: the first at once, then at most 20 times a second.

    Decoding happens when text is sent, not at each token: it costs a fast model nothing.
    """

    def __init__(
        self, request: int, text: Detokenizer, send: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self._request = request
        self._clock = clock
        self._text = text
        self._send = send
        self._sent_at = float("-inf")
        self._unsent = 0
        self._prompt_seen = False
        self.on_first: Callable[[], None] = lambda: None
        self.ids: list[int] = []
        self.first = 0.0
        self._latest = 0.0

    @property
    def count(self) -> int:
        """Tokens so far."""
        return len(self.ids)

    @property
    def tokens_per_s(self) -> float:
        """Over the tokens after the first; 0.0 for fewer than two."""
        return (self.count - 1) / (self._latest - self.first) if self.count > 1 and self._latest > self.first else 0.0

    def put(self, value: torch.Tensor) -> None:
        """Take the prompt (first call, ignored) or one token."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        now = self._clock()
        token = int(value.item())
        self._text.add(token)
        self.ids.append(token)
        self._unsent += 1
        self._latest = now
        if len(self.ids) == 1:
            self.first = now
            self.on_first()
        if now - self._sent_at >= FLUSH_S:
            self._sent_at = now
            self._flush(self._text.take())

    def take(self, ids: list[int], first: float) -> None:
        """Take a whole answer, whose first token was chosen at `first` by the clock."""
        for token in ids:
            self._text.add(token)
        self.ids += ids
        self._unsent += len(ids)
        self.first, self._latest = first, self._clock()

    def end(self) -> None:
        """Called by `generate`; `finish` does the work, also after a failure."""

    def finish(self) -> None:
        """Send what is left, whatever was held back."""
        rest = self._text.finish()
        if rest or self._unsent:
            self._flush(rest)

    def _flush(self, text: str) -> None:
        if text or self._unsent:
            self._send(Tokens(id=self._request, text=text, count=self._unsent))
            self._unsent = 0


@contextlib.contextmanager
def _stoppable_prompt(model: Any, check: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Let a stop end the reading of the prompt too, which takes a minute for seventeen tiles on a CPU.

    A check before each part of each layer, vision and text (a whole layer of vision takes seconds then); yields what
    takes the checks away again, to be called at the first token: they would cost a small model speed.
    """
    handles = [
        module.register_forward_pre_hook(lambda *_: check())
        for module in model.modules()
        if next(module.children(), None) is None
    ]

    def remove() -> None:
        while handles:
            handles.pop().remove()

    try:
        yield remove
    finally:
        remove()
