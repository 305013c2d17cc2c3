"""Conversations as files: JSON comes back as it was, a row is what trainers take, the command says what it did."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmtui.chats.conversation import Conversation
from vlmtui.chats.exporting import ExportError, as_markdown, as_row, exported, imported
from vlmtui.chats.store import ChatStore
from vlmtui.cli import main
from vlmtui.datasets.conversation import as_conversation
from vlmtui.datasets.schema import detect
from vlmtui.paths import chats_file

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@st.composite
def trees(draw: st.DrawFn) -> Conversation:
    """Return a conversation that was asked on, edited, answered anew and paged through."""
    conversation = Conversation(title=draw(_texts), pinned=draw(st.booleans()), workspace=draw(_texts))
    chance = random.Random(draw(st.integers()))
    for step in draw(st.lists(st.sampled_from(["ask", "branch", "show"]), max_size=12)):
        if step == "ask" or not conversation.everything():
            conversation.ask(draw(_texts), tuple(draw(st.lists(_texts, max_size=2))))
            conversation.begin_answer().state = draw(st.sampled_from(["done", "stopped"]))
            conversation.messages[-1].text = draw(_texts)
        elif step == "branch" and conversation.messages:
            conversation.branch(chance.choice(conversation.messages))
        else:
            conversation.show(chance.choice(conversation.everything()))
    return conversation


@given(trees())
def test_what_is_exported_as_json_comes_back(conversation: Conversation) -> None:
    again = imported(exported(conversation, "json").encode())
    assert again.id != conversation.id
    again.id = conversation.id
    assert again == conversation


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": "else", "version": 1, "conversation": {}}', b"\xff"])
def test_what_is_no_conversation_is_refused(data: bytes) -> None:
    with pytest.raises(ExportError):
        imported(data)


def talk() -> Conversation:
    conversation = Conversation(workspace="/w", model="demo")
    conversation.ask("Compare them.", ("/w/a.png", "/w/b [1].png"))
    answer = conversation.begin_answer()
    answer.text, answer.state = "One is **red**.\x1b]52;c;x\x07", "done"
    conversation.ask("Why?")
    return conversation


def test_a_row_is_what_the_data_set_viewer_and_trainers_take() -> None:
    row = json.loads(exported(talk(), "dataset"))
    assert row["images"] == ["/w/a.png", "/w/b [1].png"]
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]  # what is answered
    assert row["messages"][0]["content"] == [
        {"type": "image"},
        {"type": "image"},
        {"type": "text", "text": "Compare them."},
    ]
    turns = as_conversation(row, detect(list(row), [row]))
    assert [(turn.role, len(turn.pictures)) for turn in turns] == [("user", 2), ("assistant", 0)]


def test_a_video_does_not_fit_into_a_row() -> None:
    conversation = talk()
    conversation.messages[0].attachments = ("/w/film.mp4",)
    with pytest.raises(ExportError, match=r"film.mp4 is a video"):
        as_row(conversation)


def test_markdown_shows_pictures_and_holds_no_escape() -> None:
    text = as_markdown(talk())
    assert text.startswith("# Compare them.\n\nModel: demo\n\n## Question\n\n![a.png](</w/a.png>)")
    assert "\\[1\\]" in text and "One is **red**." in text and "\x1b" not in text


def test_the_command_lists_shows_exports_imports_and_removes(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = talk()
    store = ChatStore(chats_file())
    store.save(conversation)
    store.close()

    def run(*words: str) -> str:
        assert main(["chats", *words]) == 0
        return capsys.readouterr().out

    start = conversation.id[:6]
    assert conversation.id in run("list")
    assert [entry["id"] for entry in json.loads(run("search", "compar", "--json"))] == [conversation.id]
    assert "## Answer" in run("show", start)
    file = tmp_path / "talk.json"
    run("export", start, "--as", "json", "--out", str(file))
    brought = json.loads(run("import", str(file), "--json"))["id"]
    assert len(json.loads(run("list", "--json"))) == 2
    assert json.loads(run("show", brought, "--json"))["messages"][0]["text"] == "Compare them."
    run("rm", start, brought)
    assert json.loads(run("list", "--json")) == []
    assert main(["chats", "show", start]) == 1
    assert "vlmtui chats list" in capsys.readouterr().err
