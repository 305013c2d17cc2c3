"""Decoding pictures that somebody else made: bounded, turned as the camera was held, one clear line when it fails.

Used by the media child (preview) and by the engine's child (what the model sees); imports Pillow, so never the
terminal's own process.
"""

from __future__ import annotations

import io
import math
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    QoiImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from vlmtui.media.errors import MediaError, PictureError, Superseded, from_os_error, shown_name
from vlmtui.media.files import open_regular

# The formats that are tried, and no other: Pillow knows forty, some of which start programs (EPS) or are hardly read
# by anyone (FLI, MCIDAS). Their plugins are imported by name, which also spares loading the other thirty.
_PLUGINS = (
    AvifImagePlugin, BmpImagePlugin, GifImagePlugin, IcoImagePlugin, JpegImagePlugin, MpoImagePlugin,
    PngImagePlugin, PpmImagePlugin, QoiImagePlugin, TiffImagePlugin, WebPImagePlugin,
)  # fmt: skip
_NAMES = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "AVIF", "QOI", "ICO")
FORMATS = tuple(name for name in _NAMES if name in Image.OPEN)
MAX_PIXELS = 89_478_485
"""The most pixels of a picture: where Pillow begins to WARN of a decompression bomb; here that is an error."""

ANIMATED = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
"""The formats whose frames are shown one after the other; those of a TIFF are pages, those of an MPO views."""

