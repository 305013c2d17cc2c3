"""What comes of a run: merged into its base model, or pushed to the hub once it was seen what goes where."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from vlmtui.runs.folder import RunError, RunFolder
from vlmtui.safetext import safe_line

MERGER = "vlmtui.training.merging"
"""The module whose process merges."""
_OURS = ("vlmtui.json",)


@dataclass(frozen=True, slots=True)
class Push:
    """What would go where.

    Attributes:
        folder: what is pushed, all files in it but those of `vlmtui` itself.
        repository: `owner/name`.
        private: whether only its owner will see it.
        files: name and bytes of each.
    """

    folder: Path
    repository: str
    private: bool
    files: list[tuple[str, int]]

    @property
    def lines(self) -> list[str]:
        """What is shown before it is asked."""
        endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        who = "private: only its owner sees it" if self.private else "PUBLIC: everybody can read it"
        total = sum(size for _, size in self.files)
        lines = [
            f"from  {safe_line(str(self.folder), 200)}",
            f"to    {safe_line(endpoint)}/{self.repository}",
            f"      {who}",
        ]
        lines += [f"      {safe_line(name, 80)}  {size:,} bytes" for name, size in self.files]
        return [*lines, f"      {len(self.files)} files, {total:,} bytes"]


def merge(run: RunFolder, output: Path) -> int:
    """Let a process that may import torch write the merged model into `output`; return its exit code."""
    command = [sys.executable, "-P", "-m", MERGER, str(run.path), str(output.resolve())]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode


def plan(run: RunFolder, repository: str, *, folder: Path | None = None, private: bool = True) -> Push:
    """Return what pushing the result of `run` would do; nothing is sent.

    Args:
        folder: another folder to push: the merged model.

    Raises:
        RunError: there is no result, or the name is none.
    """
    owner, _, name = repository.partition("/")
    if not owner or not name or "/" in name or any(letter.isspace() for letter in repository):
        raise RunError(f"{repository!r} is no repository", "write it as owner/name")
    place = folder if folder is not None else Path(run.job().output)
    known = any((place / one).is_file() for one in ("adapter_config.json", "config.json"))
    if not known:
        raise RunError(f"there is no result in {place}", f"`vlmtui runs show {run.id}` says how it stands")
    files = sorted(path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    named = [(str(path.relative_to(place)), path.stat().st_size) for path in files if path.name not in _OURS]
    return Push(place, repository, private, named)


def push(planned: Push) -> str:
    """Send it, as `planned` says; return where it is.

    Raises:
        RunError: the hub does not take it.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    api = HfApi()
    try:
        api.create_repo(planned.repository, private=planned.private, exist_ok=True)
        done = api.upload_folder(
            repo_id=planned.repository,
            folder_path=planned.folder,
            allow_patterns=[name for name, _ in planned.files],
            commit_message="Result of a training",
        )
    except LocalTokenNotFoundError:
        raise RunError("the hub does not know who you are", "set HF_TOKEN, or run `hf auth login`") from None
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        remedy = "check HF_TOKEN: it needs the right to write" if status in (401, 403) else "try again later"
        raise RunError(f"the hub refused it ({status})", remedy) from None
    except Exception as error:  # the connection's own kinds, and the library's
        cause = f"the hub cannot be reached: {type(error).__name__}"
        raise RunError(cause, "check the network, HF_ENDPOINT and HF_HUB_OFFLINE") from None
    return str(getattr(done, "commit_url", "") or planned.repository)
