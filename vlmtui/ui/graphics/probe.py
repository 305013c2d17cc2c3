"""How the terminal that a widget is in shows pictures: guessed at once, corrected by what the terminal answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from textual.widget import Widget

from vlmtui.media.protocol import Depth
from vlmtui.ui.graphics import detect
from vlmtui.ui.graphics.replies import Replies

_DEPTHS: dict[str, Depth] = {"256": "256", "standard": "16", "windows": "16"}


class Probe:
    """Knows the terminal of one widget.

    Attributes:
        terminal: how pictures are shown here, as far as it is known.
    """

    def __init__(self, widget: Widget, setting: str, changed: Callable[[], None]) -> None:
        """Args:
        widget: Whose terminal it is.
        setting: `auto`, `half-block`, `kitty` or `sixel`.
        changed: Called when `terminal` has changed.
        """
        self._widget = widget
        self._setting = setting
        self._changed = changed
        self.terminal = detect.Terminal("half-block", "not looked at yet")

    def guess(self) -> None:
        """Take what the terminal's name says; half blocks where nothing else can be (tests, a browser)."""
        self.terminal = self._guessed()

    async def look_closer(self) -> None:
        """Ask the terminal itself, once the first paint is out."""
        app = self._widget.app
        ask = getattr(app._driver, "ask", None)
        if self.terminal.ask and ask is not None and not app.is_headless:
            ask(self._take_replies)
        if self._setting == "auto" and os.environ.get("TMUX") and not app.is_headless:
            client, passthrough = await _ask_tmux()
            self._use(detect.through_tmux(self.terminal, os.environ, client, passthrough))

    def _guessed(self) -> detect.Terminal:
        app = self._widget.app
        if app.no_color:
            return detect.Terminal("shade", "NO_COLOR is set")
        depth = _DEPTHS.get(app.console.color_system or "", "truecolor")
        if app.is_headless or app.is_inline or app.is_web:
            return detect.Terminal("half-block", "there is no terminal to draw on")
        found = detect.from_environment(os.environ, self._setting)
        if found.form == "kitty" and depth != "truecolor":
            found = detect.Terminal("half-block", "kitty's placeholders need 24-bit colour", found.name)
        return detect.with_depth(found, depth)

    def _take_replies(self, replies: Replies) -> None:
        if self._widget.is_attached:
            self._use(detect.after_replies(self.terminal, replies, self._setting))

    def _use(self, terminal: detect.Terminal) -> None:
        if terminal != self.terminal:
            self.terminal = terminal
            self._changed()


async def _ask_tmux() -> tuple[str, str]:
    """Return the name of the terminal that tmux is attached to, and whether it passes sequences through."""
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux", "display-message", "-p", "#{client_termname} #{allow-passthrough}",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(2):
            output, _ = await process.communicate()
    except (OSError, TimeoutError):
        return "", ""
    client, _, passthrough = output.decode("utf-8", "replace").strip().partition(" ")
    return client, passthrough
