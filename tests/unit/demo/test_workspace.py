"""The demo workspace: written fast and without torch, the user's files left alone, the model right about it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from vlmtui.demo import weights_path
from vlmtui.demo.workspace import files, write_workspace


def test_it_holds_pictures_videos_questions_and_a_readme(tmp_path: Path):
    folder = write_workspace(tmp_path / "demo")
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    pictures = [name for name in names if name.endswith((".png", ".jpg"))]
    assert 12 <= len(pictures) <= 20 and any(name.endswith(".mp4") for name in names)
    for name in pictures:
        with Image.open(folder / name) as picture:
            assert min(picture.size) >= 300 and max(picture.size) <= 800
    assert "How many shapes are there?" in (folder / "README.md").read_text()
    for line in (folder / "questions.jsonl").read_text().splitlines():
        question = json.loads(line)
        assert set(question) == {"images", "prompt", "completion"}
        assert set(question["images"]) <= names
        parts = [part["type"] for part in question["prompt"][0]["content"]]
        assert parts == ["image"] * len(question["images"]) + ["text"]


def test_it_is_the_same_every_time_and_what_the_user_changed_stays(tmp_path: Path):
    first = dict(files())
    assert first == dict(files())
    folder = write_workspace(tmp_path)
    (folder / "README.md").write_text("mine")
    (folder / "shapes/one-shape.png").unlink()
    write_workspace(tmp_path)
    assert (folder / "README.md").read_text() == "mine"
    assert (folder / "shapes/one-shape.png").read_bytes() == first["shapes/one-shape.png"]
    assert not list(folder.rglob("*.part"))


def test_it_loads_no_heavy_library(tmp_path: Path):
    code = (
        "import sys, pathlib; from vlmtui.demo.workspace import write_workspace;"
        f"write_workspace(pathlib.Path({str(tmp_path)!r}));"
        "print([m for m in ('torch', 'transformers', 'cv2', 'numpy') if m in sys.modules])"
    )
    begun = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
    assert time.perf_counter() - begun < 10  # about half a second on an idle machine


def test_the_model_is_right_about_its_own_question_set(tmp_path: Path):
    torch = pytest.importorskip("torch")
    from vlmtui.demo.evaluate.answers import Checkpoint
    from vlmtui.demo.evaluate.cases import Case

    torch.set_num_threads(1)
    folder = write_workspace(tmp_path)
    asked = []
    for line in (folder / "questions.jsonl").read_text().splitlines():
        question = json.loads(line)
        pictures = [Image.open(folder / name).convert("RGB") for name in question["images"]]
        answer = question["completion"][0]["content"][0]["text"]
        asked.append(Case("workspace", question["prompt"], pictures, answer))
    assert len(asked) > 40
    wrong = [(case.messages[0]["content"], case.answer, said)
             for case, said in Checkpoint(weights_path()).answers(asked) if said != case.answer]  # fmt: skip
    assert len(wrong) <= 0.25 * len(asked), wrong  # a floor under what these weights reach, see the model card


def test_the_model_sees_which_way_the_shape_of_the_video_moves(tmp_path: Path):
    pytest.importorskip("torch")
    cv2 = pytest.importorskip("cv2")
    import numpy as np

    from vlmtui.demo.clip import CLIPS
    from vlmtui.demo.evaluate.answers import Checkpoint
    from vlmtui.demo.evaluate.cases import Case, message

    folder = write_workspace(tmp_path)
    asked = []
    for name, prompt in (("moving.mp4", "Which way does the shape move?"), ("changing.mp4", "Does the colour change?")):
        video = cv2.VideoCapture(str(folder / "videos" / name))
        frames = []
        while (read := video.read())[0]:
            frames.append(Image.fromarray(read[1][:, :, ::-1]))
        picked = [frames[k] for k in np.linspace(0, len(frames) - 1, 6).astype(int)]
        make, seed = CLIPS[name]
        film = make(seed)
        answer = film.mover[1] if film.mover else "yes"
        asked.append(Case(name, [message("user", "<video>", prompt)], picked, answer, as_video=True))
    for case, said in Checkpoint(weights_path()).answers(asked):
        assert said == case.answer, case.row
