"""Opening the workbench from the command line."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vlmtui.paths import settings_file
from vlmtui.safetext import safe_line
from vlmtui.settings import WORKSPACE_FILE, read_layers

if TYPE_CHECKING:
    from vlmtui.models.adapters import AdapterUse

_FIRST_PICTURE = "shapes/three-shapes.png"
"""What the demo's workspace opens with."""


def open_workbench(options: argparse.Namespace) -> int:
    """Open the folder of `options`, or the folder of a file with that file selected; return the exit code."""
    return _open(Path(options.directory), options)


def open_demo(options: argparse.Namespace) -> int:
    """Write the demo's workspace and open it with the embedded model, or the one that `options` name."""
    if problem := _not_a_terminal():
        return _fail(problem, 2)
    directory = Path(os.path.abspath(Path(options.directory).expanduser()))  # noqa: PTH100
    if problem := _write_demo(directory):
        return _fail(f"cannot write {directory}: {problem}; give another folder: vlmtui demo DIR", 1)
    if options.model is None:
        options.model = "demo"
    return _open(directory, options, select=directory / _FIRST_PICTURE)


def _write_demo(directory: Path) -> str:
    """Write the demo's workspace unless it is there; return what went wrong, or an empty string."""
    import subprocess

    if all((directory / name).exists() for name in ("README.md", "questions.jsonl", _FIRST_PICTURE)):
        return ""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "vlmtui.demo", str(directory)], capture_output=True, text=True, errors="replace"
    )
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _open(place: Path, options: argparse.Namespace, *, select: Path | None = None) -> int:
    if problem := _not_a_terminal():
        return _fail(problem, 2)
    gc.disable()  # until the first paint: nothing of what is imported is garbage
    try:
        place = Path(os.path.abspath(place.expanduser()))  # noqa: PTH100 - keeps links as the user wrote them
        if place.is_file():
            place, select = place.parent, place
        if not place.is_dir():
            return _fail(f"{place}: no such folder", 2)
        if not os.access(place, os.R_OK | os.X_OK):
            return _fail(f"{place}: permission denied", 2)
    except (OSError, RuntimeError, ValueError) as error:
        return _fail(f"{place}: {error}", 2)

    given = {name: getattr(options, name) for name in ("model", "revision", "device", "dtype", "quantize")}
    given = {name: value for name, value in given.items() if value is not None}
    if "model" in given and "revision" not in given:
        given["revision"] = ""  # the settings' revision belongs to the settings' model
    if given.get("dtype") not in (None, "auto", "float32", "bfloat16", "float16"):
        return _fail(f"--dtype {given['dtype']}: choose auto, float32, bfloat16 or float16", 2)
    named = getattr(options, "endpoint", None) or ""
    if named and options.adapter:
        return _fail("--adapter and --endpoint: adapters of an endpoint are chosen there, by the model's name", 2)
    over: tuple[AdapterUse, ...] = ()
    if options.adapter:
        from vlmtui.models.adapters import AdapterError, base_of, parse

        try:
            over = tuple(parse(name) for name in options.adapter)
        except AdapterError as error:
            return _fail(f"{error.cause}: {error.remedy}", 2)
        base = base_of(Path(over[0].folder))
        if "model" not in given and base:
            given |= {"model": base, "revision": ""}
    from vlmtui.recent import remember_folder

    # Textual paints at these moments only: a key right behind a paint waits for the next.
    os.environ.setdefault("TEXTUAL_FPS", "240")
    from vlmtui.ui.app import VlmtuiApp
    from vlmtui.ui.folders import FolderSettings

    def read_folder(folder: Path) -> FolderSettings:
        files = (settings_file(), folder / WORKSPACE_FILE)
        layers = read_layers(files)
        return FolderSettings(msgspec.structs.replace(layers.settings, **given), layers.mistakes, files)

    found = read_folder(place)
    remember_folder(place)
    app = VlmtuiApp(
        place, settings=found.settings, select=select, mistakes=found.mistakes, settings_files=found.files,
        read_folder=read_folder,
    )  # fmt: skip
    if over:
        app.first_choice = replace(app.first_choice, adapters=over)
    endpoint = named or ("" if options.model or over else found.settings.endpoint)
    if endpoint:
        app.first_choice = replace(app.first_choice, model=options.model or "", endpoint=endpoint)
    app.run()
    return app.return_code or 0


def _not_a_terminal() -> str:
    if sys.stdin.isatty() and sys.stdout.isatty():
        return ""
    return "the workbench needs a terminal; without one use: vlmtui ask PROMPT FILE…"


def _fail(line: str, code: int) -> int:
    print(f"vlmtui: {safe_line(line)}", file=sys.stderr)  # noqa: T201
    return code
