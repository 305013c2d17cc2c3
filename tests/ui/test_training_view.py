"""The runs in the workbench: their list, a run's page with curves, state, answers and log, control, the panel."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from tests.unit.monitor.made import event_file, make_job, say, training, write_events
from vlmtui.monitor.protocol import Example, RunRow
from vlmtui.paths import runs_directory
from vlmtui.runs.events import Logged
from vlmtui.runs.folder import RunFolder
from vlmtui.runs.notes import read_notes
from vlmtui.settings import Settings
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.monitor.answers import answers_text, marked
from vlmtui.ui.monitor.run_view import RunView
from vlmtui.ui.monitor.runs_list import RunRows
from vlmtui.ui.monitor.words import bar, shown_rows


@pytest.fixture
def jobs() -> tuple[RunFolder, RunFolder]:
    """A run that is being trained by this process, and one that has finished."""
    root = runs_directory()
    going, over = make_job(root, "going", created=2_000.0), make_job(root, "over", created=1_000.0)
    write_events(going, training(200)[: 120 + 10], began=time.time() - 65)
    say(going, "running", stage="sft", step=120, steps=200, loss=0.9, eta_s=40.0)
    write_events(over, training(80, seed=2))
    say(over, "finished", stage="sft", step=80, steps=80, loss=0.5)
    going.log_file.write_text("the log begins\nWarning: a line to look for\nthe log ends\n")
    return going, over


def rows_of(app: VlmtuiApp, view: str = "training") -> RunRows:
    return app.workbench.query_one(f"#{view}").query_one(RunRows)


def page(app: VlmtuiApp) -> RunView:
    viewer = app.workbench.viewer
    assert isinstance(viewer, RunView)
    return viewer


async def test_runs_are_listed_opened_drawn_and_laid_over_each_other(
    make_shell: MakeApp, jobs: tuple[RunFolder, RunFolder], workspace: Path
) -> None:
    event_file(workspace / "theirs", {"train/loss": [(step, 1.0 / step) for step in range(1, 30)]})
    async with make_shell().run_test(size=(200, 60)) as pilot:
        app = await ready(pilot)
        await app.run_action("app.run_action_of('view.training')")
        await until(pilot, lambda: len(rows_of(app).rows) == 3)
        await until(pilot, lambda: "running 120/200 loss" in screen_text(pilot))
        await until(pilot, lambda: app.focused is rows_of(app))
        rows_of(app).go_to(str(jobs[0].path))
        await pilot.press("enter")
        await until(pilot, lambda: app.workbench.viewer.id == "run")
        await until(pilot, lambda: "grad_norm" in screen_text(pilot) and "120/200" in screen_text(pilot))
        await until(pilot, lambda: "going ×" in screen_text(pilot).splitlines()[0])  # by its name, not its folder's
        await until(pilot, lambda: app.focused is page(app).curves)
        await until(pilot, lambda: "Warning: a line to look for" in screen_text(pilot))  # the log's end, below
        await pilot.press("2")
        await until(pilot, lambda: "EVALUATIONS" in screen_text(pilot) and "no checkpoint" not in screen_text(pilot))
        await pilot.press("3")
        await until(pilot, lambda: "Which digit?" in screen_text(pilot) and "one" in screen_text(pilot))
        await pilot.press("5")
        await until(pilot, lambda: "model: demo" in screen_text(pilot))
        await pilot.press("4", "slash")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await type_text(pilot, "look for")
        await until(pilot, lambda: "the log begins" not in screen_text(pilot) and "look for" in screen_text(pilot))
        await pilot.press("escape", "1")
        app.workbench.show_part("explorer")
        rows_of(app).go_to(str(jobs[1].path))
        await pilot.press("v")
        await until(pilot, lambda: "a going · b over" in screen_text(pilot))
        await pilot.press("v")
        await until(pilot, lambda: "b over" not in screen_text(pilot))
        # What is written meanwhile is drawn, and the job has its line in the panel.
        write_events(jobs[0], training(200)[130:])
        say(jobs[0], "running", stage="sft", step=200, steps=200)
        await until(pilot, lambda: "200/200" in screen_text(pilot))
        await app.run_action("app.run_action_of('view.jobs')")
        await until(pilot, lambda: len(rows_of(app, "jobs").rows) == 2)
        say(jobs[0], "finished", stage="sft", step=200, steps=200)
        await until(pilot, lambda: [row.title for row in rows_of(app, "jobs").rows] == ["theirs"])
    # Closed and opened again, it draws the whole history.
    async with make_shell().run_test(size=(200, 60)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: app.workbench.viewer.id == "run" and "grad_norm" in screen_text(pilot))
        await until(pilot, lambda: page(app).details is not None and "200/200" in screen_text(pilot))


async def test_a_run_is_renamed_noted_put_away_stopped_and_deleted_once_confirmed(
    make_shell: MakeApp, jobs: tuple[RunFolder, RunFolder]
) -> None:
    going, over = jobs
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: app.runs_feed.started)  # there are runs: they are looked at without being asked
        await app.run_action("app.run_action_of('view.training')")
        await until(pilot, lambda: len(rows_of(app).rows) == 2 and app.focused is rows_of(app))
        rows_of(app).go_to(str(over.path))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press("ctrl+u")
        await type_text(pilot, "a better name")
        await pilot.press("enter")
        await until(pilot, lambda: "a better name" in screen_text(pilot))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"good", "space", "number_sign", *"keep", "enter")
        await until(pilot, lambda: read_notes(over.path).tags == ["keep"] and read_notes(over.path).note == "good")
        await pilot.press("slash", *"keep")
        await until(pilot, lambda: [row.title for row in rows_of(app).rows] == ["a better name"])
        await pilot.press("escape", "z")
        await until(pilot, lambda: len(rows_of(app).rows) == 1)
        await pilot.press("A")
        await until(pilot, lambda: len(rows_of(app).rows) == 2)
        rows_of(app).go_to(str(going.path))
        await pilot.press("delete")
        await until(pilot, lambda: any("stop it first" in problem.line for problem in app.problems))
        await pilot.press("s")
        await until(pilot, lambda: "writes a checkpoint and ends" in screen_text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: going.stop_file.exists() and app.screen is app.workbench)
        rows_of(app).go_to(str(over.path))
        await pilot.press("d")
        await until(pilot, lambda: "Delete a better name?" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.workbench)
        assert over.path.exists()
        await pilot.press("d")
        await until(pilot, lambda: "Delete a better name?" in screen_text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: not over.path.exists() and len(rows_of(app).rows) == 1)


async def test_a_run_of_somebody_else_is_left_alone(make_shell: MakeApp, workspace: Path) -> None:
    event_file(workspace / "theirs", {"loss": [(1, 1.0)]})
    async with make_shell().run_test(size=(120, 40), notifications=True) as pilot:
        app = await ready(pilot)
        assert not app.runs_feed.started  # this tool has no runs, and nobody has asked for others'
        await app.run_action("app.run_action_of('view.training')")
        await until(pilot, lambda: len(rows_of(app).rows) == 1 and app.focused is rows_of(app))
        await pilot.press("d")
        await until(pilot, lambda: "somebody" in screen_text(pilot))
        assert (workspace / "theirs").exists()


def test_what_differs_in_an_answer_is_marked() -> None:
    text = marked("a red circle", "a blue circle")
    assert text.plain == "a red circle "
    assert [text.plain[span.start : span.end] for span in text.spans if "error" in str(span.style)] == ["red"]
    assert "[blue]" in marked("a circle", "a blue circle").plain
    example = Example(
        row=1, prompt="\x1b[31mWhat?", reference="two", pictures=[], answers=[(5, "one"), (9, "one"), (12, "two")]
    )
    shown = answers_text([example], 80).plain
    assert "\x1b" not in shown
    assert "9  " not in shown  # the same as before is not said again
    assert "12  two" in shown


def test_words_find_runs_and_put_away_ones_are_hidden() -> None:
    rows = [
        RunRow(path="/a", kind="run", state="running", title="Digits", tags=["keep"]),
        RunRow(path="/b", kind="run", state="stopped", title="charts", archived=True),
    ]
    assert [row.path for row in shown_rows(rows, "keep dig", archived=False)] == ["/a"]
    assert [row.path for row in shown_rows(rows, "", archived=True)] == ["/a", "/b"]
    assert bar(0.5, 4) == "██··"


async def test_an_alert_is_a_toast_and_a_problem_that_leads_to_the_run(
    make_shell: MakeApp, jobs: tuple[RunFolder, RunFolder]
) -> None:
    going, over = jobs
    say(over, "failed", cause="it was over before")
    settings = Settings(device="cpu", dtype="float32", bell="on", alerts={"spke": 1.0}, alert_command="/no/such")
    async with make_shell(settings=settings).run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: any("alerts: " in problem.line for problem in app.problems))
        await until(pilot, lambda: len(app.runs_feed.rows) == 2)
        bad = Logged(stage="sft", step=140, values={}, not_finite={"loss": "nan"})
        write_events(going, [bad], began=time.time())
        await until(pilot, lambda: any("loss is NaN at step 140" in problem.line for problem in app.problems))
        found = [problem for problem in app.problems if problem.source == "Training"]
        assert [problem.path for problem in found] == [str(going.path)]  # once, and nothing of what was over before
        outside = "alert_command cannot be started: No such file or directory"
        await until(pilot, lambda: [p.line for p in app.problems if p.source == "Alerts"] == [outside])
        await app.run_action("app.run_action_of('view.problems')")
        await until(pilot, lambda: app.workbench.on_show("problems") is app.focused)
        await pilot.press("down", "enter")  # the newest is first
        await until(pilot, lambda: app.workbench.viewer.id == "run")
        await until(pilot, lambda: "▲ loss is NaN" in screen_text(pilot))
