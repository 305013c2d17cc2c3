"""Presets: each has a letter that no other has, and the user's own come first."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vlmtui.chats.presets import BUILT_IN, Preset, presets
from vlmtui.settings import read_settings, write_setting

_own = st.dictionaries(
    st.text(max_size=8), st.one_of(st.text(max_size=5), st.builds(Preset, prompt=st.text(), key=st.text(max_size=2)))
)


@given(_own)
def test_every_letter_is_given_once(own: dict[str, str | Preset]) -> None:
    listed = presets(own)
    keys = [preset.key for preset in listed if preset.key]
    assert len(keys) == len(set(keys)) == min(36, len(listed))
    assert [preset.name for preset in listed[: len(own)]] == list(own)


def test_built_in_letters_are_the_declared_ones() -> None:
    assert [preset.key for preset in presets()] == [preset.key for preset in BUILT_IN]


def test_the_users_own_come_from_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'model = "demo"\n\n[presets]\n"Count shapes" = "How many shapes are there?"\n'
        'Caption = {prompt = "Say it in one line.", key = "k"}\n',
        encoding="utf-8",
    )
    write_setting(file, "theme", "vscode-light")  # above the table, not in it
    write_setting(file, "model", "demo")
    settings, mistakes = read_settings(file)
    assert mistakes == [] and settings.theme == "vscode-light"
    listed = {preset.name: preset for preset in presets(settings.presets)}
    assert (listed["Count shapes"].key, listed["List objects"].key) == ("c", "o")
    assert (listed["Caption"].prompt, listed["Caption"].key) == ("Say it in one line.", "k")


def test_a_mistake_in_a_preset_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[presets]\nMine = {promt = 'x'}\n", encoding="utf-8")
    settings, mistakes = read_settings(file)
    assert settings.presets == {} and len(mistakes) == 1 and "presets" in mistakes[0]
