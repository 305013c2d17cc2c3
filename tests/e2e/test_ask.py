"""`vlmtui ask`, installed, as a shell and a person at a terminal use it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from tests.tiny_model import Family, checkpoint
from vlmtui.cli import main

from .terminal import VLMTUI, Terminal, run


@pytest.fixture(scope="module")
def model() -> str:
    """A tiny checkpoint whose random words hold terminal controls: byte 0x1b and 0x9b are as likely as any."""
    return str(checkpoint("smolvlm"))


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    Image.effect_noise((300, 200), 80).convert("RGB").save(path)
    return str(path)


def _children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_a_preset_at_a_resolution(model: str, picture: str) -> None:
    options = ("--model", model, "--max-new-tokens", "2", "--json")
    result = run("ask", "--preset", "caption", picture, *options, "--resolution", "2")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["image_tokens"] == (2 * 2 + 1) * 16
    many = run("ask", "--preset", "p", *[picture] * 6, *options, "--resolution", "full")
    assert many.returncode == 1
    assert "the model takes 1,024; ask with --resolution " in many.stderr
    assert many.stderr.count("\n") == 1


def test_json_is_one_object_with_the_exact_text(model: str, picture: str) -> None:
    result = run("ask", "What is it?", picture, "--model", model, "--max-new-tokens", "60", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()
    assert result.stdout.count("\n") == 1
    found = json.loads(result.stdout)
    assert {
        "text",
        "model",
        "prompt_tokens",
        "image_tokens",
        "completion_tokens",
        "ttft_s",
        "tokens_per_s",
    } <= found.keys()
    assert (found["image_tokens"], found["completion_tokens"], found["model"]) == (16, 60, Path(model).name)
    assert found["prompt_tokens"] > 16
    assert 0 < found["ttft_s"] < 60
    assert found["tokens_per_s"] > 1
    plain = run("ask", "What is it?", picture, "--model", model, "--max-new-tokens", "60")
    streamed = plain.stdout
    assert (plain.returncode, plain.stderr, streamed[-1]) == (0, "", "\n")  # the answer goes to stdout alone
    assert len(streamed) > 20
    unsafe = {c for c in found["text"] if (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0}
    assert unsafe  # the model did say something hostile
    assert not unsafe & set(streamed)  # and none of it came out, though stdout was no terminal


def test_settings_apply_where_options_are_silent(model: str, picture: str, home: Path) -> None:
    settings = home / ".config" / "vlmtui" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'model = "{model}"\nmax_new_tokens = 7\nsystem_prompt = "Be brief."\ncolour = 1\n')
    result = run("ask", "Hi", picture, "--json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["completion_tokens"] == 7
    assert "unknown setting 'colour'" in result.stderr
    options = ["--max-new-tokens", "2", "--dtype", "bfloat16", "--device", "cpu", "--system", "Be very brief."]
    found = json.loads(run("ask", "Hi", picture, picture, *options, "--json").stdout)
    assert (found["image_tokens"], found["completion_tokens"]) == (32, 2)
    assert (found["dtype"], found["device"]) == ("bfloat16", "cpu")
    assert found["prompt_tokens"] > 32 + len("System: Be very brief. User: Hi Assistant:") // 2  # pairs of bytes


WRONG = [
    (["Hi", "/no/such/file.png"], "no such file"),
    (["Hi", "/"], "is a folder"),
    (["Hi", __file__], "neither a picture nor a video"),
    (["  "], "question is empty"),
    ([], "question is empty"),
    (["Hi", "--max-new-tokens", "0"], "at least 1"),
    (["Hi", "--temperature", "-1"], "greedy"),
    (["Hi", "--temperature", "nan"], "greedy"),
    (["Hi", "--frames", "0"], "1 to 64"),
    (["Hi", "--frames", "65"], "1 to 64"),
    (["Hi", "--fps", "-1"], "more than 0"),
    (["Hi", "--fps", "1", "--frames", "3"], "choose one"),
    (["Hi", "--device", "toaster"], "toaster"),
    (["Hi", "--dtype", "int3"], "int3"),
    (["Hi", "x" * 5000], "too long"),
    (["Hi", "--chunks", "3"], "--chunks"),
    (["--preset", "nothing", "x.png"], "choose one of caption (c)"),
    (["--preset", "p"], "name 2 pictures after it"),
    (["What?", "--resolution", "5"], "choose auto, off, 2, 3, 4, full or fit"),
]


@pytest.mark.parametrize(("words", "line"), WRONG, ids=[" ".join(words)[:30] for words, _ in WRONG])
def test_wrong_use_is_exit_2_with_one_line(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = psutil.Process().children()
    try:
        code: object = main(["ask", *words])
    except SystemExit as left:  # the parser's own
        code = left.code
    assert code == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert error.startswith("vlmtui: ")
    assert line in error
    assert psutil.Process().children() == before  # no engine was started for this


def test_failures_are_exit_1_with_one_line(model: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad\x1b]52;c;aGk=\x07.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nno")
    for words in (
        ["Hi", str(bad), "--model", model],
        ["Hi", "--model", "owner/not-in-the-cache", "--json"],
        ["Hi", "--model", model, "--device", "cuda:7"],
    ):
        result = run("ask", *words)
        assert result.returncode == 1
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "Traceback" not in result.stderr
        assert "\x1b" not in result.stderr
        assert "; " in result.stderr  # cause; remedy


def test_hostile_file_names_and_an_asking_process_that_never_imports_torch(
    model: str, picture: str, tmp_path: Path
) -> None:
    names = ("-rf.png", "a b\nc.png", "[bold]x.png", "<image>.png", "ünïcode 🙂.png", "x\x1b]52;c;aGk=\x07.png")
    for name in names:
        shutil.copy(picture, tmp_path / name)
    words = [
        "ask",
        "Hi",
        *(str(tmp_path / name) for name in names),
        "--model",
        model,
        "--max-new-tokens",
        "3",
        "--json",
    ]
    code = (
        "import sys; from vlmtui.cli import main\n"
        f"code = main({words!r})\n"
        "print(code, sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stderr.startswith("0 ["), result.stderr
    assert json.loads(result.stdout)["image_tokens"] == 16 * len(names)
    for heavy in ("torch", "transformers", "huggingface_hub", "numpy", "PIL", "cv2", "textual"):
        assert f"'{heavy}'" not in result.stderr


def test_ctrl_c_stops_it_and_leaves_no_process(model: str) -> None:
    process = subprocess.Popen(
        [VLMTUI, "ask", "Go on", "--model", model, "--max-new-tokens", "900"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    process.stdout.read(1)
    children = _children_of(process)
    assert children
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out.endswith("\n")
    assert not any(child.is_running() for child in children)


def test_ctrl_c_while_it_loads(model: str) -> None:
    process = subprocess.Popen(
        [VLMTUI, "ask", "Go on", "--model", model], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not (children := _children_of(process)):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert not any(child.is_running() for child in children)


def test_a_reader_that_goes_away(model: str) -> None:
    command = f"{VLMTUI} ask 'Go on' --model {model} --max-new-tokens 900 | head -c 5 >/dev/null"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr
    assert "Exception" not in result.stderr


def test_at_a_terminal_progress_shows_and_goes(model: str, picture: str) -> None:
    arguments = [VLMTUI, "ask", "Hi", picture, "--model", model, "--max-new-tokens", "20"]
    with Terminal(arguments, columns=100, rows=20) as terminal:
        assert terminal.wait_for_end(60) == 0
        assert b"loading" in terminal.received
        assert b"warm-up" in terminal.received
        assert "loading" not in terminal.text
        assert terminal.text.strip()
        assert b"\x1b" not in terminal.received  # nor did the model's own escape sequences come out


def test_a_terminal_that_knows_only_ascii(model: str, picture: str) -> None:
    result = subprocess.run(
        [VLMTUI, "ask", "Hi", picture, "--model", model, "--max-new-tokens", "40"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()


@pytest.mark.parametrize("family", ["idefics3", "smolvlm"])
def test_full_size_checkpoints_of_both_versions(family: Family, picture: str) -> None:
    folder = checkpoint(family, "256M")
    result = run("ask", "What is it?", picture, "--model", str(folder), "--max-new-tokens", "5", "--json", seconds=280)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    assert found["model"] == folder.name
    assert (found["image_tokens"], found["completion_tokens"], found["dtype"]) == (64, 5, "float32")
    assert found["tokens_per_s"] > 0


def test_a_video_in_parts(tmp_path: Path) -> None:
    from vlmtui.demo.workspace import write_workspace

    video = str(write_workspace(tmp_path / "demo") / "videos" / "moving.mp4")
    result = run("ask", "Which way does the shape move?", video, "--chunks", "1.5", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    starts = [part["start_s"] for part in found["parts"]]
    assert starts[:2] == [0.0, 1.5]
    lines = [line.split(": ", 1) for line in found["text"].splitlines()]
    assert lines[0][0].startswith("0:00–")
    assert {text for _, text in lines} == {part["text"] for part in found["parts"]}
