"""`vlmtui chats`: list, show, search, export, import and remove conversations, without the workbench."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

import msgspec

from vlmtui.chats.exporting import FORMS, ExportError, as_markdown, exported, imported
from vlmtui.chats.store import ChatStore, Entry, StoreError
from vlmtui.paths import chats_file
from vlmtui.safetext import safe_line


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `vlmtui chats` takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="list the conversations, pinned and newest first")
    listed.add_argument("--workspace", metavar="DIR", help="only those of this folder")
    show = actions.add_parser("show", help="print a conversation")
    search = actions.add_parser("search", help="list the conversations that hold words")
    search.add_argument("words", nargs="+", metavar="WORD", help="each begins a word of a message or of the title")
    export = actions.add_parser("export", help="write a conversation as Markdown, JSON or a data set's row")
    export.add_argument("--as", dest="form", choices=FORMS, default="markdown", help="default: markdown")
    export.add_argument("--out", metavar="FILE", help="a new file (default: print it); a row is added to a data set")
    bring = actions.add_parser("import", help="bring a conversation back that was exported as JSON")
    bring.add_argument("file", metavar="FILE", help="what `export --as json` wrote")
    gone = actions.add_parser("rm", help="delete conversations for good")
    for command in (show, export):
        command.add_argument("id", metavar="ID", help="its id, or the beginning of it")
    gone.add_argument("ids", nargs="+", metavar="ID", help="their ids, or the beginnings of them")
    for command in (listed, show, search, export, bring, gone):
        command.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=chats)


def chats(options: argparse.Namespace) -> int:
    """Do what was asked; return the exit code."""
    try:
        store = ChatStore(chats_file())
    except StoreError as error:
        return _complain(str(error))
    try:
        _ACTIONS[options.action](store, options)
    except KeyError as error:
        return _complain(f"{error.args[0]}; `vlmtui chats list` shows the ids")
    except OSError as error:
        return _complain(f"{error.filename or ''}: {error.strerror or error}")
    except (StoreError, ExportError) as error:
        return _complain(str(error))
    finally:
        store.close()
    return 0


def _list(store: ChatStore, options: argparse.Namespace) -> None:
    place = None if options.workspace is None else str(Path(options.workspace).resolve())
    _print_entries(store.entries(place), options.json, "There are no conversations yet.")


def _search(store: ChatStore, options: argparse.Namespace) -> None:
    _print_entries(store.search(" ".join(options.words)), options.json, "Nothing was found.")


def _show(store: ChatStore, options: argparse.Namespace) -> None:
    conversation = store.load(store.find(options.id))
    if options.json:
        _say(msgspec.json.encode(conversation).decode())
    else:
        _say(as_markdown(conversation).rstrip("\n"))


def _export(store: ChatStore, options: argparse.Namespace) -> None:
    id = store.find(options.id)
    text = exported(store.load(id), options.form)
    if options.out is None:
        sys.stdout.write(text)
        return
    with Path(options.out).open("a" if options.form == "dataset" else "x", encoding="utf-8") as file:
        file.write(text)
    _say(json.dumps({"id": id, "file": options.out}) if options.json else safe_line(options.out))


def _import(store: ChatStore, options: argparse.Namespace) -> None:
    conversation = imported(Path(options.file).read_bytes())
    store.save(conversation)
    if conversation.title:
        store.rename(conversation.id, conversation.title)
    _say(json.dumps({"id": conversation.id}) if options.json else conversation.id)


def _remove(store: ChatStore, options: argparse.Namespace) -> None:
    ids = [store.find(id) for id in options.ids]
    for id in ids:
        store.remove(id)
    _say(json.dumps({"removed": ids}) if options.json else f"Deleted: {', '.join(ids)}")


def _print_entries(entries: list[Entry], as_json: bool, nothing: str) -> None:
    if as_json:
        _say(msgspec.json.encode(entries).decode())
    for entry in [] if as_json else entries:
        when = datetime.fromtimestamp(entry.updated).strftime("%Y-%m-%d %H:%M")
        pin = "*" if entry.pinned else " "
        _say(f"{entry.id} {pin} {when}  {entry.messages:>3}  {safe_line(entry.name, 60)}")
        if entry.excerpt:
            _say(f"{'':37}{safe_line(entry.excerpt, 80)}")
    if not entries and not as_json:
        _say(nothing)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what the command is for


def _complain(line: str) -> int:
    print(safe_line(line), file=sys.stderr)  # noqa: T201 - what the command is for
    return 1


_ACTIONS = {
    "list": _list,
    "show": _show,
    "search": _search,
    "export": _export,
    "import": _import,
    "rm": _remove,
}
