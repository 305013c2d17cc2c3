"""What the user may set: each setting declared once, as a field with its type, default and help.

The file is `settings.toml` in the user's configuration folder, and what a folder's own `.vlmtui.toml` says goes before
it; a missing file means defaults. A mistake is one clear line that names the file, the line and the key, and the
default is used: a typo must not keep anyone from their work.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vlmtui.chats.presets import Preset
from vlmtui.models.processor import Resolution

Graphics = Literal["auto", "half-block", "kitty", "sixel"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting, with its default."""

    model: Annotated[str, Meta(description="checkpoint to load: demo, a hub id, or a folder")] = ""
    revision: Annotated[str, Meta(description="branch, tag or commit on the hub; empty for the newest")] = ""
    device: Annotated[str, Meta(description="auto, cpu, cuda, cuda:N or mps")] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], Meta(description="precision of the weights")
    ] = "auto"
    quantize: Annotated[
        Literal["none", "8bit", "4bit", "int8"],
        Meta(description="smaller weights: 8bit and 4bit by bitsandbytes, int8 on a CPU"),
    ] = "none"
    load_model: Annotated[
        Literal["start", "question"],
        Meta(description="at the start, or with the first question: its memory is free until then"),
    ] = "start"
    endpoint: Annotated[
        str, Meta(description="address of an OpenAI-compatible endpoint that answers in place of a model here")
    ] = ""
    model_folders: Annotated[
        str, Meta(description="where to look for checkpoints and adapters: folders with a colon between")
    ] = ""
    graphics: Annotated[Graphics, Meta(description="how pictures are drawn in the terminal")] = "auto"
    theme: Annotated[str, Meta(description="name of the colour theme")] = "vscode-dark"
    resolution: Annotated[
        Resolution, Meta(description="tiles of a picture: off is one, 2-4 a side, full the most, fit never scales up")
    ] = "auto"
    max_new_tokens: Annotated[int, Meta(ge=1, le=16384, description="longest answer, in tokens")] = 512
    temperature: Annotated[float, Meta(ge=0.0, le=2.0, description="0 is greedy decoding")] = 0.0
    top_p: Annotated[float, Meta(gt=0.0, le=1.0, description="the likeliest tokens up to this sum; 1: all")] = 1.0
    top_k: Annotated[int, Meta(ge=0, le=100_000, description="so many of the likeliest tokens; 0: all")] = 0
    repetition_penalty: Annotated[float, Meta(ge=0.5, le=2.0, description="above 1 the model repeats itself less")] = (
        1.0
    )
    seed: Annotated[int, Meta(ge=-1, description="of the chance; -1: another each time")] = -1
    beams: Annotated[int, Meta(ge=1, le=16, description="tried side by side; above 1 nothing streams")] = 1
    presets: Annotated[
        dict[str, str | Preset], Meta(description="your own questions: name = 'text', or {prompt = 'text', key = 'k'}")
    ] = {}
    system_prompt: Annotated[str, Meta(description="system prompt of new conversations")] = ""
    run_folders: Annotated[
        str, Meta(description="where else trainings are looked for: folders with : between them")
    ] = ""
    alerts: Annotated[
        dict[str, float], Meta(description="limits of alerts, 0 for none: spike, plateau, explosion, stall, disk, ...")
    ] = {}
    bell: Annotated[Literal["off", "on"], Meta(description="ring when an alert is given")] = "off"
    alert_command: Annotated[
        str, Meta(description="run at an alert, without a shell; it gets the alert as JSON on its standard input")
    ] = ""
    alert_webhook: Annotated[str, Meta(description="http address that an alert is sent to, as JSON by POST")] = ""
    keybindings: Annotated[
        dict[str, str], Meta(description='a table: an action\'s id and its keys, as in "view.zoom" = "f4, ctrl+k"')
    ] = {}


