"""Runs a batch: sends its files to the engine, keeps what comes back, and goes on when the engine dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import islice
from pathlib import Path

from vlmtui.batches.events import Begun, Done, Ended, Event, Loading, Paused, Resumed
from vlmtui.batches.finding import File
from vlmtui.batches.job import Job, Row
from vlmtui.batches.journal import Journal
from vlmtui.batches.pace import Pace
from vlmtui.batches.writing import line_of, write_rows
from vlmtui.engine.ask import loading_words
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Answer, Answers, BatchRow, Failed, Finished, Loaded, LoadProgress
from vlmtui.models.hardware import Quantize

_WINDOW = 1000  # files that the engine is told about at a time
_FIRST_GUESS = 8  # rows that may have been in the works when the engine died before it answered any
_DIED = "the engine died over this file; ask about it alone, or leave it out"


class Control:
    """What the user wants of a running batch."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._going = asyncio.Event()
        self._going.set()
        self.stopping = False

    @property
    def paused(self) -> bool:
        """Whether it is to wait."""
        return not self._going.is_set()

    async def pause(self) -> None:
        """Let the group that is being answered go, and wait; its files come first when it goes on."""
        if not self.stopping:
            self._going.clear()
            await self._client.stop()

    async def resume(self) -> None:
        """Go on."""
        self._going.set()

    async def stop(self) -> None:
        """End it; what is in the journal stays."""
        self.stopping = True
        self._going.set()
        await self._client.stop()

    async def may_go_on(self) -> None:
        """Return when it is not paused."""
        await self._going.wait()


