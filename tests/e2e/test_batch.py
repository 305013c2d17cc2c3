"""`vlmtui batch`, installed, as a shell and a person use it: stopped, killed, gone on with."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.tiny_model import checkpoint
from vlmtui.cli import main
from vlmtui.demo.workspace import write_workspace

from .terminal import VLMTUI, Terminal, run


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_workspace(tmp_path_factory.mktemp("demo"))


def test_a_folder_as_ask_answers_by_a_process_that_never_imports_torch(workspace: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.csv"
    bad = workspace / "shapes" / "bad\x1b]52;c;aGk=\x07.png"
    bad.write_bytes(b"no picture")
    question = ["--prompt", "How many shapes are there?", "--frames", "4"]
    words = ["batch", str(workspace / "shapes"), str(workspace / "videos"), *question, "--out", str(out)]
    code = (
        "import sys; from vlmtui.cli import main\n"
        f"code = main({words!r})\n"
        "print(code, sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    bad.unlink()
    last = result.stderr.splitlines()[-1]
    assert last.startswith("1 ["), result.stderr  # one file failed
    for heavy in ("torch", "transformers", "numpy", "PIL", "cv2", "textual", "pyarrow"):
        assert f"'{heavy}'" not in last
    assert "1 of them failed" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    assert "three-shapes.png: 3" in result.stdout
    assert out.read_text().startswith("file,prompt,text,error,tokens,seconds,model\n")
    video = workspace / "videos" / "moving.mp4"
    alone = run("ask", question[1], str(video), "--frames", "4", "--json")
    assert f"moving.mp4: {json.loads(alone.stdout)['text'].strip()}\n" in result.stdout
    again = run(*words)
    assert (again.returncode, again.stdout) == (0, "")  # nothing left, and the bad one is gone from the folder


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["{}", "--prompt", " "], "empty"),
        (["{}", "--preset", "p"], "2 pictures at once"),
        (["{}", "--preset", "nonsense"], "caption (c)"),
        (["{}/missing.png", "--prompt", "Hi"], "no such file"),
        (["{}", "--prompt", "Hi", "--out", "r.txt"], ".parquet"),
        (["{}", "--prompt", "Hi", "--out", "nowhere/r.csv"], "no folder"),
        (["{}", "--prompt", "Hi", "--frames", "0"], "--frames"),
        (["{}", "--prompt", "Hi", "--resolution", "9"], "--resolution"),
    ],
)
def test_wrong_use_is_exit_2_with_one_line(
    words: list[str], line: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["batch", *(word.format(workspace) for word in words)]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert line in error


def test_killed_then_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(30):
        Image.effect_noise((64, 48), 80).convert("RGB").save(folder / f"{number}.png")
    model, out = str(checkpoint("smolvlm")), tmp_path / "r.jsonl"
    command = [VLMTUI, "batch", str(folder), "--prompt", "Hi", "--model", model, "--max-new-tokens", "120"]
    command += ["--out", str(out), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    children: list[psutil.Process] = []
    shown: dict[str, str] = {}
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "loading":
            children = psutil.Process(process.pid).children(recursive=True) or children
        if event["event"] == "done":
            if not shown:
                process.kill()
            shown |= {path: row["text"] for path, row in zip(event["paths"], event["rows"], strict=True)}
    assert process.wait(30) == -signal.SIGKILL
    gone, alive = psutil.wait_procs(children, timeout=30)
    assert (bool(gone), alive) == (True, [])
    assert 0 < len(shown) < 30
    kept = _journal(out)
    assert shown.items() <= kept.items()  # what was shown is on the disk
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    first = json.loads(result.stdout.splitlines()[0])
    assert (first["total"], first["done"]) == (30, len(kept))
    final = _journal(out)  # asserts that no file was done twice
    assert len(final) == 30
    assert kept.items() <= final.items()
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [Path(row["file"]).name for row in rows] == [f"{number}.png" for number in range(30)]


def _journal(out: Path) -> dict[str, str]:
    lines = out.with_name(out.name + ".journal").read_bytes().split(b"\n")[1:-1]  # a torn last line does not count
    rows = [json.loads(line) for line in lines]
    assert set(Counter(row["path"] for row in rows).values()) == {1}
    return {row["path"]: row["text"] for row in rows}


def test_at_a_terminal_the_pace_shows_and_ctrl_c_leaves_the_prompt(tmp_path: Path) -> None:
    picture = tmp_path / "0.png"
    Image.effect_noise((64, 48), 80).convert("RGB").save(picture)
    for number in range(1, 60):
        shutil.copy(picture, tmp_path / f"{number}.png")
    arguments = ["batch", str(tmp_path), "--prompt", "Hi", "--model", str(checkpoint("smolvlm"))]
    arguments += ["--max-new-tokens", "300", "--out", str(tmp_path / "r.csv")]
    with Terminal([VLMTUI, *arguments], columns=100, rows=30) as terminal:
        terminal.wait_for("of 60 ·")
        terminal.press("ctrl+c")
        assert terminal.wait_for_end(30) == 130
        assert "the same command goes on" in terminal.text
        assert b"left" in terminal.received
    assert 0 < len(_journal(tmp_path / "r.csv")) < 60


def test_a_killed_workbench_leaves_a_journal_and_no_process(tmp_path: Path, home: Path) -> None:
    settings = home / ".config" / "vlmtui" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("max_new_tokens = 300\n")
    for number in range(40):
        Image.effect_noise((64, 48), 80).convert("RGB").save(tmp_path / f"{number}.png")
    with Terminal([VLMTUI, "open", str(tmp_path), "--model", str(checkpoint("smolvlm"))], columns=120) as terminal:
        terminal.wait_for("● ready")
        terminal.press("b")
        terminal.wait_for("Ask about 40 pictures")
        terminal.type("Hi")
        terminal.press("enter")
        terminal.wait_for("of 40 ·")
        children = psutil.Process(terminal.pid).children(recursive=True)
        terminal.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
    assert 0 < len(_journal(tmp_path / "answers.jsonl")) < 40


def test_fine_print_is_read_at_full_resolution_only(workspace: Path, tmp_path: Path) -> None:
    question = [str(workspace / "words" / "fine-print.png"), "--prompt", "Read the text."]
    question += ["--out", str(tmp_path / "r.parquet")]
    said = run("batch", *question, "--resolution", "full").stdout.strip()
    assert said and "too small" not in said
    assert (tmp_path / "r.parquet").stat().st_size > 1000
    other = run("batch", *question)  # another job: what was answered is not its answer
    assert other.returncode == 2 and "resolution" in other.stderr
    question[-1] = str(tmp_path / "coarse.parquet")
    assert "too small" in run("batch", *question).stdout
