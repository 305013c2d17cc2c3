"""What is written in a picture file beside its pixels: camera, exposure, date, colour profile, resolution.

Only what helps to judge a picture, in people's words. Where a picture was taken is said to be there, not shown.
"""

from __future__ import annotations

import math
import os
import time
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image

from vlmtui.media.errors import PictureError
from vlmtui.media.files import open_regular
from vlmtui.media.pictures import FORMATS, explain, orientation
from vlmtui.safetext import safe_line

Fact = tuple[str, str]

_LONGEST = 120
_MOST_FRAMES = 2_000
_FRAMES_S = 0.5
_TURNED = {
    2: "mirrored", 3: "turned by 180°", 4: "mirrored, turned by 180°", 5: "mirrored, turned by 90° left",
    6: "turned by 90° right", 7: "mirrored, turned by 90° right", 8: "turned by 90° left",
}  # fmt: skip
_MODES = {
    "1": "1 bit, black and white", "L": "8 bit grey", "LA": "8 bit grey + alpha", "P": "palette",
    "PA": "palette + alpha", "RGB": "3 x 8 bit colour", "RGBA": "3 x 8 bit colour + alpha",
    "CMYK": "4 x 8 bit, for print", "YCbCr": "video colours", "LAB": "L*a*b*", "I": "32 bit grey", "F": "floating grey",
}  # fmt: skip


def picture_facts(path: str | os.PathLike[str]) -> list[Fact]:
    """Return what the picture file at `path` says, a name and a value each; its pixels are not decoded.

    Metadata that cannot be read is left out, not an error: pictures with broken EXIF are common.

    Raises:
        PictureError: the file is no picture or cannot be read.
    """
    with open_regular(path, PictureError) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(stream, formats=FORMATS)
        except Exception as error:
            raise explain(error, stream, path) from None
        state = os.fstat(stream.fileno())
        facts: list[Fact] = []
        for group in (_pixels, _camera, _words):
            try:
                facts += list(group(image))
            except Exception:  # a damaged block of metadata; what came before it is kept
                continue
        facts.append(("Changed", _time(state.st_mtime)))
        born = getattr(state, "st_birthtime", 0.0)
        if born:
            facts.append(("Created", _time(born)))
    return [(name, safe_line(value, _LONGEST)) for name, value in facts if value]


def _pixels(image: Image.Image) -> Iterator[Fact]:
    turn = orientation(image)
    width, height = image.size
    if turn >= 5:
        width, height = height, width
    yield "Size", f"{width} x {height} ({width * height / 1e6:.1f} megapixels)"
    yield "Format", "JPEG" if image.format == "MPO" else image.format or ""
    mode = _MODES.get(image.mode, "")
    if image.mode.startswith("I;16"):
        mode = "16 bit grey"
    transparent = " + transparency" if "transparency" in image.info and image.mode != "RGBA" else ""
    yield "Mode", f"{image.mode}{f' ({mode}{transparent})' if mode else ''}"
    if turn in _TURNED:
        yield "Orientation", f"{_TURNED[turn]} (from EXIF)"
    if image.info.get("progressive") or image.info.get("progression"):
        yield "Encoding", "progressive"
    elif image.info.get("interlace"):
        yield "Encoding", "interlaced"
    if icc := image.info.get("icc_profile"):
        yield "Colour profile", f"{_profile(icc)} ({len(icc):,} bytes)"
    else:
        yield "Colour profile", "none"
    dpi = image.info.get("dpi")
    if dpi and all(_finite(value) > 0 for value in dpi[:2]):
        across, down = (_finite(value) for value in dpi[:2])
        yield "Resolution", f"{across:.4g} dpi" if abs(across - down) < 0.5 else f"{across:.4g} x {down:.4g} dpi"
    if getattr(image, "is_animated", False):
        yield {"TIFF": "Pages", "MPO": "Views"}.get(image.format or "", "Frames"), _frames(image)


def _camera(image: Image.Image) -> Iterator[Fact]:
    exif = image.getexif()
    if not exif:
        yield "EXIF", "none"
        return
    shot: dict[int, Any] = exif.get_ifd(ExifTags.IFD.Exif)
    maker, model = (_text(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    yield "Camera", model if model.lower().startswith(maker.lower()) else f"{maker} {model}".strip()
    yield "Lens", _text(shot.get(ExifTags.Base.LensModel))
    exposure = []
    if (seconds := _finite(shot.get(ExifTags.Base.ExposureTime))) > 0:
        exposure.append(f"1/{round(1 / seconds)} s" if seconds < 0.4 else f"{seconds:.4g} s")
    if (aperture := _finite(shot.get(ExifTags.Base.FNumber))) > 0:
        exposure.append(f"f/{aperture:.3g}")
    speed = shot.get(ExifTags.Base.ISOSpeedRatings)
    if (iso := _finite(speed[0] if isinstance(speed, tuple) and speed else speed)) > 0:
        exposure.append(f"ISO {iso:.0f}")
    if (length := _finite(shot.get(ExifTags.Base.FocalLength))) > 0:
        exposure.append(f"{length:.3g} mm")
    yield "Exposure", " · ".join(exposure)
    taken = shot.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    date, _, clock = _text(taken).partition(" ")
    yield "Taken", f"{date.replace(':', '-')} {clock}".strip()
    yield "Software", _text(exif.get(ExifTags.Base.Software))
    yield "Description", _text(exif.get(ExifTags.Base.ImageDescription))
    yield "Author", _text(exif.get(ExifTags.Base.Artist))
    yield "Copyright", _text(exif.get(ExifTags.Base.Copyright))
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    located = ExifTags.GPS.GPSLatitude in place and ExifTags.GPS.GPSLongitude in place
    yield "GPS position", "yes: it says where it was taken" if located else "no"


def _words(image: Image.Image) -> Iterator[Fact]:
    """Texts in PNG, GIF and JPEG files: where generators leave their prompts."""
    texts = getattr(image, "text", None)
    if isinstance(texts, dict):
        for name, value in list(texts.items())[:8]:
            if name != "XML:com.adobe.xmp":
                yield safe_line(str(name), 20).capitalize(), _text(value)
    comment = image.info.get("comment")
    yield "Comment", _text(comment)


def _frames(image: Image.Image) -> str:
    """Return how many frames there are, counting no longer than half a second."""
    count, end = 1, time.monotonic() + _FRAMES_S
    if image.format != "GIF":
        return f"{getattr(image, 'n_frames', 1):,}"
    while count < _MOST_FRAMES and time.monotonic() < end:
        try:
            image._seek(count, False)  # type: ignore[attr-defined]  # a GIF's blocks are walked, not decoded
        except EOFError:
            return f"{count:,}"
        except Exception:
            return f"{count:,}, then damaged"
        count += 1
    return f"more than {count:,}"


def _profile(icc: bytes) -> str:
    try:
        from PIL import ImageCms

        return safe_line(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(icc))), 60) or "unnamed"
    except Exception:  # damaged, or Pillow without littleCMS
        return "damaged"


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return safe_line(str(value).replace("\x00", " ")[: _LONGEST * 2], _LONGEST) if value is not None else ""


def _finite(value: Any) -> float:
    """Return `value` as a number; 0 for what is none (a fraction with denominator 0, a text)."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _time(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""
