"""Fine-tuning from the workbench: a recipe is made, mended, looked at, and its run started and followed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.widgets import TextArea

from tests.ui.conftest import MakeApp, png, ready, screen_text, type_text, until
from vlmtui.runs.folder import every
from vlmtui.runs.status import ENDED
from vlmtui.ui.screens.confirm import Confirm
from vlmtui.ui.training.document import UnfitFile, opened, read
from vlmtui.ui.training.dry_run import DryRun
from vlmtui.ui.training.form import RecipeForm
from vlmtui.ui.training.pushing import PushResult


@pytest.fixture
def questions(workspace: Path) -> Path:
    """A data set of two colours, more rows than are needed to hold some out."""
    for name, colour in (("red", (220, 30, 30)), ("blue", (30, 60, 220))):
        (workspace / f"{name}.png").write_bytes(png(colour))
    rows = [
        {"image": f"{name}.png", "question": "Which colour?", "answer": name + "ish" * (number % 3)}
        for number in range(6) for name in ("red", "blue")
    ]  # fmt: skip
    file = workspace / "colours.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.timeout(300)
async def test_from_a_data_set_on_show_to_a_run(
    make_app: MakeApp, workspace: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLMTUI_RUNS", str(tmp_path / "runs"))
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        await app.workbench.editors.open(questions, "dataset")
        await until(pilot, lambda: app.workbench.viewer.id == "dataset" and app.workbench.viewer.info is not None)
        await app.run_action("app.run_action_of('tune.on_shown')")
        await until(pilot, lambda: isinstance(app.screen, RecipeForm))
        form = app.screen
        assert isinstance(form, RecipeForm)
        await until(pilot, lambda: form.document.recipe is not None)
        assert "dataset_name: colours.jsonl" in form.document.text
        await until(pilot, lambda: "one picture an example" in screen_text(pilot))

        # a field, changed: the text, and what it does to memory
        await type_text(pilot, "lora_r")
        await pilot.press("enter", "6", "4", "enter")
        await until(pilot, lambda: "(lora_r: 64: +" in screen_text(pilot))
        assert "lora_r: 64\n" in form.document.text
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "lora_r" not in form.document.text)
        await type_text(pilot, "max_steps")
        await pilot.press("enter", "1", "enter")
        await until(pilot, lambda: "contradicts num_train_epochs" in screen_text(pilot))
        await type_text(pilot, "num_train")  # which the help of max_steps has, too
        await pilot.press("ctrl+d")
        await until(pilot, lambda: form.document.recipe is not None)
        assert "max_steps: 1\n" in form.document.text and "num_train_epochs" not in form.document.text

        # the text, with a mistake in it
        await pilot.press("f6")
        area = form.query_one(TextArea)
        await until(pilot, lambda: area.has_focus)
        area.move_cursor(area.document.end)
        await type_text(pilot, "lora_rnk")
        await pilot.press("colon", "space", "4")
        line = len(form.document.text.splitlines())
        await until(pilot, lambda: f"line {line}: lora_rnk: unknown key; did you mean 'lora_r'?" in screen_text(pilot))
        await pilot.press("ctrl+r")
        assert not every(tmp_path / "runs")
        await pilot.press("ctrl+u")
        await until(pilot, lambda: form.document.recipe is not None)
        await pilot.press("escape")
        await until(pilot, lambda: not area.has_focus)

        # the dry run
        await pilot.press("f5")
        await until(pilot, lambda: isinstance(app.screen, DryRun) and app.screen.report)
        await until(pilot, lambda: "LABELS  SFT example 1 of" in screen_text(pilot))
        await until(pilot, lambda: "⟦red" in screen_text(pilot) or "⟦blue" in screen_text(pilot))
        await until(pilot, lambda: "12 rows" in screen_text(pilot) and "▒" in screen_text(pilot))
        await pilot.press("right")
        await until(pilot, lambda: "SFT example 2 of" in screen_text(pilot))
        await pilot.press("escape", "f7")
        await until(pilot, lambda: "trl sft" in app.clipboard)
        assert "accelerate launch -m trl.scripts.sft --model_name_or_path" in app.clipboard

        # leaving asks, starting saves
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.screen is app.workbench)
        assert (workspace / "colours.yaml").read_text() == form.document.text
        (run,) = every(tmp_path / "runs")
        await until(pilot, lambda: run.state() in ENDED or run.events_file.stat().st_size > 0)
        await until(pilot, lambda: app.workbench.viewer.id == "run" and app.workbench.viewer.path == run.path)
        await app.run_action("app.run_action_of('view.output')")
        await until(pilot, lambda: f"process {run.status().process.pid} begins" in screen_text(pilot))
        await until(pilot, lambda: run.state() in ENDED, 120)
        assert run.state() == "finished", run.log_file.read_text()[-2000:]

        # what came of it, in the chat
        await app.run_action("app.run_action_of('tune.result')")
        result = workspace / "colours-adapter"
        await until(pilot, lambda: app.session.loaded is not None and app.session.loaded.adapters)
        assert app.session.loaded is not None and app.session.loaded.adapters[0].folder == str(result)
        await until(pilot, lambda: "+ colours-adapter" in screen_text(pilot))
        await app.run_action("app.run_action_of('tune.base')")
        await until(pilot, lambda: app.session.loaded is not None and not app.session.loaded.adapter)

        # the hub is told nothing before it is seen what goes there
        await app.run_action("app.run_action_of('tune.push')")
        await until(pilot, lambda: isinstance(app.screen, PushResult))
        await type_text(pilot, "nobody")
        await pilot.press("enter")
        await until(pilot, lambda: "write it as owner/name" in screen_text(pilot))
        await type_text(pilot, "/tuned")
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, Confirm) and "adapter_model.safetensors" in screen_text(pilot)
        )
        await until(pilot, lambda: "huggingface.co/nobody/tuned" in screen_text(pilot))
        await pilot.press("n")
        await until(pilot, lambda: "Nothing was sent" in screen_text(pilot))


def test_a_file_that_is_no_recipe_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("method: \x1b]52;c;aGk=\x07\n")
    with pytest.raises(UnfitFile, match="control characters"):
        opened(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UnfitFile, match="UTF-8"):
        opened(file)
    with pytest.raises(UnfitFile):
        opened(tmp_path / "missing.yaml")


def test_mistakes_know_their_line_and_key(tmp_path: Path) -> None:
    recipe, mistakes = read("method: sft\nlora_rnk: 4\n", tmp_path / "a.yaml")
    assert recipe is None
    assert next((one.line, one.key) for one in mistakes) == (1, "lora_rnk")
    assert {one.key for one in mistakes} == {"lora_rnk", "model_name_or_path", "dataset_name", "output_dir"}
    _, (mistake,) = read("method: [sft\n", tmp_path / "a.yaml")
    assert mistake.line == 1


async def test_from_a_conversation_that_is_kept(make_app: MakeApp, workspace: Path) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        app = await ready(pilot)
        app.workbench.show_part("chat")
        await type_text(pilot, "why")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "f fine-tune" in screen_text(pilot))
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, RecipeForm) and app.screen.document.recipe is not None)
        assert isinstance(app.screen, RecipeForm)
        assert "dataset_name: chats.jsonl" in app.screen.document.text
        row = json.loads((workspace / "chats.jsonl").read_text())
        assert row["messages"][0]["content"] == [{"type": "text", "text": "why"}]
