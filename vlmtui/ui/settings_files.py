"""The files of settings, while the workbench is open: their mistakes are told, their changes put in force."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from textual.timer import Timer

from vlmtui.safetext import safe_line
from vlmtui.settings import Layers, Settings, read_layers
from vlmtui.ui.actions import ACTIONS, keys_of
from vlmtui.ui.keymap import put_in_force
from vlmtui.ui.problems import Problem

if TYPE_CHECKING:
    from vlmtui.ui.app import VlmtuiApp

_EVERY_S = 1.0
_SOURCE = "Settings"
_AT_ONCE = {"theme", "keybindings", "max_new_tokens", "resolution", "temperature", "system_prompt"}


class SettingsFiles:
    """Reads the files again when they have changed."""

    def __init__(self, app: VlmtuiApp, paths: Sequence[Path]) -> None:
        self._app = app
        self._paths = paths
        self._stamps: list[tuple[int, int] | None] = []
        self._read = Settings()
        self._timer: Timer | None = None

    async def begin(self, mistakes: list[str]) -> None:
        """Put the keys in force, tell `mistakes` and those of the keys, and watch the files from now on."""
        self._stamps, layers = await asyncio.to_thread(self._look)
        self._read = layers.settings
        self._tell([*mistakes, *self._use_keys(layers)])
        if self._paths:
            self._timer = self._app.set_interval(_EVERY_S, self._check)

    def end(self) -> None:
        """Watch them no longer."""
        if self._timer is not None:
            self._timer.stop()

    def _look(self) -> tuple[list[tuple[int, int] | None], Layers]:
        return [_stamp(path) for path in self._paths], read_layers(self._paths)

    async def _check(self) -> None:
        stamps = await asyncio.to_thread(lambda: [_stamp(path) for path in self._paths])
        if stamps == self._stamps:
            return
        self._stamps, layers = await asyncio.to_thread(self._look)
        before, self._read = self._read, layers.settings
        self._app.clear_problems(_SOURCE)
        self._tell([*layers.mistakes, *self._use_keys(layers), *self._apply(before, layers.settings)])

    def _use_keys(self, layers: Layers) -> list[str]:
        """Bind the actions' keys; those of actions that have none in the table are bound beside."""
        mistakes = put_in_force(layers.settings.keybindings, layers.places)
        own = [action for action in ACTIONS if action.id in layers.settings.keybindings]
        self._app.set_keymap({action.id: ",".join(keys_of(action)) for action in own})
        for action in ACTIONS:
            if not action.keys:
                for key in keys_of(action):
                    self._app.bind(key, f"run_bound('{action.id}', '{key}')", show=False)
        self._app.workbench.keys_changed()
        return mistakes

    def _apply(self, before: Settings, now: Settings) -> list[str]:
        """Put in force what the files say differently now; return the mistakes."""
        old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(now)
        changed = {name: value for name, value in new.items() if value != old[name]}
        if not changed:
            return []
        app = self._app
        app.settings = msgspec.structs.replace(app.settings, **changed)
        app.session.use_settings(app.settings)
        mistakes = []
        if "theme" in changed:
            if now.theme in app.available_themes:
                app.theme = now.theme
            else:
                mistakes.append(f"there is no theme {now.theme!r}; the old one stays")
        later = sorted(changed.keys() - _AT_ONCE)
        if later:
            app.notify(f"From the next start on: {', '.join(later)}.", title=_SOURCE, markup=False)
        return mistakes

    def _tell(self, mistakes: list[str]) -> None:
        """Keep every mistake among the problems; say the first in a message."""
        for line in mistakes:
            found = re.match(r"(?P<path>.+?\.toml)(:(?P<row>\d+))?: (?P<line>.*)", line, re.S)
            self._app.report_problem(
                Problem(
                    source=_SOURCE,
                    line=found["line"] if found else line,
                    path=found["path"] if found else "",
                    row=int(found["row"]) if found and found["row"] else None,
                    severity="warning",
                )
            )
        if mistakes:
            more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
            self._app.notify(safe_line(mistakes[0]) + more, title=_SOURCE, markup=False, timeout=10)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
