"""Which parts of the workbench are on show: what the user wants, as far as the window has room for it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Part = Literal["side", "editors", "panel", "chat"]
PARTS: tuple[Part, ...] = ("side", "editors", "panel", "chat")
"""In the order that one goes through them."""

WIDE = 100
"""From this width on there is room for the side bar, the editors and the chat."""
NARROW = 60
"""Below this width one part is shown, the one with the focus."""
TALL = 20
"""From this height on there is room for the panel below the editors."""


class Shown(NamedTuple):
    """The parts that are on show; `bar` is the activity bar."""

    bar: bool
    side: bool
    editors: bool
    panel: bool
    chat: bool

    def has(self, part: Part) -> bool:
        """Return whether `part` is on show."""
        return bool(getattr(self, part))


def arrange(
    width: int, height: int, at: Part, *, side: bool, panel: bool, chat: bool, zoomed: bool, chat_first: bool
) -> Shown:
    """Return what is on show in a window of `width` x `height` cells.

    Args:
        at: the part with the focus; it is always shown.
        side, panel, chat: whether the user wants them.
        zoomed: the part with the focus has the window to itself.
        chat_first: where there is no room for both, the chat is shown rather than the side bar.
    """
    if zoomed or width < NARROW:
        return Shown(False, at == "side", at == "editors", at == "panel", at == "chat")
    side, panel, chat = side or at == "side", panel or at == "panel", chat or at == "chat"
    editors = True
    if panel and height < TALL:
        editors, panel = at != "panel", at == "panel"
    if width < WIDE and side and chat:
        chat = at == "chat" or (chat_first and at != "side")
        side = not chat
    return Shown(True, side, editors, panel, chat)
