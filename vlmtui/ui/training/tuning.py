"""What the workbench does about fine-tuning: opens the form, and what was started in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.widget import Widget

if TYPE_CHECKING:
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
        """Show what happens in the run `run`."""
        from vlmtui.runs.folder import find

        bench = self._tuned
        bench.followed[f"run {run[-4:]}"] = find(run).events_file
        await bench.action_show_output()

    def _chosen_model(self) -> str:
        choice = self._tuned.workbench_app.session.choice
        return choice.model if choice is not None else "demo"
