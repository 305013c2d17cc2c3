"""Decoding pictures: what they look like, and that nothing hostile gets further than one clear line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.unit.media.made import MODES, quarters, scene
from vlmtui.media.errors import PictureError
from vlmtui.media.pictures import MAX_PIXELS, decode, describe, on_checkers, open_picture


def _left_and_right(image: Image.Image) -> tuple[int, int]:
    grey = np.asarray(image.convert("L")).astype(int)
    return int(grey[10, 5]), int(grey[10, 35])


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_seen_as_it_is(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.png"
    quarters(mode).save(path)
    picture = decode(path)
    assert (picture.mode, picture.format, picture.width, picture.height) == (mode, "PNG", 40, 20)
    left, right = _left_and_right(picture.image)
    wanted = (0, 255) if mode == "1" else (64, 192)
    assert abs(left - wanted[0]) <= 2 and abs(right - wanted[1]) <= 2
    whole = open_picture(path)
    assert whole.mode == "RGB" and whole.size == (40, 20)
    assert _left_and_right(whole) == (left, right)


@pytest.mark.parametrize("mode", ["CMYK", "I", "F"])
def test_rarer_modes_are_seen_as_they_are(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "picture.tiff"
    quarters("L").convert(mode).save(path)
    left, right = _left_and_right(open_picture(path))
    assert abs(left - 64) <= 3 and abs(right - 192) <= 3


def test_a_twelve_bit_scan_is_not_black(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(np.linspace(0, 4095, 400).reshape(20, 20).astype(np.uint16)).save(path)
    pixels = np.asarray(open_picture(path))
    assert pixels.min() == 0 and pixels.max() >= 254


def test_signed_values_are_stretched(tmp_path: Path) -> None:
    path = tmp_path / "heights.tiff"
    Image.fromarray(np.linspace(-1000, 3000, 400).reshape(20, 20).astype(np.int32)).save(path)
    pixels = np.asarray(open_picture(path))
    assert pixels.min() == 0 and pixels.max() == 255


def test_transparency_is_white_for_the_model_and_checkers_for_the_eye(tmp_path: Path) -> None:
    path = tmp_path / "logo.png"
    image = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    image.paste((0, 128, 0, 255), (0, 0, 20, 20))
    image.save(path)
    for_model = open_picture(path)
    assert for_model.getpixel((5, 5)) == (0, 128, 0) and for_model.getpixel((35, 5)) == (255, 255, 255)
    seen = on_checkers(decode(path).image, 4)
    assert seen.getpixel((5, 5)) == (0, 128, 0)
    assert {seen.getpixel((x, 2)) for x in range(20, 40)} == {(102, 102, 102), (153, 153, 153)}


@pytest.mark.parametrize("kind", ["P", "L", "RGB"])
def test_a_transparent_colour_is_transparent(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "keyed.png"
    image = Image.new(kind, (4, 4), 0 if kind != "RGB" else (0, 0, 0))
    image.save(path, transparency=0 if kind != "RGB" else (0, 0, 0))
    assert open_picture(path).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_honoured(tmp_path: Path, orientation: int) -> None:
    upright = scene()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)
    picture = decode(path)
    assert (picture.width, picture.height) == upright.size == picture.image.size
    assert np.array_equal(np.asarray(picture.image), np.asarray(upright))
    assert describe(path)[:2] == upright.size


def test_a_large_jpeg_is_decoded_small_when_small_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(3200, 1600).save(path, exif=exif)
    picture = decode(path, (200, 400))
    assert (picture.width, picture.height) == (1600, 3200)
    assert 200 <= picture.image.width <= 800 and picture.image.height == 2 * picture.image.width
    assert open_picture(path).size == (1600, 3200)


def test_one_pixel_and_very_wide_pictures_are_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "one.png")
    assert open_picture(tmp_path / "one.png").getpixel((0, 0)) == (1, 2, 3)
    Image.new("L", (30_000, 3)).save(tmp_path / "wide.png")
    assert open_picture(tmp_path / "wide.png").size == (30_000, 3)


def _fails(path: Path, *words: str) -> PictureError:
    with pytest.raises(PictureError) as caught:
        decode(path)
    error = caught.value
    for text in (error.cause, error.remedy):
        assert text and "\n" not in text and "\x1b" not in text and len(text) <= 200
    assert all(word in error.cause for word in words), error.cause
    return error


def _png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize(("width", "height"), [(30_000, 3_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_not_decoded(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(width, height) + b"\x00\x00\x00\x08IDAT" + b"\x00" * 12)
    error = _fails(path, "bomb.png", "megapixels")
    assert error.code == "too_large"
    assert width * height > MAX_PIXELS


def test_a_cut_off_picture_says_so(tmp_path: Path) -> None:
    for kind in ("png", "jpg", "webp", "gif", "bmp", "tiff"):
        path = tmp_path / f"cut.{kind}"
        scene(400, 300).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        _fails(path, f"cut.{kind}")
    assert "cut off" in _fails(tmp_path / "cut.png").cause


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS"),
        (b"just some words, named .png", "no picture"),
        (b"\x00", "no picture"),
    ],
)
def test_a_foreign_format_is_named(tmp_path: Path, head: bytes, word: str) -> None:
    path = tmp_path / "foreign.png"
    path.write_bytes(head)
    assert _fails(path, word).code == "foreign"


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    assert _fails(tmp_path, "a folder").code == "not_a_file"
    os.mkfifo(tmp_path / "pipe.png")
    assert _fails(tmp_path / "pipe.png", "a named pipe").code == "not_a_file"  # and does not wait for a writer
    assert _fails(Path("/dev/zero"), "a device").code == "not_a_file"
    (tmp_path / "empty.png").touch()
    assert _fails(tmp_path / "empty.png", "empty").code == "empty"
    assert _fails(tmp_path / "gone.png", "no longer there").code == "missing"
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert _fails(tmp_path / "loop.png", "leads back to itself").code == "unreadable"
    assert _fails(tmp_path / ("x" * 300 + ".png")).code == "unreadable"
    assert _fails(Path("nul\x00.png")).code == "missing"


def test_a_picture_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    scene().save(path)
    path.chmod(0)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # root may read everything: become nobody, in a process that ends at once
        if os.geteuid() == 0:
            os.setuid(65534)
        try:
            decode(path)
            said = "decoded"
        except PictureError as error:
            said = f"{error.code}: {error.cause}"
        os.write(writer, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1000).decode() == "unreadable: secret.png may not be read"


def test_a_hostile_name_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b]52;c;aGk=\x07\n[red]b.png"
    path.write_bytes(b"no picture")
    error = _fails(path)
    assert "[red]b.png" in error.cause


_SEEDS: dict[str, bytes] = {}
for _kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "ICO", "AVIF", "QOI"):
    _buffer = io.BytesIO()
    scene(24, 16).save(_buffer, _kind)
    _SEEDS[_kind] = _buffer.getvalue()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(_SEEDS)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12),
    keep=st.floats(0.1, 1),
)
def test_a_damaged_file_is_a_picture_or_one_clear_line(
    tmp_path: Path, kind: str, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(_SEEDS[kind])
    for where, value in changes:
        data[min(len(data) - 1, int(where * len(data)))] = value
    path = tmp_path / "damaged"
    path.write_bytes(data[: max(1, int(keep * len(data)))])
    try:
        picture = open_picture(path)
    except PictureError as error:
        assert error.cause and error.remedy
    else:
        assert picture.mode == "RGB"
