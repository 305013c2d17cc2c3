"""Opening a file by its letters in a real terminal, with a name that would act on it."""

from __future__ import annotations

from pathlib import Path

from .terminal import VLMTUI, Terminal


def test_letters_and_enter_open_a_file_and_a_hostile_name_does_nothing(tmp_path: Path) -> None:
    settings = tmp_path / ".config" / "vlmtui" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('load_model = "question"\n', encoding="utf-8")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    (tmp_path / "deep" / "down" / "notes.txt").write_text("found it\n", encoding="utf-8")
    (tmp_path / "a\x1b]52;c;aGFoYQ==\x07b.txt").touch()
    data = {"XDG_DATA_HOME": str(tmp_path / ".data"), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    command = [VLMTUI, "open", str(tmp_path), "--model", "demo"]
    with Terminal(command, columns=80, rows=24, environment=data) as terminal:
        terminal.wait_for("first question", 120)
        terminal.press("\x10")
        terminal.wait_for("2 files")
        assert b"\x1b]52;c;aGFoYQ==" not in terminal.received
        terminal.type("dnotes")
        terminal.wait_for("1 of 2 files")
        terminal.press("\r")
        terminal.wait_for("found it")
