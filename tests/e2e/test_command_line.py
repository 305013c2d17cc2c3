"""The command line as a shell sees it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vlmtui import __version__

from .terminal import run


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout.strip()) == (0, f"vlmtui {__version__}")


@pytest.mark.parametrize("command", [[], ["ask"], ["demo"], ["open"], ["doctor"]])
def test_help(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith("usage: vlmtui")
    assert result.stderr == ""


@pytest.mark.parametrize("words", [["ask"], ["ask", "--max-new-tokens", "x", "Hi"], ["--no-such-option"]])
def test_wrong_use_is_exit_2_without_a_traceback(words: list[str]) -> None:
    result = run(*words)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_the_command_line_imports_nothing_heavy() -> None:
    code = "import sys, vlmtui.cli; print(sorted({m.split('.')[0] for m in sys.modules}))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("torch", "transformers", "textual", "numpy", "PIL", "cv2"):
        assert f"'{heavy}'" not in names
