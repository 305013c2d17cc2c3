"""What is in Hugging Face's local cache, by looking at its folders: fast, and without its library.

Layout: `models--OWNER--NAME/refs/REVISION` holds a commit, `snapshots/COMMIT/` the files as links into `blobs/`
(https://huggingface.co/docs/huggingface_hub/guides/manage-cache).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from vlmtui.models import files
from vlmtui.paths import hub_cache


class CachedModel(msgspec.Struct, frozen=True):
    """A repository of a model in the cache.

    Attributes:
        id: on the hub.
        folder: its folder in the cache.
        size: bytes of all its revisions.
        complete: whether a revision can be loaded with no network.
    """

    id: str
    folder: Path
    size: int
    complete: bool


def cached(model: str, revision: str = "main") -> bool:
    """Return whether the hub's `model` can be loaded with no network."""
    return snapshot(model, revision) is not None


def snapshot(model: str, revision: str = "main") -> Path | None:
    """Return the folder of `model` at `revision` (branch, tag or commit) in the cache, if it is wholly there."""
    folder = hub_cache() / f"models--{model.replace('/', '--')}"
    try:
        commit = revision
        reference = folder / "refs" / revision
        if reference.is_file():
            commit = reference.read_text(encoding="utf-8").strip()
        found = folder / "snapshots" / commit
        return found if _loadable(found) else None
    except (OSError, ValueError):
        return None


def newest_snapshot(model: CachedModel) -> Path | None:
    """Return the folder of the revision to load: `main`, else a whole one, else any; None where there is none."""
    whole = snapshot(model.id)
    if whole is not None:
        return whole
    try:
        revisions = sorted((model.folder / "snapshots").glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
        return next((path for path in revisions if _loadable(path)), revisions[0] if revisions else None)
    except (OSError, ValueError):
        return None


def cached_models() -> list[CachedModel]:
    """Return every model in the cache, by id; an unreadable cache is an empty one."""
    found: list[CachedModel] = []
    try:
        folders = sorted(hub_cache().glob("models--*"))
    except OSError:
        return found
    for folder in folders:
        try:
            size = sum(blob.stat().st_size for blob in (folder / "blobs").glob("*") if blob.is_file())
            complete = any(_loadable(revision) for revision in (folder / "snapshots").glob("*"))
        except (OSError, ValueError):
            continue
        found.append(CachedModel(folder.name.removeprefix("models--").replace("--", "/"), folder, size, complete))
    return found


def _loadable(folder: Path) -> bool:
    """Return whether a snapshot has a configuration and all its weights; links to blobs that are gone do not count."""
    if not (folder / "config.json").is_file():
        return False
    if any(not path.is_file() for path in folder.glob("*.safetensors")):
        return False
    return bool(files.safetensors_files(folder)) and not files.missing_shards(folder)
