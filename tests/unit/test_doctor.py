"""What `vlmtui doctor` finds, on this machine and on worse ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from vlmtui import doctor
from vlmtui.cli import main
from vlmtui.paths import hub_cache, settings_file

_TORCH: dict[str, Any] = {"cuda_build": "13.0", "threads": 2, "mps": False, "gpus": []}


@pytest.fixture
def torch_says(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What torch answers here, for a test to change; asking it really takes seconds."""
    answer = dict(_TORCH)
    monkeypatch.setattr(doctor, "_probe", lambda report: answer)
    return answer


def problems() -> dict[str, str]:
    """Return what is wrong, with the remedies."""
    report = doctor.examine()
    assert all(problem.remedy for problem in report.problems)
    return {problem.what: problem.remedy for problem in report.problems}


def only(found: dict[str, str], word: str) -> str:
    """Return the remedy of the one problem that has `word` in it."""
    (remedy,) = [remedy for what, remedy in found.items() if word in what]
    return remedy


def test_the_installed_program_says_what_is_here() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("vlmtui")), "doctor", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert result.returncode == (1 if found["problems"] else 0)
    for word in ("torch 2.", "transformers 5.", "textual 8."):
        assert word in found["facts"]["packages"]
    assert {"device", "precision", "pictures", "hub cache", "memory", "demo model", "settings"} <= found["facts"].keys()
    assert not any("imported" in problem["what"] for problem in found["problems"])


def test_as_text(torch_says: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor"])
    out = capsys.readouterr().out
    assert "precision" in out
    assert (code == 0) == ("Nothing is wrong." in out)


def test_mistakes_in_the_settings(torch_says: dict[str, Any]) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text('themes = "x"\ndevice = "cuda:3"\n')
    found = problems()
    assert "themes" in "".join(found)
    assert "auto or cpu" in only(found, "GPU")


def test_a_gpu_that_torch_does_not_see(torch_says: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_nvidia", lambda report: ["A100"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "driver" in only(problems(), "torch does not")
    torch_says["cuda_build"] = None
    assert "CPU only" in only(problems(), "torch does not")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "CUDA_VISIBLE_DEVICES" in only(problems(), "torch does not")


def test_a_gpu_that_works(torch_says: dict[str, Any]) -> None:
    torch_says["gpus"] = [["Tesla T4", 7, 5, 16_000_000_000, 15_000_000_000]]
    report = doctor.examine()
    assert report.facts["device"] == "cuda:0"
    assert "float16 (compute capability 7.5 lacks" in report.facts["precision"]


def test_libraries_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PROBE", doctor._PROBE.replace("import torchvision", "import no_such_vision"))
    assert "pip install" in only(problems(), "no_such_vision")
    monkeypatch.setattr(doctor, "_PROBE", "import os; os.abort()")
    assert "install vlmtui again" in only(problems(), "torch cannot be asked")


def test_a_package_that_is_missing(torch_says: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(doctor, "_NEEDED", frozenset({"no-such-package"}))
    assert "pip" in only(problems(), "no-such-package")


def test_little_memory_and_a_strange_encoding(torch_says: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    little = type("Memory", (), {"available": 10**9, "total": 2 * 10**9})()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: little)
    monkeypatch.setattr(doctor.locale, "getpreferredencoding", lambda ask: "ANSI_X3.4-1968")
    found = problems()
    assert "close other programs" in only(found, "memory")
    assert "UTF-8" in only(found, "encoding")


def test_the_hub_cache(torch_says: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    broken = hub_cache() / "models--owner--name" / "snapshots" / ("a" * 40)
    broken.mkdir(parents=True)
    (broken / "config.json").write_text("{}")
    assert "kept" in only(problems(), "owner/name")
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert "HF_HOME" in only(problems(), "cannot be written")


def test_no_token_is_shown(torch_says: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_SecretSecretSecret")
    report = doctor.examine()
    assert "set by HF_TOKEN" in report.facts["hub"]
    assert "Secret" not in str(report)


def test_missing_demo_weights(torch_says: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "weights_path", lambda: tmp_path)
    assert "install vlmtui again" in only(problems(), "demo")
