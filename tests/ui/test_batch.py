"""Asking about every file from the explorer: the dialog, the rows as they come, pause, stop, errors, and going on."""

from __future__ import annotations

import json
from pathlib import Path

from textual.widgets import DataTable, Input

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.batches.command import add_options, read_job
from vlmtui.batches.job import Job
from vlmtui.batches.journal import Journal
from vlmtui.batches.words import words_of
from vlmtui.engine.protocol import Sampling
from vlmtui.models.sampling import FrameSampling
from vlmtui.settings import Settings


def test_a_job_is_the_words_of_its_command() -> None:
    import argparse

    for frames in (FrameSampling(frames=3), FrameSampling(mode="fps", fps=0.5)):
        job = Job(
            prompt="--What\nis it?",
            system="",
            frames=frames,
            sampling=Sampling(max_new_tokens=7, temperature=0.3),
            model="owner/name",
            revision="abc",
            paths=("/a b", "/c"),
        )
        parser = argparse.ArgumentParser()
        add_options(parser)
        for name in ("model", "revision", "device", "dtype", "quantize"):
            parser.add_argument(f"--{name}")
        options = parser.parse_args(words_of(job, Path("/out.csv"))[1:])
        _, read = read_job(options, Settings(system_prompt="Be brief.", max_new_tokens=99))
        assert not read.difference(job)
        assert (options.paths, options.out) == (["/a b", "/c"], "/out.csv")


async def test_every_file_of_a_folder_with_one_that_fails(make_app: MakeApp, workspace: Path, tiny: Path) -> None:
    (workspace / "more" / "broken.png").write_bytes(b"no picture")
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("b")  # the cursor is on the folder `more`
        await until(pilot, lambda: app.screen.id == "batch-dialog")
        assert "Ask about 2 pictures in more" in screen_text(pilot)
        assert "share the CPU" in screen_text(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "Type a question" in screen_text(pilot))
        await pilot.press("tab", "enter")  # the first preset
        assert app.screen.query_one("#batch-prompt", Input).value == "Write a short caption for this image."
        field = app.screen.query_one("#batch-out", Input)
        assert (field.value, field.has_focus) == ("answers.jsonl", True)
        field.value = "answers.txt"
        await pilot.press("enter")
        await until(pilot, lambda: "must end with" in screen_text(pilot))
        field.value = "captions.csv"
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.batch_run is not None and app.workbench.batch_run.state == "done")
        table = app.screen.query_one(DataTable)
        await until(pilot, lambda: table.row_count == 2)
        await until(pilot, lambda: "1 of them failed" in screen_text(pilot))
        assert app.focused is table
        await pilot.press("e")
        await until(pilot, lambda: table.row_count == 1)
        await until(pilot, lambda: "× broken" in screen_text(pilot))
        await pilot.press("e")
        await until(pilot, lambda: table.row_count == 2)
        inside = next(shown for shown in app.workbench.batch_run.rows if not shown.row.error)  # type: ignore[union-attr]
        table.move_cursor(row=app.workbench.batch_run.rows.index(inside))  # type: ignore[union-attr]
        await pilot.press("enter")
        await until(
            pilot, lambda: app.workbench.editors.shown and app.workbench.editors.shown.path.name == "inside.png"
        )
        await app.workbench.action_show_batch()
        await pilot.press("o")
        await until(pilot, lambda: app.workbench.viewer.id == "dataset")
    assert (workspace / "captions.csv").read_text().startswith("file,prompt,text")


async def test_pause_stop_and_going_on_later(
    make_app: MakeApp, make_shell: MakeApp, workspace: Path, tiny: Path
) -> None:
    for number in range(30):
        (workspace / "more" / f"{number}.png").write_bytes((workspace / "picture1.png").read_bytes())
    app = make_app(settings=Settings(device="cpu", dtype="float32", graphics="half-block", max_new_tokens=200))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("b")
        await until(pilot, lambda: app.screen.id == "batch-dialog")
        await type_text(pilot, "Hi")
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.batch_run is not None)
        run = app.workbench.batch_run
        assert run is not None
        await until(pilot, lambda: run.rows)
        await pilot.press("p")
        await until(pilot, lambda: run.state == "paused")
        await until(pilot, lambda: "paused ·" in screen_text(pilot))
        assert 0 < run.done < 31
        await pilot.press("p")
        await until(pilot, lambda: run.state == "running")
        await pilot.press("x")
        await until(pilot, lambda: run.state == "stopped")
        done = run.done
        assert done < 31
        shell = make_shell()  # another window, as on another day
        async with shell.run_test(size=(120, 40)) as other:
            await shell.workbench.action_show_batch()
            await until(other, lambda: f"{done} of 31" in screen_text(other))
        await pilot.press("p")  # begins where it was
        await until(pilot, lambda: app.workbench.batch_run is not run)
        await until(pilot, lambda: app.workbench.batch_run is not None and app.workbench.batch_run.state == "done")
        await until(pilot, lambda: app.screen.query_one(DataTable).row_count == 31)
    rows = [json.loads(line) for line in (workspace / "answers.jsonl").read_text().splitlines()]
    assert len({row["file"] for row in rows}) == len(rows) == 31


async def test_what_cannot_begin_says_why(make_shell: MakeApp, workspace: Path) -> None:
    app = make_shell()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "picture1" in screen_text(pilot))
        await app.workbench.action_show_batch()
        await until(pilot, lambda: "No batch runs" in screen_text(pilot))
        with Journal(workspace / "other.csv", Job(prompt="Why?")):
            pass
        app.workbench._begin_batch(app.workbench._job("Hi", [workspace]), workspace / "other.csv")
        await until(pilot, lambda: app.workbench.batch_run is not None and app.workbench.batch_run.state == "failed")
        await until(pilot, lambda: "belongs to a batch" in screen_text(pilot))
        assert any("another prompt" in problem.line for problem in app.problems)
