"""`vlmtui models`: list, pull, show and remove checkpoints, without the workbench."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.models import adapters
from vlmtui.models.cache import cached
from vlmtui.models.estimate import Room, room_here
from vlmtui.models.listing import ListedModel, adapters_in, listed, one
from vlmtui.models.pace import Pace, count_words, progress_line, size_words
from vlmtui.models.places import adapter_folders, model_folders
from vlmtui.models.removing import RemovalError, remove
from vlmtui.paths import settings_file
from vlmtui.safetext import safe_line
from vlmtui.settings import read_settings

_PRECISIONS = {"float32": "float32", "bf16": "bf16", "8bit": "8-bit", "4bit": "4-bit"}
_ALL = ("bf16", "8bit", "4bit")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `vlmtui models` takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shown = actions.add_parser("list", help="list the family, the hub's cache and folders: size, context, memory")
    shown.add_argument("folders", nargs="*", metavar="DIR", help="look here too (default: the settings' model_folders)")
    pull = actions.add_parser("pull", help="fetch a checkpoint from the hub; goes on where it broke off")
    pull.add_argument("--revision", metavar="R", help="branch, tag or commit")
    info = actions.add_parser("info", help="show all that is known of a checkpoint or an adapter")
    gone = actions.add_parser("rm", help="delete checkpoints from the hub's cache")
    gone.add_argument("models", nargs="+", metavar="MODEL", help="hub ids")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    pull.add_argument("model", metavar="MODEL", help="a hub id: owner/name")
    info.add_argument("model", metavar="MODEL", help="demo, a hub id, or a folder")
    for command in (shown, pull, info, gone):
        command.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=models)


def models(options: argparse.Namespace) -> int:
    """Do what was asked; return the exit code: 0, or 1 for a failure, or 2 for wrong use."""
    actions = {"list": _list, "pull": _pull, "info": _info, "rm": _remove}
    return actions[options.action](options)


# ---- list and info ------------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> int:
    settings, mistakes = read_settings(settings_file())
    for mistake in mistakes:
        _complain(f"warning: {mistake}")
    named = [Path(folder).expanduser() for folder in options.folders]
    missing = [folder for folder in named if not folder.is_dir()]
    if missing:
        _complain(f"{missing[0]}: there is no such folder")
        return 2
    room = room_here()
    found = listed(named or model_folders(settings.model_folders), room)
    laid_over = [adapters.describe(path) for path in adapters_in(named or adapter_folders(settings.model_folders))]
    if options.json:
        _print(
            json.dumps(
                {
                    "device": msgspec.to_builtins(room),
                    "models": [msgspec.to_builtins(model) for model in found],
                    "adapters": [msgspec.to_builtins(adapter) for adapter in laid_over],
                }
            )
        )
        return 0
    for line in as_table(found, room):
        _print(line)
    if laid_over:
        _print("")
        rows = [("ADAPTER", "KIND", "PARAMETERS", "MADE FOR")]
        rows += [
            (one.folder, one.note or one.kind, count_words(one.parameters), one.base or "(does not say)")
            for one in laid_over
        ]
        for line in _columns(rows, right=(2,)):
            _print(line)
    return 0


def as_table(found: Sequence[ListedModel], room: Room) -> list[str]:
    """Return the checkpoints as lines: what is here first, with what a question about one picture takes."""
    rows: list[Sequence[str]] = [("MODEL", "WHERE", "PARAMETERS", "CONTEXT", "DISK", "BF16", "8-BIT", "4-BIT", "FITS")]
    for model in found:
        where = model.place if model.state != "partly here" else f"{model.place}, not all"
        memory = [size_words(model.memory[precision]) if model.memory else "" for precision in _ALL]  # type: ignore[index]
        context = f"{model.context:,}" if model.context else ""
        rows.append(
            (
                model.id,
                where,
                count_words(model.parameters),
                context,
                size_words(model.disk),
                *memory,
                fits_words(model),
            )
        )
    lines = _columns(rows, right=(2, 3, 4, 5, 6, 7))
    return [*lines, "", f"Memory is for a question about one picture. {room_words(room)}"]


def fits_words(model: ListedModel) -> str:
    """Return which precisions fit this device, in a word or two."""
    if not model.memory:
        return ""
    fits = [_PRECISIONS[precision] for precision in _ALL if precision in model.fits]
    return "all" if len(fits) == len(_ALL) else ", ".join(fits) or "none"


def room_words(room: Room) -> str:
    """Return the device's memory in a sentence."""
    where = "this machine's memory" if room.device == "cpu" else f"{room.name} ({room.device})"
    return f"Free: {size_words(room.free)} of {size_words(room.total)}, {where}."


