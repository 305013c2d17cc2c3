"""A run's recipe as a new one: changed in the form, the difference shown before it starts, the origin remembered."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from tests.unit.monitor.made import make_job, say, training, write_events
from vlmtui.paths import runs_directory
from vlmtui.runs.folder import RunFolder, every
from vlmtui.ui.monitor.run_view import RunView
from vlmtui.ui.monitor.runs_list import RunRows
from vlmtui.ui.screens.confirm import Confirm
from vlmtui.ui.training.cloning import changes, clone_of
from vlmtui.ui.training.document import UnfitFile
from vlmtui.ui.training.form import RecipeForm

RECIPE = """# what it was for
method: sft
model_name_or_path: demo
dataset_name: questions.jsonl
output_dir: result
learning_rate: 2.0e-4
lora_r: 8
use_peft: true
"""


def a_run(folder: Path, text: str = RECIPE) -> RunFolder:
    run = make_job(runs_directory(), "first")
    job = msgspec.structs.replace(run.job(), source=str(folder / "colours.yaml"), output=str(folder / "result"))
    run.job_file.write_bytes(msgspec.json.encode(job))
    run.recipe_file.write_text(text)
    return run


def test_a_clone_lies_beside_the_first_and_writes_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "colours.yaml").write_text(RECIPE)
    (tmp_path / "result-2").mkdir()
    document = clone_of(a_run(tmp_path), tmp_path / "elsewhere")
    assert document.path == tmp_path / "colours-2.yaml"
    assert changes(document) == ["output_dir: result → result-3"]
    document.text = document.text.replace("2.0e-4", "2e-4").replace("lora_r: 8\n", "") + "seed: 3\n"
    assert changes(document) == ["output_dir: result → result-3", "lora_r: 8 → default", "seed: default → 3"]
    gone = clone_of(a_run(tmp_path / "gone"), tmp_path)
    assert gone.path.parent == tmp_path
    for text in (" \n", "method: \x1b]52;c;aGk=\x07\n"):
        with pytest.raises(UnfitFile):
            clone_of(a_run(tmp_path, text), tmp_path)


async def test_a_run_is_cloned_with_changes(make_shell: MakeApp, workspace: Path) -> None:
    row = '{"image": "picture1.png", "question": "Which colour?", "answer": "red"}\n'
    (workspace / "questions.jsonl").write_text(12 * row)
    first = a_run(workspace)
    write_events(first, training(40))
    say(first, "finished", stage="sft", step=40, steps=40)
    async with make_shell().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await app.run_action("app.run_action_of('view.training')")
        rows = app.workbench.query_one("#training").query_one(RunRows)
        await until(pilot, lambda: rows.rows and app.focused is rows)
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, RecipeForm) and app.screen.document.recipe is not None)
        await until(pilot, lambda: "a clone of first" in screen_text(pilot))
        await until(pilot, lambda: "output_dir: result → result-2" in screen_text(pilot))
        await type_text(pilot, "lora_r")
        await pilot.press("enter", "6", "4", "enter")
        await until(pilot, lambda: "lora_r: 8 → 64" in screen_text(pilot))
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await until(pilot, lambda: "lora_r: 8 → 64" in screen_text(pilot) and "learning_rate:" not in dialog(pilot))
        await pilot.press("y")
        await until(pilot, lambda: app.screen is app.workbench)
        clone = next(run for run in every() if run.id != first.id)
        with suppress(psutil.NoSuchProcess):  # it is about how it was started, not about what it learns
            psutil.Process(clone.status().process.pid).kill()
        assert clone.job().cloned_from == first.id
        assert (workspace / "colours.yaml").read_text() == clone.recipe_file.read_text()
        await until(pilot, lambda: app.workbench.viewer.id == "run" and app.workbench.viewer.path == clone.path)
        view = app.workbench.viewer
        assert isinstance(view, RunView)
        await until(pilot, lambda: view.details is not None)
        await pilot.press("6")  # nothing is marked: beside what it was made from
        await until(pilot, lambda: "RECIPE" in screen_text(pilot) and "b first" in screen_text(pilot))


def dialog(pilot: object) -> str:
    screen = pilot.app.screen  # type: ignore[attr-defined]
    return str(screen.query_one("#confirm-lines").render())
