"""Fetches a checkpoint's files from the hub into its own cache, so that a break-off loses nothing and leaves no trap.

The hub's library starts a file anew after a break-off; here a file goes on where it stopped, is checked against its
SHA-256 where the hub tells one, and takes its name in the cache only when it is whole. Weights come last: a folder with
weights in it is a folder with everything else in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from vlmtui.engine.failures import EngineFailure
from vlmtui.engine.protocol import LoadProgress

# What a checkpoint is made of; not its ONNX copies, pictures or pickles.
WANTED = ("*.json", "*.jinja", "*.txt", "*.model", "*.safetensors")
UNWANTED = ("*/*",)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REPORT_EVERY_S = 0.1
_LOOK_AGAIN_S = 0.2
_CHUNK = 1 << 20
_PIECE = 1 << 17  # the library's own pieces are 10 MB: no progress for seconds, and so much lost at a break-off


class _Remote(msgspec.Struct, frozen=True):
    """A file on the hub that is not in the cache yet; `part` is where it grows, `blob` where it ends."""

    name: str
    url: str
    etag: str
    size: int
    blob: Path
    part: Path


def fetch(
    name: str, commit: str, request: int, report: Callable[[LoadProgress], None], check: Callable[[], None]
) -> Path:
    """Return the folder of the hub's `name` at `commit`, its missing files fetched.

    Args:
        name: on the hub.
        commit: branch, tag or commit.
        request: the number that the progress carries.
        report: takes the progress, in bytes; what an earlier try left counts as done.
        check: raises when the request was stopped.

    Raises:
        EngineFailure: there is no room for it.
        Exception: what huggingface_hub raises; `failures.understand` knows it.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    def snapshot(**more: Any) -> Path:
        folder = huggingface_hub.snapshot_download(
            name, revision=commit, allow_patterns=list(WANTED), tqdm_class=_silent(), **more
        )
        return Path(folder)

    try:
        missing = _missing(name, commit, check)
    except HfHubHTTPError:
        return snapshot(ignore_patterns=list(UNWANTED))  # the cache may have all; if not, this says why
    _check_room(missing)
    pace = _Progress(request, missing, report, check)
    for file in missing:
        _fetch_file(file, pace, check)
    pace.say(at_once=True)
    snapshot(ignore_patterns=[*UNWANTED, "*.safetensors"])
    return snapshot(ignore_patterns=list(UNWANTED))


def _missing(name: str, commit: str, check: Callable[[], None]) -> list[_Remote]:
    """Return the files of the checkpoint that are not in the cache, the weights last."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import filter_repo_objects

    info = huggingface_hub.HfApi().model_info(name, revision=commit)
    names = [sibling.rfilename for sibling in info.siblings or []]
    storage = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    wanted = filter_repo_objects(names, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED))
    found = []
    for file in sorted(wanted, key=lambda file: (file.endswith(".safetensors"), file)):
        check()
        if (storage / "snapshots" / str(info.sha) / file).exists():
            continue
        url = huggingface_hub.hf_hub_url(name, file, revision=info.sha)
        metadata = huggingface_hub.get_hf_file_metadata(url)
        if not metadata.etag or "/" in metadata.etag or metadata.size is None:
            continue  # the library's own download deals with it
        blob = storage / "blobs" / metadata.etag
        if not blob.exists():
            part = blob.with_name(f"{metadata.etag}.vlmtui.incomplete")
            found.append(_Remote(file, url, metadata.etag, metadata.size, blob, part))
    return found


def _check_room(files: list[_Remote]) -> None:
    """Refuse what cannot end well, before a byte is fetched."""
    if not files:
        return
    folder = files[0].blob.parent
    folder.mkdir(parents=True, exist_ok=True)
    needed = sum(file.size - _size(file.part) for file in files)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise EngineFailure(
            "disk_full",
            f"{needed / 1e9:.2f} GB are still to be downloaded and {free / 1e9:.2f} GB are free in {folder}",
            "free some space (`vlmtui models rm` removes a checkpoint), or set HF_HOME to a folder on a larger disk",
        )


def _fetch_file(file: _Remote, pace: _Progress, check: Callable[[], None]) -> None:
    """Fetch what is missing of `file`, check it, and give it its name."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    with file.part.open("ab") as stream, _alone(stream, check):
        if file.blob.exists():  # another process was faster while we waited
            pace.skip(file)
            file.part.unlink(missing_ok=True)
            return
        have = stream.tell()
        if have > file.size:
            stream.truncate(0)
            stream.seek(have := 0)
        if have < file.size:
            constants.DOWNLOAD_CHUNK_SIZE = _PIECE
            http_get(
                file.url,
                stream,
                resume_size=have,
                headers=build_hf_headers(),
                expected_size=file.size,
                tqdm_class=pace.bar(file, have),
            )
        stream.flush()
        if _SHA256.fullmatch(file.etag) and _digest(file.part, check) != file.etag:
            file.part.unlink(missing_ok=True)
            raise EngineFailure(
                "no_network",
                f"{file.name} arrived damaged: its SHA-256 is not the hub's",
                "try again: the file is fetched anew; if it stays so, look at the proxy in between",
            )
        file.part.rename(file.blob)


@contextlib.contextmanager
def _alone(stream: Any, check: Callable[[], None]) -> Iterator[None]:
    """Wait until no other process writes the same file."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            check()
            time.sleep(_LOOK_AGAIN_S)  # for the other's lock there is nothing to wait on that a stop could end
        except OSError:
            break  # a file system without locks: the digest finds what two writers would do
    stream.seek(0, 2)
    yield


def _digest(path: Path, check: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_CHUNK):
            check()
            digest.update(piece)
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class _Progress:
    """Bytes of all files together, reported ten times a second at most."""

    def __init__(
        self, request: int, files: list[_Remote], report: Callable[[LoadProgress], None], check: Callable[[], None]
    ) -> None:
        self._request = request
        self._report = report
        self._check = check
        self._counts = {file.name: min(_size(file.part), file.size) for file in files}
        self._total = sum(file.size for file in files)
        self._current = ""
        self._last = 0.0

    def skip(self, file: _Remote) -> None:
        """All of `file` is here."""
        self._counts[file.name] = file.size

    def bar(self, file: _Remote, have: int) -> type[Any]:
        """Return a class that the hub's library takes for its progress bar over `file`."""
        progress, counts = self, self._counts
        self._current = file.name
        counts[file.name] = have
        self.say(at_once=True)

        class Bytes(_silent()):  # type: ignore[misc]
            def update(self, n: float | None = 1) -> None:
                counts[file.name] += int(n or 0)
                progress.say()

        return Bytes

    def say(self, *, at_once: bool = False) -> None:
        """Report, unless that was a moment ago; raise if the request was stopped."""
        self._check()
        now = time.monotonic()
        if at_once or now - self._last >= _REPORT_EVERY_S:
            self._last = now
            done = sum(self._counts.values())
            self._report(
                LoadProgress(id=self._request, stage="download", done=done, total=self._total, detail=self._current)
            )


def _silent() -> type[Any]:
    """Return a progress bar that shows nothing."""
    from tqdm import tqdm

    class Silent(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **(options | {"disable": True}))

    return Silent