WORKSPACE_FILE = ".vlmtui.toml"
"""In a folder that is opened: settings for that folder."""
USER_ONLY = frozenset({"alert_command", "alert_webhook"})
"""Taken from the user's own file only: a folder from somewhere else must not run commands, nor say where to."""


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of several files.

    Attributes:
        settings: in force.
        mistakes: a line for each mistake.
        places: where each setting comes from, as `file:line`, by its key; keys as `keybindings.view.zoom`.
    """

    settings: Settings
    mistakes: list[str]
    places: dict[str, str]


def read_settings(path: Path) -> tuple[Settings, list[str]]:
    """Return the settings of the file at `path`, and a line for each mistake in it.

    Each key is taken by itself: a mistake in one leaves the others in force.
    """
    layers = read_layers([path])
    return layers.settings, layers.mistakes


def read_layers(paths: Sequence[Path]) -> Layers:
    """Return the settings of the files at `paths`; what a later one sets goes before an earlier one."""
    known = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    good: dict[str, Any] = {}
    keys: dict[str, str] = {}
    mistakes: list[str] = []
    places: dict[str, str] = {}
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
            table = tomllib.loads(text)
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            mistakes.append(_unreadable(path, error))
            continue
        lines = _lines_of_keys(text)
        for key, value in table.items():
            place = _place(path, lines.get((key,)))
            if key == "keybindings" and isinstance(value, dict):
                for name, wanted in _flat(value):
                    place = _place(path, lines.get((key, name)) or lines.get((key,)))
                    if isinstance(wanted, str):
                        keys[name] = wanted
                        places[f"{key}.{name}"] = place
                    else:
                        mistakes.append(f"{place}: {key}: {name}: expected keys as text; its default is used")
            elif key in USER_ONLY and path.name == WORKSPACE_FILE:
                mistakes.append(f"{place}: {key} counts in your own settings only, not in a folder's; it is left out")
            elif key not in known:
                mistakes.append(f"{place}: unknown setting {key!r}{nearest(key, known)}")
            else:
                try:
                    good[key] = msgspec.convert(value, known[key])
                    places[key] = place
                except msgspec.ValidationError as error:
                    mistakes.append(f"{place}: {key}: {error}; the default is used")
    return Layers(settings=Settings(**good, keybindings=keys), mistakes=mistakes, places=places)


def _unreadable(path: Path, error: Exception) -> str:
    found = re.search(r"^(.*) \(at line (\d+), column \d+\)$", str(error))
    where, what = (f"{path}:{found[2]}", found[1]) if found else (str(path), str(error))
    return f"{where}: {what}; the defaults are used"


def _place(path: Path, line: int | None) -> str:
    return f"{path}:{line}" if line else str(path)


def _flat(table: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return the entries of a table with dotted names, whether they were quoted or not."""
    entries: list[tuple[str, Any]] = []
    for key, value in table.items():
        entries += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(before + key, value)]
    return entries


_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_KEY = re.compile(r"\s*((?:[\w.-]|\"[^\"]*\"|'[^']*')+)\s*=")


def _lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each key of a TOML file, counted from 1, by its table and its name."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = (_bare(header[1]),)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, _bare(key[1])), number)
    return found


def _bare(key: str) -> str:
    return re.sub(r"[\"']", "", key)


def as_value(name: str, text: str) -> Any:
    """Return what was typed as a value of the setting `name`.

    Raises:
        msgspec.ValidationError: it cannot be one.
    """
    field = next(field for field in msgspec.structs.fields(Settings) if field.name == name)
    if isinstance(field.default, str):
        return msgspec.convert(text.strip() if name != "system_prompt" else text, field.type)
    try:
        number = msgspec.json.decode(text.strip().encode())
    except msgspec.DecodeError as error:
        raise msgspec.ValidationError("a number is wanted") from error
    return msgspec.convert(number, field.type)


def write_setting(path: Path, key: str, value: str | int | float) -> None:
    """Set `key` in the file at `path`, keeping every other line and comment; the file is made if missing.

    Raises:
        KeyError: there is no such setting.
        OSError: the file cannot be written.
    """
    if key not in {field.name for field in msgspec.structs.fields(Settings)}:
        raise KeyError(key)
    line = f"{key} = {msgspec.json.encode(value).decode()}"  # a JSON string, int or float is a TOML one
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = ["# vlmtui's settings: https://toml.io"]
    place, end = _line_of(lines, key)
    if place is None:
        lines.insert(end, line)
    else:
        lines[place] = line + _comment_of(lines[place])
    _replace(path, lines)


def remove_setting(path: Path, key: str) -> None:
    """Take `key` out of the file at `path`, keeping every other line; nothing happens where it is not set.

    Raises:
        OSError: the file cannot be read or written.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    place, _ = _line_of(lines, key)
    if place is not None:
        del lines[place]
        _replace(path, lines)


def _line_of(lines: list[str], key: str) -> tuple[int | None, int]:
    """Return where `key` is set, and where the keys that belong to no table end: tables come last."""
    end = next((i for i, old in enumerate(lines) if old.lstrip().startswith("[")), len(lines))
    return next((i for i, old in enumerate(lines[:end]) if old.split("=", 1)[0].strip() == key), None), end


_VALUE_AND_COMMENT = re.compile(r"""[^=]*=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#"']*?)(\s*#.*)?$""")


def _comment_of(line: str) -> str:
    """Return the comment behind a value on one line, with the space before it; empty where there is none."""
    found = _VALUE_AND_COMMENT.match(line)
    return (found[1] or "") if found else ""


def _replace(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_suffix(".toml.new")
    aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    aside.replace(path)


def nearest(key: str, known: Iterable[str]) -> str:
    """Return a suggestion for a mistyped key."""
    import difflib

    near = difflib.get_close_matches(key, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
