"""The sides of a comparison, without a model: what each is told, how each is answered, at an endpoint all at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vlmtui.engine.failures import EngineFailure, Stopped, failed, without_secrets
from vlmtui.engine.protocol import (
    Compare,
    Event,
    Failed,
    Finished,
    Generate,
    SideSays,
    Started,
    TextPart,
    Tokens,
    Turn,
)

if TYPE_CHECKING:
    from vlmtui.engine.remote import Remote

_log = logging.getLogger("vlmtui.engine")


def answer_side(
    request: Compare,
    number: int,
    run: Callable[[Generate, Callable[[Event], None]], None],
    send: Callable[[Event], None],
) -> None:
    """Have `run` answer for the side `number`; whatever happens, that side's last event is sent.

    Args:
        run: answers a request, and sends what comes of it to the function it is given.
        send: takes the events, each as what this side says.
    """

    def says(event: Event) -> None:
        assert isinstance(event, Started | Tokens | Finished | Failed)
        send(SideSays(id=request.id, side=number, event=event))

    system = request.sides[number].system
    told = (Turn(role="system", parts=(TextPart(text=system),)),) if system else ()
    question = Generate(
        id=request.id, turns=(*told, *request.turns), sampling=request.sampling, resolution=request.resolution
    )
    try:
        run(question, says)
    except Stopped:
        says(Finished(id=request.id, reason="stopped"))
    except BaseException as error:  # a library's SystemExit must not end the others either
        _log.warning("side %d of request %d failed: %s", number, request.id, without_secrets(repr(error)))
        says(failed(request.id, error))


def run_all(count: int, run: Callable[[int], None]) -> None:
    """Run `run` for each number below `count` in a thread of its own; return once all have ended."""
    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def compare_remotely(
    remote: Remote,
    request: Compare,
    *,
    send: Callable[[Event], None],
    stopped: Callable[[], bool],
    asked_at: float,
) -> None:
    """Answer `request` by an endpoint, which is asked for all sides at once: sends `SideSays`…, `Finished`.

    Raises:
        EngineFailure: a side has an adapter.
    """
    if any(side.adapters for side in request.sides):
        raise EngineFailure("no_model", "an endpoint answers: adapters need a model loaded here", "load one")

    def one(number: int) -> None:
        def run(question: Generate, says: Callable[[Event], None]) -> None:
            remote.generate(question, send=says, stopped=stopped, asked_at=asked_at)

        answer_side(request, number, run, send)

    run_all(len(request.sides), one)
    send(Finished(id=request.id, reason="stopped" if stopped() else "end"))
