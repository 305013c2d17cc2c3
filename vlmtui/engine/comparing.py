"""The same asked of several sides: one base in memory, each side with its adapters and its system prompt.

Each side is an ordinary answer in a thread of its own, but only one of them runs at a time: they take turns of a tenth
of a second at the tokens' ends, and the adapters are switched in between. So all of them stream, each says what it
would say alone to the last token, and nothing is in memory twice but their conversations.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import torch

from vlmtui.engine import adapting
from vlmtui.engine.failures import Stopped
from vlmtui.engine.generation import generate
from vlmtui.engine.loading import Checkpoint
from vlmtui.engine.protocol import Compare, Event, Finished, Generate, Side
from vlmtui.engine.sides import answer_side, run_all

TURN_S = 0.1
"""A turn ends with the first token after so long: switching adapters takes milliseconds."""


def answer(
    checkpoint: Checkpoint, request: Compare, *, send: Callable[[Event], None], stopped: Callable[[], bool]
) -> None:
    """Answer `request`: sends `SideSays`…, `Finished`.

    Args:
        checkpoint: the base; its adapters and its conversation are afterwards as before.
        request: what is asked, and of whom.
        send: takes the events; called from one thread at a time.
        stopped: whether the user has said stop.

    Raises:
        Stopped: before any side has begun.
        EngineFailure: an adapter cannot be used.
    """

    def check() -> None:
        if stopped():
            raise Stopped

    before = checkpoint.over.uses
    try:
        turns, views = _taking_turns(checkpoint, request.sides, check)

        def one(number: int) -> None:
            clock = turns.clock_of(number)

            def run(question: Generate, says: Callable[[Event], None]) -> None:
                turns.wait(number)
                generate(
                    views[number],
                    question,
                    send=says,
                    stopped=stopped,
                    asked_at=clock(),
                    clock=clock,
                    between=lambda: turns.offer(number),
                )

            try:
                answer_side(request, number, run, send)
            finally:
                turns.leave(number)

        run_all(len(views), one)
    finally:
        adapting.lay_over(checkpoint.model, checkpoint.over, before, lambda: None)
    send(Finished(id=request.id, reason="stopped" if stopped() else "end"))


def _taking_turns(
    checkpoint: Checkpoint, sides: Sequence[Side], check: Callable[[], None]
) -> tuple[Turns, list[Checkpoint]]:
    """Have all adapters in memory; return who takes turns, and the checkpoint as each side sees it."""
    loaded, over = checkpoint.loaded, checkpoint.over
    for side in sides:
        adapting.check(side.adapters, loaded.name, checkpoint.folder, loaded.quantize)
    weights = [adapting.read(checkpoint.model, over, side.adapters, check) for side in sides]
    views = [
        dataclasses.replace(
            checkpoint,
            loaded=msgspec.structs.replace(loaded, adapters=side.adapters),
            memory=checkpoint.memory.beside(),
            over=over.beside(side.adapters),
        )
        for side in sides
    ]
    if any(weights) or over.uses:
        switch = adapting.switch_of(checkpoint.model)
        turns = Turns(len(sides), lambda number: switch(weights[number]), checkpoint.model.device)
    else:  # they differ in what they are told: nothing is switched
        turns = Turns(len(sides), lambda number: None, checkpoint.model.device)
    # Other families keep something of the prompt in the model itself: each of their answers is one turn.
    turns.whole = not checkpoint.in_family
    return turns, views


class Turns:
    """Who of several threads may run: one at a time, in a circle.

    Args:
        count: how many there are.
        enter: called with the number of who begins a turn, before it does.
        device: of the model, for its random numbers.
    """

    def __init__(self, count: int, enter: Callable[[int], None], device: torch.device) -> None:
        self._enter = enter
        self._device = device
        self._changed = threading.Condition()
        self._left = list(range(count))
        self._now = 0
        self._acting: int | None = None
        self._since = 0.0
        self._own = [0.0] * count
        self._random: dict[int, list[torch.Tensor]] = {}
        self.whole = False
        """Whether a turn is a whole answer."""

    def wait(self, number: int) -> None:
        """Wait for the turn of `number`, and begin it."""
        with self._changed:
            self._changed.wait_for(lambda: self._now == number)
        if self._acting != number:
            self._enter(number)
            self._acting = number
        if number in self._random:
            self._restore_random(self._random.pop(number))
        self._since = time.perf_counter()

    def offer(self, number: int) -> None:
        """End the turn of `number` where it was long enough and others wait; return in its next one."""
        now = time.perf_counter()
        if self.whole or now - self._since < TURN_S or len(self._left) == 1:
            return
        self._own[number] += now - self._since
        self._random[number] = self._save_random()
        self._pass_on(number, keep=True)
        self.wait(number)

    def leave(self, number: int) -> None:
        """End the last turn of `number`."""
        self._pass_on(number, keep=False)

    def clock_of(self, number: int) -> Callable[[], float]:
        """Return a clock of the seconds in turns of `number` alone; to be read in them."""
        return lambda: self._own[number] + time.perf_counter() - self._since

    def _pass_on(self, number: int, *, keep: bool) -> None:
        with self._changed:
            at = self._left.index(number)
            if not keep:
                del self._left[at]
                at -= 1
            if self._left:
                self._now = self._left[(at + 1) % len(self._left)]
            self._changed.notify_all()

    def _save_random(self) -> list[torch.Tensor]:
        """Return the random numbers' states: a side with a seed says what it says alone."""
        states = [torch.get_rng_state()]
        if self._device.type == "cuda":
            states.append(torch.cuda.get_rng_state(self._device))
        return states

    def _restore_random(self, states: list[torch.Tensor]) -> None:
        torch.set_rng_state(states[0])
        if len(states) > 1:
            torch.cuda.set_rng_state(states[1], self._device)
