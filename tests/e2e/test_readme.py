"""What the README says is true: its commands are run as they stand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from vlmtui.settings import read_settings
from vlmtui.ui.actions import ACTIONS, key_names

from .terminal import VLMTUI, Terminal, run

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(name: str) -> list[str]:
    """The commands between the marks `<!-- name -->` and `<!-- /name -->`."""
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)```\n<!-- /{name} -->", README, re.DOTALL)
    assert found, f"README.md has no {name} block"
    return found[1].strip().splitlines()


def test_the_start_command_in_a_fresh_venv(tmp_path: Path) -> None:
    """The command as it stands, in a clean copy. What vlmtui depends on is taken from this venv: it is 6 GB."""
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    checkout = tmp_path / "checkout"
    for name in filter(None, map(os.fsdecode, files)):
        if (ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    (command,) = commands("start")
    environment = {"PYTHONPATH": sysconfig.get_path("purelib")}  # pip takes what it finds there for installed
    # The interpreter behind this venv: a venv made from a venv's own is made from it, too.
    environment["PATH"] = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"
    with Terminal(["bash", "-c", command], environment=environment, directory=checkout) as terminal:
        terminal.wait_for("● ready", 240)
        assert "shapes" in terminal.text
        assert (checkout / "vlmtui-demo" / "README.md").exists()
        terminal.press("ctrl+q")
        assert terminal.wait_for_end() == 0


def test_the_commands_without_the_workbench(tmp_path: Path) -> None:
    from vlmtui.demo.workspace import write_workspace

    write_workspace(tmp_path / "vlmtui-demo")
    for command in commands("commands"):
        words = shlex.split(command)
        assert words[0] == "vlmtui"
        result = subprocess.run([VLMTUI, *words[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=180)
        assert result.returncode == 0, (command, result.stderr)
        assert result.stdout.strip(), command


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    (command,) = commands("tests")
    script = (ROOT / ".ci" / "run").read_text()
    pick = next(line for line in script.splitlines() if line.startswith("command="))
    picked = subprocess.check_output(["bash", "-c", f"{pick}; echo $command"], cwd=ROOT, text=True)
    assert picked.strip() == command


def test_the_settings_are_settings(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert found
    file = tmp_path / "settings.toml"
    file.write_text(found[1])
    settings, mistakes = read_settings(file)
    assert mistakes == []
    assert settings.model.startswith("HuggingFaceTB/")


def test_the_keys_are_bound() -> None:
    known = {name.lower() for action in ACTIONS for name in re.split(r"[ ,]+", key_names(action))}
    known |= {"up", "down", "left", "right", "ctrl+c"}  # the tree's own, and the one that every program has
    table = README[README.index("| key | does |") : README.index("## Models")]
    for row in table.splitlines()[2:]:
        if not row.startswith("|"):
            continue
        keys = re.sub(r"`|twice", "", row.split("|")[1])
        for key in re.split(r",| or |\s+", keys):
            assert not key or key.lower() in known, key


def test_every_picture_exists() -> None:
    for path in re.findall(r"!?\[[^]]*\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / path).exists(), path


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("command", commands("benchmarks"))
def test_a_benchmark(command: str) -> None:
    words = shlex.split(command.replace(".venv/bin/python", sys.executable))
    assert subprocess.run(words, cwd=ROOT, timeout=3600).returncode == 0


def test_help_names_every_command_of_the_readme() -> None:
    text = run("--help").stdout
    for command in commands("commands"):
        assert shlex.split(command)[1] in text
