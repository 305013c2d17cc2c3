"""The README's training, command by command, with fewer steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .terminal import VLMTUI
from .test_readme import commands


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` as a shell does, with this venv's programs."""
    programs = f"{Path(VLMTUI).parent}:{Path(sys.executable).parent}"
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.timeout(900)
def test_the_readmes_training(tmp_path: Path) -> None:
    found = commands("train")
    assert found.pop(0) == "pip install scikit-learn"  # it is here already
    for command in found:
        result = shell(command.replace("vlmtui ask", "vlmtui ask --json"), tmp_path)
        assert result.returncode == 0, (command, result.stdout, result.stderr)
        if command.endswith("> digits.yaml"):
            recipe = tmp_path / "digits.yaml"
            text = recipe.read_text().replace("num_train_epochs: 6", "max_steps: 3\nmax_rows: 40")
            recipe.write_text(text.replace("eval_strategy: epoch\neval_examples: 100", "eval_examples: 5"))
            assert "max_steps: 3" in recipe.read_text()
        elif "--dry-run" in command:
            assert "⟦" in result.stdout and not (tmp_path / "digits-adapter").exists()
        elif command == "vlmtui train digits.yaml":
            assert "finished" in result.stdout
        elif "ask" in command:
            asked = json.loads(result.stdout)
            assert asked["adapter"] == str((tmp_path / "digits-adapter").resolve()) and asked["text"].strip()
        elif command == "vlmtui runs list":
            assert "finished" in result.stdout
    again = shell("vlmtui train digits.yaml", tmp_path)
    assert (again.returncode, "--overwrite" in again.stderr) == (1, True)
    shown = shell("vlmtui runs show last --json", tmp_path)
    assert json.loads(shown.stdout)["status"]["state"] == "finished"
    exported = shell("vlmtui runs export last run.tar.gz && tar tzf run.tar.gz && vlmtui runs rm last", tmp_path)
    assert exported.returncode == 0 and "events.jsonl" in exported.stdout
    assert "no runs" in shell("vlmtui runs list", tmp_path).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ask --adapter . Hi", "holds no adapter"),
        ("ask --adapter nowhere Hi", "no folder"),
        ("train nowhere.yaml", "nowhere.yaml"),
        ("train", "--presets"),
    ],
)
def test_wrong_use(words: str, said: str, tmp_path: Path) -> None:
    result = shell(f"vlmtui {words}", tmp_path)
    assert (result.returncode, said in result.stderr) == (2, True), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", ["show x", "watch x", "stop x", "resume x", "rm x", "export x y"])
def test_a_run_that_is_not_there(words: str, tmp_path: Path) -> None:
    result = shell(f"vlmtui runs {words}", tmp_path)
    assert result.returncode == 1
    assert result.stderr.strip() == "there is no run 'x': `vlmtui runs list` names all"
