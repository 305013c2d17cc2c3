"""Parts, tiles and pictures drawn ahead, through the real child, in every form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from tests.unit.media.made import scene
from vlmtui.media.client import MediaClient
from vlmtui.media.kept import Kept
from vlmtui.media.pictures import decode
from vlmtui.media.protocol import Form, MediaFailure, Rendered, View
from vlmtui.models.processor import ProcessorSettings

SETTINGS = ProcessorSettings(64, 256, 16)


@pytest_asyncio.fixture
async def media() -> AsyncIterator[MediaClient]:
    client = MediaClient()
    yield client
    await client.close()


@pytest.mark.parametrize("form", ["half-block", "shade", "kitty", "sixel"])
async def test_a_part_and_the_tiles_in_every_form(media: MediaClient, tmp_path: Path, form: Form) -> None:
    path = tmp_path / "scene.png"
    scene(800, 600).save(path)
    whole = await media.render(path, 60, 20, form=form)
    part = await media.render(path, 60, 20, form=form, view=View(zoom=1.0, x=0.1, y=0.1))
    tiles = await media.render(path, 60, 30, form=form, tiles=SETTINGS, ground=0x202020)
    assert isinstance(whole, Rendered) and isinstance(part, Rendered) and isinstance(tiles, Rendered)
    assert whole.parts != part.parts and (part.columns, part.rows) == (60, 20)
    assert [label.text for label in tiles.labels][-1].startswith(("global", "all"))
    assert len(tiles.labels) == 13 and tiles.columns <= 60 and tiles.rows <= 30


async def test_what_nobody_waits_for_gives_way(media: MediaClient, tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        paths.append(tmp_path / f"{number}.png")
        scene(1500, 1000).save(paths[-1])
    await media.render(paths[0], 30, 10)
    ahead = [asyncio.create_task(media.render(path, 30, 10, ahead=True)) for path in paths[1:3]]
    await asyncio.sleep(0)
    wanted = await media.render(paths[3], 30, 10)
    assert isinstance(wanted, Rendered)
    for reply in await asyncio.gather(*ahead):
        assert isinstance(reply, Rendered) or reply.code == "superseded"


async def test_a_costly_picture_is_not_drawn_ahead(media: MediaClient, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (5000, 4000)).save(path)
    reply = await media.render(path, 30, 10, ahead=True)
    assert isinstance(reply, MediaFailure) and reply.code == "superseded"
    assert isinstance(await media.render(path, 30, 10), Rendered)


def test_a_decode_that_is_not_wanted_any_more_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "noise.png"
    Image.effect_noise((1500, 1500), 90).save(path)
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked > 8:
            raise RuntimeError("not wanted")

    with pytest.raises(Exception, match="not wanted"):
        decode(path, check=check)
    assert asked <= 12 < path.stat().st_size / 65536


def test_a_jpeg_is_decoded_no_larger_than_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    scene(3200, 2400).save(path)
    picture = decode(path, (100, 80))
    assert (picture.width, picture.height) == (3200, 2400)
    assert 200 <= picture.image.width <= 450


def test_what_is_kept_is_bounded() -> None:
    kept: Kept[bytes] = Kept(100, len)
    for number in range(20):
        kept.put(number, bytes(30))
        assert kept.bytes <= 100
    assert kept.get(19) and kept.get(0) is None
    kept.put("large", bytes(500))
    assert len(kept) == 1 and kept.get("large")
