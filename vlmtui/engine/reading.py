"""Which part of a prompt has to be read now: not what the last answer already knew, nor pictures that were seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from transformers.modeling_outputs import BaseModelOutputWithPooling

from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.looking import look, whose
from vlmtui.engine.prompting import Prompt


class Reading:
    """One prompt, read with what the checkpoint remembers; afterwards the checkpoint remembers this one.

    Whoever does not reach `done` (a failure) leaves no conversation behind. Checkpoints of other families lay out
    pictures in ways of their own: they read everything anew.

    Attributes:
        known_tokens: of the prompt, read before and not again.
        known_pictures: that are not looked at again; true after `inputs`.
        saved_s: what reading and seeing them took before; true after `done`.
    """

    def __init__(self, checkpoint: Checkpoint, prompt: Prompt, clock: Callable[[], float] = time.perf_counter) -> None:
        self._checkpoint = checkpoint
        self._prompt = prompt
        self._memory = checkpoint.memory
        self._past = None
        self._marks: list[int] = []
        self._clock = clock
        self._began = 0.0
        self.known_pictures = 0
        self.saved_s = 0.0
        if checkpoint.in_family:
            self._marks = prompt.marks()
            config = checkpoint.model.config.get_text_config(decoder=True)
            self._past = self._memory.recall(self._marks, whose(checkpoint), config)
        self.known_tokens = len(self._past) if self._past is not None else 0

    def inputs(self) -> dict[str, Any]:
        """Return keyword arguments of `generate`; the vision tower sees here what it has not seen.

        The ids are those of the whole prompt: `generate` itself leaves out what its cache holds.
        """
        if self._past is None:
            return self._prompt.ids
        inputs = self._prompt.ids | {"past_key_values": self._past.cache} | self._features()
        self._began = self._clock()
        return inputs

    def _features(self) -> dict[str, Any]:
        """Return the features of exactly the image tokens that are to be read."""
        ids = self._prompt.ids["input_ids"]
        skipped = int((ids[0, : self.known_tokens] == self._prompt.image_id).sum())
        rows = []
        for medium in self._prompt.media:
            if medium.seen is None:  # the same picture may stand earlier in this very prompt
                medium.seen = self._memory.features.get(medium.key)
            if medium.seen is not None:
                self.saved_s += medium.seen.seconds
            self.known_pictures += medium.seen is not None or medium.tokens <= skipped
            if medium.tokens > skipped:
                rows.append(look(self._checkpoint, medium, self._memory)[skipped:].to(ids.device))
            skipped = max(0, skipped - medium.tokens)
        if not rows:
            return {}
        return {"mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=rows)}}

    def done(self, answer: list[int], first: float) -> None:
        """Keep the conversation.

        Args:
            answer: the tokens that `generate` made.
            first: when the first of them came, by the same clock.
        """
        if self._past is None:
            return
        self.saved_s += self.known_tokens * self._memory.seconds_a_token
        if answer:
            self._memory.learn_speed(self._prompt.tokens - self.known_tokens, first - self._began)
        self._memory.keep(self._past, self._marks + answer)
