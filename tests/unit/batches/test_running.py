"""A batch with an engine that dies: killed from outside, and over a file of its own."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tests.tiny_model import checkpoint
from vlmtui.batches.events import Done, Ended, Event, Paused, Resumed
from vlmtui.batches.finding import files_of
from vlmtui.batches.job import Job
from vlmtui.batches.journal import Journal, journal_of
from vlmtui.batches.running import Run
from vlmtui.engine.client import EngineClient
from vlmtui.engine.protocol import Answer, Answers, BatchRow, Failed, Finished, ImagePart, Sampling


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.effect_noise((64, 48), 80).convert("RGB").save(folder / f"{number}.png")
    return folder


def paths_in(journal: Path) -> list[str]:
    import json

    return [json.loads(line)["path"] for line in journal.read_text().splitlines()[1:]]


async def test_a_killed_engine_a_pause_and_a_stop_lose_nothing(tmp_path: Path) -> None:
    files = files_of([str(pictures(tmp_path / "pictures", 26))])
    job = Job(prompt="Hi", model=str(checkpoint("smolvlm")), sampling=Sampling(max_new_tokens=12))
    out = tmp_path / "r.jsonl"
    client = EngineClient(log=tmp_path / "log")
    seen: list[Event] = []
    try:
        with Journal(out, job) as journal:
            run = Run(job, files, out, journal, client)
            async for event in run.events():
                seen.append(event)
                groups = sum(isinstance(event, Done) for event in seen)
                if isinstance(event, Done):
                    assert set(event.paths) <= set(paths_in(journal_of(out)))  # before it is shown
                    if groups == 1:
                        assert client.pid is not None
                        os.kill(client.pid, signal.SIGKILL)
                    elif groups == 2:
                        await run.control.pause()
                if isinstance(event, Paused):
                    assert client.pid is not None  # the checkpoint stays loaded
                    await run.control.resume()
            assert any(isinstance(event, Resumed) for event in seen)
            assert isinstance(seen[-1], Ended)
            assert (seen[-1].reason, seen[-1].failed) == ("done", 0)
            assert set(Counter(paths_in(journal_of(out))).values()) == {1}
            assert len(out.read_bytes().splitlines()) == 26
    finally:
        await client.close()


class Deadly:
    """An engine that dies over every group with the picture `6.png` in it, and never answers more than `most`."""

    def __init__(self) -> None:
        self.loaded: object | None = None
        self.groups: list[int] = []

    async def load(self, *arguments: object, **options: object) -> AsyncIterator[Any]:
        self.loaded = object()
        return
        yield

    async def stop(self) -> None: ...

    async def batch(
        self, rows: Sequence[BatchRow], *, sampling: Sampling, resolution: str, most: int
    ) -> AsyncIterator[Answers | Finished | Failed]:
        size = most or 8
        for at in range(0, len(rows), size):
            group = rows[at : at + size]
            self.groups.append(len(group))
            for row in group:
                (part, _) = row.turns[-1].parts
                assert isinstance(part, ImagePart)
                if part.path.endswith("6.png"):
                    self.loaded = None
                    yield Failed(id=0, code="engine_died", cause="the engine died", remedy="")
                    return
            yield Answers(id=0, rows=tuple(Answer(key=row.key, text="yes", tokens=1) for row in group), seconds=1.0)
        yield Finished(id=0, reason="end")


async def test_a_file_that_kills_the_engine_is_found_and_left_out(tmp_path: Path) -> None:
    files = files_of([str(pictures(tmp_path / "pictures", 12))])
    job = Job(prompt="Hi")
    with Journal(tmp_path / "r.csv", job) as journal:
        client: Any = Deadly()
        events = [event async for event in Run(job, files, tmp_path / "r.csv", journal, client).events()]
        failed = [path for path, row in journal.done.items() if row.error]
        assert [Path(path).name for path in failed] == ["6.png"]
        assert len(journal.done) == 12
    assert isinstance(events[-1], Ended)
    assert (events[-1].reason, events[-1].failed) == ("done", 1)
    assert client.groups[:3] == [8, 4, 4]
    with Journal(tmp_path / "r.csv", job) as journal:  # again: that one alone, when it is wanted
        events = [event async for event in Run(job, files, tmp_path / "r.csv", journal, client).events()]
        assert [type(event).__name__ for event in events] == ["Begun", "Ended"]
        assert sum(1 for _ in Run(job, files, tmp_path / "r.csv", journal, client, again=True)._todo) == 1
