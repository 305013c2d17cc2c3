"""Which way of showing pictures this terminal has: by its name first, then by one question, then by setting."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vlmtui.media.protocol import Depth, Form
from vlmtui.safetext import safe_line
from vlmtui.ui.graphics.replies import Replies

if TYPE_CHECKING:
    from textual.driver import Driver

_LOCAL_PIXELS = 1_000_000
_REMOTE_PIXELS = 250_000
_USUAL_CELL = (10, 20)
_PLACEHOLDERS_SINCE = (0, 28)  # kitty


@dataclass(frozen=True, slots=True)
class Terminal:
    """How pictures are shown here.

    Attributes:
        form: `half-block`, `shade`, `kitty` or `sixel`.
        why: a few words for people.
        name: of the terminal, as far as it is known.
        ask: whether a question would tell more; False also where the answer could do harm.
        tmux: whether what is not text must be wrapped to get through tmux.
        depth: colours of half blocks.
        colours: registers for sixels.
        cell: pixels of a cell as the terminal said them; None if it was not asked.
        max_pixels: the most pixels of one picture: less over a slow line.
    """

    form: Form
    why: str
    name: str = ""
    ask: bool = False
    tmux: bool = False
    depth: Depth = "truecolor"
    colours: int = 256
    cell: tuple[int, int] | None = None
    max_pixels: int = _LOCAL_PIXELS

    @property
    def fine(self) -> bool:
        """Whether the line to the terminal bears three times the bytes for smoother gradients."""
        return self.max_pixels >= _LOCAL_PIXELS


def from_environment(environment: Mapping[str, str], setting: str = "auto") -> Terminal:
    """Return what the terminal's name says; `setting` (`half-block`, `kitty`, `sixel`) has the last word."""
    found = _by_name(environment)
    remote = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    found = replace(found, max_pixels=_REMOTE_PIXELS if remote else _LOCAL_PIXELS)
    if setting in ("half-block", "kitty", "sixel"):
        form: Form = setting  # type: ignore[assignment]
        # A forced protocol still wants to know the size of a cell and the number of colours.
        tmux = bool(environment.get("TMUX")) and form == "kitty"
        return replace(found, form=form, why="by setting", tmux=tmux, ask=found.ask and form == "sixel")
    return found


def after_replies(terminal: Terminal, replies: Replies, setting: str = "auto") -> Terminal:
    """Return `terminal` corrected by what it answered itself."""
    if replies.cell is not None:
        terminal = replace(terminal, cell=replies.cell)
    if replies.registers:
        terminal = replace(terminal, colours=max(2, min(256, replies.registers)))
    if replies.name:
        terminal = replace(terminal, name=safe_line(replies.name, 40))
    if setting != "auto" or terminal.tmux:
        return terminal
    name = replies.name.lower()
    version = tuple(int(n) for n in re.findall(r"\d+", name)[:2])
    placeholders = "ghostty" in name or (name.startswith("kitty") and version >= _PLACEHOLDERS_SINCE)
    if placeholders and replies.kitty:
        return replace(terminal, form="kitty", why="it says so")
    if name.startswith("kitty") and terminal.form == "kitty":
        return replace(terminal, form="half-block", why="kitty 0.28 or newer is needed for its graphics")
    if replies.sixel and terminal.form != "kitty":
        return replace(terminal, form="sixel", why="it says so")
    if replies.complete and terminal.form == "sixel":
        return replace(terminal, form="half-block", why="it says that it has no sixels")
    return terminal


def cell_pixels(terminal: Terminal) -> tuple[int, int]:
    """Return width and height of a cell in pixels: as the system knows it, else as the terminal said, else a guess.

    Asked anew each time, as the user may change the font.
    """
    if sys.platform != "win32":
        import fcntl
        import struct
        import termios

        for stream in (sys.__stdout__, sys.__stdin__, sys.__stderr__):
            try:
                if stream is None:
                    continue
                answer = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, b"\x00" * 8)
            except (OSError, ValueError):
                continue
            rows, columns, width, height = struct.unpack("HHHH", answer)
            if rows and columns and width // columns > 1 and height // rows > 1:
                return width // columns, height // rows
    return terminal.cell or _USUAL_CELL


def protocol_line(environment: Mapping[str, str] | None = None, setting: str = "auto") -> str:
    """Return one line for `vlmtui doctor`: how pictures are shown here and why. The terminal is not asked."""
    found = from_environment(os.environ if environment is None else environment, setting)
    name = f" ({found.name})" if found.name else ""
    more = "; the workbench asks the terminal once it is open" if found.ask else ""
    return f"{found.form}{name}: {found.why}{more}"