_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})
_FOREIGN = (
    (re.compile(rb"%PDF-"), "a PDF"),
    (re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE[^>]*>\s*)?<svg", re.S | re.I), "an SVG drawing"),
    (re.compile(rb"....ftyp(hei|hev|mif1|msf1)", re.S), "a HEIC picture"),
    (re.compile(rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI ", re.S), "a video"),
    (re.compile(rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000 picture"),
    (re.compile(rb"8BPS"), "a Photoshop file"),
    (re.compile(rb"%!PS"), "PostScript"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"\s*<(!doctype )?html", re.I), "an HTML page"),
    (re.compile(rb"version https://git-lfs"), "a Git LFS pointer, not the picture itself"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        image: the pixels, turned as the camera was held; may be smaller than `width` x `height` (see `decode`).
        width, height: of the whole picture in pixels, turned.
        mode: as it is in the file: `RGB`, `L`, `LA`, `RGBA`, `P`, `1`, `I;16`, `CMYK`, ….
        format: `PNG`, `JPEG`, ….
        bytes: size of the file.
        animated: whether there is more than the one frame that was decoded (the first).
    """

    image: Image.Image
    width: int
    height: int
    mode: str
    format: str
    bytes: int
    animated: bool


def open_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Return the whole picture at `path` as an `RGB` image, turned by its EXIF orientation, alpha flattened on white.

    White, because that is what the published SmolVLM image processors put behind transparent pixels, and what charts
    and scanned pages are drawn for. 16-bit greys are brought to 8 bits by their own depth (see `to_eight_bits`).

    Raises:
        PictureError: the picture cannot be used; with a cause and a remedy.
    """
    return on_white(decode(path).image)


def open_bytes(data: bytes, name: str = "") -> Image.Image:
    """Return the picture in `data` as `open_picture` does; `name` is what messages call it.

    Raises:
        PictureError: the picture cannot be used; with a cause and a remedy.
    """
    stream, path = io.BytesIO(data), Path(name or "a picture")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return on_white(_decode(stream, path, None, 0).image)
        except MediaError:
            raise
        except Exception as error:
            raise explain(error, stream, path) from None


def decode(
    path: str | os.PathLike[str],
    target: tuple[int, int] | None = None,
    *,
    check: Callable[[], None] | None = None,
    most_pixels: int = 0,
) -> Picture:
    """Return the picture at `path`, in one of the modes RGB, RGBA or L.

    Args:
        path: A file. Anything else than a regular, non-empty file is refused without reading it.
        target: Pixels (width, height; as turned) that the picture is going to be fitted into. A JPEG is then decoded
            at 1/2, 1/4 or 1/8, and what is decoded is reduced; where there is as much, to no less than twice as fine
            as needed.
        check: Called between the pieces of the file as they are decoded; what it raises ends the decoding.
        most_pixels: A picture of which more pixels would have to be decoded is `Superseded`; 0 for no such limit.

    Raises:
        PictureError: the picture cannot be used; with a cause and a remedy.
    """
    with open_regular(path, PictureError) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; the next line is the one that matters
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            source: Any = stream if check is None else _Watched(stream, check)
            return _decode(source, Path(path), target, most_pixels)
        except MediaError:
            raise
        except Exception as error:  # decoders raise nearly anything on damaged data
            raise explain(error, stream, path) from None


def describe(path: str | os.PathLike[str]) -> tuple[int, int, str, str, int]:
    """Return width and height (as turned), mode, format and bytes of the picture at `path`; only its header is read.

    Raises:
        PictureError: the picture cannot be used; with a cause and a remedy. Damage further in is not noticed.
    """
    with open_regular(path, PictureError) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(stream, formats=FORMATS)
            _check_size(image.size, Path(path))
            size = image.size[::-1] if orientation(image) in _SIDEWAYS else image.size
            return *size, image.mode, _format(image), os.fstat(stream.fileno()).st_size
        except MediaError:
            raise
        except Exception as error:
            raise explain(error, stream, path) from None


def _format(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else image.format or ""


class _Watched:
    """A file that asks at every read whether its content is still wanted; Pillow reads 64 KiB at a time."""

    def __init__(self, stream: BinaryIO, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check

    def read(self, size: int = -1) -> bytes:
        self._check()
        return self._stream.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _decode(stream: BinaryIO, path: Path, target: tuple[int, int] | None, most_pixels: int) -> Picture:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    image: Image.Image = Image.open(stream, formats=FORMATS)
    _check_size(image.size, path)
    mode, kind = image.mode, _format(image)
    turn = orientation(image)
    width, height = image.size
    enough = image.size
    if target is not None:
        wide, high = (target[1], target[0]) if turn in _SIDEWAYS else target
        # Twice as much as is needed, so that the final scaling is still a good one.
        scale = min(1.0, 2 * min(wide / width, high / height))
        enough = max(1, math.ceil(width * scale)), max(1, math.ceil(height * scale))
        image.draft(None, enough)  # leaves every format but JPEG alone
    if most_pixels and image.width * image.height > most_pixels:
        raise Superseded
    animated = image.format in ANIMATED and bool(getattr(image, "is_animated", False))
    image.load()
    _check_size(image.size, path)  # ICO and TIFF may settle on a size only now
    if kind == "ICO":
        width, height = image.size
    image = to_eight_bits(image)
    factor = min(image.width // enough[0], image.height // enough[1]) if target is not None else 1
    if factor > 1:
        image = image.reduce(factor)
    image = turned(image, turn)
    if turn in _SIDEWAYS:
        width, height = height, width
    return Picture(image, width, height, mode, kind, size, animated)


def turned(image: Image.Image, turn: int) -> Image.Image:
    """Return `image` as the camera was held; `turn` is the EXIF orientation, 1 to 8."""
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def to_eight_bits(image: Image.Image) -> Image.Image:
    """Return `image` as RGB, RGBA (when anything is transparent) or L, as an eye would want to see it.

    Integer greys of more than 8 bits are shifted by their own depth: the smallest of 8, 10, 12, 14, 16, … bits that
    holds the brightest pixel, so that 12-bit scans are not black and black stays black. Signed or floating values
    outside of 0..1 and 0..255 are stretched from their least to their greatest.
    """
    if image.mode in ("RGB", "L", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return _from_depth(np.asarray(image))
    if image.mode == "I":
        values = np.asarray(image)
        return _from_depth(values) if values.min() >= 0 else _stretched(values.astype(np.float64))
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
        if values.min() >= 0 and values.max() <= 1:
            return Image.fromarray((values * 255 + 0.5).astype(np.uint8))
        if values.min() >= 0 and values.max() <= 255:
            return Image.fromarray(values.astype(np.uint8))
        return _stretched(values)
    if image.mode == "1":
        return image.convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB")


def on_white(image: Image.Image) -> Image.Image:
    """Return `image` (RGB, RGBA or L) as RGB, transparent pixels laid on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def on_checkers(image: Image.Image, square: int = 4) -> Image.Image:
    """Return `image` (RGB, RGBA or L) as RGB, transparent pixels laid on a grey checker board of `square` pixels."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    down, across = np.indices((image.height, image.width)) // max(1, square)
    board = np.where((down + across) % 2 == 0, 102, 153).astype(np.uint8)
    ground = Image.fromarray(board).convert("RGBA")
    return Image.alpha_composite(ground, image).convert("RGB")


def _from_depth(values: np.ndarray) -> Image.Image:
    bits = max(8, int(values.max()).bit_length())
    bits += bits % 2
    return Image.fromarray((values >> (bits - 8)).astype(np.uint8))


def _stretched(values: np.ndarray) -> Image.Image:
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return Image.fromarray(np.full(values.shape, 128, np.uint8))
    return Image.fromarray(((values - low) * (255.0 / (high - low))).astype(np.uint8))


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation: 1 to 8, 1 where there is none."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged metadata must not keep a good picture from being seen
        return 1


def _check_size(size: tuple[int, int], path: Path) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(f"{shown_name(path)} says it is {width} x {height} pixels", "make or download it again")
    if width * height > MAX_PIXELS:
        raise _too_large(path, width * height, f"{width:,} x {height:,} = ")


def _too_large(path: str | os.PathLike[str], pixels: int, sides: str = "") -> PictureError:
    return PictureError(
        f"{shown_name(path)} is too large to decode safely: {sides}{pixels / 1e6:,.0f} megapixels, "
        f"the limit is {MAX_PIXELS / 1e6:.0f}",
        "scale it down with another program first; models look at 2,048 pixels at most",
        "too_large",
    )


def explain(error: Exception, stream: BinaryIO, path: str | os.PathLike[str]) -> MediaError:
    """Return what a decoder raised as a cause and a remedy."""
    name = shown_name(path)
    again = "make, copy or download it again"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        found = re.search(r"\((\d+) pixels\)", str(error))
        return _too_large(path, int(found[1]) if found else MAX_PIXELS)
    if isinstance(error, MemoryError):
        return PictureError(f"{name} does not fit in memory", "close other programs or scale it down", "too_large")
    if isinstance(error, UnidentifiedImageError):
        what = _foreign(stream)
        if what is None:
            return PictureError(f"{name} is no picture that can be read, or its start is damaged", again, "foreign")
        return PictureError(f"{name} is {what}", "convert it to PNG or JPEG", "foreign")
    if isinstance(error, OSError) and error.errno is not None:
        return from_os_error(error, path, PictureError)
    if re.search(r"truncat|unexpected end|incomplete|Truncated", str(error)) or isinstance(error, EOFError):
        return PictureError(f"{name} is cut off: the file ends before the picture does", again)
    return PictureError(f"{name} is damaged: {str(error) or type(error).__name__}", again)


def _foreign(stream: BinaryIO) -> str | None:
    try:
        stream.seek(0)
        head = stream.read(1024)
    except OSError:
        return None
    return next((what for pattern, what in _FOREIGN if pattern.match(head)), None)
