"""What the user may set: each setting declared once, as a field with its type, default and help.

The file is `settings.toml` in the user's configuration folder; a missing file means defaults. A mistake in it is one
clear line that names the file and the key, and the default is used: a typo must not keep anyone from their work.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vlmtui.chats.presets import Preset

Graphics = Literal["auto", "half-block", "kitty", "sixel"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting, with its default."""

    model: Annotated[str, Meta(description="checkpoint to load: demo, a hub id, or a folder")] = ""
    revision: Annotated[str, Meta(description="branch, tag or commit on the hub; empty for the newest")] = ""
    device: Annotated[str, Meta(description="auto, cpu, cuda, cuda:N or mps")] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], Meta(description="precision of the weights")
    ] = "auto"
    graphics: Annotated[Graphics, Meta(description="how pictures are drawn in the terminal")] = "auto"
    theme: Annotated[str, Meta(description="name of the colour theme")] = "vscode-dark"
    max_new_tokens: Annotated[int, Meta(ge=1, le=16384, description="longest answer, in tokens")] = 512
    temperature: Annotated[float, Meta(ge=0.0, le=2.0, description="0 is greedy decoding")] = 0.0
    presets: Annotated[
        dict[str, str | Preset], Meta(description="your own questions: name = 'text', or {prompt = 'text', key = 'k'}")
    ] = {}
    system_prompt: Annotated[str, Meta(description="system prompt of new conversations")] = ""


def read_settings(path: Path) -> tuple[Settings, list[str]]:
    """Return the settings of the file at `path`, and a line for each mistake in it.

    Each key is taken by itself: a mistake in one leaves the others in force.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Settings(), [f"{path}: {error}; the defaults are used"]
    known = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    good: dict[str, Any] = {}
    mistakes: list[str] = []
    for key, value in table.items():
        if key not in known:
            mistakes.append(f"{path}: unknown setting {key!r}{_nearest(key, known)}")
            continue
        try:
            good[key] = msgspec.convert(value, known[key])
        except msgspec.ValidationError as error:
            mistakes.append(f"{path}: {key}: {error}; the default is used")
    return Settings(**good), mistakes


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
    end = next((i for i, old in enumerate(lines) if old.lstrip().startswith("[")), len(lines))  # tables come last
    place = next((i for i, old in enumerate(lines[:end]) if old.split("=", 1)[0].strip() == key), None)
    if place is None:
        lines.insert(end, line)
    else:
        lines[place] = line
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_suffix(".toml.new")
    aside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    aside.replace(path)


def _nearest(key: str, known: dict[str, Any]) -> str:
    """Return a suggestion for a mistyped key."""
    import difflib

    near = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
