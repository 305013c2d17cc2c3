"""What the workbench does about fine-tuning: opens the form, and what was started in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.widget import Widget

if TYPE_CHECKING:
    from vlmtui.runs.folder import RunFolder
    from vlmtui.training.recipe import Method
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.training.document import Document


class TuningActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about fine-tuning."""

    @property
    def _tuned(self) -> Workbench:
        return cast("Workbench", self)

    def action_fine_tune(self) -> None:
        """Choose a recipe, then edit it."""
        from vlmtui.ui.training.recipe_picker import RecipePicker

        bench = self._tuned
        if bench.complete:
            self.app.push_screen(RecipePicker(bench.directory, self._chosen_model()), self.open_recipe)

    def action_fine_tune_on_shown(self) -> None:
        """Make a recipe for the data set on show."""
        from vlmtui.training.beginning import method_for

        bench = self._tuned
        view = bench.viewer if bench.complete else None
        if view is None or view.id != "dataset" or view.info is None:
            self.notify("Open a data set first.", severity="warning")
            return
        self.fine_tune_on(view.path, method_for(view.info.schema.fits))

    def fine_tune_on(self, dataset: Path, method: Method = "sft") -> None:
        """Open the form with a small recipe for `dataset`."""
        from vlmtui.training.beginning import free_name, small_recipe
        from vlmtui.ui.training.document import Document

        folder = self._tuned.directory
        name = str(dataset.relative_to(folder)) if dataset.is_relative_to(folder) else str(dataset)
        text = small_recipe(self._chosen_model(), name, method)
        self.open_recipe(Document(free_name(folder, dataset.stem), text))

    def open_recipe(self, document: Document | None) -> None:
        """Show the form of `document`."""
        from vlmtui.ui.training.form import RecipeForm

        if document is not None:
            self.app.push_screen(RecipeForm(document), self._run_started)

    async def _run_started(self, run: str | None) -> None:
        if run:
            await self._tuned.show_run(run)

    async def show_run(self, run: str) -> None:
        """Open the page of the run `run`; what happens in it is among the output's lines, too."""
        from vlmtui.runs.folder import find

        bench, found = self._tuned, find(run)
        bench.followed[f"run {run[-4:]}"] = found.events_file
        await bench.editors.open(found.path, "run", pin=True)
        self.show_part("preview")

    # ---- what comes of a run ----

    async def action_chat_with_result(self) -> None:
        """Load the result of the run on show; else of the one that finished last."""
        run = self.run_on_show() or await asyncio.to_thread(last_finished)
        if run is None:
            self.notify("No run has finished yet.", severity="warning")
        else:
            self.chat_with(run)

    def run_on_show(self) -> RunFolder | None:
        """Return the run of this tool's whose page is on show, if it has finished."""
        from vlmtui.runs.folder import RunError, RunFolder

        viewer = self._tuned.viewer
        if viewer is None or viewer.id != "run" or viewer.path is None:
            return None
        run = RunFolder(Path(viewer.path))
        try:
            return run if run.state() == "finished" else None
        except RunError:
            return None

    def chat_with(self, run: RunFolder) -> None:
        """Load the result of `run`: its adapter over its model, or all of its weights."""
        from dataclasses import replace

        from vlmtui.models.adapters import AdapterUse, base_of
        from vlmtui.ui.engine_state import ModelChoice

        bench = self._tuned
        output = Path(run.job().output)
        if not output.is_dir():
            self.notify("Its result is not where it was any more.", severity="warning", markup=False)
            return
        app = bench.workbench_app
        before = app.session.choice or ModelChoice("demo")
        whole = replace(before, model=str(output), revision=None, adapter="", adapters=(), quantize="none")
        if not (output / "adapter_config.json").is_file():
            app.load_model(whole)
        elif (base := base_of(output) or before.model) == before.model and app.session.loaded is not None:
            app.lay_over((AdapterUse(str(output)),))  # in a moment: the model stays where it is
        else:
            app.load_model(replace(whole, model=base, adapters=(AdapterUse(str(output)),)))
        self.show_part("chat")

    def action_chat_with_base(self) -> None:
        """Take every adapter off the model in the chat."""
        session = self._tuned.workbench_app.session
        if session.loaded is None or not session.loaded.adapter:
            self.notify("No adapter lies over the model.")
        else:
            self._tuned.workbench_app.lay_over(())

    async def action_push_result(self) -> None:
        """Ask for a name on the hub, then show what would go there."""
        from vlmtui.ui.training.pushing import PushResult

        run = self.run_on_show() or await asyncio.to_thread(last_finished)
        if run is None:
            self.notify("No run has finished yet.", severity="warning")
        else:
            self.app.push_screen(PushResult(run))

    def _chosen_model(self) -> str:
        choice = self._tuned.workbench_app.session.choice
        return choice.model if choice is not None else "demo"


def last_finished() -> RunFolder | None:
    """Return the run that finished last; None where there is none."""
    from vlmtui.runs.folder import RunError, every

    found: list[tuple[float, RunFolder]] = []
    for run in every():
        try:
            status = run.status()
        except RunError:
            continue
        if status.state == "finished":
            found.append((status.heartbeat, run))
    return max(found, key=lambda one: one[0])[1] if found else None
