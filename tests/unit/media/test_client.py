"""The media child through its client: the newest wins, and neither a crash nor a hang costs more than a line."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio
from PIL import Image

from tests.unit.media.made import scene, write_video
from vlmtui.media.client import MediaClient
from vlmtui.media.protocol import MediaFailure, MediaInfo, Rendered


@pytest_asyncio.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaClient]:
    client = MediaClient(log=tmp_path / "media.log")
    yield client
    await client.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    scene().save(path)
    return path


async def _rendered(client: MediaClient, path: Path, *size: int, **options: object) -> Rendered:
    reply = await client.render(path, *(size or (60, 20)), **options)  # type: ignore[arg-type]
    assert isinstance(reply, Rendered), reply
    return reply


async def test_half_blocks_are_the_picture_scaled(media: MediaClient, picture: Path) -> None:
    reply = await _rendered(media, picture)
    assert (reply.info.width, reply.info.height, reply.info.mode, reply.info.format) == (96, 64, "RGB", "PNG")
    assert reply.info.bytes == picture.stat().st_size
    assert (reply.columns, reply.rows) == (60, 20)
    pixels = np.frombuffer(reply.parts[0], np.uint8).reshape(40, 60, 3)
    wanted = np.asarray(scene().resize((60, 40), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(pixels - wanted).mean() < 3


@pytest.mark.parametrize("cell", [(10, 20), (8, 16), (9, 15), (12, 24)])
async def test_the_aspect_ratio_is_that_of_the_real_cells(
    media: MediaClient, picture: Path, cell: tuple[int, int]
) -> None:
    reply = await _rendered(media, picture, 100, 30, cell=cell)
    assert reply.columns * cell[0] / (reply.rows * cell[1]) == pytest.approx(96 / 64, rel=0.05)
    assert reply.columns == 100 or reply.rows == 30


async def test_kitty_gets_a_png_of_no_more_pixels_than_there_are(media: MediaClient, picture: Path) -> None:
    reply = await _rendered(media, picture, form="kitty")
    image = Image.open(BytesIO(reply.parts[0]))
    assert image.size == (96, 64) == (reply.width, reply.height)
    assert np.abs(np.asarray(image).astype(int) - np.asarray(scene())).max() == 0
    small = await _rendered(media, picture, form="kitty", max_pixels=1000)
    assert small.width * small.height <= 1000


async def test_colours_of_older_terminals(media: MediaClient, picture: Path) -> None:
    for depth, lowest, highest in (("256", 16, 255), ("16", 0, 15)):
        reply = await _rendered(media, picture, depth=depth)
        assert len(reply.parts[0]) == reply.columns * reply.rows * 2
        assert min(reply.parts[0]) >= lowest and max(reply.parts[0]) <= highest
        assert len(set(reply.parts[0])) > 5


async def test_shades_without_colour(media: MediaClient, picture: Path) -> None:
    reply = await _rendered(media, picture, form="shade")
    lines = reply.parts[0].decode().split("\n")
    assert len(lines) == reply.rows and {len(line) for line in lines} == {reply.columns}
    assert set("".join(lines)) <= set(" ░▒▓█") and len(set("".join(lines))) >= 3


async def test_the_newest_render_wins(media: MediaClient, picture: Path) -> None:
    await media.start()
    replies = await asyncio.gather(*(media.render(picture, columns, 40) for columns in range(20, 40)))
    assert isinstance(replies[-1], Rendered) and replies[-1].columns == 39
    superseded = [reply for reply in replies if isinstance(reply, MediaFailure)]
    assert superseded and {reply.code for reply in superseded} == {"superseded"}


async def test_videos_texts_and_others(media: MediaClient, tmp_path: Path) -> None:
    video = await _rendered(media, write_video(tmp_path / "clip.mp4"))
    assert (video.info.kind, video.info.frames, video.info.duration) == ("video", 20, 2.0)
    assert video.columns and video.parts
    (tmp_path / "notes.md").write_text("# Notes\n" + "line\n" * 500)
    text = await media.describe(tmp_path / "notes.md")
    assert isinstance(text, MediaInfo) and text.head.startswith("# Notes\nline") and text.head.count("\n") < 201
    (tmp_path / "data.parquet").write_bytes(b"PAR1\x00\x01\x02")
    data = await _rendered(media, tmp_path / "data.parquet")
    assert (data.info.kind, data.columns, data.info.head) == ("dataset", 0, "")


async def test_a_bad_file_is_one_line_and_the_child_goes_on(media: MediaClient, picture: Path, tmp_path: Path) -> None:
    await media.start()
    child = media.pid
    (tmp_path / "cut.png").write_bytes(picture.read_bytes()[:300])
    for name in ("cut.png", "gone.png", "."):
        reply = await media.render(tmp_path / name, 10, 10)
        if name == ".":  # a folder has no suffix of a picture
            assert isinstance(reply, MediaFailure) and reply.code == "not_a_file"
        assert isinstance(reply, MediaFailure) and "\n" not in reply.line
    await _rendered(media, picture)
    assert media.pid == child


async def test_a_changed_file_is_drawn_anew(media: MediaClient, picture: Path) -> None:
    before = await _rendered(media, picture)
    assert await media.stamp(picture) == before.info.stamp != ""
    Image.new("RGB", (96, 64), (255, 255, 255)).save(picture)
    assert await media.stamp(picture) != before.info.stamp
    assert set((await _rendered(media, picture)).parts[0]) == {255}
    picture.unlink()
    assert await media.stamp(picture) == ""


async def test_an_idle_child_that_is_killed_is_replaced(media: MediaClient, picture: Path) -> None:
    await _rendered(media, picture)
    first = media.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    while media.pid is not None:
        await asyncio.sleep(0.01)
    await _rendered(media, picture)
    assert media.pid not in (None, first)


async def test_a_child_that_is_killed_at_work_costs_one_line(media: MediaClient, picture: Path) -> None:
    await _rendered(media, picture)
    assert media.pid is not None
    os.kill(media.pid, signal.SIGSTOP)  # so that it cannot answer before it is killed
    waiting = asyncio.create_task(media.render(picture, 30, 10))
    await asyncio.sleep(0.05)
    os.kill(media.pid, signal.SIGKILL)
    reply = await waiting
    assert isinstance(reply, MediaFailure) and reply.code == "media_died"
    assert "scene.png" in reply.cause and "SIGKILL" in reply.cause and reply.remedy
    await _rendered(media, picture)


async def test_a_child_that_hangs_is_ended(picture: Path) -> None:
    client = MediaClient(timeout_s=0.5)
    await client.start()
    assert client.pid is not None
    hung = psutil.Process(client.pid)
    hung.suspend()
    reply = await client.render(picture, 30, 10)
    assert isinstance(reply, MediaFailure) and reply.code == "timeout"
    hung.wait(5)
    slow = MediaClient()
    assert isinstance(await slow.render(picture, 30, 10), Rendered)
    await asyncio.gather(client.close(), slow.close())


async def test_a_cancelled_request_leaves_the_child_usable(media: MediaClient, picture: Path) -> None:
    task = asyncio.create_task(media.render(picture, 30, 10))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await _rendered(media, picture)


async def test_after_close_no_child_is_left(picture: Path) -> None:
    client = MediaClient()
    await _rendered(client, picture)
    child = psutil.Process(client.pid)
    await client.close()
    assert not child.is_running()
    assert isinstance(await client.render(picture, 3, 3), MediaFailure)


def test_the_child_ends_with_its_parent(picture: Path, tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys\n"
        "from vlmtui.media.client import MediaClient\n"
        "async def main():\n"
        "    client = MediaClient()\n"
        f"    await client.render({str(picture)!r}, 30, 10)\n"
        "    print(client.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    child = int(ran.stdout)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_what_libraries_print_does_not_reach_the_protocol() -> None:
    script = (
        "import os\n"
        "from vlmtui.children.streams import take_over_standard_streams\n"
        "source, sink = take_over_standard_streams()\n"
        "print('printed', flush=True)\n"
        "os.write(1, b'written')\n"
        "os.write(sink, b'protocol')\n"
        "assert os.read(0, 10) == b''\n"
        "assert os.read(source, 10) == b'request'\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], input=b"request", capture_output=True, timeout=60, check=True)
    assert (ran.stdout, ran.stderr) == (b"protocol", b"printed\nwritten")


def test_the_client_imports_nothing_heavy() -> None:
    script = (
        "import sys, vlmtui.media.client\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'PIL', 'numpy', 'cv2', 'textual', 'torch'}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


async def test_the_browsed_folder_is_no_place_to_import_from(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    client = MediaClient()
    await _rendered(client, picture)
    await client.close()
    assert not (tmp_path / "ran").exists()


async def test_two_places_do_not_supersede_each_other(media: MediaClient, picture: Path) -> None:
    await media.start()
    replies = await asyncio.gather(*(media.render(picture, columns, 40, lane=columns % 2) for columns in range(20, 40)))
    assert isinstance(replies[-1], Rendered) and isinstance(replies[-2], Rendered)
    assert any(isinstance(reply, MediaFailure) for reply in replies)
