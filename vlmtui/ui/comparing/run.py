"""Asks all sides: of the model that the chat has, over it; of others, in engines of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import (
    Failed,
    Finished,
    Loaded,
    LoadProgress,
    Sampling,
    Side,
    SideSays,
    Started,
    Tokens,
    Turn,
)
from vlmtui.models.processor import Resolution
from vlmtui.ui.comparing.side import SideChoice, bare
from vlmtui.ui.engine_state import ModelChoice
from vlmtui.ui.session import Session

SideEvent = LoadProgress | Started | Tokens | Finished | Failed


class ComparingRun:
    """One comparison after the other; the models beside the chat's stay loaded until `close`, or until none is asked.

    Args:
        session: of the chat, whose model is asked where it stands.
        log: of the engines beside the chat's.
    """

    def __init__(self, session: Session, log: Path) -> None:
        self._session = session
        self._log = log
        self._own: dict[ModelChoice, EngineClient] = {}
        self._stopped = False

    def is_the_chats(self, model: ModelChoice) -> bool:
        """Return whether the chat's engine has this model."""
        choice = self._session.choice
        return self._session.loaded is not None and choice is not None and bare(choice) == model

    @property
    def pids(self) -> list[int]:
        """The processes of the engines beside the chat's."""
        return [client.pid for client in self._own.values() if client.pid is not None]

    async def ask(
        self, turns: Sequence[Turn], sides: Sequence[SideChoice], sampling: Sampling, resolution: Resolution
    ) -> AsyncGenerator[tuple[int, SideEvent], None]:
        """Ask; yield who says what, until each has said its last (`Finished` or `Failed`)."""
        self._stopped = False
        groups: dict[ModelChoice, list[int]] = {}
        for number, side in enumerate(sides):
            groups.setdefault(side.model, []).append(number)
        for model in [model for model in self._own if model not in groups]:
            await self._own.pop(model).close()
        events: asyncio.Queue[tuple[int, SideEvent] | None] = asyncio.Queue()

        async def group(model: ModelChoice, numbers: list[int]) -> None:
            ended: set[int] = set()
            asked = [Side(adapters=sides[number].adapters, system=sides[number].system) for number in numbers]
            try:
                async with aclosing(self._group(model, turns, asked, sampling, resolution)) as says:
                    async for event in says:
                        for at, piece in _each(event, len(numbers)):
                            if numbers[at] in ended:
                                continue
                            if isinstance(piece, Finished | Failed):
                                ended.add(numbers[at])
                            events.put_nowait((numbers[at], piece))
            except Exception as error:  # a defect of ours must not leave a column waiting for ever
                failed = Failed(id=0, code="internal", cause=f"{type(error).__name__}: {error}", remedy="ask again")
                for number in set(numbers) - ended:
                    events.put_nowait((number, failed))
            finally:
                events.put_nowait(None)

        tasks = [asyncio.create_task(group(model, numbers)) for model, numbers in groups.items()]
        try:
            open_groups = len(tasks)
            while open_groups:
                item = await events.get()
                if item is None:
                    open_groups -= 1
                else:
                    yield item
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _group(
        self,
        model: ModelChoice,
        turns: Sequence[Turn],
        asked: list[Side],
        sampling: Sampling,
        resolution: Resolution,
    ) -> AsyncGenerator[LoadProgress | SideSays | Finished | Failed, None]:
        if self.is_the_chats(model):
            async with aclosing(self._session.compare(turns, asked, sampling)) as events:
                async for event in events:
                    yield event
            return
        client = self._own.get(model)
        if client is None:
            client = self._own[model] = EngineClient(log=self._log)
        if client.loaded is None:
            async with aclosing(
                client.load(
                    model.model,
                    revision=model.revision,
                    device=model.device,
                    dtype=model.dtype,
                    quantize=model.quantize,
                    endpoint=model.endpoint,
                )
            ) as load:
                async for step in load:
                    if not isinstance(step, Loaded):
                        yield step
            if client.loaded is None:
                return
        if self._stopped:
            yield Finished(id=0, reason="stopped")
            return
        compared = client.compare(turns, asked, sampling=sampling, resolution=resolution)
        async with aclosing(compared) as answers:
            async for answer in answers:
                if not isinstance(answer, Loaded):
                    yield answer

    async def stop(self) -> None:
        """Stop all sides within a turn."""
        self._stopped = True
        await asyncio.gather(self._session.stop(), *(client.stop() for client in self._own.values()))

    async def close(self) -> None:
        """Give back the memory of the models beside the chat's."""
        clients = list(self._own.values())
        self._own.clear()
        await asyncio.gather(*(client.close() for client in clients))


def _each(event: LoadProgress | SideSays | Finished | Failed, count: int) -> list[tuple[int, SideEvent]]:
    """Return who says `event`: one side, or all of them."""
    if isinstance(event, SideSays):
        return [(event.side, event.event)]
    return [(number, event) for number in range(count)]
