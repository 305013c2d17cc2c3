"""Another folder in place of the one that is open, with the model that is loaded; and the logs of all processes."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import MakeApp, png, ready, screen_text, type_text, until
from vlmtui.recent import recent_folders
from vlmtui.settings import Settings
from vlmtui.ui.folders import FolderSettings
from vlmtui.ui.problems import Problem


async def test_the_model_stays_loaded_in_another_folder(make_app: MakeApp, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "elsewhere.png").write_bytes(png((1, 2, 3)))
    settings = Settings(device="cpu", dtype="float32", graphics="half-block", max_new_tokens=7, theme="vscode-light")
    (tmp_path / "datasets.log").write_text("a row \x1b[31mlogged\n")
    app = make_app(read_folder=lambda folder: FolderSettings(settings, [f"{folder.name}.toml:3: a mistake"], ()))
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        before, model = app.session.pid, app.session.loaded
        app.report_problem(Problem(source="Data set", line="of the first folder"))
        await pilot.press("ctrl+o")
        await until(pilot, lambda: app.screen.id == "folder-picker")
        await type_text(pilot, str(other))
        await pilot.press("enter")
        await until(pilot, lambda: app.directory == other and app.screen is app.workbench and app.workbench.complete)
        await ready(pilot)
        await until(pilot, lambda: "elsewhere.png" in screen_text(pilot) and "smolvlm-tiny" in screen_text(pilot))
        await until(pilot, lambda: [problem.line for problem in app.problems] == ["a mistake"])
        assert app.session.pid == before
        assert app.session.loaded is model
        assert app.theme == "vscode-light"
        assert recent_folders()[0] == other
        await pilot.press("down")
        await until(pilot, lambda: app.workbench.preview.info is not None)
        app.workbench.chat.focus_prompt()
        await type_text(pilot, "what")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.workbench.conversation.messages) == 2 and not app.workbench.chat.busy)
        assert app.workbench.conversation.messages[1].text
        await app.run_action("app.run_action_of('view.output')")
        await until(pilot, lambda: "data sets a row \ufffd[31mlogged" in screen_text(pilot))
