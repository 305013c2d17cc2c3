"""Every checkpoint that can be chosen: the demo model, the family, what the hub's cache and folders hold. No torch."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from vlmtui.demo import DEMO_MODEL_ID, weights_path
from vlmtui.models import files
from vlmtui.models.cache import CachedModel, cached_models, newest_snapshot
from vlmtui.models.catalogue import FAMILY, CatalogueEntry, by_id
from vlmtui.models.estimate import Precision, Room, estimates, fitting

Place = Literal["built in", "cache", "folder", "hub"]
State = Literal["here", "partly here", "not here"]

FAMILY_TYPES = frozenset({"smolvlm", "idefics3"})
"""transformers' model types of the SmolVLM family: SmolVLM2 and v1."""

_MOST_ENTRIES = 2000


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint, as far as its files or the catalogue tell.

    Attributes:
        id: what `--model` takes: `demo`, a hub id, or a folder's path.
        place: where it is.
        state: whether all of it is here.
        parameters: how many; 0 where nothing tells.
        quantisable: those of linear layers, `lm_head` left out.
        context: positions of the text model; 0 where nothing tells.
        disk: bytes on this disk; of one that is not here, of its download.
        family: transformers' `model_type`; empty where it is not here.
        folder: where its files are; empty where they are not.
        memory: bytes for a question about one picture, by precision.
        fits: the precisions that fit the memory which is free now.
        note: what it is for, or why it cannot be loaded.
    """

    id: str
    place: Place
    state: State
    parameters: int = 0
    quantisable: int = 0
    context: int = 0
    disk: int = 0
    family: str = ""
    folder: str = ""
    memory: dict[Precision, int] = {}
    fits: tuple[Precision, ...] = ()
    note: str = ""


def listed(folders: Iterable[Path], room: Room) -> list[ListedModel]:
    """Return every checkpoint: the demo model, what is here, then the rest of the family.

    Args:
        folders: places to look for checkpoints in, themselves and what lies directly in them.
        room: the memory that they should fit.
    """
    here = [_from_cache(model, room) for model in cached_models()]
    known = {model.id for model in here}
    found = [_described(DEMO_MODEL_ID, "built in", weights_path(), room, "knows shapes and short words")]
    found += [model for model in here if model is not None]
    found += [_described(str(path), "folder", path, room) for path in checkpoints_in(folders)]
    found += [_from_catalogue(entry, room) for entry in FAMILY if entry.id not in known]
    return found


def one(model: str, room: Room) -> ListedModel | None:
    """Return what is known about `model` (as `--model` takes it); None where that is nothing."""
    if model == DEMO_MODEL_ID:
        return _described(DEMO_MODEL_ID, "built in", weights_path(), room, "knows shapes and short words")
    for cached in cached_models():
        if cached.id == model:
            return _from_cache(cached, room)
    entry = by_id(model)
    if entry is not None:
        return _from_catalogue(entry, room)
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        path = Path(model).expanduser()
        if (path / "config.json").is_file():
            return _described(str(path.resolve()), "folder", path.resolve(), room)
    return None


def checkpoints_in(folders: Iterable[Path]) -> list[Path]:
    """Return the folders with a vision-language checkpoint: each of `folders`, or what lies directly in it."""
    return _each_once(folders, _is_checkpoint)


def adapters_in(folders: Iterable[Path]) -> list[Path]:
    """Return the folders with a PEFT adapter: each of `folders`, or what lies in it up to two levels down."""
    return _each_once(folders, lambda path: (path / "adapter_config.json").is_file(), depth=2)


def _each_once(folders: Iterable[Path], wanted: object, depth: int = 1) -> list[Path]:
    found: dict[Path, None] = {}
    for folder in folders:
        for path in _and_below(folder, depth):
            with contextlib.suppress(OSError):
                if wanted(path):  # type: ignore[operator]
                    found.setdefault(path.resolve(), None)
    return list(found)


def _and_below(folder: Path, depth: int) -> Iterable[Path]:
    """Yield `folder` and the folders in it; of a very full one only the first."""
    yield folder
    if not depth:
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(
                entry.name
                for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)
                if entry.is_dir() and not entry.name.startswith(".")
            )
    except OSError:
        return
    for name in names:
        yield from _and_below(folder / name, depth - 1)


def _is_checkpoint(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint that looks at pictures, by its configuration."""
    if not (folder / "config.json").is_file():
        return False
    try:
        config = files.read_json(folder / "config.json")
    except (OSError, ValueError):
        return False
    return "vision_config" in config or config.get("model_type") in FAMILY_TYPES


def _from_cache(model: CachedModel, room: Room) -> ListedModel:
    entry = by_id(model.id)
    folder = newest_snapshot(model)
    state: State = "here" if model.complete else "partly here"
    note = entry.note if entry is not None else ""
    if folder is None or not (folder / "config.json").is_file():
        return _from_catalogue(entry, room, state, model.size) if entry is not None else _bare(model, state)
    described = _described(model.id, "cache", folder, room, note)
    if not described.parameters and entry is not None:
        return _from_catalogue(entry, room, state, model.size)
    return msgspec.structs.replace(described, state=state, disk=model.size)


def _bare(model: CachedModel, state: State) -> ListedModel:
    return ListedModel(id=model.id, place="cache", state=state, disk=model.size, note="no configuration")


def _from_catalogue(
    entry: CatalogueEntry, room: Room, state: State = "not here", disk: int | None = None
) -> ListedModel:
    memory = estimates(entry.parameters, entry.quantisable)
    return ListedModel(
        id=entry.id,
        place="hub" if state == "not here" else "cache",
        state=state,
        parameters=entry.parameters,
        quantisable=entry.quantisable,
        context=entry.context,
        disk=round(entry.download_gb * 1e9) if disk is None else disk,
        memory=memory,
        fits=tuple(fitting(memory, room)),
        note=entry.note,
    )


def _described(id: str, place: Place, folder: Path, room: Room, note: str = "") -> ListedModel:
    """Return what the files in `folder` say; what is damaged is said in the note."""
    family, context, parameters, quantisable, disk = "", 0, 0, 0, 0
    complete = True
    try:
        config = files.read_json(folder / "config.json")
        family = str(config.get("model_type") or "")
        text = config.get("text_config")
        context = int((text if isinstance(text, dict) else config).get("max_position_embeddings") or 0)
        disk = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        missing = files.missing_shards(folder)
        if not files.safetensors_files(folder):
            complete = False
            pickled = files.pickle_files(folder)
            note = "pickled weights only: cannot be loaded" if pickled else "no weights"
        elif missing:
            complete, note = False, f"lacks {len(missing)} of its weight files"
        parameters, quantisable = files.count_parameters(folder), files.count_quantisable(folder)
    except (OSError, ValueError, TypeError) as error:
        complete, note = False, str(error)
    if complete and not note and family not in FAMILY_TYPES:
        note = "untested: not a SmolVLM"
    memory = estimates(parameters, quantisable)
    return ListedModel(
        id=id,
        place=place,
        state="here" if complete else "partly here",
        parameters=parameters,
        quantisable=quantisable,
        context=context,
        disk=disk,
        family=family,
        folder=str(folder),
        memory=memory,
        fits=tuple(fitting(memory, room)),
        note=note,
    )
