"""Conversations on disk: one SQLite database for the user alone, written while an answer streams.

Every write is one transaction. In WAL mode a transaction that has ended survives the death of this process, so what is
saved is lost to no `kill -9`. Nothing here starts a thread: a write takes well under 5 ms.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from vlmtui.chats.answering import Answering
from vlmtui.chats.conversation import ChatMessage, Conversation, path_to

_VERSION = 2
_SCHEMA = """
CREATE TABLE conversations (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, name TEXT NOT NULL, pinned INTEGER NOT NULL, workspace TEXT NOT NULL,
    model TEXT NOT NULL, leaf TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL, deleted REAL,
    answering BLOB NOT NULL DEFAULT '{}'
);
CREATE INDEX by_workspace ON conversations (workspace, updated);
CREATE TABLE messages (
    place INTEGER PRIMARY KEY, conversation TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    id TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (conversation, id)
);
CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
CREATE TRIGGER forget_words AFTER DELETE ON messages BEGIN DELETE FROM words WHERE rowid = old.place; END;
"""
_SINCE = {1: "ALTER TABLE conversations ADD COLUMN answering BLOB NOT NULL DEFAULT '{}';"}
"""What makes a database of each earlier version one of this."""
_KEEP_DELETED_S = 24 * 3600.0
_ONE: msgspec.json.Decoder[ChatMessage] = msgspec.json.Decoder(ChatMessage)


class StoreError(Exception):
    """Conversations cannot be read or written: the cause, and what to do about it."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause = cause
        self.remedy = remedy


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as a list shows it.

    Attributes:
        name: its title, or the first question's words; untrusted.
        excerpt: for a search: the words around what was found, untrusted.
    """

    id: str
    name: str
    pinned: bool
    workspace: str
    model: str
    updated: float
    messages: int
    excerpt: str = ""


class ChatStore:
    """The database at `path`, made if missing."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            StoreError: it cannot be opened, is damaged, or was written by a newer vlmtui.
        """
        self.path = path
        self._written: dict[tuple[str, str], bytes] = {}  # what is on disk, of the messages that this process wrote
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # so are the files that SQLite puts beside it
            path.chmod(0o600)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror or error}", "conversations are not kept") from error
        with self._told():
            self._db = sqlite3.connect(path, timeout=0.25, isolation_level=None)
            self._db.executescript(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; "
                "PRAGMA recursive_triggers = ON; PRAGMA secure_delete = ON;"
            )
            self._migrate()

    def close(self) -> None:
        """Close it; what was saved stays."""
        self._db.close()

    # ---- writing ----

    def save(self, conversation: Conversation, message: ChatMessage | None = None) -> None:
        """Keep `conversation`: what has changed since it was saved last, or of its messages only `message`.

        An empty conversation is not kept.

        Raises:
            StoreError: it could not be written; nothing that was kept is lost.
        """
        everything = conversation.everything()
        if not everything:
            return
        changed: list[tuple[ChatMessage, bytes]] = []
        with self._told():
            for each in everything if message is None else [message]:
                body = msgspec.json.encode(each)
                if self._written.get((conversation.id, each.id)) != body:
                    changed.append((each, body))
        if changed or not conversation.updated:  # to page through versions is not to write
            conversation.updated = time.time()
        with self._transaction():
            self._db.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?) ON CONFLICT (id) DO UPDATE SET "
                "name = excluded.name, workspace = excluded.workspace, model = excluded.model, "
                "leaf = excluded.leaf, updated = excluded.updated, answering = excluded.answering",
                (
                    conversation.id,
                    _text(conversation.title),
                    _text(conversation.name),
                    conversation.pinned,
                    _text(conversation.workspace),
                    _text(conversation.model),
                    conversation.messages[-1].id if conversation.messages else "",
                    conversation.created,
                    conversation.updated,
                    msgspec.json.encode(conversation.answering),
                ),
            )
            for each, body in changed:
                [place] = self._db.execute(
                    "INSERT INTO messages (conversation, id, body) VALUES (?, ?, ?) "
                    "ON CONFLICT (conversation, id) DO UPDATE SET body = excluded.body RETURNING place",
                    (conversation.id, each.id, body),
                ).fetchone()
                if each.state != "streaming":  # an answer is found once it is whole
                    self._db.execute("DELETE FROM words WHERE rowid = ?", (place,))
                    self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (place, _text(each.text)))
            if message is None:
                self._drop_replaced(conversation)
        for each, body in changed:
            self._written[conversation.id, each.id] = body

    def _drop_replaced(self, conversation: Conversation) -> None:
        """Forget failed answers that were asked for again."""
        here = {each.id for each in conversation.everything()}
        for key in [key for key in self._written if key[0] == conversation.id and key[1] not in here]:
            self._db.execute("DELETE FROM messages WHERE conversation = ? AND id = ?", key)
            del self._written[key]

    def rename(self, id: str, title: str) -> None:
        """Give the conversation the title `title`; an empty one brings its first words back."""
        self._change("UPDATE conversations SET title = ? WHERE id = ?", (_text(title), id))

    def pin(self, id: str, pinned: bool) -> None:
        """Keep the conversation at the top of the list, or no more."""
        self._change("UPDATE conversations SET pinned = ? WHERE id = ?", (pinned, id))

    def delete(self, id: str) -> None:
        """Take the conversation out of every list; `restore` brings it back within a day."""
        self._change("UPDATE conversations SET deleted = ? WHERE id = ?", (time.time(), id))

    def restore(self, id: str) -> None:
        """Bring a deleted conversation back."""
        self._change("UPDATE conversations SET deleted = NULL WHERE id = ?", (id,))

    def remove(self, id: str) -> None:
        """Delete the conversation for good."""
        with self._transaction():
            self._db.execute("DELETE FROM conversations WHERE id = ?", (id,))
            self._db.execute("INSERT INTO words (words) VALUES ('optimize')")  # it keeps deleted words until then
        for key in [key for key in self._written if key[0] == id]:
            del self._written[key]

    def purge(self) -> None:
        """Delete for good what was deleted more than a day ago."""
        with self._transaction():
            old = (time.time() - _KEEP_DELETED_S,)
            if self._db.execute("DELETE FROM conversations WHERE deleted < ?", old).rowcount:
                self._db.execute("INSERT INTO words (words) VALUES ('optimize')")

    # ---- reading ----

    def load(self, id: str) -> Conversation:
        """Return the conversation `id`. An answer that was being written when its program died is a stopped one.

        Raises:
            KeyError: there is none.
            StoreError: it cannot be read.
        """
        with self._told():
            row = self._db.execute(
                "SELECT title, pinned, workspace, model, leaf, created, updated, answering "
                "FROM conversations WHERE id = ?",
                (id,),
            ).fetchone()
            if row is None:
                raise KeyError(id)
            bodies = self._db.execute("SELECT body FROM messages WHERE conversation = ? ORDER BY place", (id,))
            messages = [_ONE.decode(body) for (body,) in bodies]
            answering = msgspec.json.decode(row[-1], type=Answering)
        title, pinned, workspace, model, leaf, created, updated, _ = row
        for message in messages:
            self._written[id, message.id] = msgspec.json.encode(message)
            if message.state == "streaming":
                message.state = "stopped"
                message.stats.reason = "stopped"
        everything = {message.id: message for message in messages}
        path = path_to(leaf, everything)
        shown = {message.id for message in path}
        return Conversation(
            messages=path,
            aside=[message for message in messages if message.id not in shown],
            id=id,
            title=title,
            pinned=bool(pinned),
            workspace=workspace,
            model=model,
            answering=answering,
            created=created,
            updated=updated,
        )

    def entries(self, workspace: str | None = None) -> list[Entry]:
        """Return all conversations, or those of one folder: pinned ones first, then the newest."""
        here = "" if workspace is None else "AND c.workspace = ? "
        with self._told():
            rows = self._db.execute(
                "SELECT c.id, CASE c.title WHEN '' THEN c.name ELSE c.title END, c.pinned, c.workspace, c.model, "
                "c.updated, (SELECT count(*) FROM messages m WHERE m.conversation = c.id) FROM conversations c "
                f"WHERE c.deleted IS NULL {here}ORDER BY c.pinned DESC, c.updated DESC",
                () if workspace is None else (_text(workspace),),
            ).fetchall()
        return [
            Entry(id=id, name=name, pinned=bool(pinned), workspace=place, model=model, updated=updated, messages=count)
            for id, name, pinned, place, model, updated, count in rows
        ]

    def search(self, words: str, workspace: str | None = None) -> list[Entry]:
        """Return the conversations in whose title or messages every one of `words` begins a word."""
        if not words.split():
            return self.entries(workspace)
        wanted = " ".join('"' + word.replace('"', '""') + '"*' for word in _text(words).split())
        found: dict[str, str] = {}
        with self._told():
            for conversation, excerpt in self._db.execute(
                "SELECT m.conversation, snippet(words, 0, '', '', '…', 12) FROM words JOIN messages m "
                "ON m.place = words.rowid WHERE words MATCH ? ORDER BY rank LIMIT 2000",
                (wanted,),
            ):
                found.setdefault(conversation, excerpt)
        return [
            msgspec.structs.replace(entry, excerpt=found.get(entry.id, ""))
            for entry in self.entries(workspace)
            if entry.id in found or _holds(entry.name, words)
        ]

    def latest(self, workspace: str) -> str | None:
        """Return the id of the conversation that was last written to in the folder `workspace`."""
        entries = self.entries(workspace)
        return max(entries, key=lambda entry: entry.updated).id if entries else None

    def find(self, start: str) -> str:
        """Return the one id that begins with `start`.

        Raises:
            KeyError: none does, or several do; the text says which.
        """
        with self._told():
            rows = self._db.execute("SELECT id FROM conversations WHERE deleted IS NULL").fetchall()
        ids = [id for (id,) in rows if start and id.startswith(start)]
        if len(ids) != 1:
            raise KeyError(f"{len(ids)} conversations begin with {start!r}" if ids else f"no conversation {start!r}")
        return str(ids[0])

    # ---- the database ----

    def _migrate(self) -> None:
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise StoreError(f"{self.path} was written by a newer vlmtui", "update vlmtui; conversations are not kept")
        change = _SCHEMA if version == 0 else _SINCE.get(version, "")
        if change:
            self._db.executescript(f"BEGIN IMMEDIATE; {change} PRAGMA user_version = {_VERSION}; COMMIT;")

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        with self._transaction():
            self._db.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into a cause and a remedy."""
        try:
            yield
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError) as error:
            raise StoreError(f"{self.path}: {error}", _remedy(error)) from error


def _remedy(error: Exception) -> str:
    words = str(error)
    if "full" in words:
        return "make room on the disk; what was kept before is still there"
    if "locked" in words or "busy" in words:
        return "another program holds it; what comes next is saved again"
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return "move the file away to begin a new one; the chat goes on without it"
    return "the chat goes on, but is not kept"


def _holds(name: str, words: str) -> bool:
    folded = name.casefold()
    return all(word in folded for word in words.casefold().split())


def _text(text: str) -> str:
    """Return `text` without what SQLite cannot keep: halves of characters, as undecodable file names have."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