def _info(options: argparse.Namespace) -> int:
    folder = Path(options.model).expanduser()
    if (folder / "adapter_config.json").is_file():
        adapter = adapters.describe(folder.resolve())
        page: dict[str, Any] = msgspec.to_builtins(adapter)
        lines = [
            ("adapter", adapter.folder),
            ("made for", adapter.base or "it does not say"),
            ("kind", adapter.kind),
            ("layers", ", ".join(adapter.targets)),
            ("parameters", f"{adapter.parameters:,}"),
            ("disk", size_words(adapter.disk)),
            ("note", adapter.note),
        ]
    else:
        room = room_here()
        model = one(options.model, room)
        if model is None:
            _complain(
                f"{options.model}: nothing here is called that; `vlmtui models list` says what is, "
                "and `vlmtui models pull` fetches what the hub has"
            )
            return 1
        page = {"device": msgspec.to_builtins(room)} | msgspec.to_builtins(model)
        lines = [
            ("model", model.id),
            ("is", f"{model.state} ({model.place})"),
            ("folder", model.folder),
            ("type", model.family),
            ("parameters", f"{model.parameters:,}" if model.parameters else ""),
            ("context", f"{model.context:,} tokens" if model.context else ""),
            ("disk" if model.state != "not here" else "download", size_words(model.disk)),
            *((f"in {_PRECISIONS[name]}", _needs(size, room)) for name, size in model.memory.items()),
            ("device", room_words(room)),
            ("note", model.note),
        ]
    if options.json:
        _print(json.dumps(page))
        return 0
    for name, value in lines:
        if value:
            _print(f"{name:<12}{value}")
    return 0


def _needs(size: int, room: Room) -> str:
    return f"{size_words(size)}" + ("" if size <= room.free else ": more than is free")


# ---- pull ---------------------------------------------------------------------------------------


def _pull(options: argparse.Namespace) -> int:
    return asyncio.run(_pulled(options))


async def _pulled(options: argparse.Namespace) -> int:
    from vlmtui.engine.client import EngineClient
    from vlmtui.engine.protocol import Failed, LoadProgress, Pulled
    from vlmtui.progress_line import ProgressLine

    client = EngineClient()
    progress = ProgressLine(sys.stderr)
    pace = Pace()
    try:
        async for event in client.pull(options.model, revision=options.revision):
            match event:
                case LoadProgress():
                    pace.look(event.done, time.monotonic())
                    progress.show(progress_line(event.done, event.total, pace) if event.total else "asking the hub")
                case Failed():
                    progress.clear()
                    _complain(f"{event.cause}; {event.remedy}")
                    return 1
                case Pulled():
                    progress.clear()
                    if options.json:
                        page = {"model": event.name, "revision": event.revision, "folder": event.folder}
                        _print(json.dumps(page | {"size": event.size}))
                    else:
                        _print(f"{event.name} is here: {size_words(event.size)} in {event.folder}")
                    return 0
    except asyncio.CancelledError:
        progress.clear()
        _complain("stopped; what has arrived is kept, and the same command goes on from there")
        raise
    finally:
        await client.close()
    return 1


# ---- rm -----------------------------------------------------------------------------------------


def _remove(options: argparse.Namespace) -> int:
    if not options.yes:
        if not sys.stdin.isatty():
            _complain("nobody can be asked here whether to delete: say --yes")
            return 2
        print(f"Delete {', '.join(safe_line(name) for name in options.models)} from the cache? [y/N] ", end="")  # noqa: T201
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            return 1
    freed: dict[str, int] = {}
    failed = False
    for model in options.models:
        try:
            freed[model] = remove(model)
        except (RemovalError, OSError) as error:
            _complain(str(error))
            failed = True
            continue
        if not options.json:
            _print(f"{model} is removed: {size_words(freed[model])} are free again")
    if options.json:
        _print(json.dumps({"removed": freed}))
    return 1 if failed or any(cached(model) for model in freed) else 0


def _columns(rows: Sequence[Sequence[str]], right: tuple[int, ...]) -> list[str]:
    """Return `rows` as lines with aligned columns; those numbered in `right` end together."""
    safe = [[safe_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[index]) for row in safe) for index in range(len(safe[0]))]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in safe
    ]


def _print(line: str) -> None:
    print(safe_line(line, 100_000), flush=True)  # noqa: T201 - what the command is for


def _complain(line: str) -> None:
    print(f"vlmtui: {safe_line(line)}", file=sys.stderr, flush=True)  # noqa: T201 - what stderr is for