def _by_name(environment: Mapping[str, str]) -> Terminal:
    term = environment.get("TERM", "")
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("NO_COLOR"):
        return Terminal("shade", "NO_COLOR is set", program or term)
    if term in ("", "dumb"):
        return Terminal("shade", "TERM names no terminal", term)
    if environment.get("TMUX"):
        return _in_tmux(environment)
    if environment.get("STY") or environment.get("ZELLIJ"):
        return Terminal("half-block", "GNU screen and zellij let no picture through", program or term)
    if term == "xterm-kitty" or environment.get("KITTY_WINDOW_ID"):
        return Terminal("kitty", "by its name", "kitty", ask=True)
    if term == "xterm-ghostty" or program == "ghostty" or environment.get("GHOSTTY_RESOURCES_DIR"):
        return Terminal("kitty", "by its name", "ghostty", ask=True)
    if program == "WezTerm" or environment.get("WEZTERM_PANE"):
        return Terminal("sixel", "by its name", "WezTerm", ask=True)
    if program == "iTerm.app" or environment.get("LC_TERMINAL") == "iTerm2":
        return Terminal("sixel", "by its name", "iTerm2", ask=True)
    if term.startswith(("foot", "mlterm", "contour")):
        return Terminal("sixel", "by its name", term, ask=True)
    if environment.get("KONSOLE_VERSION", "").isdigit() and int(environment["KONSOLE_VERSION"]) >= 220400:
        return Terminal("sixel", "by its name", "Konsole", ask=True)
    if program == "Apple_Terminal":
        return Terminal("half-block", "Apple's Terminal draws no pictures", "Terminal.app")
    if term.startswith(("linux", "rxvt", "alacritty", "screen", "vt100", "cons25")):
        return Terminal("half-block", "this terminal draws no pictures", term)
    return Terminal("half-block", "its name does not say that it draws pictures", program or term, ask=True)


def _in_tmux(environment: Mapping[str, str]) -> Terminal:
    """tmux passes kitty's pictures through if told to, which `through_tmux` finds out by asking tmux, not the terminal.

    The terminal is not asked: tmux answers for it, takes part of the question for a window title, and says that it has
    sixels when the terminal outside has none. Its sixels are taller than asked for (whole bands of six pixels), so that
    rows of cells would erase each other: they are not used unless the user sets them.
    """
    return Terminal("half-block", "tmux hides what the terminal outside can do", "tmux")


def outside_tmux(environment: Mapping[str, str]) -> str:
    """Return the name of the terminal outside of tmux, when it is one that shows placeholders; else an empty text."""
    if environment.get("KITTY_WINDOW_ID"):
        return "kitty"
    if environment.get("GHOSTTY_RESOURCES_DIR"):
        return "ghostty"
    return ""


def through_tmux(terminal: Terminal, environment: Mapping[str, str], client: str, passthrough: str) -> Terminal:
    """Return `terminal`, inside tmux, corrected by what tmux says of itself.

    Args:
        terminal: As `from_environment` has it.
        environment: The process's.
        client: `#{client_termname}`: the name of the terminal that is attached now.
        passthrough: `allow-passthrough`: `on`, `all` or `off`.
    """
    name = "kitty" if "kitty" in client else "ghostty" if "ghostty" in client else ""
    if not name and client.startswith("xterm-256color"):
        name = outside_tmux(environment)
    if not name:
        return terminal
    if passthrough not in ("on", "all"):
        why = f"{name} is outside, but tmux passes nothing through: tmux set -g allow-passthrough on"
        return replace(terminal, why=why)
    return replace(terminal, form="kitty", why=f"{name} is outside of tmux", tmux=True, ask=False)


def with_depth(terminal: Terminal, depth: Depth) -> Terminal:
    """Return `terminal` with this many colours for half blocks."""
    return replace(terminal, depth=depth)


def asking(driver: type[Driver]) -> type[Driver]:
    """Return the driver that can ask the terminal, where `driver` is the one that it is made from; else `driver`.

    For `App.get_driver_class`: Windows, a browser and tests keep their own drivers and go by the terminal's name.
    """
    if driver.__name__ != "LinuxDriver":
        return driver
    from vlmtui.ui.graphics.driver import AskingDriver

    return AskingDriver
