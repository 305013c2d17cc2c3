"""Settings: a mistake is a line, never a stop."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from vlmtui.settings import Settings, read_layers, read_settings, remove_setting, write_setting


def test_a_missing_file_means_defaults(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "settings.toml") == (Settings(), [])


def test_one_mistake_leaves_the_others_in_force(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('model = "demo"\nmax_new_tokens = "many"\ndevise = "cpu"\ntemperature = 9.0\n')
    settings, mistakes = read_settings(file)
    assert settings.model == "demo"
    assert settings.max_new_tokens == Settings().max_new_tokens
    assert settings.temperature == Settings().temperature
    assert [str(file) in line for line in mistakes] == [True, True, True]
    assert any("max_new_tokens" in line for line in mistakes)
    assert any("did you mean 'device'" in line for line in mistakes)


def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"\xff\xfe = [")
    settings, mistakes = read_settings(file)
    assert settings == Settings()
    assert len(mistakes) == 1


def test_writing_a_setting_keeps_comments_and_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "settings.toml"
    write_setting(file, "model", 'odd "name" \\ here')
    file.write_text("# mine\n" + file.read_text() + "device = 'cpu'  # laptop\n")
    write_setting(file, "model", "demo")
    write_setting(file, "temperature", 0.5)
    settings, mistakes = read_settings(file)
    assert mistakes == []
    assert (settings.model, settings.device, settings.temperature) == ("demo", "cpu", 0.5)
    assert file.read_text().startswith("# mine\n")
    assert "# laptop" in file.read_text()


def test_odd_values_come_back_as_written(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    write_setting(file, "model", 'a "quoted" \\ näme')
    assert read_settings(file)[0].model == 'a "quoted" \\ näme'


def test_only_settings_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write_setting(tmp_path / "settings.toml", "modell", "demo")


def test_every_setting_has_help() -> None:
    for field in msgspec.inspect.type_info(Settings).fields:  # type: ignore[union-attr]
        assert isinstance(field.type, msgspec.inspect.Metadata)
        assert (field.type.extra_json_schema or {}).get("description")


def test_a_folder_s_file_goes_before_the_user_s_and_mistakes_have_their_line(tmp_path: Path) -> None:
    user, folder = tmp_path / "settings.toml", tmp_path / ".vlmtui.toml"
    user.write_text(
        '# mine\ndevice = "cpu"\ntemperature = 0.5\n\n'
        '[keybindings]\n"view.zoom" = "f4"\nview.panel = "f7"\napp.help = 3\n'
    )
    folder.write_text('\n\ntemperature = 0.7\ndevise = "cpu"\n[keybindings]\nview.zoom = "f12"\n')
    layers = read_layers([user, folder])
    assert (layers.settings.device, layers.settings.temperature) == ("cpu", 0.7)
    assert layers.settings.keybindings == {"view.zoom": "f12", "view.panel": "f7"}
    assert layers.places["temperature"] == f"{folder}:3"
    assert layers.places["keybindings.view.panel"] == f"{user}:7"
    assert [line.split(": ")[0] for line in layers.mistakes] == [f"{user}:8", f"{folder}:4"]


def test_a_file_that_ends_too_early_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('device = "cpu"\ntheme = \n')
    settings, mistakes = read_settings(file)
    assert settings == Settings()
    assert mistakes[0].startswith(f"{file}:2: ")


def test_a_setting_is_not_written_into_a_table(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[keybindings]\n"view.zoom" = "f4"\n')
    write_setting(file, "device", "cpu")
    settings, mistakes = read_settings(file)
    assert (settings.device, settings.keybindings, mistakes) == ("cpu", {"view.zoom": "f4"}, [])


def test_a_changed_setting_keeps_the_comment_behind_it_and_one_that_is_removed_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('# mine\nmodel = "a # b"  # the small one\ntemperature = 0.5   # warm\n[keybindings]\n')
    write_setting(file, "model", "c")
    write_setting(file, "temperature", 0.7)
    assert file.read_text() == '# mine\nmodel = "c"  # the small one\ntemperature = 0.7   # warm\n[keybindings]\n'
    remove_setting(file, "model")
    remove_setting(file, "device")
    assert file.read_text() == "# mine\ntemperature = 0.7   # warm\n[keybindings]\n"
