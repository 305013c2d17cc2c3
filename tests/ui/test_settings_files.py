"""The user's keys and settings while the workbench is open: in force, told when wrong, read again when changed."""

from __future__ import annotations

import os
from pathlib import Path

from tests.ui.conftest import MakeApp, ready, screen_text, until
from vlmtui.settings import read_layers
from vlmtui.ui.actions import key_of
from vlmtui.ui.keymap import put_in_force


def _write(file: Path, text: str) -> None:
    aside = file.with_suffix(".aside")
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)


def test_wrong_names_text_keys_and_conflicts_are_told_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        '[keybindings]\n"app.hlep" = "f4"\n"chat.send" = "f4"\n"app.theme" = "Ctrl+Q"\n"view.side_bar" = "?"\n'
    )
    layers = read_layers([file])
    try:
        mistakes = put_in_force(layers.settings.keybindings, layers.places)
        assert key_of("app.theme") == "Ctrl+Q"
    finally:
        put_in_force({}, {})
    assert key_of("app.theme") == "Ctrl+T"
    assert [line.removeprefix(f"{file}:")[0] for line in mistakes] == ["2", "3", "5", "4"]
    assert "did you mean 'app.help'?" in mistakes[0]


async def test_a_changed_file_gives_other_keys_and_another_theme_and_a_mistake_is_kept(
    make_shell: MakeApp, tmp_path: Path
) -> None:
    file = tmp_path / "user.toml"
    file.write_text('[keybindings]\n"app.theme" = "ctrl+y"\n"app.hlep" = "ctrl+k"\n')
    async with make_shell(settings_files=[file]).run_test(size=(200, 40)) as pilot:
        app = await ready(pilot)
        await until(pilot, lambda: any("did you mean" in problem.line for problem in app.problems))
        assert [(p.path, p.row) for p in app.problems if p.source == "Settings"] == [(os.fspath(file), 3)]
        await pilot.press("ctrl+t")
        assert app.screen is app.workbench
        await pilot.press("ctrl+y")
        await until(pilot, lambda: "Colour theme" in screen_text(pilot))
        await pilot.press("escape")
        _write(file, 'theme = "vscode-light"\ntemperature = 0.5\n[keybindings]\n"app.help" = "ctrl+k"\n')
        await until(pilot, lambda: app.theme == "vscode-light")
        assert app.settings.temperature == 0.5
        assert not any(problem.source == "Settings" for problem in app.problems)
        await until(pilot, lambda: "Ctrl+K Help" in screen_text(pilot))
        await pilot.press("ctrl+k")
        await until(pilot, lambda: "Show all commands" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.workbench)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "Colour theme" in screen_text(pilot))
    put_in_force({}, {})
