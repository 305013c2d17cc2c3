"""From what the user named to a checkpoint's folder on disk: the embedded demo, a folder, or the hub with progress."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from vlmtui.demo import DEMO_MODEL_ID, weights_path
from vlmtui.engine import failures, fetching
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.protocol import Load, LoadProgress, Pull, Pulled
from vlmtui.models import files

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_ANSWER_S = 8.0


class Resolved(msgspec.Struct, frozen=True):
    """A checkpoint on disk.

    Attributes:
        folder: where its files are.
        name: as it is shown.
        revision: the commit, for one from the hub.
        demo: whether it is the embedded demo model.
        complete: fetches what is not here yet; None when all is.
    """

    folder: Path
    name: str
    revision: str = ""
    demo: bool = False
    complete: Callable[[], Path] | None = None


def resolve(request: Load, report: Callable[[LoadProgress], None], check: Callable[[], None]) -> Resolved:
    """Find the checkpoint that `request` names, of a hub one only `config.json` so far.

    Args:
        request: what to load.
        report: takes the progress.
        check: raises when the request was stopped.

    Raises:
        EngineFailure: there is no such checkpoint.
        Exception: what huggingface_hub raises; `failures.understand` knows it.
    """
    name = request.model.strip()
    if name == DEMO_MODEL_ID:
        folder = weights_path()
        if not (folder / "config.json").is_file():
            raise EngineFailure(
                "no_such_model",
                "the embedded demo model's weights are missing from this installation",
                "install vlmtui again, or choose another checkpoint",
            )
        return Resolved(folder=folder, name=DEMO_MODEL_ID, demo=True)
    if not name:
        raise EngineFailure("no_such_model", "no checkpoint is named", "give `demo`, a hub id, or a folder")
    try:
        path = Path(name).expanduser()
        is_folder, is_file = path.is_dir(), path.is_file()
    except (OSError, RuntimeError) as error:  # a name that is too long, the home of nobody
        raise EngineFailure("no_such_model", f"{name!r}: {error}", "give the path of a checkpoint's folder") from error
    if is_folder:
        return Resolved(folder=path.resolve(), name=path.resolve().name)
    if is_file:
        raise EngineFailure("no_such_model", f"{name} is a file", "give the folder that the checkpoint is in")
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name:
        cause = f"there is no folder {name}" if _looks_like_path(name) else f"{name!r} is neither a folder nor a hub id"
        raise EngineFailure("no_such_model", cause, "give `demo`, a hub id (owner/name), or the path of a folder")
    return _from_hub(name, request, report, check)


def pull(request: Pull, report: Callable[[LoadProgress], None], check: Callable[[], None]) -> Pulled:
    """Bring the hub's checkpoint that `request` names into the cache, and load nothing.

    Raises:
        EngineFailure: there is none with this name, or it is no checkpoint that can be loaded.
        Exception: what huggingface_hub raises; `failures.understand` knows it.
    """
    name = request.model.strip()
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name:
        raise EngineFailure(
            "no_such_model", f"{name!r} is no hub id", "give one (owner/name); a folder is here already"
        )
    wanted = Load(id=request.id, model=name, revision=request.revision, offline=request.offline)
    resolved = _from_hub(name, wanted, report, check)
    assert resolved.complete is not None
    folder = resolved.complete()
    missing = files.missing_shards(folder)
    if missing or not files.safetensors_files(folder):
        raise EngineFailure(
            "not_safetensors",
            f"{name} has no weights as safetensors, the one format that is safe to load"
            if not missing
            else f"{name} lacks weights on the hub: {', '.join(missing[:3])}",
            "choose another checkpoint, or convert this one on a machine where you trust it",
        )
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return Pulled(id=request.id, name=name, revision=resolved.revision, folder=str(folder), size=size)


def _looks_like_path(name: str) -> bool:
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1


def _from_hub(name: str, request: Load, report: Callable[[LoadProgress], None], check: Callable[[], None]) -> Resolved:
    """Fetch the config of the hub's `name`; the rest comes when `complete` is called."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked = request.offline or constants.HF_HUB_OFFLINE
    report(LoadProgress(id=request.id, stage="download", detail="config.json"))
    # Without this question, a machine with no network waits half a minute for the library's retries.
    offline = asked or not _reachable(constants.ENDPOINT)
    check()
    try:
        config = Path(
            huggingface_hub.hf_hub_download(
                name, "config.json", revision=request.revision or None, local_files_only=offline
            )
        )
    except LocalEntryNotFoundError as error:
        raise (failures.offline() if asked else failures.unreachable()) from error
    check()
    commit = config.parent.name

    def complete() -> Path:
        version = commit if _COMMIT.fullmatch(commit) else request.revision or "main"
        if offline:
            return Path(
                huggingface_hub.snapshot_download(
                    name,
                    revision=version,
                    allow_patterns=list(fetching.WANTED),
                    ignore_patterns=list(fetching.UNWANTED),
                    local_files_only=True,
                )
            )
        return fetching.fetch(name, version, request.id, report, check)

    return Resolved(
        folder=config.parent,
        name=name,
        revision=commit if _COMMIT.fullmatch(commit) else "",
        complete=complete,
    )


def _reachable(endpoint: str) -> bool:
    """Return whether the hub's machine answers at all. Behind a proxy that is the proxy's to find out."""
    address = urlsplit(endpoint)
    if getproxies().get(address.scheme) and not proxy_bypass(address.hostname or ""):
        return True
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=_ANSWER_S).close()
    except OSError:
        return False
    return True
