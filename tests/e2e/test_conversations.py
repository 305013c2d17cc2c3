"""The program is killed while an answer is written: what was said is there when it is started again."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.tiny_model import checkpoint
from vlmtui.chats.store import ChatStore
from vlmtui.paths import chats_file, settings_file

from .terminal import VLMTUI, Terminal


def _engine_of(terminal: Terminal) -> psutil.Process:
    """The process in which the program's model runs."""
    children = psutil.Process(terminal.pid).children()
    return next(child for child in children if "vlmtui.engine.host" in " ".join(child.cmdline()))


def _kept_text() -> str:
    """What is kept of the answer of the conversation used last."""
    store = ChatStore(chats_file())
    messages = store.load(store.entries()[0].id).messages
    store.close()
    return messages[-1].text if messages[-1].role == "assistant" else ""


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
        engine = _engine_of(terminal)
        try:
            engine.suspend()  # on a fast machine the answer would be whole before the program is killed
            while not _kept_text():
                engine.resume()
                terminal.read(0.02)
                engine.suspend()
                terminal.settle(1.2)  # the program keeps what it has within a second
            assert "● answering" in terminal.text, "the answer ended before the program was killed"
            terminal.kill()
        finally:
            engine.kill()
    store = ChatStore(chats_file())
    question, answer = store.load(store.entries()[0].id).messages
    store.close()
    assert question.text == "Tell me a long story."
    assert answer.state == "stopped" and answer.text and answer.stats.completion_tokens > 1

    with Terminal(command, columns=120, rows=40, directory=tmp_path) as terminal:
        terminal.wait_for("Tell me a long story.", 60)
        terminal.wait_for(f"stopped · {answer.stats.completion_tokens} tokens", 20)
