"""Exceptions of libraries, by their names, to causes and remedies."""

from __future__ import annotations

import errno

import pytest

from vlmtui.engine.failures import EngineFailure, failed, understand


def _raised(name: str, text: str = "", *bases: type[BaseException]) -> BaseException:
    return type(name, bases or (Exception,), {})(text)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (_raised("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2 GiB", RuntimeError), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory"),
            "out_of_memory",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), "disk_full"),
        (RuntimeError("Data processing error: I/O error: No space left on device (os error 28)"), "disk_full"),
        (_raised("GatedRepoError"), "gated"),
        (_raised("RepositoryNotFoundError"), "no_such_model"),
        (_raised("RevisionNotFoundError"), "no_such_model"),
        (_raised("RemoteEntryNotFoundError"), "no_such_model"),
        (_raised("HFValidationError"), "no_such_model"),
        (_raised("LocalEntryNotFoundError"), "no_network"),
        (_raised("OfflineModeIsEnabled"), "no_network"),
        (_raised("ConnectError"), "no_network"),
        (_raised("SafetensorError", "header too small"), "not_safetensors"),
        (ValueError("requires you to execute ... set the option `trust_remote_code=True`"), "remote_code"),
        (AssertionError("Torch not compiled with CUDA enabled"), "bad_device"),
        (RuntimeError("CUDA error: device-side assert triggered"), "bad_device"),
        (KeyError("surprise"), "internal"),
    ],
)
def test_what_an_exception_means(error: BaseException, code: str) -> None:
    failure = understand(error)
    assert failure.code == code
    assert failure.cause
    assert failure.remedy


@pytest.mark.parametrize(("status", "code"), [(401, "gated"), (403, "gated"), (500, "no_network"), (429, "no_network")])
def test_what_the_hub_answered(status: int, code: str) -> None:
    error = _raised("HfHubHTTPError")
    error.response = type("Response", (), {"status_code": status})()  # type: ignore[attr-defined]
    assert understand(error).code == code
    assert str(status) in understand(error).cause


def test_what_it_was_raised_from_counts() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as inner:
            raise RuntimeError("the download failed") from inner
    except RuntimeError as outer:
        assert understand(outer).code == "disk_full"


def test_an_understood_failure_is_passed_through() -> None:
    event = failed(5, EngineFailure("too_long", "too\nlong", "less"))
    assert (event.id, event.code, event.cause, event.remedy) == (5, "too_long", "too long", "less")


def test_a_failure_that_is_its_own_cause_ends() -> None:
    error = ValueError("loop")
    error.__cause__ = error
    assert understand(error).code == "internal"


def test_a_page_of_text_becomes_a_line() -> None:
    event = failed(1, RuntimeError("x\n" * 5000))
    assert "\n" not in event.cause
    assert len(event.cause) <= 400


def test_no_token_gets_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "s3cret-of-mine")
    event = failed(1, RuntimeError("401 for s3cret-of-mine and hf_AbCdEfGhIjKlMn"))
    assert "s3cret" not in event.cause
    assert "AbCdEf" not in event.cause
