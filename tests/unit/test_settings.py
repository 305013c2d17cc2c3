"""Settings: a mistake is a line, never a stop."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from vlmtui.settings import Settings, read_settings, write_setting


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
