"""From what the user named to a checkpoint's folder on disk: the embedded demo, a folder, or the hub with progress."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from vlmtui.demo import DEMO_MODEL_ID, weights_path
from vlmtui.engine import failures
from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.protocol import Load, LoadProgress

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
# What a checkpoint is made of; not its ONNX copies, pictures or pickles.
_WANTED = ("*.json", "*.jinja", "*.txt", "*.model", "*.safetensors")
_UNWANTED = ("*/*",)
_REPORT_EVERY_S = 0.1
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


def _looks_like_path(name: str) -> bool:
    return name.startswith(("/", "./", "../", "~")) or name.count("/") > 1


def _from_hub(name: str, request: Load, report: Callable[[LoadProgress], None], check: Callable[[], None]) -> Resolved:
    """Fetch the config of the hub's `name`; the rest comes when `complete` is called."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    asked = request.offline or huggingface_hub.constants.HF_HUB_OFFLINE
    report(LoadProgress(id=request.id, stage="download", detail="config.json"))
    # Without this question, a machine with no network waits half a minute for the library's retries.
    offline = asked or not _reachable(huggingface_hub.constants.ENDPOINT)
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
        bar = _progress_bar(request.id, report, check)
        return Path(
            huggingface_hub.snapshot_download(
                name,
                revision=commit if _COMMIT.fullmatch(commit) else request.revision or None,
                allow_patterns=list(_WANTED),
                ignore_patterns=list(_UNWANTED),
                local_files_only=offline,
                tqdm_class=bar,
            )
        )

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


def _progress_bar(request: int, report: Callable[[LoadProgress], None], check: Callable[[], None]) -> type[Any]:
    """Return a class that huggingface_hub uses as its progress bars and that reports bytes as `LoadProgress`."""
    from tqdm import tqdm

    lock = threading.Lock()
    last = [0.0]

    class Bytes(tqdm):
        """Counts in silence. Of the bars that the hub's library makes (files, bytes from the network, bytes written)
        the last one reports: its bytes include what was there already."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            self._reports = options.get("unit") == "B" and str(options.get("desc")).startswith("Reconstructing")
            options["disable"] = True
            super().__init__(*arguments, **options)
            self.n = options.get("initial", 0)
            self.total = options.get("total")

        def update(self, n: float | None = 1) -> None:
            check()
            with lock:
                self.n += n or 0
                now = time.monotonic()
                due = self._reports and now - last[0] >= _REPORT_EVERY_S
                if due:
                    last[0] = now
            if due:
                self._say()

        def refresh(self, *arguments: Any, **options: Any) -> None:
            if self._reports:
                self._say()

        def set_description(self, *arguments: Any, **options: Any) -> None:
            self.refresh()

        def set_description_str(self, *arguments: Any, **options: Any) -> None:
            pass

        def set_postfix_str(self, *arguments: Any, **options: Any) -> None:
            pass

        def _say(self) -> None:
            with contextlib.suppress(TypeError):
                report(LoadProgress(id=request, stage="download", done=int(self.n), total=int(self.total or 0)))

    return Bytes
