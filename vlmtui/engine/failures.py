"""What went wrong, in one line for people, and what to do about it.

Every exception in the engine becomes a `Failed` through this module. It recognises the exceptions of torch,
transformers and huggingface_hub by their names, so it loads none of them.
"""

from __future__ import annotations

import errno
import os
import re

from vlmtui.engine.protocol import Failed, Offer

_LONGEST_CAUSE = 400
_TOKEN = re.compile(r"hf_[A-Za-z0-9]{6,}")


class EngineFailure(Exception):
    """A failure that is understood: its code is one of `Failed.code`, its cause and remedy are written for people."""

    offers: tuple[Offer, ...] = ()

    def __init__(self, code: str, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.code = code
        self.cause = cause
        self.remedy = remedy


class Stopped(BaseException):
    """Raised inside a running step when its request was stopped: no error, but how the step is left.

    Not an `Exception`, so that no library's own handling of failures swallows it.
    """


def failed(request: int, error: BaseException) -> Failed:
    """Return the event for `error` in the request numbered `request`; one safe-to-send line each, no secrets."""
    failure = error if isinstance(error, EngineFailure) else understand(error)
    return Failed(
        id=request,
        code=failure.code,
        cause=without_secrets(one_line(failure.cause)),
        remedy=without_secrets(one_line(failure.remedy)),
        offers=failure.offers,
    )


def understand(error: BaseException) -> EngineFailure:
    """Return the failure that `error`, or what caused it, means."""
    for link in _chain(error):
        if isinstance(link, EngineFailure):
            return link
        for rule in (_memory, _disk, _hub, _network, _remote_code, _weights, _device):
            failure = rule(link)
            if failure is not None:
                return failure
    return EngineFailure(
        "internal",
        f"the engine failed: {type(error).__name__}: {error}",
        "try again; if it comes back, the engine's log has the details",
    )


def one_line(text: str) -> str:
    """Return `text` as one line of bounded length (a library's error may be a page long)."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_CAUSE else line[: _LONGEST_CAUSE - 1] + "…"


def without_secrets(text: str) -> str:
    """Return `text` with anything that is, or looks like, a Hugging Face token blotted out."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "VLMTUI_API_KEY"):
        secret = os.environ.get(name, "").strip()
        if len(secret) >= 4:
            text = text.replace(secret, "hf_***")
    return _TOKEN.sub("hf_***", text)


def _chain(error: BaseException) -> list[BaseException]:
    """Return `error` and what it was raised from, outermost first, each once."""
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return links


def _names(error: BaseException) -> set[str]:
    """Return the names of the classes that `error` is an instance of."""
    return {kind.__name__ for kind in type(error).__mro__}


def _memory(error: BaseException) -> EngineFailure | None:
    text = str(error)
    on_gpu = "OutOfMemoryError" in _names(error) or "CUDA out of memory" in text or "MPS backend out of memory" in text
    on_cpu = isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in text or "not enough memory" in text)
    )
    if on_gpu:
        return EngineFailure(
            "out_of_memory",
            "the GPU's memory is full",
            "choose a smaller checkpoint or bfloat16, choose the resolution off, ask about fewer pictures, "
            "or free the GPU (`nvidia-smi` says who uses it)",
        )
    if on_cpu:
        return EngineFailure(
            "out_of_memory",
            "the machine's memory is full",
            "choose a smaller checkpoint, choose the resolution off, ask about fewer pictures, or close other programs",
        )
    return None


def _disk(error: BaseException) -> EngineFailure | None:
    # The hub's downloader in Rust raises errors of its own, with the system's words in them.
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)) or any(
        words in str(error)
        for words in ("No space left on device", "Disk quota exceeded", "No usable temporary directory")
    ):
        return EngineFailure(
            "disk_full",
            "the disk is full",
            "free some space, or set HF_HOME to a folder on a disk that has room, and load again: "
            "what is already downloaded is kept",
        )
    return None


