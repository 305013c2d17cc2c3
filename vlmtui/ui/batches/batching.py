"""What the workbench does about batches: asks what is wanted, runs one, and shows how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import work
from textual.widget import Widget

from vlmtui.safetext import safe_line

if TYPE_CHECKING:
    from vlmtui.batches.finding import File
    from vlmtui.batches.job import Job
    from vlmtui.ui.batches.dialog import Wanted
    from vlmtui.ui.batches.run import BatchRun
    from vlmtui.ui.batches.unfinished import Begun
    from vlmtui.ui.batches.view import BatchView
    from vlmtui.ui.screens.workbench import Workbench
    from vlmtui.ui.widgets.explorer import Explorer


class BatchActions(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """The part of `Workbench` that is about one question about many files."""

    batch_run: BatchRun | None = None
    """The batch that runs, or the last one that did."""
    _unfinished: Sequence[Begun] = ()

    @property
    def _batched(self) -> Workbench:
        return cast("Workbench", self)

    def on_explorer_batch_requested(self, message: Explorer.BatchRequested) -> None:
        """Ask what is wanted to know about every file."""
        if self._batched.complete:
            self._ask_about(message.paths)

    @work(group="batch-dialog", exclusive=True, exit_on_error=False)
    async def _ask_about(self, paths: list[Path]) -> None:
        from vlmtui.batches.finding import BadPath, files_of
        from vlmtui.chats.presets import presets
        from vlmtui.ui.batches.dialog import BatchDialog

        bench = self._batched
        if self.batch_run is not None and self.batch_run.active:
            self.notify("A batch runs already; the panel shows it.", severity="warning")
            await self._batched.action_show_batch()
            return
        try:
            files = await asyncio.to_thread(files_of, [str(path) for path in paths])
        except BadPath as error:
            self.notify(safe_line(f"Nothing to ask about: {error}.", 300), severity="warning", markup=False)
            return
        loaded = bench.workbench_app.session.loaded
        shared = "The chat's model and the batch's share the CPU: both are slower meanwhile."
        remark = shared if loaded is not None and loaded.device == "cpu" else ""
        about = _about(files, paths, bench.directory)
        dialog = BatchDialog(about, presets(bench.workbench_app.settings.presets), bench.directory, remark=remark)

        def wanted(answer: Wanted | None) -> None:
            if answer is not None:
                self._begin_batch(self._job(answer.prompt, paths), answer.out)

        self.app.push_screen(dialog, wanted)

    def _job(self, prompt: str, paths: Sequence[Path]) -> Job:
        """Return the job for the model that the chat has, settings applied."""
        from vlmtui.batches.job import Job
        from vlmtui.engine.protocol import Sampling

        app = self._batched.workbench_app
        choice = app.session.choice or app.first_choice
        return Job(
            prompt=prompt,
            system=app.settings.system_prompt,
            sampling=Sampling(max_new_tokens=app.settings.max_new_tokens, temperature=app.settings.temperature),
            resolution=app.session.resolution,
            model=choice.model,
            revision=choice.revision or "",
            paths=tuple(str(path) for path in paths),
        )

    def on_batch_view_go_on_requested(self, message: BatchView.GoOnRequested) -> None:
        """A batch that is not finished is to go on."""
        self._begin_batch(message.begun.job, message.begun.out)

    @work(group="batch", exit_on_error=False)
    async def _begin_batch(self, job: Job, out: Path) -> None:
        from vlmtui.ui.batches.run import BatchRun
        from vlmtui.ui.batches.unfinished import remember

        app = self._batched.workbench_app
        choice = app.session.choice or app.first_choice
        options = [f"--device={choice.device}", f"--dtype={choice.dtype}"]
        run = self.batch_run = BatchRun(job, out, self.batch_changed, model_options=options)
        await self._batched.action_show_batch()
        await asyncio.to_thread(remember, self._batched.directory, out)
        await run.work()
        if run.state == "failed":
            self.notify(safe_line(f"The batch stopped: {run.line}", 300), severity="error", markup=False)

    def batch_changed(self) -> None:
        """Show how far it is, if the view is there."""
        bench = self._batched
        if bench.panel is not None:
            for shown in bench.panel.query("#batch"):
                cast("BatchView", shown).show(self.batch_run, self._unfinished, bench.directory)

    @work(group="batch-unfinished", exclusive=True, exit_on_error=False)
    async def look_for_unfinished(self) -> None:
        """Offer the batches that were begun here and not finished."""
        from vlmtui.ui.batches.unfinished import unfinished

        self.batch_changed()
        if self.batch_run is None:
            self._unfinished = await asyncio.to_thread(unfinished, self._batched.directory)
            self.batch_changed()

    async def on_batch_view_open_requested(self, message: BatchView.OpenRequested) -> None:
        """Show the file of a row, or the result."""
        from vlmtui.media.kinds import kind_of

        bench = self._batched
        if message.dataset and not message.path.exists():
            self.notify("The result is written when the batch is done; until then its journal has the answers.")
            return
        kind = "dataset" if message.dataset else kind_of(message.path)
        await bench.editors.open(message.path, kind, pin=True)
        bench.show_part("preview")


def _about(files: Sequence[File], paths: Sequence[Path], folder: Path) -> str:
    """Return what is asked about in words: `12 pictures and 2 videos in shapes`."""
    from vlmtui.media.kinds import kind_of

    videos = sum(kind_of(file.path) == "video" for file in files)
    counts = [(len(files) - videos, "picture"), (videos, "video")]
    words = " and ".join(f"{count:,} {name}{'s' * (count != 1)}" for count, name in counts if count)
    if len(paths) == 1 and paths[0].is_dir():
        place = paths[0].relative_to(folder) if paths[0].is_relative_to(folder) else paths[0]
        words += f" in {safe_line(str(place), 40)}" if str(place) != "." else " in this folder"
    return words
