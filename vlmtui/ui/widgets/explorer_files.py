"""What the explorer does with files: attach, rename, make folders, move to the trash, copy paths, show elsewhere."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import work
from textual.widget import Widget

from vlmtui.safetext import safe_line
from vlmtui.ui.widgets.listing import Entry

if TYPE_CHECKING:  # imported after the first paint
    from vlmtui.ui.widgets.explorer import Explorer
    from vlmtui.ui.widgets.name_input import NameInput

_MOST_ATTACHED = 64
_NAMED = 3
_UNDO_MOST = 100


class ExplorerFiles(Widget, can_focus=False):
    """The part of `Explorer` that changes something or hands it on."""

    _entry: Entry | None = None  # whose name is being typed; for a new folder, where it will lie
    _new = False
    _renames: tuple[tuple[Path, Path], ...] = ()
    _name_field: NameInput

    @property
    def _explorer(self) -> Explorer:
        return cast("Explorer", self)

    def tell(self, line: str, *, bad: bool = False) -> None:
        """Say one line about what was done, or not."""
        self.notify(safe_line(line, 300), severity="warning" if bad else "information", markup=False)

    # ---- the chat ----

    def attach(self, entries: Sequence[Entry], *, stay: bool) -> None:
        """Put the pictures and videos of `entries` with the next question, in order; name what cannot be."""
        explorer = self._explorer
        wanted = [entry for entry in entries if entry.kind in ("picture", "video")]
        others = [entry for entry in entries if entry.kind not in ("picture", "video")]
        if len(wanted) > _MOST_ATTACHED:
            self.tell(f"{len(wanted):,} are selected; at most {_MOST_ATTACHED} go with one question.", bad=True)
            return
        if others:
            some = ", ".join(safe_line(entry.name, 40) for entry in others[:_NAMED])
            more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
            self.tell(f"Only pictures and videos can be attached to a question, not {some}{more}.", bad=True)
        for number, entry in enumerate(wanted, start=1):
            last = number == len(wanted)
            self.post_message(explorer.AttachRequested(entry.path, stay=stay or not last))
        if wanted and not stay:
            explorer.action_clear_marks()

    def action_batch(self) -> None:
        """Ask about every file of what is selected; else of the folder under the cursor, or around it."""
        explorer = self._explorer
        chosen = [entry.path for entry in _outermost(explorer.selected_entries()) if entry.kind != "note"]
        if not len(explorer.marks):
            at = explorer.selected
            here = at.path if at is not None and at.kind == "folder" else at.path.parent if at is not None else None
            chosen = [here or explorer.directory]
        self.post_message(explorer.BatchRequested(chosen))

    def action_dataset(self) -> None:
        """Open the folder or file under the cursor as a data set."""
        entry = self._explorer.selected
        if entry is not None and entry.kind != "note":
            self.post_message(self._explorer.Selected(entry.path, "dataset"))

    # ---- names ----

    def action_rename(self) -> None:
        """Type another name for the entry under the cursor, in its place."""
        entry = self._explorer.selected
        if entry is not None and entry.kind != "note":
            stem = entry.name if entry.kind == "folder" else Path(entry.name).stem
            self._ask_name(entry, safe_line(entry.name), len(safe_line(stem)), new=False)

    def action_new_folder(self) -> None:
        """Type the name of a folder to be made beside the entry under the cursor, or in the folder under it."""
        entry = self._explorer.selected
        folder = self._explorer.files.only
        if folder is None:
            opened = entry is not None and entry.kind == "folder" and entry.expanded
            folder = entry if opened else entry.parent if entry is not None else None
        self._ask_name(folder or self._explorer.files.root, "", 0, new=True)

    def _ask_name(self, entry: Entry, name: str, selected: int, *, new: bool) -> None:
        explorer, field = self._explorer, self._name_field
        self._entry, self._new = entry, new
        view = explorer.view
        place = view.region_of(explorer.cursor)
        x, y, width = 2 * max(1, entry.depth) + 1, place.y - round(view.scroll_y), explorer.size.width
        if explorer.files.only is not None:  # where a tile's name is
            x, y, width = place.x, y + place.height - 2, place.right
        field.styles.offset = (x, max(0, min(y, explorer.size.height - 2)))
        field.styles.width = max(10, width - x)
        field.placeholder = "name of the new folder" if new else ""
        field.value = name
        field.display = True
        self.screen.set_focus(field)
        field.selection = type(field.selection)(0, selected)

    def on_name_input_left(self, event: NameInput.Left) -> None:
        """Nothing is to be named."""
        event.stop()
        self._leave_name()

    def _leave_name(self) -> None:
        had = self._name_field.has_focus
        self._name_field.display = False
        self._entry = None
        if had or self.screen.focused is None:
            self.screen.set_focus(self)

    def on_name_input_typed(self, event: NameInput.Typed) -> None:
        """Use the name, if it can be one."""
        event.stop()
        entry, name = self._entry, event.text
        if entry is None:
            return
        if not self._new and name == safe_line(entry.name):
            self._leave_name()
            return
        from vlmtui.ui.names import objection

        if problem := objection(name):
            self.tell(problem, bad=True)  # what was typed stays, to be mended
            return
        self._give_name(entry, name, new=self._new)

    @work(group="explorer-name", exit_on_error=False)
    async def _give_name(self, entry: Entry, name: str, *, new: bool) -> None:
        """Rename `entry`, or make a folder in it; a name that is taken can be typed again."""
        from vlmtui.ui.names import make_folder, rename

        path = entry.path
        target = path / name if new else path.with_name(name)
        problem = await (asyncio.to_thread(make_folder, target) if new else asyncio.to_thread(rename, path, name))
        if problem:
            self.tell(problem, bad=True)
            return
        self._leave_name()
        if not new:
            self._renames = (*self._renames[-_UNDO_MOST:], (path, target))
        self._follow(entry if new else entry.parent, target)

    def _follow(self, folder: Entry | None, target: Path) -> None:
        """Read `folder` again, with the cursor on `target`."""
        if folder is not None:
            self._explorer.select_when_read(folder, target)

    @work(group="explorer-name", exit_on_error=False)
    async def action_undo_rename(self) -> None:
        """Give the file that was renamed last its old name back."""
        if not self._renames:
            self.tell("Nothing was renamed here.")
            return
        from vlmtui.ui.names import rename

        before, now = self._renames[-1]
        if problem := await asyncio.to_thread(rename, now, before.name):
            self.tell(problem, bad=True)
            return
        self._renames = self._renames[:-1]
        self.tell(f"It is {before.name} again.")
        folder = next((f for f in self._explorer.files.opened() if f.path == before.parent), None)
        self._follow(folder, before)

    # ---- the trash ----

    def action_trash(self) -> None:
        """Move what is selected to the trash, after a question that names it."""
        from vlmtui.ui.screens.confirm import Confirm

        entries = self._explorer.selected_entries()
        if not entries:
            return
        paths = [entry.path for entry in _outermost(entries)]
        lines = [safe_line(path.name, 60) for path in paths[:6]]
        if len(paths) > 6:
            lines.append(f"and {len(paths) - 6:,} more")
        folders = sum(entry.kind == "folder" for entry in entries)
        if folders:
            lines.append("A folder goes with everything in it.")
        title = f"Move {_count(len(paths))} to the trash?"

        def answered(sure: bool | None) -> None:
            if sure:
                self._trash(paths)

        self.app.push_screen(Confirm(title, lines, yes="Move to trash"), answered)

    @work(group="explorer-trash", exit_on_error=False)
    async def _trash(self, paths: list[Path]) -> None:
        from vlmtui.ui.trash import move_to_trash

        done = await asyncio.to_thread(move_to_trash, paths)
        if done.gone:
            what = safe_line(done.gone[0].name, 60) if len(done.gone) == 1 else _count(len(done.gone))
            self.tell(f"{what} moved to the trash.")
        if done.kept:
            more = f" (and {done.kept - 1:,} more)" if done.kept > 1 else ""
            self.tell(f"{done.problem[:1].upper()}{done.problem[1:]}{more}.", bad=True)
        self._explorer.action_refresh_folders()

    # ---- paths ----

    def action_copy_path(self) -> None:
        """Copy the absolute paths of what is selected, one a line."""
        paths = self._explorer.selected_paths()
        if paths and self._copy("\n".join(map(str, paths))):
            what = safe_line(str(paths[0]), 200) if len(paths) == 1 else f"{len(paths):,} paths"
            self.tell(f"Copied: {what}")

    def _copy(self, text: str) -> bool:
        try:
            text.encode()
        except UnicodeEncodeError:
            self.tell("The name is not valid text (UTF-8), so it cannot be copied; rename the file first.", bad=True)
            return False
        self.app.copy_to_clipboard(text)
        return True

    @work(group="explorer-reveal", exit_on_error=False)
    async def action_reveal_outside(self) -> None:
        """Open the folder of the entry under the cursor in the desktop's file manager; without one, say its path."""
        entry = self._explorer.selected
        if entry is None or entry.kind == "note":
            return
        path = entry.path
        command = file_manager(os.environ)
        if command:
            try:
                process = await asyncio.create_subprocess_exec(
                    command, str(path.parent), stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
                if await process.wait() == 0:
                    return
            except OSError:
                pass
        if self._copy(str(path)):
            self.tell(f"There is no file manager here. Copied: {path}")


def file_manager(environment: Mapping[str, str]) -> str:
    """Return the command that opens a folder on this desktop; empty where there is no desktop."""
    from shutil import which

    if sys.platform == "darwin":
        return "" if environment.get("SSH_CONNECTION") else "open"
    if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        return which("xdg-open", path=environment.get("PATH")) or ""
    return ""


def _outermost(entries: Sequence[Entry]) -> list[Entry]:
    """Return `entries` without those that lie in another of them: they go with it."""
    folders = [entry for entry in entries if entry.kind == "folder"]
    return [
        entry for entry in entries
        if not any(entry is not folder and entry.is_below(folder) for folder in folders)
    ]  # fmt: skip


def _count(number: int) -> str:
    return "1 item" if number == 1 else f"{number:,} items"