class Run:
    """One run of a batch, over the files that are not done yet."""

    def __init__(
        self,
        job: Job,
        files: Sequence[File],
        out: Path,
        journal: Journal,
        client: EngineClient,
        *,
        device: str = "auto",
        dtype: str = "auto",
        quantize: Quantize = "none",
        again: bool = False,
    ) -> None:
        """`again`: files that failed before are done again."""
        self.control = Control(client)
        self._job = job
        self._files = files
        self._out = out
        self._journal = journal
        self._client = client
        self._device, self._dtype, self._quantize = device, dtype, quantize
        self._todo: dict[str, File] = {}
        self._failed = 0
        for file in files:
            row = journal.done.get(file.path)
            if row is None or (again and row.error):
                self._todo[file.path] = file
            elif row.error:
                self._failed += 1
        self._pace = Pace()
        self._model = ""
        self._where = ""
        self._group = 0  # rows of the last group that was answered
        self._most = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Do it; yields what happens, `Ended` last. A `Done` comes when its rows are on the disk.

        Raises:
            OSError: the journal or the result cannot be written.
        """
        yield Begun(total=len(self._files), done=self._done, failed=self._failed, out=str(self._out))
        if self._todo:
            self._write_live()
            failure = ""
            async with aclosing(self._work()) as work:
                async for event in work:
                    if isinstance(event, Failed):
                        failure = f"{event.cause}; {event.remedy}"
                    else:
                        yield event
            if self._todo:
                yield self._ended(failure)
                return
        self._write_result()
        yield self._ended("")

    async def _work(self) -> AsyncGenerator[Event | Failed, None]:
        """Answer what is to do, through deaths of the engine and pauses; `Failed` when it cannot go on."""
        while self._todo and not self.control.stopping:
            if self.control.paused:
                yield Paused()
                await self.control.may_go_on()
                yield Resumed()
                continue
            if self._client.loaded is None:
                failed = None
                async for event in self._load():
                    yield event
                    failed = event if isinstance(event, Failed) else failed
                if failed:
                    return
                continue
            answered = 0
            death: Failed | None = None
            async with aclosing(self._ask(list(islice(self._todo.values(), _WINDOW)))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Failed):
                        death = piece
                    else:
                        answered += len(piece.rows)
                        yield piece
            if death is not None:
                if death.code != "engine_died":
                    yield death
                    return
                if (row := self._after_death(answered)) is not None:
                    yield row

    async def _load(self) -> AsyncGenerator[Loading | Failed, None]:
        job = self._job
        loads = self._client.load(
            job.model,
            revision=job.revision or None,
            device=self._device,
            dtype=self._dtype,
            adapter=job.adapter,
            quantize=self._quantize,
        )
        async with aclosing(loads):
            async for event in loads:
                match event:
                    case LoadProgress():
                        yield Loading(line=f"loading {job.model}: {loading_words(event)}")
                    case Loaded():
                        self._model, self._where = event.name, event.device
                    case Failed():
                        yield event

    async def _ask(self, files: Sequence[File]) -> AsyncGenerator[Done | Failed, None]:
        """Ask about `files`; yields rows as they are kept, and `Failed` where the engine ends it."""
        self._pace.goes_on(time.monotonic())
        rows = [BatchRow(key=key, turns=self._job.turns(file.path)) for key, file in enumerate(files)]
        answers = self._client.batch(
            rows, sampling=self._job.sampling, resolution=self._job.resolution, most=self._most
        )
        async with aclosing(answers):
            async for event in answers:
                match event:
                    case Answers():
                        self._group = max(self._group, len(event.rows))
                        seconds = event.seconds / len(event.rows)
                        yield self._keep({files[answer.key]: self._row(files[answer.key], answer, seconds)
                                          for answer in event.rows})  # fmt: skip
                    case Failed():
                        yield event
                    case Finished():
                        return

    def _row(self, file: File, answer: Answer, seconds: float) -> Row:
        return Row(
            file=file.name,
            prompt=self._job.prompt,
            text=answer.text.strip(),
            error=f"{answer.cause}; {answer.remedy}" if answer.code else "",
            tokens=answer.tokens,
            seconds=round(seconds, 4),
            model=self._model,
        )

    def _keep(self, rows: dict[File, Row]) -> Done:
        """Put `rows` on the disk; return the event that shows them."""
        self._journal.add({file.path: row for file, row in rows.items()})
        if self._is_live:
            with self._out.open("ab") as out:
                out.writelines(line_of(row) for row in rows.values())
        for file, row in rows.items():
            del self._todo[file.path]
            self._failed += bool(row.error)
        self._pace.did(len(rows), time.monotonic())
        return Done(
            rows=tuple(rows.values()),
            paths=tuple(file.path for file in rows),
            done=self._done,
            failed=self._failed,
            total=len(self._files),
            rate=round(self._pace.rate, 3),
            left_s=self._pace.left(len(self._todo)),
            device=self._where,
        )

    def _after_death(self, answered: int) -> Done | None:
        """Let smaller groups be tried; where the smallest one kills the engine, its file gets a row that says so."""
        if self._most == 1 and not answered:
            self._most = self._group = 0
            file = next(iter(self._todo.values()))  # with groups of one row, files go in their order
            row = Row(file=file.name, prompt=self._job.prompt, error=_DIED, model=self._model)
            return self._keep({file: row})
        self._most = max(1, (self._most or self._group or _FIRST_GUESS) // 2)
        return None

    @property
    def _is_live(self) -> bool:
        return self._out.suffix.lower() == ".jsonl"

    def _write_live(self) -> None:
        """Write the lines that the journal has: after a kill the result may lack some."""
        if self._is_live:
            write_rows(self._out, list(self._journal.done.values()))

    def _write_result(self) -> None:
        """Write the whole result, in the order of the files; what an earlier run had besides comes last."""
        done = self._journal.done
        rows = [done[file.path] for file in self._files]
        asked = {file.path for file in self._files}
        write_rows(self._out, rows + [row for path, row in done.items() if path not in asked])

    @property
    def _done(self) -> int:
        return len(self._files) - len(self._todo)

    def _ended(self, failure: str) -> Ended:
        counts = {"done": self._done, "failed": self._failed, "total": len(self._files)}
        if failure:
            return Ended(reason="failed", line=failure, **counts)
        if self._todo:
            line = f"stopped after {self._done:,} of {len(self._files):,}; the same command goes on from there"
            return Ended(reason="stopped", line=line, **counts)
        files = f"{len(self._files):,} file{'s' if len(self._files) != 1 else ''}"
        failed = f", {self._failed:,} of them failed (the rows say why)," if self._failed else ""
        return Ended(reason="done", line=f"{files}{failed} in {self._out}", **counts)
