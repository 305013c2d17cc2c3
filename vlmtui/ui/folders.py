"""Another folder in place of the one that is open: everything of the folder is new, the model stays loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vlmtui.settings import Settings
from vlmtui.ui.engine_state import ModelChoice

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp


class FolderSettings(NamedTuple):
    """What is set for a folder.

    Attributes:
        settings: the user's, the folder's, and the command line's.
        mistakes: lines about the files.
        files: that they are from.
    """

    settings: Settings
    mistakes: list[str]
    files: tuple[Path, ...]


ReadFolder = Callable[[Path], FolderSettings]


def choice_of(settings: Settings) -> ModelChoice:
    """Return the model that `settings` ask for, else the demo model."""
    return ModelChoice(
        settings.model or "demo", settings.revision or None, settings.device, settings.dtype, settings.quantize
    )  # fmt: skip


async def open_folder(app: VlmtuiApp, folder: Path, read: ReadFolder) -> None:
    """Show `folder`. Another model is loaded only where the folder's settings ask for another than the last one's."""
    from vlmtui.recent import remember_folder
    from vlmtui.ui.screens.workbench import Workbench

    found = await asyncio.to_thread(read, folder)
    await asyncio.to_thread(remember_folder, folder)
    left = app.workbench
    if left.chat.busy:
        await app.session.stop()
        left.chat.abandon_answer()
        left.keeper.save(left.conversation)
    wanted, before = choice_of(found.settings), choice_of(app.settings)
    await app.leave_folder()
    app.directory, app.settings = folder, found.settings
    app.session.use_settings(found.settings)
    if found.settings.theme in app.available_themes:
        app.theme = found.settings.theme
    while len(app.screen_stack) > 1:
        await app.pop_screen()
    # Each folder is a mode of its own, for the lowest screen of one cannot be switched.
    mode = app.current_mode
    number = int(mode.rpartition(" ")[2]) + 1
    bench = Workbench(folder, graphics=found.settings.graphics)
    app.add_mode(f"folder {number}", lambda: bench)
    await app.switch_mode(f"folder {number}")
    await app.remove_mode(mode)
    await bench.begin()
    await app.enter_folder(found.files, found.mistakes)
    if wanted not in (before, app.session.choice):
        app.begin_with(wanted)
    elif app.session.loaded is not None:
        bench.show_state(app.session.state)
        bench.model_ready(app.session.loaded, chosen=True)
    else:
        bench.show_state(app.session.state)
