"""Which protocol, by name, by answer, by setting."""

from __future__ import annotations

import pytest

from vlmtui.ui.graphics.detect import Terminal, after_replies, from_environment, protocol_line, through_tmux
from vlmtui.ui.graphics.replies import Replies


@pytest.mark.parametrize(
    ("environment", "form", "ask"),
    [
        ({"TERM": "xterm-kitty"}, "kitty", True),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty", True),
        ({"TERM": "xterm-ghostty"}, "kitty", True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "sixel", True),
        ({"TERM": "foot"}, "sixel", True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "sixel", True),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "240202"}, "sixel", True),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "210800"}, "half-block", True),
        ({"TERM": "xterm-256color"}, "half-block", True),
        ({"TERM": "xterm"}, "half-block", True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "half-block", False),
        ({"TERM": "linux"}, "half-block", False),
        ({"TERM": "alacritty"}, "half-block", False),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x,1,0", "KITTY_WINDOW_ID": "1"}, "half-block", False),
        ({"TERM": "screen", "STY": "1.pts"}, "half-block", False),
        ({"TERM": "xterm-kitty", "ZELLIJ": "0"}, "half-block", False),
        ({"TERM": "dumb"}, "shade", False),
        ({}, "shade", False),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "shade", False),
    ],
)
def test_by_name(environment: dict[str, str], form: str, ask: bool) -> None:
    found = from_environment(environment)
    assert (found.form, found.ask) == (form, ask)
    assert found.why


@pytest.mark.parametrize("setting", ["half-block", "kitty", "sixel"])
def test_a_setting_has_the_last_word(setting: str) -> None:
    for environment in ({"TERM": "xterm-kitty"}, {"TERM": "foot"}, {"TERM": "linux"}):
        found = from_environment(environment, setting)
        assert (found.form, found.why) == (setting, "by setting")
        assert after_replies(found, Replies(name="XTerm(379)", sixel=True, complete=True), setting).form == setting


UNKNOWN = Terminal("half-block", "", ask=True)


@pytest.mark.parametrize(
    ("before", "replies", "form"),
    [
        (UNKNOWN, Replies(name="XTerm(379)", sixel=True, complete=True), "sixel"),
        (UNKNOWN, Replies(name="kitty(0.41.1)", kitty=True, complete=True), "kitty"),
        (UNKNOWN, Replies(name="ghostty 1.1.0", kitty=True, complete=True), "kitty"),
        (UNKNOWN, Replies(name="Konsole 23.08", kitty=True, sixel=True, complete=True), "sixel"),
        (UNKNOWN, Replies(name="WezTerm 2024", kitty=True, complete=True), "half-block"),
        (UNKNOWN, Replies(), "half-block"),
        (Terminal("kitty", ""), Replies(name="kitty(0.26.5)", kitty=True, complete=True), "half-block"),
        (Terminal("kitty", ""), Replies(), "kitty"),
        (Terminal("sixel", ""), Replies(complete=True), "half-block"),
        (Terminal("sixel", ""), Replies(), "sixel"),
    ],
)
def test_by_answer(before: Terminal, replies: Replies, form: str) -> None:
    assert after_replies(before, replies).form == form


def test_answers_about_cells_and_colours_are_kept() -> None:
    found = after_replies(UNKNOWN, Replies(cell=(9, 18), registers=16, name="x\x1b]0;y"))
    assert (found.cell, found.colours) == ((9, 18), 16)
    assert "\x1b" not in found.name


def test_a_slow_line_gets_smaller_pictures() -> None:
    near = from_environment({"TERM": "xterm-kitty"})
    far = from_environment({"TERM": "xterm-kitty", "SSH_CONNECTION": "a b c d"})
    assert far.max_pixels < near.max_pixels
    assert near.fine and not far.fine


def test_kitty_through_tmux_needs_passthrough() -> None:
    inside = from_environment({"TERM": "tmux-256color", "TMUX": "x"})
    open_ = through_tmux(inside, {}, "xterm-kitty", "on")
    assert (open_.form, open_.tmux) == ("kitty", True)
    shut = through_tmux(inside, {}, "xterm-kitty", "off")
    assert shut.form == "half-block" and "allow-passthrough" in shut.why
    assert through_tmux(inside, {}, "xterm-256color", "on") == inside
    assert through_tmux(inside, {"GHOSTTY_RESOURCES_DIR": "/x"}, "xterm-256color", "all").form == "kitty"


def test_doctor_has_one_line() -> None:
    line = protocol_line({"TERM": "xterm-kitty"})
    assert line.startswith("kitty (kitty): by its name") and "\n" not in line
    assert protocol_line({"TERM": "linux"}).startswith("half-block")
