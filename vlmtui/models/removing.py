"""Takes a checkpoint out of the hub's cache: out of sight first, so that nothing half gone looks whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from vlmtui.models.cache import cached_models
from vlmtui.paths import hub_cache


class RemovalError(Exception):
    """A checkpoint that cannot be removed; the message says why and what to do."""


def remove(model: str) -> int:
    """Delete the hub's `model` with all its revisions, and what a broken-off download left; return the bytes freed.

    Raises:
        RemovalError: it is not in the cache, or not a hub id at all.
        OSError: the system does not let us.
    """
    found = next((cached for cached in cached_models() if cached.id == model), None)
    if found is None:
        if Path(model).expanduser().exists():
            raise RemovalError(f"{model} is a folder of your own: delete it yourself")
        raise RemovalError(f"{model} is not in the cache; `vlmtui models list` says what is")
    inside = hub_cache().resolve()
    if found.folder.is_symlink() or not found.folder.resolve().is_relative_to(inside):
        raise RemovalError(f"{found.folder} leads out of the cache: delete it yourself")
    aside = found.folder.with_name(f".removed-{os.getpid()}-{found.folder.name}")
    found.folder.rename(aside)
    shutil.rmtree(aside)
    with contextlib.suppress(OSError):
        shutil.rmtree(hub_cache() / ".locks" / found.folder.name)
    return found.size