def _hub(error: BaseException) -> EngineFailure | None:
    names = _names(error)
    if "GatedRepoError" in names:
        return EngineFailure(
            "gated",
            "this checkpoint is gated: its owner lets in only those who have asked",
            "ask for access on its page on huggingface.co, then set HF_TOKEN (or run `hf auth login`) and load again",
        )
    if "RevisionNotFoundError" in names:
        return EngineFailure(
            "no_such_model",
            "this checkpoint has no such revision",
            "look at the branches and tags on its page on huggingface.co, or leave the revision out",
        )
    if "RepositoryNotFoundError" in names:
        return EngineFailure(
            "no_such_model",
            "the hub has no such checkpoint, or it is private",
            "check the spelling (owner/name); for a private one set HF_TOKEN or run `hf auth login`",
        )
    if "HFValidationError" in names:
        return EngineFailure(
            "no_such_model",
            "this is neither a folder here nor a hub id",
            "give `demo`, a hub id (owner/name), or the path of a checkpoint's folder",
        )
    if "RemoteEntryNotFoundError" in names:
        return EngineFailure(
            "no_such_model",
            "the repository on the hub is not a transformers checkpoint: it has no config.json",
            "choose one of the family in the picker, e.g. HuggingFaceTB/SmolVLM2-256M-Video-Instruct",
        )
    if "OfflineModeIsEnabled" in names:
        return offline()
    if "LocalEntryNotFoundError" in names or "IncompleteSnapshotError" in names:
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
            return offline()
        return unreachable()
    if "HfHubHTTPError" in names:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            return EngineFailure(
                "gated",
                f"the hub refused access ({status})",
                "set HF_TOKEN to a valid token (or run `hf auth login`) and ask for access on the checkpoint's page",
            )
        return EngineFailure(
            "no_network",
            f"the hub answered with an error ({status})",
            "try again in a while; https://status.huggingface.co says whether the hub is down",
        )
    return None


def offline() -> EngineFailure:
    """Return the failure of a checkpoint that is not here while the hub may not be asked."""
    return EngineFailure(
        "no_network",
        "this checkpoint is not, or not wholly, in the local cache, and the hub is not asked (offline)",
        "unset HF_HUB_OFFLINE to download it, or copy it here and give its folder",
    )


def unreachable() -> EngineFailure:
    """Return the failure of a checkpoint that is not here while the hub does not answer."""
    return EngineFailure(
        "no_network",
        "the hub cannot be reached, and this checkpoint is not, or not wholly, in the local cache",
        "check the network and HF_ENDPOINT, or copy the checkpoint here and give its folder; "
        "the demo model needs no network",
    )


def _network(error: BaseException) -> EngineFailure | None:
    if _names(error) & {
        "ConnectError",
        "ConnectTimeout",
        "ReadTimeout",
        "ReadError",
        "RemoteProtocolError",
        "ProxyError",
    }:
        return EngineFailure(
            "no_network",
            f"the network failed: {error or type(error).__name__}",
            "check the network and load again: what is already downloaded is kept",
        )
    return None


def _remote_code(error: BaseException) -> EngineFailure | None:
    if "trust_remote_code" in str(error):
        return EngineFailure(
            "remote_code",
            "this checkpoint can only run with Python code of its own, which vlmtui never executes",
            "choose a checkpoint whose architecture transformers itself has, e.g. any SmolVLM",
        )
    return None


def _weights(error: BaseException) -> EngineFailure | None:
    if "SafetensorError" in _names(error):
        return EngineFailure(
            "not_safetensors",
            f"the checkpoint's weights are damaged: {error}",
            "download or copy the checkpoint again",
        )
    text = str(error)
    if isinstance(error, OSError) and "safetensors" in text and "no file named" in text:
        return EngineFailure(
            "not_safetensors",
            "the checkpoint has no weights as safetensors, the one format that is safe to load",
            "choose a checkpoint with safetensors, or convert this one on a machine where you trust it",
        )
    return None


def _device(error: BaseException) -> EngineFailure | None:
    text = str(error)
    if isinstance(error, RuntimeError | AssertionError) and (
        "Torch not compiled with CUDA" in text
        or "Found no NVIDIA driver" in text
        or "invalid device ordinal" in text
        or "CUDA error" in text
    ):
        return EngineFailure("bad_device", f"the GPU failed: {text}", "run `vlmtui doctor`, or choose the device cpu")
    return None
