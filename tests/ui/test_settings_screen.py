"""The settings screen: looked through, changed, reset, and honest about the file that wins."""

from __future__ import annotations

from pathlib import Path

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.settings import read_settings
from vlmtui.ui.app import VlmtuiApp


async def _open(app: VlmtuiApp) -> None:
    await app.run_action("app.run_action_of('app.settings')")


async def test_a_setting_is_found_changed_in_force_and_reset(make_shell: MakeApp, tmp_path: Path) -> None:
    file, own = tmp_path / "settings.toml", tmp_path / "own.toml"
    file.write_text("# mine\ntemperature = 0.5\n")
    async with make_shell(settings_files=[file, own]).run_test(size=(100, 40)) as pilot:
        app = await ready(pilot)
        await _open(app)
        await until(pilot, lambda: "max_new_tokens" in screen_text(pilot))
        await type_text(pilot, "greedy")
        await until(pilot, lambda: "temperature" in screen_text(pilot) and f"{file.name}:2" in screen_text(pilot))
        assert "max_new_tokens" not in screen_text(pilot)
        await pilot.press("enter")
        await type_text(pilot, "9")
        await pilot.press("enter")
        await until(pilot, lambda: "<= 2.0" in screen_text(pilot))
        assert read_settings(file)[0].temperature == 0.5  # what was wrong is not written
        await pilot.press("home", "delete", *"0.7", "enter")
        await until(pilot, lambda: read_settings(file)[0].temperature == 0.7)
        await until(pilot, lambda: app.settings.temperature == 0.7)
        await until(pilot, lambda: "temperature is 0.7 now" in screen_text(pilot))
        await pilot.press("ctrl+d")
        await until(pilot, lambda: file.read_text() == "# mine\n" or "temperature" not in file.read_text())
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.workbench)


async def test_choices_are_gone_through_and_the_folders_own_setting_is_named(
    make_shell: MakeApp, tmp_path: Path
) -> None:
    file, own = tmp_path / "settings.toml", tmp_path / "own.toml"
    own.write_text('graphics = "sixel"\n')
    async with make_shell(settings_files=[file, own]).run_test(size=(100, 40)) as pilot:
        app = await ready(pilot)
        await _open(app)
        await until(pilot, lambda: "sixel" in screen_text(pilot))
        await type_text(pilot, "drawn")
        await pilot.press("enter", "tab", "enter")
        await until(pilot, lambda: read_settings(file)[0].graphics == "auto" and file.exists())
        await until(pilot, lambda: "goes before it" in screen_text(pilot))
