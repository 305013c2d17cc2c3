"""What is done to a run from the screen: stopped, gone on with, named, noted, put away, deleted. Others' runs belong to
somebody else: they are shown, and left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from textual.message import Message
from textual.widget import Widget

from vlmtui.monitor.protocol import RunRow
from vlmtui.safetext import safe_line

if TYPE_CHECKING:
    from vlmtui.ui.monitor.feed import RunsFeed

_FOREIGN = "This run was started by somebody else: it can be watched, not changed."


class RunStarted(Message):
    """A run was started from here: its id."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run


class RunControls(Widget if TYPE_CHECKING else object):  # type: ignore[misc]
    """Actions on the run that `chosen` is, for the list of runs and a run's page."""

    @property
    def chosen(self) -> RunRow | None:
        """The run that is meant."""
        raise NotImplementedError

    @property
    def feed(self) -> RunsFeed:
        """What is known of the runs; every app that shows some has one."""
        return cast("RunsFeed", cast(Any, self.app).runs_feed)

    def _own(self) -> RunRow | None:
        """Return the run if it is this tool's; say so where it is not."""
        row = self.chosen
        if row is None:
            self.app.notify("No run is chosen.", severity="information", markup=False)
        elif row.kind != "run":
            self.app.notify(_FOREIGN, severity="information", markup=False)
            return None
        return row

    def action_stop(self) -> None:
        """Write a checkpoint and end; again after ten seconds ends it at once."""
        row = self._own()
        if row is not None:
            self._confirmed(
                f"Stop {safe_line(row.title, 40)}?",
                [
                    "It writes a checkpoint and ends; it can be gone on with.",
                    "Asked again after 10 s, it ends at once.",
                ],
                "Stop",
                lambda: self._do(row, "stop"),
            )

    def action_resume(self) -> None:
        """Go on from the last checkpoint."""
        row = self._own()
        if row is not None:
            self._do(row, "resume")

    def action_clone(self) -> None:
        """Open the run's recipe in the form, to be changed and started as another run."""
        from vlmtui.runs.folder import RunError, RunFolder
        from vlmtui.ui.training.cloning import clone_of
        from vlmtui.ui.training.document import UnfitFile
        from vlmtui.ui.training.form import RecipeForm

        row = self._own()
        if row is None:
            return
        try:
            document = clone_of(RunFolder(Path(row.path)), getattr(self.app, "directory", Path.cwd()))
        except (RunError, UnfitFile) as error:
            self.app.notify(safe_line(str(error), 300), title="Training", severity="warning", markup=False)
        else:
            self.app.push_screen(RecipeForm(document), self._cloned)

    def _cloned(self, run: str | None) -> None:
        if run:
            self.post_message(RunStarted(run))

    def action_rename(self) -> None:
        """Give the run another name."""
        from vlmtui.runs.notes import read_notes
        from vlmtui.ui.screens.ask_text import AskText

        row = self._own()
        if row is None:
            return

        def keep(text: str | None) -> None:
            if text is not None:
                self._note(row, lambda notes: msgspec.structs.replace(notes, title=text.strip()))

        before = read_notes(Path(row.path)).title or row.title
        self.app.push_screen(AskText("Name of the run", before, hint="empty for its first name"), keep)

    def action_note(self) -> None:
        """Write something down about the run; words with a # become its tags."""
        from vlmtui.ui.screens.ask_text import AskText

        row = self._own()
        if row is None:
            return

        def keep(text: str | None) -> None:
            if text is not None:
                words = text.split()
                tags = [word[1:] for word in words if word.startswith("#") and len(word) > 1]
                note = " ".join(word for word in words if not (word.startswith("#") and len(word) > 1))
                self._note(row, lambda notes: msgspec.structs.replace(notes, note=note, tags=tags))

        before = " ".join([row.note, *(f"#{tag}" for tag in row.tags)]).strip()
        self.app.push_screen(AskText("Note", before, hint="any text, #tags"), keep)

    def action_archive(self) -> None:
        """Put the run away, or bring it back."""
        row = self._own()
        if row is not None:
            self._note(row, lambda notes: msgspec.structs.replace(notes, archived=not row.archived))

    def action_delete(self) -> None:
        """Delete the run's folder, once confirmed."""
        row = self._own()
        if row is None:
            return
        if row.live:
            self.app.notify(f"{safe_line(row.title, 40)} still runs: stop it first.", severity="warning", markup=False)
            return
        lines = [safe_line(row.path, 200), "Its log, curves and checkpoints go; the result in output_dir stays."]
        self._confirmed(f"Delete {safe_line(row.title, 40)}?", lines, "Delete", lambda: self._do(row, "delete"))

    # ---- doing ----

    def _confirmed(self, title: str, lines: list[str], yes: str, do: Callable[[], None]) -> None:
        from vlmtui.ui.screens.confirm import Confirm

        self.app.push_screen(Confirm(title, lines, yes=yes), lambda sure: do() if sure else None)

    def _do(self, row: RunRow, what: str) -> None:
        self.app.run_worker(self._done(row, what), group="run-control", exit_on_error=False)

    async def _done(self, row: RunRow, what: str) -> None:
        from vlmtui.runs.control import resume, stop
        from vlmtui.runs.folder import RunError, RunFolder, remove

        run = RunFolder(Path(row.path))
        app, feed = self.app, self.feed
        try:
            if what == "stop":
                app.notify(safe_line(await asyncio.to_thread(stop, run)), markup=False)
            elif what == "resume":
                await asyncio.to_thread(resume, run)
                app.notify(f"{safe_line(row.title, 60)} goes on.", markup=False)
            else:
                await asyncio.to_thread(remove, run)
                app.notify(f"{safe_line(row.title, 60)} is deleted.", markup=False)
        except RunError as error:
            app.notify(safe_line(str(error), 300), title="Training", severity="warning", markup=False)
        feed.look_now()

    def _note(self, row: RunRow, change: Callable[[Any], Any]) -> None:
        from vlmtui.runs.folder import RunError
        from vlmtui.runs.notes import read_notes, write_notes

        try:
            write_notes(Path(row.path), change(read_notes(Path(row.path))))
        except RunError as error:
            self.app.notify(safe_line(str(error), 300), title="Training", severity="warning", markup=False)
        self.feed.look_now()
