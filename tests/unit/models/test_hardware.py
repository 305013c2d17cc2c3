"""Device and precision by hardware, for machines that are not here."""

from __future__ import annotations

from pathlib import Path

import pytest

from vlmtui.models.hardware import (
    Gpu,
    Hardware,
    HardwareError,
    choose_device,
    choose_dtype,
    threads_for,
    usable_cores,
    why_dtype,
)

_NONE = Hardware()
_APPLE = Hardware(mps=True)
_T4 = Gpu("Tesla T4", (7, 5), memory=16, free=15)
_A100 = Gpu("A100", (8, 0), memory=80, free=9)
_BOTH = Hardware(gpus=(_A100, _T4))


@pytest.mark.parametrize(
    ("wanted", "hardware", "device"),
    [
        ("auto", _NONE, "cpu"),
        ("auto", _APPLE, "mps"),
        ("auto", _BOTH, "cuda:1"),  # the one with the most free memory
        ("auto", Hardware(gpus=(_A100, _A100)), "cuda:0"),
        ("cuda", _BOTH, "cuda:1"),
        ("cuda:0", _BOTH, "cuda:0"),
        ("cpu", _BOTH, "cpu"),
        ("mps", _APPLE, "mps"),
    ],
)
def test_devices(wanted: str, hardware: Hardware, device: str) -> None:
    assert choose_device(wanted, hardware) == device


@pytest.mark.parametrize(
    ("wanted", "hardware"),
    [
        ("cuda", _NONE),
        ("cuda:0", _NONE),
        ("cuda:2", _BOTH),
        ("mps", _BOTH),
        ("tpu", _BOTH),
        ("cuda:x", _BOTH),
        ("", _NONE),
    ],
)
def test_devices_that_are_not_here(wanted: str, hardware: Hardware) -> None:
    with pytest.raises(HardwareError) as error:
        choose_device(wanted, hardware)
    assert error.value.cause
    assert error.value.remedy


@pytest.mark.parametrize(
    ("wanted", "device", "dtype"),
    [
        ("auto", "cpu", "float32"),
        ("auto", "mps", "float16"),
        ("auto", "cuda:0", "bfloat16"),
        ("auto", "cuda:1", "float16"),
        ("float32", "cuda:0", "float32"),
        ("bfloat16", "cpu", "bfloat16"),
    ],
)
def test_precisions(wanted: str, device: str, dtype: str) -> None:
    chosen = choose_dtype(wanted, device, _BOTH)
    assert chosen == dtype
    assert why_dtype(chosen, device, _BOTH)


def test_a_precision_that_is_none() -> None:
    with pytest.raises(HardwareError, match="int4"):
        choose_dtype("int4", "cpu", _NONE)


@pytest.mark.parametrize(("cores", "default", "threads"), [(1, 1, 1), (2, 2, 1), (8, 8, 7), (16, 8, 8), (64, 4, 4)])
def test_a_core_is_left_to_the_terminal(cores: int, default: int, threads: int) -> None:
    assert threads_for(cores, default) == threads


def test_a_containers_quota_counts(tmp_path: Path) -> None:
    free = usable_cores(tmp_path / "none")
    assert free >= 1
    quota = tmp_path / "cpu.max"
    for text, cores in {"max 100000": free, "100000 100000": 1, "50000 100000": 1, "": free, "1 0": free}.items():
        quota.write_text(text)
        assert usable_cores(quota) == cores
    quota.write_text("150000 100000")
    assert usable_cores(quota) == min(free, 2)
