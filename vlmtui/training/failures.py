"""Why a training failed: one line, and what to do about it."""

from __future__ import annotations

import errno
import os
import re

from vlmtui.datasets.errors import DatasetError
from vlmtui.safetext import safe_line
from vlmtui.training.examples import UnfitData

_TOKEN = re.compile(r"hf_[A-Za-z0-9]{6,}")


class TrainingFailure(Exception):
    """A failure that is understood: cause and remedy, one line each."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy


def understand(error: BaseException) -> TrainingFailure:
    """Return what `error`, or what it was raised from, means; safe to show, without secrets."""
    link: BaseException | None = error
    seen: list[BaseException] = []
    while link is not None and link not in seen:
        failure = _understood(link)
        if failure is not None:
            return _clean(failure)
        seen.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return _clean(
        TrainingFailure(f"{type(error).__name__}: {error}", "the run's log.txt has the details; correct it and resume")
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a GPU's or the machine's memory was full, as Python could still say."""
    return understand(error).remedy == _LESS


def _understood(error: BaseException) -> TrainingFailure | None:
    text = str(error)
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, TrainingFailure):
        return error
    if isinstance(error, DatasetError):
        return TrainingFailure(error.cause, error.remedy)
    if isinstance(error, UnfitData):
        return TrainingFailure(text, "`vlmtui train RECIPE --dry-run` shows the rows")
    if "OutOfMemoryError" in names or "CUDA out of memory" in text or "MPS backend out of memory" in text:
        return TrainingFailure("the GPU's memory is full", _LESS)
    if isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and ("can't allocate memory" in text or "not enough memory" in text)
    ):
        return TrainingFailure("the machine's memory is full", _LESS)
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or any(
        words in text for words in ("No space left on device", "Disk quota exceeded")
    ):
        return TrainingFailure(
            "the disk is full", "free some space and resume: the checkpoints that were written before are whole"
        )
    if names & {"RepositoryNotFoundError", "LocalEntryNotFoundError", "OfflineModeIsEnabled", "DatasetNotFoundError",
                "GatedRepoError", "RevisionNotFoundError", "HfHubHTTPError", "ConnectError", "ConnectionError"} or (
        isinstance(error, OSError) and "huggingface.co" in text
    ):  # fmt: skip
        return TrainingFailure(
            f"the hub did not give it: {text}",
            "check its name, the network and HF_TOKEN (gated ones need access), or copy it here and give its folder",
        )
    if isinstance(error, RuntimeError | AssertionError) and ("CUDA error" in text or "No CUDA GPUs" in text):
        return TrainingFailure(f"the GPU failed: {text}", "run `vlmtui doctor`, or set device: cpu")
    return None


_LESS = (
    "halve per_device_train_batch_size and double gradient_accumulation_steps (on_out_of_memory: halve does it by "
    "itself), set gradient_checkpointing: true, load_in_4bit: true or image_splitting: false"
)


def _clean(failure: TrainingFailure) -> TrainingFailure:
    return TrainingFailure(_without_secrets(failure.cause), _without_secrets(failure.remedy))


def _without_secrets(text: str) -> str:
    secret = os.environ.get("HF_TOKEN", "").strip()
    if len(secret) >= 4:
        text = text.replace(secret, "hf_***")
    return safe_line(_TOKEN.sub("hf_***", text), 500)
