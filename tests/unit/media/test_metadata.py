"""What is said about a picture's file."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.unit.media.made import scene
from tests.unit.media.test_animation import animation
from vlmtui.media.errors import PictureError
from vlmtui.media.metadata import picture_facts


def photograph(path: Path) -> Path:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Lumiere"
    exif[ExifTags.Base.Model] = "Lumiere X\x1b[31m1"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base.ExposureTime: 0.004, ExifTags.Base.FNumber: 2.8, ExifTags.Base.ISOSpeedRatings: 200,
         ExifTags.Base.FocalLength: 35.0, ExifTags.Base.DateTimeOriginal: "2024:05:06 07:08:09"}
    )  # fmt: skip
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSLatitude: (48.0, 51.0, 0.0), ExifTags.GPS.GPSLongitude: (2.0, 21.0, 0.0)}
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene(640, 480).save(path, exif=exif, icc_profile=profile, dpi=(300, 300))
    return path


def test_a_photograph(tmp_path: Path) -> None:
    facts = dict(picture_facts(photograph(tmp_path / "a.jpg")))
    assert facts["Size"].startswith("480 x 640")
    assert facts["Mode"].startswith("RGB")
    assert facts["Orientation"] == "turned by 90° right (from EXIF)"
    assert facts["Camera"] == "Lumiere X\ufffd[31m1"
    assert facts["Exposure"] == "1/250 s · f/2.8 · ISO 200 · 35 mm"
    assert facts["Taken"] == "2024-05-06 07:08:09"
    assert facts["GPS position"].startswith("yes") and "48" not in facts["GPS position"]
    assert "sRGB" in facts["Colour profile"]
    assert facts["Resolution"] == "300 dpi"
    assert facts["Changed"]


def test_a_png_with_texts_and_an_animation(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    texts = PngInfo()
    texts.add_text("prompt", "a cat\n\x1b]52;c;aGk=\x07")
    scene().save(path, pnginfo=texts)
    facts = dict(picture_facts(path))
    assert facts["Prompt"].startswith("a cat ") and "\x1b" not in facts["Prompt"]
    assert facts["EXIF"] == "none"
    assert dict(picture_facts(animation(tmp_path / "b.gif", [100, 200, 300])))["Frames"] == "3"
    assert dict(picture_facts(animation(tmp_path / "b.webp", [100, 200, 300])))["Frames"] == "3"


def test_broken_metadata_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    scene().save(path, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff" + b"\xfe" * 60, icc_profile=b"nonsense" * 20)
    facts = dict(picture_facts(path))
    assert facts["Size"] == "96 x 64 (0.0 megapixels)" and facts["Colour profile"].startswith("damaged")


def test_no_picture_is_a_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    with pytest.raises(PictureError):
        picture_facts(path)
