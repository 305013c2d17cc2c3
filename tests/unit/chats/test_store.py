"""Conversations on disk: nothing that was kept is lost, whatever happens to the program, the disk or the file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from vlmtui.chats.answering import Answering
from vlmtui.chats.conversation import ChatMessage, Conversation
from vlmtui.chats.store import ChatStore, StoreError


def answered(conversation: Conversation, text: str) -> ChatMessage:
    message = conversation.begin_answer()
    message.text, message.state = text, "done"
    return message


def talk(question: str, answer: str, workspace: str = "/pictures") -> Conversation:
    conversation = Conversation(workspace=workspace)
    conversation.ask(question, ("/pictures/a.png",))
    answered(conversation, answer)
    return conversation


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "chats.db"


def test_a_conversation_comes_back_with_its_branches(file: Path) -> None:
    store = ChatStore(file)
    conversation = talk("How many dogs?", "two")
    first = conversation.messages[0]
    store.save(conversation)
    conversation.branch(first)
    edited = conversation.ask("How many cats?")
    answered(conversation, "one")
    store.save(conversation)
    store.close()

    again = ChatStore(file).load(conversation.id)
    assert [message.text for message in again.messages] == ["How many cats?", "one"]
    assert [message.text for message in again.versions(again.messages[0])] == ["How many dogs?", "How many cats?"]
    again.show(again.versions(again.messages[0])[0])
    assert [message.text for message in again.messages] == ["How many dogs?", "two"]
    assert {message.id for message in again.aside} == {edited.id, conversation.messages[1].id}


def test_it_is_for_the_user_alone(file: Path) -> None:
    store = ChatStore(file)
    store.save(talk("a", "b"))
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(list(file.parent.iterdir())) == 3  # the database, its log and the log's index
    assert {each.stat().st_mode & 0o777 for each in file.parent.iterdir()} == {0o600}


def test_what_was_saved_survives_the_death_of_the_program(file: Path) -> None:
    program = """if True:
        import os, signal, sys
        from pathlib import Path
        from vlmtui.chats.conversation import Conversation
        from vlmtui.chats.store import ChatStore
        store = ChatStore(Path(sys.argv[1]))
        conversation = Conversation(workspace="/w")
        conversation.ask("Tell me a story")
        answer = conversation.begin_answer()
        store.save(conversation)
        answer.text = "Once upon a time"
        store.save(conversation, answer)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert subprocess.run([sys.executable, "-c", program, str(file)], check=False).returncode == -9
    store = ChatStore(file)
    latest = store.latest("/w")
    assert latest is not None
    answer = store.load(latest).messages[-1]
    assert (answer.text, answer.state) == ("Once upon a time", "stopped")


def test_words_are_found_in_messages_and_titles(file: Path) -> None:
    store = ChatStore(file)
    dogs, cats = talk('How many "dogs"?', "zwei Hündchen"), talk("How many cats?", "one", "/else")
    store.save(dogs)
    store.save(cats)
    store.rename(cats.id, "About whiskers")
    assert [entry.id for entry in store.search('"dog')] == [dogs.id]
    assert "Hündchen" in store.search("hund")[0].excerpt
    assert [entry.id for entry in store.search("whisk")] == [cats.id]
    assert [entry.id for entry in store.search("many", workspace="/else")] == [cats.id]
    assert store.search("many AND NOT (") == []
    assert len(store.search(" ")) == 2


def test_deleting_can_be_undone_and_removing_leaves_no_word(file: Path) -> None:
    store = ChatStore(file)
    conversation = talk("A secret question", "a secret answer")
    store.save(conversation)
    store.delete(conversation.id)
    answered(conversation, "and one that was still on its way")
    store.save(conversation)
    assert store.entries() == store.search("secret") == []
    assert store.latest("/pictures") is None
    store.restore(conversation.id)
    assert [entry.name for entry in store.search("secret")] == ["A secret question"]
    store.remove(conversation.id)
    store.close()
    assert b"secret" not in file.read_bytes()


def test_pinned_ones_come_first_and_saving_keeps_title_and_pin(file: Path) -> None:
    store = ChatStore(file)
    old, new = talk("old", "1"), talk("new", "2")
    store.save(old)
    store.save(new)
    store.pin(old.id, True)
    store.rename(old.id, "First")
    answered(new, "more")
    store.save(new)
    old.messages[-1].text = "changed"
    store.save(old)
    before = store.entries()
    store.save(new)  # as it was
    assert store.entries() == before
    assert [(entry.name, entry.pinned) for entry in store.entries()] == [("First", True), ("new", False)]


def test_a_failed_answer_that_was_asked_for_again_is_forgotten(file: Path) -> None:
    store = ChatStore(file)
    conversation = Conversation()
    conversation.ask("how many?")
    conversation.begin_answer().state = "failed"
    store.save(conversation)
    answered(conversation, "two")
    store.save(conversation)
    again = ChatStore(file).load(conversation.id)
    assert [message.text for message in again.everything()] == ["how many?", "two"]


def test_a_full_disk_is_said_in_one_line_and_loses_nothing(file: Path) -> None:
    store = ChatStore(file)
    conversation = talk("how many?", "two")
    store.save(conversation)
    [pages] = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite says then what it says on a full disk
    conversation.messages[-1].text = "long " * 100_000
    with pytest.raises(StoreError, match="full; make room"):
        store.save(conversation)
    assert ChatStore(file).load(conversation.id).messages[-1].text == "two"
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.save(conversation)
    assert ChatStore(file).load(conversation.id).messages[-1].text == conversation.messages[-1].text


@pytest.mark.parametrize("content", [b"this is no database, " * 100, b"SQLite format 3\0" + os.urandom(4096)])
def test_a_damaged_file_is_said_in_one_line_and_left_alone(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(StoreError, match="chat"):
        ChatStore(file)
    assert file.read_bytes() == content


def test_a_newer_database_is_left_alone(file: Path) -> None:
    ChatStore(file).close()
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer"):
        ChatStore(file)


def test_a_database_of_the_first_version_is_taken_over_and_keeps_how_a_conversation_is_answered(file: Path) -> None:
    store = ChatStore(file)
    conversation = talk("a", "b")
    store.save(conversation)
    store.close()
    with sqlite3.connect(file) as database:  # as version 1 made it
        database.execute("ALTER TABLE conversations DROP COLUMN answering")
        database.execute("PRAGMA user_version = 1")
    store = ChatStore(file)
    again = store.load(conversation.id)
    assert again.answering == Answering() and [message.text for message in again.messages] == ["a", "b"]
    again.answering = Answering(system_prompt="Be brief.", temperature=0.5)
    store.save(again)
    assert store.load(conversation.id).answering == again.answering
