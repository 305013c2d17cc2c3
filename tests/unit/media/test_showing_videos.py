"""Videos through the media child: the frame that is asked for, and the strip of those that a model is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from tests.unit.graphics.test_sixel import decode
from tests.unit.media.made import number_of, only_sound, vary_rate, write_numbered
from vlmtui.media.client import MediaClient
from vlmtui.media.protocol import Form, FrameDrawn, MediaFailure, Paper, StripDrawn
from vlmtui.media.videos import sample_frames
from vlmtui.models.sampling import FrameSampling


@pytest_asyncio.fixture
async def media(tmp_path: Path) -> AsyncIterator[MediaClient]:
    client = MediaClient(log=tmp_path / "media.log")
    yield client
    await client.close()


def paper(columns: int = 60, rows: int = 12, form: Form = "half-block", cell: tuple[int, int] = (10, 20)) -> Paper:
    return Paper(columns, rows, cell, form, "truecolor", 256, 1_000_000, True)


def pixels(parts: list[bytes], columns: int, rows: int) -> np.ndarray:
    return np.frombuffer(parts[0], np.uint8).reshape(rows * 2, columns, 3)


async def shown(media: MediaClient, path: Path, **which: object) -> FrameDrawn:
    reply = await media.frame(path, paper(), **which)  # type: ignore[arg-type]
    assert isinstance(reply, FrameDrawn), reply
    return reply


def seen(reply: FrameDrawn) -> int:
    return number_of(pixels(reply.picture.parts, reply.picture.columns, reply.picture.rows))


async def whole_strip(media: MediaClient, path: Path, on: Paper, sampling: FrameSampling, **page: int) -> StripDrawn:
    while True:
        reply = await media.strip(path, on, sampling, **page)  # type: ignore[arg-type]
        assert isinstance(reply, StripDrawn), reply
        if not reply.missing:
            return reply


async def test_the_frame_that_is_asked_for(media: MediaClient, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4")
    first = await shown(media, path, index=0, quick=True)
    assert (seen(first), first.total, first.fps, first.duration, first.next_time) == (0, 60, 10.0, 6.0, 0.1)
    for index in (59, 7, 8, 30):
        reply = await shown(media, path, index=index)
        assert (seen(reply), reply.index, reply.time) == (index, index, index / 10)
    reply = await shown(media, path, time=3.25)
    assert (seen(reply), reply.time, reply.next_time) == (32, 3.2, 3.3)
    last = await shown(media, path, time=99.0)
    assert (seen(last), last.next_time) == (59, 0.0)


async def test_times_of_a_variable_rate(media: MediaClient, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4")
    vary_rate(path, [(10, 1.0), (50, 10.0)])
    reply = await shown(media, path, time=3.5)
    assert reply.variable and (seen(reply), reply.time) == (12, pytest.approx(3.0))


@pytest.mark.parametrize("cell", [(10, 20), (9, 20), (10, 21)])
async def test_the_strip_shows_the_frames_that_are_sampled(
    media: MediaClient, tmp_path: Path, cell: tuple[int, int]
) -> None:
    path = write_numbered(tmp_path / "a.mp4")
    for sampling in (
        FrameSampling(frames=5),
        FrameSampling(mode="fps", fps=1.0),
        FrameSampling(frames=4, start_s=2.0, end_s=3.0),
    ):
        sampled = sample_frames(path, sampling)
        on = paper(21, 4, cell=cell)
        reply = await whole_strip(media, path, on, sampling, first=0, count=6)
        assert [choice.index for choice in reply.choices] == sampled.indices
        assert [choice.time for choice in reply.choices] == sampled.times
        assert (reply.picture.columns, reply.picture.rows) == (126, 4)
        sheet = pixels(reply.picture.parts, 126, 4)
        for place, index in enumerate(sampled.indices):
            assert number_of(sheet[:, place * 21 : place * 21 + 20]) == index


async def test_a_later_page_of_the_strip(media: MediaClient, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4")
    reply = await whole_strip(media, path, paper(21, 4), FrameSampling(frames=64), first=55, count=4)
    sheet = pixels(reply.picture.parts, 84, 4)
    assert [number_of(sheet[:, at : at + 20]) for at in (0, 21, 42, 63)] == [55, 56, 57, 58]


async def test_strips_in_real_pixels(media: MediaClient, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4")
    sampling = FrameSampling(frames=3)
    reply = await whole_strip(media, path, paper(12, 3, "kitty"), sampling, first=0, count=3)
    image = np.asarray(Image.open(BytesIO(reply.picture.parts[0])).convert("RGB"))
    assert image.shape == (60, 360, 3)
    reply = await whole_strip(media, path, paper(12, 3, "sixel"), sampling, first=0, count=3)
    drawn = np.concatenate([decode(row)[0] for row in reply.picture.parts])
    assert drawn.shape == (60, 360, 3)
    for sheet in (image, drawn):
        assert [number_of(sheet[:, at : at + 110]) for at in (0, 120, 240)] == [0, 29, 59]


async def test_what_cannot_be_shown_is_one_line(media: MediaClient, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("words")
    good = write_numbered(tmp_path / "good.mp4")
    (tmp_path / "cut.mp4").write_bytes(good.read_bytes()[:3000])
    only_sound(write_numbered(tmp_path / "song.mp4"))
    for name in ("empty.mp4", "text.mp4", "cut.mp4", "song.mp4", "gone.mp4"):
        for reply in (
            await media.frame(tmp_path / name, paper(), index=0, quick=True),
            await media.strip(tmp_path / name, paper(), FrameSampling(), first=0, count=3),
        ):
            assert isinstance(reply, MediaFailure) and name in reply.cause and reply.remedy and "\n" not in reply.line
    assert seen(await shown(media, good, index=3)) == 3


async def test_a_video_that_changes_is_opened_anew(media: MediaClient, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4")
    await shown(media, path, index=20)
    path.unlink()
    write_numbered(path, 30)
    reply = await shown(media, path, index=99)
    assert (seen(reply), reply.total) == (29, 30)


async def test_a_frame_does_not_wait_for_a_long_strip(media: MediaClient, tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "a.mp4", 900, (1280, 720))
    reply = await media.strip(path, paper(10, 3), FrameSampling(frames=64), first=0, count=64)
    assert isinstance(reply, StripDrawn) and reply.missing > 0  # a piece of it, not all
