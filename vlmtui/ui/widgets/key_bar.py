"""The footer: the keys of what has the focus, made from the table of actions."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from vlmtui.ui.actions import ACTIONS, Action, key_name, keys_of

_ORDER = (
    "chat.stop",
    "explorer.open",
    "explorer.select",
    "explorer.filter",
    "explorer.thumbnails",
    "explorer.attach",
    "search.open",
    "search.type",
    "search.case",
    "search.whole",
    "search.regex",
    "models.load",
    "models.pull",
    "models.cancel",
    "models.heavier",
    "models.compare",
    "models.unload",
    "models.remove",
    "models.refresh",
    "dataset.find",
    "dataset.filter",
    "dataset.attach_picture",
    "dataset.other_side",
    "preview.next",
    "preview.tiles",
    "preview.zoom_in",
    "preview.metadata",
    "video.play",
    "video.switch",
    "video.more",
    "video.range_start",
    "video.range_end",
    "problems.open",
    "problems.clear",
    "output.filter",
    "output.newest",
    "training.open",
    "training.overlay",
    "training.compare",
    "training.filter",
    "training.stop",
    "training.resume",
    "curves.large",
    "curves.smooth_more",
    "curves.axis",
    "curves.log_y",
    "curves.zoom_in",
    "jobs.open",
    "jobs.stop",
    "batch.open",
    "batch.pause",
    "batch.stop",
    "batch.errors",
    "batch.result",
    "chat.send",
    "chat.newline",
    "view.next_part",
    "view.search",
    "app.palette",
    "model.choose",
    "chat.attach_clipboard",
    "app.quit",
    "app.help",
    "chat.new",
    "view.side_bar",
    "model.full_resolution",
)
"""From the most useful on; the rest follows where there is room."""


class _Hint(NamedTuple):
    keys: str
    label: str
    action: str


class KeyBar(Widget):
    """One line of keys that can be clicked; those of the focused part come first, what does not fit is left out."""

    DEFAULT_CSS = Path(__file__).with_suffix(".tcss").read_text(encoding="utf-8")

    part: reactive[str] = reactive("explorer", layout=False)
    busy: reactive[bool] = reactive(False, layout=False)

    def render(self) -> Content:
        """Lay the hints out for the width there is."""
        room = self.size.width - 1
        pieces: list[Content | str] = [" "]
        for hint in hints(self.part, busy=self.busy):
            length = len(hint.keys) + len(hint.label) + 3
            if length - 2 > room:
                break
            room -= length
            text = Content.assemble((hint.keys, "bold $text-primary"), " ", hint.label)
            pieces += [text.stylize(Style.from_meta({"run": hint.action})), "  "]
        return Content.assemble(*pieces)

    async def on_click(self, event: events.Click) -> None:
        """Run the action whose hint was clicked."""
        action = event.style.meta.get("run")
        if action:
            await self.app.run_action(f"app.run_action_of('{action}')")


def hints(part: str, *, busy: bool) -> list[_Hint]:
    """Return what to show while `part` has the focus, most useful first.

    Args:
        busy: an answer is being written, so it can be stopped.
    """
    shown = [
        action for action in ACTIONS if action.label and keys_of(action) and action.scope in (part, "workbench", "app")
    ]
    shown.sort(key=_usefulness)
    if not busy:
        shown = [action for action in shown if action.id != "chat.stop"]
    if part == "chat":  # `?` is a character there
        shown = [action for action in shown if action.id != "app.help"]
    return [_Hint(key_name(keys_of(action)[0]), action.label, action.id) for action in shown]


def _usefulness(action: Action) -> int:
    return _ORDER.index(action.id) if action.id in _ORDER else len(_ORDER)
