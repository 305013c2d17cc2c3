"""The program is killed while an answer is written: what was said is there when it is started again."""

from __future__ import annotations

import time
from pathlib import Path

from tests.tiny_model import checkpoint
from vlmtui.chats.store import ChatStore
from vlmtui.paths import chats_file, settings_file

from .terminal import VLMTUI, Terminal


def test_a_killed_program_finds_its_conversation_again(tmp_path: Path) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("max_new_tokens = 900\n", encoding="utf-8")
    folder = tmp_path / "pictures"
    folder.mkdir()
    command = [VLMTUI, "open", str(folder), "--model", str(checkpoint()), "--device", "cpu"]
    with Terminal(command, columns=120, rows=40, directory=tmp_path) as terminal:
        terminal.wait_for("● ready", 120)
        terminal.press("f6", "f6")
        terminal.wait_for("Enter Send", 20)
        terminal.type("Tell me a long story.")
        terminal.press("enter")
        terminal.wait_for("answering", 60)
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            terminal.read(0.1)
        assert "● answering" in terminal.text, "the answer ended before the program was killed"
        terminal.kill()
    store = ChatStore(chats_file())
    question, answer = store.load(store.entries()[0].id).messages
    store.close()
    assert question.text == "Tell me a long story."
    assert answer.state == "stopped" and answer.text and answer.stats.completion_tokens > 1

    with Terminal(command, columns=120, rows=40, directory=tmp_path) as terminal:
        terminal.wait_for("Tell me a long story.", 60)
        terminal.wait_for(f"stopped · {answer.stats.completion_tokens} tokens", 20)
