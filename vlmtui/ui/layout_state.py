"""How the workbench of a folder was left: sizes, what is shown, which tabs are open. One small file a folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from vlmtui.paths import layouts_directory

_VERSION = 1
_LONGEST = 256 * 1024
_MOST_TABS = 40


class OpenTab(msgspec.Struct, omit_defaults=True):
    """An open file.

    Attributes:
        path: relative to the folder where it lies in it, else absolute.
        kind: what it is shown as (see `vlmtui.media.kinds`).
        pinned: it stays when another file is selected.
    """

    path: str
    kind: str
    pinned: bool = False


class OpenGroup(msgspec.Struct, omit_defaults=True):
    """An editor group: its tabs, and the number of the one on show."""

    tabs: list[OpenTab] = []
    active: int = 0


class LayoutState(msgspec.Struct, omit_defaults=True):
    """How a workbench was left.

    Attributes:
        version: of this format.
        side_width: cells; 0 for the usual.
        chat_share: of what the side bar leaves; 0 for the usual.
        panel_share: of the height; 0 for the usual.
        group_share: of the editors' width, the first group's; 0 for half.
        side, panel, chat: whether they are shown.
        view, panel_view: ids of what the side bar and the panel show.
        groups: the editor groups, left to right.
        active_group: number of the one that files are opened in.
    """

    version: int = _VERSION
    side_width: int = 0
    chat_share: float = 0.0
    panel_share: float = 0.0
    group_share: float = 0.0
    side: bool = True
    panel: bool = False
    chat: bool = True
    view: str = "explorer"
    panel_view: str = "problems"
    groups: list[OpenGroup] = []
    active_group: int = 0


def layout_file(folder: Path) -> Path:
    """Return where the layout of `folder` is kept; it may not exist."""
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    return layouts_directory() / f"{name}.json"


def read_layout(path: Path) -> tuple[LayoutState, str]:
    """Return the layout kept at `path`, and what is wrong with it: the usual one then, and where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
        if len(data) > _LONGEST:
            return LayoutState(), f"{path} is larger than any layout"
        state = msgspec.json.decode(data, type=LayoutState)
    except FileNotFoundError:
        return LayoutState(), ""
    except OSError as error:
        return LayoutState(), f"{path}: {error.strerror or error}"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return LayoutState(), f"{path}: {error}"
    if state.version != _VERSION:
        return LayoutState(), f"{path} was written by another version"
    return state, ""


def write_layout(path: Path, state: LayoutState) -> None:
    """Keep `state` at `path`, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    for group in state.groups:
        group.tabs = group.tabs[:_MOST_TABS]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        aside.write_bytes(msgspec.json.encode(state))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def tab_path(folder: Path, path: Path) -> str:
    """Return `path` as it is kept: relative to `folder` where it lies in it."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
